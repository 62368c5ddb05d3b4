"""Ends the trial of a challenger that breaks its limits: nobody has to watch one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gyre.errands import Errands
from gyre.errors import GyreError, NotReady
from gyre.journal.table import Journal
from gyre.notices import Notices
from gyre.objects import ObjectStore
from gyre.registry.moves import Mover, withdraw
from gyre.registry.releases import Pointer
from gyre.registry.traffic import on_trial
from gyre.spec.policy import Trial
from gyre.spec.versions import spec_of
from gyre.trials.comparison import MINIMUM, MOST_RECORDS, alike
from gyre.trials.sides import Side, Sides, like_calls, sides
from gyre.trials.significance import quantile, wilson

ACTOR = "gyre"
# Above the 95th percentile lie so many.
_SLOWEST = 0.05
# Rows of one call fail together, for one moment of S3 or one caller's mistake: only so many calls tell of the release.
_FEWEST_CALLS = 3
# A call that takes so much longer is noticed by nobody, however many times the former time that is.
_NOTICED_MS = 5.0


@dataclass
class Watched:
    """What became of every trial: why one was ended, and why another could not be judged."""

    on_trial: list[str] = field(default_factory=list)
    withdrawn: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def end_failing_trials(
    now: datetime, journal: Journal, artifacts: ObjectStore, errands: Errands, notices: Notices
) -> Watched:
    """Judges each challenger that gets traffic, and withdraws it where it breaks a limit. One model that cannot be
    judged hides no other. Where no challenger gets anything, the journal is not read."""
    pointers, faults = on_trial(artifacts)
    found = Watched([each.model for each in pointers], faults=faults)
    for pointer in pointers:
        try:
            because = _judged(pointer, now, journal, artifacts)
            if because:
                _end(pointer, because, found, artifacts, errands, notices)
        except GyreError as error:
            found.faults[pointer.model] = error.message
    return found


def broken(limits: Trial, found: Sides) -> str | None:
    """Which limit the challenger certainly breaks, in a sentence with its figures. Certainly: the 95 % interval of the
    share that does lies above what is allowed, and it did so in several calls, so that no early fault ends a trial."""
    if found.challenger.rows < limits.minimum_rows:
        return None
    return _fails(limits, found) or _refuses(limits, found) or _is_slow(limits, found) or _is_slower(limits, found)


def _judged(pointer: Pointer, now: datetime, journal: Journal, artifacts: ObjectStore) -> str | None:
    production, challenger = pointer.version("production"), pointer.version("challenger")
    if production is None or challenger is None:
        return None
    limits = _limits(pointer.model, artifacts)
    since = now - timedelta(minutes=limits.window_minutes)
    if pointer.traffic and pointer.traffic.since:
        since = max(since, pointer.traffic.since)
    window = journal.window(pointer.model, since, MOST_RECORDS)
    return broken(limits, sides(window.records, production, challenger))


def _limits(model: str, artifacts: ObjectStore) -> Trial:
    try:
        return spec_of(model, artifacts).spec.release.trial
    except NotReady:  # released by hand, and never declared
        return Trial()


def _end(
    pointer: Pointer, because: str, found: Watched, artifacts: ObjectStore, errands: Errands, notices: Notices
) -> None:  # fmt: skip
    """The move comes first. MLflow and people hear of it after, each whether or not the other could be told."""
    model, version = pointer.model, pointer.version("challenger")
    made = withdraw(model, artifacts, Mover(ACTOR, reason=because), expected=version)
    found.withdrawn[model] = because
    message = {
        "kind": "trial_ended", "model": model, "version": version, "production": pointer.version("production"),
        "because": because, "revision": made.revision,
    }  # fmt: skip
    silent = []
    try:
        notices.tell(f"Gyre: the trial of {model} was ended", message)
    except GyreError as error:
        silent.append(error.message)
    try:
        errands.send("mirror", {"run": "mirror", "model": model})
    except GyreError as error:
        silent.append(f"{error.message} POST /models/{model}/mirror tells MLflow.")
    if silent:
        found.faults[model] = f"Version {version} was withdrawn, and not everybody heard of it: {' '.join(silent)}"


def _fails(limits: Trial, found: Sides) -> str | None:
    it = found.challenger
    if limits.faults is None or it.failing < _FEWEST_CALLS or wilson(it.failed, it.rows)[0] <= limits.faults:
        return None
    return (
        f"Version {it.version} failed on {it.failed:,} of {it.rows:,} rows ({_percent(it.failed / it.rows)}); "
        f"{_percent(limits.faults)} is the limit."
    )


def _refuses(limits: Trial, found: Sides) -> str | None:
    """Callers send what is wrong to both: only what production takes is held against the challenger."""
    it, other = found.challenger, found.production
    if limits.faults is None or it.refusing < _FEWEST_CALLS or other.rows < limits.minimum_rows:
        return None
    if wilson(it.refused, it.rows)[0] <= max(limits.faults, wilson(other.refused, other.rows)[1]):
        return None
    return (
        f"Version {it.version} refused {it.refused:,} of {it.rows:,} rows ({_percent(it.refused / it.rows)}), and "
        f"production {other.refused:,} of {other.rows:,}; {_percent(limits.faults)} is the limit."
    )


def _is_slow(limits: Trial, found: Sides) -> str | None:
    times = [time for each in found.challenger.times.values() for time in each]
    if limits.latency_ms is None or not _mostly_above(times, limits.latency_ms):
        return None
    return f"{_takes(found.challenger, times)}; {limits.latency_ms:g} ms is the limit."


def _is_slower(limits: Trial, found: Sides) -> str | None:
    kind = alike(found.production, found.challenger)
    if limits.latency_ratio is None or kind is None:
        return None
    ours, theirs = sorted(found.production.times[kind]), found.challenger.times[kind]
    if len(ours) < MINIMUM:
        return None
    usual, (rows, told) = quantile(ours, 1 - _SLOWEST), like_calls(kind)
    if not _mostly_above(theirs, max(usual * limits.latency_ratio, usual + _NOTICED_MS / rows)):
        return None
    return (
        f"{_takes(found.challenger, theirs)}, and production {usual:.3g} ms (calls {told}); "
        f"{limits.latency_ratio:g} times as long is the limit."
    )


def _mostly_above(times: list[float], limit: float) -> bool:
    """Whether their 95th percentile certainly lies above it: more than 5 of 100 do."""
    slow = sum(time > limit for time in times)
    return len(times) >= MINIMUM and wilson(slow, len(times))[0] > _SLOWEST


def _takes(side: Side, times: list[float]) -> str:
    return f"Version {side.version} takes {quantile(sorted(times), 1 - _SLOWEST):.3g} ms a row at the 95th percentile"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
