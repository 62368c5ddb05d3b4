"""A version that waits for a person: asked by the training run, decided once, by whoever is first.

The token resumes the run. It stays in this record and in the functions; no answer carries it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from gyre.errors import Conflict, NotFound, Unavailable
from gyre.objects import ObjectStore
from gyre.registry.moves import said

APPROVALS = "approvals/"

Outcome = Literal["approved", "rejected"]


@dataclass(frozen=True)
class Decision:
    """What somebody said."""

    outcome: Outcome
    actor: str
    at: str
    comment: str | None = None
    heard: bool = False
    """Whether the run was told."""


@dataclass(frozen=True)
class Approval:
    """What is asked of whoever may release."""

    model: str
    version: int
    run: str
    token: str = field(repr=False)
    asked_at: str
    against: int
    """The production version that it was judged against; 0 if there was none."""
    decided: Decision | None = None
    earlier: tuple[Decision, ...] = ()
    """What was decided when this was asked before: of a run that was resumed, or judged again."""

    def to_json(self) -> dict[str, Any]:
        """For an answer: all but the token."""
        told = asdict(self)
        del told["token"]
        return told


def ask(
    model: str, version: int, run: str, token: str, artifacts: ObjectStore, *, against: int
) -> Approval:  # fmt: skip
    """Asks for a decision. Asked again, which has another token, it stays open whatever was decided before."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    asked = Approval(model, version, run, token, at, against)
    before = _stored(model, version, artifacts)
    if before is None:
        _write(asked, artifacts, None)
        return asked
    there, etag = before
    asked = replace(asked, earlier=(*there.earlier, *([there.decided] if there.decided else [])))
    _write(asked, artifacts, etag)
    return asked


def pending(model: str, version: int, artifacts: ObjectStore) -> Approval:
    """What waits for a decision; `NotFound` if nothing does, `Conflict` if it was decided."""
    return _open(model, version, _stored(model, version, artifacts))[0]


def settle(
    model: str, version: int, outcome: Outcome, artifacts: ObjectStore, *, actor: str, comment: str | None = None
) -> Approval:  # fmt: skip
    """Decides, once: whoever is second hears who was first. Who decided may say the same again as long as the run has
    not heard of it, because telling it may have failed."""
    there = _stored(model, version, artifacts)
    before = there[0].decided if there else None
    if there and before and (before.outcome, before.actor, before.heard) == (outcome, actor, False):
        return there[0]
    waiting, etag = _open(model, version, there)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    made = replace(waiting, decided=Decision(outcome, said(actor, "actor"), at, comment and said(comment, "comment")))
    _write(made, artifacts, etag)
    return made


def heard(decided: Approval, artifacts: ObjectStore) -> Approval:
    """The run was told: it cannot be told again, and its token is forgotten."""
    there = _stored(decided.model, decided.version, artifacts)
    if there is None or there[0].decided is None or there[0].token != decided.token:
        return decided  # asked again meanwhile: that is another question
    made = replace(there[0], token="", decided=replace(there[0].decided, heard=True))
    _write(made, artifacts, there[1])
    return made


def _open(model: str, version: int, there: tuple[Approval, str] | None) -> tuple[Approval, str]:
    if there is None:
        raise NotFound(f"Version {version} of {model} does not wait for approval.", field="version")
    if decided := there[0].decided:
        why = f": {decided.comment}" if decided.comment else ""
        raise Conflict(
            f"Version {version} of {model} was {decided.outcome} by {decided.actor} at {decided.at}{why}",
            field="version",
        )
    return there


def _stored(model: str, version: int, artifacts: ObjectStore) -> tuple[Approval, str] | None:
    key = _key(model, version)
    try:
        stored = artifacts.read(key)
    except NotFound:
        return None
    try:
        return _parsed(json.loads(stored.content)), stored.etag
    except (ValueError, TypeError, KeyError):
        raise Unavailable(f"{key} is not an approval: put back its former version in the bucket.") from None


def _parsed(told: Mapping[str, Any]) -> Approval:
    decided = Decision(**told["decided"]) if told["decided"] else None
    return Approval(**{**told, "decided": decided, "earlier": tuple(Decision(**each) for each in told["earlier"])})


def _write(approval: Approval, artifacts: ObjectStore, replaces: str | None) -> None:
    content = json.dumps(asdict(approval), indent=1).encode()
    key = _key(approval.model, approval.version)
    try:
        artifacts.write(key, content, content_type="application/json", replaces=replaces, new=replaces is None)
    except (Conflict, NotFound):  # S3 calls it missing where it was to be replaced
        raise Conflict(
            f"Somebody else decided on version {approval.version} of {approval.model} at the same time: look, then try "
            "again."
        ) from None


def _key(model: str, version: int) -> str:
    return f"{APPROVALS}{model}/{version:08}.json"
