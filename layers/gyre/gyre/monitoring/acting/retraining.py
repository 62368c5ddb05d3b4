"""A model that got worse is trained again, by the policy that its model.yaml declares. Whether what comes of it serves
is for the gates to say, as of any training.

What is started is first claimed, by a conditional write: looks that end at one moment start one training between them,
and a look that is told again starts the one that it claimed."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from gyre.errors import Conflict, Invalid, NotFound, NotReady, Unavailable
from gyre.feedback.labels import Labels
from gyre.monitoring.acting.labelled import LabelledUpload, Received, kept_upload, labelled_upload
from gyre.monitoring.found import Found, Level, Look, moment
from gyre.monitoring.kept import change
from gyre.monitoring.results import HistoryWanted, Looks, verdicts_of
from gyre.objects import ObjectStore
from gyre.spec.model import ModelSpec
from gyre.training.schedule import scheduled_run
from gyre.training.start import run_of_upload, start_by_request, start_from_upload
from gyre.workflow import Run, Workflow

_COUNTING: dict[str, tuple[Level, ...]] = {"never": (), "warn": ("warn", "alert"), "alert": ("alert",)}
# So many verdicts are read for each that counts, and so many more: looks with too little data lie between them.
_PER_LOOK, _MORE_LOOKS = 5, 20
# A training that was claimed and is not there after so long was never started.
_STARTS = timedelta(minutes=15)
# Labels come in batches that carry the time at which they were received: those that still come in are of the next time.
_COMES_IN = timedelta(minutes=5)


class Claim(Found):
    """The last training of a model that nobody asked for."""

    format: Literal[1] = 1
    look: str
    """The run of the look that it came of."""
    at: AwareDatetime
    run: str
    """What the training is called, if it works on a dataset version that was there."""
    labels_since: AwareDatetime | None
    """Truths that were received after this …"""
    labels_until: AwareDatetime
    """… and not after this are added to its data, if that is wanted."""


@dataclass(frozen=True)
class Decision:
    """Whether a training is to start, and a sentence why."""

    start: bool
    because: str


@dataclass(frozen=True)
class Retrained:
    """The training that a look started, if it did, and a sentence about it."""

    run: str | None
    because: str


def decide(
    spec: ModelSpec, levels: Sequence[tuple[datetime, Level, str]], last_started: datetime | None, now: datetime
) -> Decision:
    """By the verdicts on one release, the newest first, and when the last training began that nobody asked for."""
    policy, counting = spec.retrain, _COUNTING[spec.retrain.when]
    if not counting:
        return Decision(False, "No verdict starts a training of this model (retrain.when is never).")
    if levels and levels[0][1] not in counting:
        return Decision(False, f"This verdict ({levels[0][1]}) starts no training; {policy.when} does.")
    last = [level for _, level, _ in levels if level != "not enough data"][: policy.of_last]
    bad = sum(level in counting for level in last)
    worse = " or worse" if policy.when == "warn" else ""
    told = f"{bad} of the last {len(last)} looks at this release said {policy.when}{worse}"
    if bad < policy.verdicts or not last:
        return Decision(False, f"{told}; {policy.verdicts} of {policy.of_last} start a training.")
    wait = timedelta(hours=policy.wait_hours)
    if last_started is not None and now - last_started < wait:
        return Decision(
            False,
            f"{told}, and a training that nobody asked for began at {moment(last_started)}: the next one begins after "
            f"{moment(last_started + wait)} at the earliest.",
        )
    return Decision(True, f"{told}.")


def retrain(
    look: Look, spec: ModelSpec, looks: Looks, data: ObjectStore, workflow: Workflow, now: datetime,
    labels: Labels | None = None, *, serves: int | None,
) -> Retrained:  # fmt: skip
    """Starts a training if the policy wants one; `serves` is what is production now. `Unavailable` where it could not
    be started: told again, the same one is."""
    if look.kind != "watch":
        return Retrained(None, "A comparison starts no training.")
    if look.version != serves:
        return Retrained(None, "Another release serves by now: nothing is known yet of how good that one is.")
    claiming = _Claiming(look, spec, looks, data, workflow, now)
    if spec.retrain.when != "never":
        change(claim_key(look.model), data, claiming.next)
    claim = claiming.claim
    if claim is None:
        return Retrained(None, claiming.decision.because)
    try:
        run, on = _start(claim, spec, data, workflow, labels)
    except (Conflict, Invalid, NotFound, NotReady) as error:
        return Retrained(None, f"{claiming.decision.because} No training could begin: {error.message}")
    return Retrained(run, f"{claiming.decision.because} The training {run} began, on {on}.")


def claim_key(model: str) -> str:
    return f"monitoring/{model}/retrained.json"


def training_run(look: Look) -> str:
    """What the training of a look is called: however often the look tells, it begins once."""
    digest = hashlib.sha256(f"{look.model}\n{look.run}".encode()).hexdigest()[:8]
    return f"train_{look.at.astimezone(UTC):%Y%m%dT%H%M%S}-{digest}"


class _Claiming:
    """Decides, and claims what was decided; anew each time another look was faster."""

    def __init__(
        self, look: Look, spec: ModelSpec, looks: Looks, data: ObjectStore, workflow: Workflow, now: datetime
    ) -> None:
        self._look, self._spec, self._looks, self._data = look, spec, looks, data
        self._workflow, self._now = workflow, now
        self.claim: Claim | None = None
        self.decision = decide(spec, (), None, now)

    def next(self, kept: bytes | None) -> bytes | None:
        """The claim as it becomes; None if it stays."""
        look, last = self._look, _claim(self._look.model, kept)
        if last and last.look == look.run:  # this very look claimed it before
            self.claim, self.decision = last, Decision(True, "The verdicts on this release started a training.")
            return None
        self.claim, self.decision = None, self._decided(last)
        if not self.decision.start:
            return None
        since = last and (last.labels_until if kept_upload(look.model, last.look, self._data) else last.labels_since)
        if self._spec.id is not None:  # a row that comes twice counts once, so both may reach over that time
            since, until = since and since - _COMES_IN, self._now
        else:
            until = self._now - _COMES_IN
        self.claim = Claim(look=look.run, at=self._now, run=training_run(look), labels_since=since, labels_until=until)
        return self.claim.dump()

    def _decided(self, last: Claim | None) -> Decision:
        trainings = self._trainings(last)
        began = max((min(each.started_at, self._now) for each in trainings), default=None)
        decision = decide(self._spec, self._levels(), began, self._now)
        if not decision.start:
            return decision
        if running := next((each for each in trainings if each.status == "running"), None):
            return Decision(False, f"{decision.because} {running.name} trains already, or waits for a person.")
        if last and not trainings and self._now - last.at < _STARTS:
            return Decision(False, f"{decision.because} The look {last.look} starts a training right now.")
        return decision

    def _levels(self) -> list[tuple[datetime, Level, str]]:
        """Verdicts on the release that serves, since it does: after another one served they are counted anew."""
        look = self._look
        wanted = HistoryWanted(look.model, "verdict", until=look.at + timedelta(microseconds=1), kind="watch")
        most = _PER_LOOK * self._spec.retrain.of_last + _MORE_LOOKS
        rows = [row for row in self._looks.history(wanted, most).rows if row.run != look.run]
        same = takewhile(lambda row: row.version == look.version, rows)
        return [(look.at, look.verdict.level, look.run), *verdicts_of(list(same))]

    def _trainings(self, last: Claim | None) -> list[Run]:
        """The last ones that nobody asked for: by a verdict, and by the clock."""
        model, every, found = self._look.model, self._spec.retrain.every_hours, list[Run]()
        if last:
            upload = kept_upload(model, last.look, self._data)
            with suppress(NotFound):
                run = self._workflow.show(run_of_upload(upload.key, upload.version) if upload else last.run)
                found.append(replace(run, started_at=last.at))
        for ago in () if every is None else (0.0, every):
            with suppress(NotFound):
                found.append(self._workflow.show(scheduled_run(model, every or 1, self._now - timedelta(hours=ago))))
        return found


def _start(
    claim: Claim, spec: ModelSpec, data: ObjectStore, workflow: Workflow, labels: Labels | None
) -> tuple[str, str]:
    """The run, and what it works on, in words."""
    model, without = spec.model, ""
    if spec.retrain.journal and labels is not None:
        received = Received(claim.labels_since, claim.labels_until)
        made = labelled_upload(spec, claim.look, received, labels, data)
        if isinstance(made, LabelledUpload):
            return start_from_upload(made.key, made.version, workflow).run, made.told
        without = f" ({made})"
    started = start_by_request(model, None, None, data, workflow, run=claim.run)
    on = f"dataset version {started.dataset}" if started.dataset is not None else f"the upload {started.upload}"
    return started.run, f"the newest data, {on}{without}"


def _claim(model: str, content: bytes | None) -> Claim | None:
    try:
        return None if content is None else Claim.read(content)
    except ValidationError:
        raise Unavailable(f"{claim_key(model)} cannot be read: put back its former version in the bucket.") from None
