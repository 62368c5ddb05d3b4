"""The search for hyper-parameters, round by round: what is scored next, or how it ended."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from gyre.errors import Invalid, NotFound
from gyre.evaluation.metric import metric_of
from gyre.run_folder import RunFolder
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Search
from gyre.training.candidates import Ended, Plan, Round, Scored, best_of, gain, keep_plan, read_plan, results
from gyre.training.fitting import Candidate, checked_entry
from gyre.training.points import Box, Draws, boxes_of

# What a score must rise by, as a share of it, to count as a gain.
_GAIN = 1e-4
# So many proposals in a row that were scored before, and the model of the search has nothing new to say.
_MISSES = 20
_REASONS = 3


@dataclass(frozen=True)
class Proposal:
    """What is to be scored now, or how the search ended."""

    round: int
    """The one that is to be scored, or that was the last one."""
    numbers: tuple[int, ...]
    """Of the candidates to score; none if the search is done."""
    done: bool
    best: int | None
    """The number of the best candidate so far."""
    because: str
    """Why it ended."""
    scored: int
    failed: int
    told: tuple[str, ...] = ()
    """What the user should know about the search."""


def propose(
    spec: ModelSpec, folder: RunFolder, after: int, now: Callable[[], datetime],
    first: Sequence[Candidate] = (), search: Search | None = None,
) -> Proposal:  # fmt: skip
    """Plans the round after the one that was scored last (0: none was), or ends the search. Whoever asks again gets the
    same answer: what is planned is kept, and what is drawn depends on the spec, its seed and earlier scores alone.
    `first` are scored in the first round; a `search` given there stands in the spec's place until the end."""
    plan = _plan(folder) or Plan(now(), search or spec.training.search)
    if plan.ended is not None:
        return _ending(plan, plan.ended)
    if after > len(plan.rounds):
        raise Invalid(f"Round {after} of the search was never planned: {len(plan.rounds)} were.", field="round")
    metric = metric_of(spec)
    found = results(plan, metric, folder, rounds=after)
    if after < len(plan.rounds):
        return _asking(plan, after + 1, found)
    because = _over(plan, found, now())
    boxes = _boxes(spec, plan.search)
    if because is None:
        if not plan.rounds:
            plan, chosen = _first_round(spec, plan, boxes, first)
        else:
            chosen = _next_round(spec, plan, boxes, found)
        if chosen:
            best = best_of(found)
            plan = replace(plan, rounds=(*plan.rounds, Round(tuple(chosen), best.scores if best else ())))
            keep_plan(plan, folder)
            return _asking(plan, after + 1, found)
        because = _used_up(plan.search)
    plan = replace(plan, ended=_ended(found, because))
    keep_plan(plan, folder)
    assert plan.ended is not None  # noqa: S101  # for the checker of types
    return _ending(plan, plan.ended)


def _plan(folder: RunFolder) -> Plan | None:
    try:
        return read_plan(folder)
    except NotFound:
        return None


def _asking(plan: Plan, at: int, found: Sequence[Scored]) -> Proposal:
    best = best_of(found)
    numbers = tuple(each.number for each in plan.candidates() if each.round == at)
    failed = _failed(found)
    return Proposal(
        at, numbers, False, best.number if best else None, "", len(found) - len(failed), len(failed), plan.told
    )


def _ending(plan: Plan, ended: Ended) -> Proposal:
    return Proposal(
        len(plan.rounds), (), True, ended.best, ended.because, ended.scored, ended.failed, plan.told
    )  # fmt: skip


def _ended(found: Sequence[Scored], because: str) -> Ended:
    best, failed = best_of(found), _failed(found)
    if best is None:
        raise _nothing_scored(found)
    return Ended(because, best.number, len(found) - len(failed), len(failed))


def _over(plan: Plan, found: Sequence[Scored], now: datetime) -> str | None:
    """Why no further round begins, if none does; `Invalid` if no candidate so far could be scored."""
    if not plan.rounds:
        return None
    if best_of(found) is None:
        raise _nothing_scored(found)
    search = plan.search
    if len(found) >= search.candidates:
        return f"{_counted(len(found), 'candidate')} {'was' if len(found) == 1 else 'were'} tried"
    if len(plan.rounds) >= search.rounds:  # the last of them found fewer candidates than there was room for
        return _used_up(search)
    if _rounds_without_gain(plan, found) >= search.patience:
        return f"no gain in {_counted(search.patience, 'round')}"
    if (now - plan.started_at).total_seconds() >= search.minutes * 60:
        return f"{search.minutes:g} {'minute is' if search.minutes == 1 else 'minutes are'} over"
    return None


def _used_up(search: Search) -> str:
    return f"the {'grid' if search.sampler == 'grid' else 'space'} is used up"


def _rounds_without_gain(plan: Plan, found: Sequence[Scored]) -> int:
    """How many of the last ones; the first that scores anything is a gain."""
    since, before = 0, None
    for at in range(1, len(plan.rounds) + 1):
        best = best_of([each for each in found if each.round <= at])
        if best is None or best.mean is None:
            continue
        gained = before is None or gain(best.metric, best.mean, before) > _GAIN * abs(before)
        since = 0 if gained else since + 1
        before = best.mean if gained else before
    return since


def _boxes(spec: ModelSpec, search: Search) -> list[Box]:
    boxes = boxes_of(spec)
    if search.sampler != "grid":
        return boxes
    return [box.gridded(search.candidates / len(boxes)) for box in boxes]


def _first_round(
    spec: ModelSpec, plan: Plan, boxes: Sequence[Box], first: Sequence[Candidate]
) -> tuple[Plan, list[Candidate]]:
    """Those that were asked for and each estimator as it is by itself; then draws, up to the size of a round."""
    told, wanted = [], []
    for candidate in first:
        if (wrong := _misfit(spec, candidate)) is not None:
            told.append(f"An earlier candidate is left out: {wrong}")
        else:
            wanted.append(candidate)
    points = sum(box.size for box in boxes)
    if plan.search.sampler == "grid" and points > plan.search.candidates:
        told.append(
            f"The grid has {int(points):,} points, and {plan.search.candidates:,} candidates are tried: the seed "
            "chooses them."
        )
    draws = Draws(spec, [box for box in boxes if _fits(spec, box)], (), _seed(spec, 1))
    wanted += [Candidate(box.estimator) for box in boxes]
    most = plan.search.candidates
    chosen = [candidate for candidate in wanted if draws.take(candidate)][:most]
    if len(wanted) > most:
        told.append(f"There is room for {most:,} candidates: not every estimator is tried.")
    _fill(chosen, min(_size(plan.search), most), draws)
    return replace(plan, told=tuple(told)), chosen


def _next_round(spec: ModelSpec, plan: Plan, boxes: Sequence[Box], found: Sequence[Scored]) -> list[Candidate]:
    seed = _seed(spec, len(plan.rounds) + 1)
    # What failed with all its parameters will fail with others.
    failed = {each.estimator for each in found} - {each.estimator for each in found if each.failed is None}
    boxes = [box for box in boxes if box.estimator not in failed and _fits(spec, box)]
    draws = Draws(spec, boxes, [each.candidate for each in found], seed)
    size = min(_size(plan.search), plan.search.candidates - len(found))
    chosen: list[Candidate] = []
    if plan.search.sampler == "tpe":
        from gyre.training.tree_search import proposals  # Optuna takes a second to import, and scoring needs none

        learned = proposals(spec, boxes, found, metric_of(spec), seed) if boxes else iter(())
        _learned(chosen, size, draws, learned)
    _fill(chosen, size, draws)
    return chosen


def _learned(chosen: list[Candidate], size: int, draws: Draws, proposed: Iterator[Candidate]) -> None:
    missed = 0
    while len(chosen) < size and missed < _MISSES:
        if (candidate := next(proposed, None)) is None:
            return
        if draws.take(candidate):
            chosen.append(candidate)
            missed = 0
        else:
            missed += 1


def _fill(chosen: list[Candidate], size: int, draws: Draws) -> None:
    while len(chosen) < size and (candidate := draws.next()) is not None:
        chosen.append(candidate)


def _seed(spec: ModelSpec, at: int) -> int:
    """Of a round; rounds of other seeds have nothing in common with it."""
    return int(np.random.SeedSequence((spec.training.seed, at)).generate_state(1)[0])


def _size(search: Search) -> int:
    return math.ceil(search.candidates / search.rounds)


def _fits(spec: ModelSpec, box: Box) -> bool:
    return _misfit(spec, Candidate(box.estimator)) is None


def _misfit(spec: ModelSpec, candidate: Candidate) -> str | None:
    """Why a candidate of earlier does not go with this spec."""
    if candidate.estimator not in spec.training.estimators:
        return f"{candidate.estimator} is not among `training.estimators`."
    try:
        checked_entry(spec, candidate)
    except Invalid as error:
        return error.message
    return None


def _failed(found: Sequence[Scored]) -> list[Scored]:
    return [each for each in found if each.failed is not None]


def _nothing_scored(found: Sequence[Scored]) -> Invalid:
    """With the first reasons, each once."""
    reasons = {each.failed: each for each in reversed(_failed(found))}
    told = sorted(reasons.values(), key=lambda each: each.number)[:_REASONS]
    if len(reasons) == 1:
        return Invalid(f"No candidate could be scored: {told[0].failed}", field=told[0].field)
    each = " ".join(f"Candidate {one.number}, {one.estimator}: {one.failed}" for one in told)
    return Invalid(
        f"No candidate could be scored. {each}", field=told[0].field,
        details=[{"candidate": one.number, "estimator": one.estimator, "message": one.failed} for one in told],
    )  # fmt: skip


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
