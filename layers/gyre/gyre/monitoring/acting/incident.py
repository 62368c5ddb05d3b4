"""One incident per model at a time: people hear when it begins, gets worse, goes on, and is over.

The state is one object. A look that has something to tell first writes there that it is telling, and then tells: of two
looks at one moment one is refused by the conditional write. A look whose notice was refused takes its words back, so
that its retry or the next look tells them. One that died while it told is not asked again, because nobody knows whether
it was heard; the next look tells in its place."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, ValidationError

from gyre.errors import GyreError, NotFound, Unavailable
from gyre.monitoring.acting.notice import Level, Links, Notable, Notice, counting, message, notice_of
from gyre.monitoring.found import Finding, Found, Look, moment
from gyre.monitoring.kept import change
from gyre.notices import Notices
from gyre.objects import ObjectStore
from gyre.spec.model import ModelSpec

Action = Literal["opened", "worse", "reminder", "silent", "recovered", "none"]

_MOST_KEPT = 100
# Longer than all tries to reach SNS take together: whoever began to tell before that is not telling any more.
_TELLS = timedelta(minutes=2)


class Incident(Found):
    """What is wrong with a model now."""

    opened_at: AwareDatetime
    level: Level
    """As the last look saw it."""
    codes: tuple[str, ...]
    """What was found since it began: code and column."""
    run: str
    """The look that saw it last."""
    version: int | None
    told_at: AwareDatetime | None = None
    """When people last heard of it; None: nobody did yet."""
    told_level: Level | None = None
    told_codes: tuple[str, ...] = ()


class _Telling(Found):
    """Somebody is about to tell this."""

    token: str
    """Names the call: a write that S3 took although its answer was lost is known again by it."""
    notice: Notice
    since: AwareDatetime


class State(Found):
    """What is known about a model's incidents."""

    format: Literal[1] = 1
    incident: Incident | None = None
    seen_at: AwareDatetime | None = None
    """When the newest look was that had a say here."""
    telling: _Telling | None = None
    heard: tuple[Notice, ...] = ()
    """The newest first."""


@dataclass(frozen=True)
class Told:
    """What was done about a look."""

    action: Action
    sentence: str
    """For the report."""
    incident: Incident | None
    """What is open after it."""


def tell(look: Look, spec: ModelSpec, data: ObjectStore, notices: Notices, links: Links, now: datetime) -> Told:
    """Tells people what they should hear about a watching look, once. Raises what `notices` raised; nothing counts as
    told then, so that a retry tells it."""
    decided = _Decision(look, timedelta(hours=spec.monitoring.cool_down_hours), now)
    if look.kind == "watch" and look.verdict.level != "not enough data":
        change(incident_key(look.model), data, decided.next)
    told, notice = decided.told, decided.notice
    if notice is None:
        return told
    try:
        notices.tell(notice.subject, message(look, notice, links))
    except GyreError:
        change(incident_key(look.model), data, decided.taken_back)
        raise
    change(incident_key(look.model), data, decided.heard)
    return Told(told.action, told.sentence, None if notice.action == "recovered" else _as_told(told.incident, notice))


def incident_of(model: str, data: ObjectStore) -> Incident | None:
    """What is open about a model."""
    return _state(model, data).incident


def notices_of(model: str, data: ObjectStore) -> list[Notice]:
    """What people heard about a model, the newest first; the last hundred."""
    return list(_state(model, data).heard)


def incident_key(model: str) -> str:
    return f"monitoring/{model}/incident.json"


class _Decision:
    """What a look means, given what is known; decided anew each time somebody else was faster."""

    def __init__(self, look: Look, cool_down: timedelta, now: datetime) -> None:
        self._look, self._cool_down, self._now, self.token = look, cool_down, now, secrets.token_hex(8)
        self.notice: Notice | None = None
        self.told = Told("none", "A look that says nothing tells nobody.", None)
        if look.verdict.level == "not enough data":
            self.told = Told("none", "There is too little data to say anything, so nobody was told.", None)
        elif look.kind == "compare":
            self.told = Told("none", "Somebody asked for this comparison, so nobody else was told.", None)

    def next(self, kept: bytes | None) -> bytes | None:
        """The state as it becomes, or None where this look has no say."""
        look, state = self._look, _parsed(self._look.model, kept)
        if self._has_word(state):
            return None
        self.notice = None
        if past := next((each for each in state.heard if each.run == look.run), None):
            self.told = Told(past.action, f"People were told at {moment(past.at)}: {past.subject}.", state.incident)
            return None
        if told := self._busy(state):
            self.told = told
            return None
        level = look.verdict.level
        made = self._bad(state, level) if level in ("warn", "alert") else self._good(state)
        telling = self.notice and _Telling(token=self.token, notice=self.notice, since=self._now)
        return made.model_copy(update={"seen_at": look.at, "telling": telling}).dump()

    def taken_back(self, kept: bytes | None) -> bytes | None:
        """The state without the words of this look, which nobody heard."""
        state = _parsed(self._look.model, kept)
        return state.model_copy(update={"telling": None}).dump() if self._has_word(state) else None

    def heard(self, kept: bytes | None) -> bytes | None:
        """The state once people heard; whatever became of it meanwhile, they did."""
        state, notice = _parsed(self._look.model, kept), self.notice
        if notice is None or notice in state.heard:
            return None
        update: dict[str, Any] = {"heard": (notice, *state.heard)[:_MOST_KEPT]}
        if self._has_word(state):
            over = notice.action == "recovered"
            update |= {"telling": None, "incident": None if over else _as_told(state.incident, notice)}
        return state.model_copy(update=update).dump()

    def _has_word(self, state: State) -> bool:
        return state.telling is not None and state.telling.token == self.token

    def _busy(self, state: State) -> Told | None:
        """Why another look has the word."""
        look, telling = self._look, state.telling
        if state.seen_at and look.at < state.seen_at:
            return Told("none", "A newer look had the word already, so nobody was told about this one.", state.incident)
        if telling and telling.notice.run == look.run:
            words = "Telling people was broken off; the next look tells them if it is still so."
            return Told("silent", words, state.incident)
        if telling and self._now - telling.since < _TELLS:
            return Told("silent", f"People are being told by {telling.notice.run} right now.", state.incident)
        return None

    def _good(self, state: State) -> State:
        open_ = state.incident
        if open_ is None:
            self.told = Told("none", "Nothing is wrong, and nothing was.", None)
            return state
        if open_.told_at is None:
            self.told = Told("none", "Nothing is wrong any more; nobody had heard of it.", None)
            return state.model_copy(update={"incident": None})
        self._tells("recovered", open_, f"What was wrong since {moment(open_.opened_at)} is over: people were told.")
        return state

    def _bad(self, state: State, level: Level) -> State:
        look, open_ = self._look, state.incident
        codes = _codes(look.verdict.findings)
        opened_at = open_.opened_at if open_ else look.at
        seen = Incident(opened_at=opened_at, level=level, codes=codes, run=look.run, version=look.version)
        if open_:
            kept = {"told_at": open_.told_at, "told_level": open_.told_level, "told_codes": open_.told_codes}
            seen = seen.model_copy(update={**kept, "codes": _both(open_.codes, codes)})
        made = state.model_copy(update={"incident": seen})
        if seen.told_at is None:
            self._tells("opened", seen, "People were told.")
        elif worse := _worse(seen, codes):
            self._tells("worse", seen, f"It got worse ({worse}): people were told.")
        elif self._now - seen.told_at >= self._cool_down:
            self._tells("reminder", seen, f"It goes on since {moment(opened_at)}: people were told again.")
        else:
            until = moment(seen.told_at + self._cool_down)
            words = f"People know since {moment(seen.told_at)}; unless it gets worse, they hear again after {until}."
            self.told = Told("silent", words, seen)
        return made

    def _tells(self, action: Notable, incident: Incident, sentence: str) -> None:
        self.notice = notice_of(self._look, action, incident.level, incident.opened_at, self._now)
        self.told = Told(action, sentence, incident)


def _codes(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Code and column, of what counts."""
    return tuple(sorted({f"{each.code}:{each.column or ''}" for each in counting(findings)}))


def _worse(seen: Incident, codes: Sequence[str]) -> str | None:
    """A column more that moved is no news; something of another kind is."""
    if seen.told_level == "warn" and seen.level == "alert":
        return "an alert by now"
    known = {each.split(":", 1)[0] for each in seen.told_codes}
    new = sorted({each.split(":", 1)[0] for each in codes} - known)
    return f"new: {', '.join(each.replace('_', ' ') for each in new)}" if new else None


def _both(some: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*some, *others}))


def _as_told(incident: Incident | None, notice: Notice) -> Incident | None:
    """The incident, once people know of it."""
    told = {"told_at": notice.at, "told_level": notice.level, "told_codes": incident and incident.codes}
    return incident and incident.model_copy(update=told)


def _state(model: str, data: ObjectStore) -> State:
    try:
        return _parsed(model, data.read(incident_key(model)).content)
    except NotFound:
        return State()


def _parsed(model: str, content: bytes | None) -> State:
    try:
        return State() if content is None else State.read(content)
    except ValidationError:
        key = incident_key(model)
        raise Unavailable(f"{key} is no state of incidents: put back its former version in the bucket.") from None


__all__ = ["Incident", "Links", "Notice", "Told", "incident_of", "notices_of", "tell"]
