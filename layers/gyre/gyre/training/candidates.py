"""What a search keeps in its run's folder: its plan, which one task writes, and a file for each scored candidate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from gyre.errors import NotFound
from gyre.evaluation.metric import higher_is_better
from gyre.run_folder import RunFolder
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Bound, Estimator, Search
from gyre.training.estimators import entry_of
from gyre.training.fitting import Candidate

PLAN = "search.json"
CANDIDATES = "candidates/"
_LOST = "Its task ended before it was scored."


@dataclass(frozen=True)
class Planned:
    """A candidate to be scored."""

    number: int
    """From 1."""
    round: int
    candidate: Candidate
    to_beat: tuple[float | None, ...]
    """By fold, the scores of the best candidate of the rounds before; none in the first one."""


@dataclass(frozen=True)
class Scored:
    """How good a candidate is on rows that it was not fitted to."""

    number: int
    round: int
    estimator: Estimator
    parameters: Mapping[str, Bound]
    metric: str
    mean: float | None = None
    """Over the folds; of one that was stopped early, over the first ones."""
    deviation: float | None = None
    scores: tuple[float | None, ...] = ()
    """By fold; none where a fold cannot tell."""
    seconds: float = 0.0
    stopped_early: bool = False
    """So far behind the best that its last folds were left out. It cannot be the best."""
    failed: str | None = None
    """Why it has no score."""
    field: str | None = None
    """What the failure is about, as errors name it."""
    told: tuple[str, ...] = ()

    @property
    def candidate(self) -> Candidate:
        """What was scored."""
        return Candidate(self.estimator, self.parameters)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        return cls(**{**told, "scores": tuple(told["scores"]), "told": tuple(told["told"])})


@dataclass(frozen=True)
class Round:
    """Candidates that are scored side by side."""

    candidates: tuple[Candidate, ...]
    to_beat: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Ended:
    """How a search ended. It is kept, so that whoever asks later hears the same."""

    because: str
    best: int
    scored: int
    failed: int


@dataclass(frozen=True)
class Plan:
    """All that was asked for so far. It is written whole, so no round is ever planned by half."""

    started_at: datetime
    search: Search
    rounds: tuple[Round, ...] = ()
    told: tuple[str, ...] = ()
    ended: Ended | None = None

    def candidates(self, rounds: int | None = None) -> Iterator[Planned]:
        """Of the first rounds, or of all."""
        number = 0
        for at, each in enumerate(self.rounds[:rounds], start=1):
            for candidate in each.candidates:
                number += 1
                yield Planned(number, at, candidate, each.to_beat)

    def planned(self, number: int) -> Planned:
        """The candidate of this number, or `NotFound`."""
        for each in self.candidates():
            if each.number == number:
                return each
        raise NotFound(f"No candidate {number} is planned: there are {sum(1 for _ in self.candidates())}.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"started_at": self.started_at.isoformat(), "search": self.search.model_dump()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        rounds = (
            Round(tuple(Candidate(**each) for each in round_["candidates"]), tuple(round_["to_beat"]))
            for round_ in told["rounds"]
        )
        return cls(
            datetime.fromisoformat(told["started_at"]), Search.model_validate(told["search"]), tuple(rounds),
            tuple(told["told"]), Ended(**told["ended"]) if told["ended"] else None,
        )  # fmt: skip


def keep_plan(plan: Plan, folder: RunFolder) -> None:
    folder.write_json(PLAN, plan.to_json())


def read_plan(folder: RunFolder) -> Plan:
    """The plan, or `NotFound`."""
    return Plan.from_json(folder.read_json(PLAN))


def keep_scored(scored: Scored, folder: RunFolder) -> None:
    folder.write_json(_name(scored.number), asdict(scored))


def read_scored(number: int, folder: RunFolder) -> Scored:
    """The score, or `NotFound`."""
    return Scored.from_json(folder.read_json(_name(number)))


def results(plan: Plan, metric: str, folder: RunFolder, rounds: int | None = None) -> list[Scored]:
    """Of the first rounds, by number, however they came in. Whose task left nothing behind has failed."""
    there = {each.key for each in folder.list(CANDIDATES)}
    return [
        read_scored(each.number, folder)
        if f"{folder.prefix}{_name(each.number)}" in there
        else Scored(
            each.number, each.round, each.candidate.estimator, each.candidate.parameters, metric, failed=_LOST
        )
        for each in plan.candidates(rounds)
    ]  # fmt: skip


def best_of(found: Sequence[Scored]) -> Scored | None:
    """The best that was scored on all folds; of equals the first."""
    whole = [each for each in found if each.mean is not None and not each.stopped_early]
    return min(whole, key=lambda each: (-gain(each.metric, each.mean or 0.0), each.number), default=None)


def gain(metric: str, score: float, over: float = 0.0) -> float:
    """How much better one score is than another, whichever way the metric goes."""
    return score - over if higher_is_better(metric) else over - score


class Identities:
    """What candidates are to scikit-learn, which knows of no difference between a default and the same value given."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._known: dict[Estimator, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}

    def of(self, candidate: Candidate) -> str:
        """Equal for equal candidates."""
        defaults, _ = self._by_itself(candidate.estimator)
        given = self.parameters(candidate)
        return f"{candidate.estimator} {sorted((name, _settled(given[name], defaults.get(name))) for name in given)}"

    def parameters(self, candidate: Candidate) -> Mapping[str, Any]:
        """All of them, be they given or not."""
        _, ours = self._by_itself(candidate.estimator)
        return {**ours, **candidate.parameters}

    def _by_itself(self, name: Estimator) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        if name not in self._known:
            entry = entry_of(self._spec, name)
            defaults = entry.make().get_params()
            self._known[name] = defaults, {**defaults, **entry.arguments}
        return self._known[name]


def _settled(value: Any, default: Any) -> str:
    # 1 and 1.0 are not the same to all parameters: one row, and all rows.
    whole = isinstance(value, int) and not isinstance(value, bool)
    return repr(float(value)) if whole and isinstance(default, float) else repr(value)


def _name(number: int) -> str:
    return f"{CANDIDATES}{number:05}.json"
