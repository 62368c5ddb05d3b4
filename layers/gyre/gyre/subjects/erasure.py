"""An erasure as it is asked for and told of: begun once, gone on with, ending in a record without the name.

Standard library alone: the function that answers callers has no science."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self

from gyre.errors import Conflict, NotFound
from gyre.objects import ObjectStore
from gyre.subjects.subject import Subject, erasures_of
from gyre.subjects.work import ERASURES, ORDERS
from gyre.workflow import Workflow

State = Literal["running", "proven", "incomplete"]
_JSON = "application/json"
_TRIES = 5


@dataclass(frozen=True)
class Asked:
    """One time that somebody wanted it."""

    at: str
    by: str
    run: str


@dataclass(frozen=True)
class ErasureRecord:
    """What is kept for good. `asked` has everybody who asked, the newest last; the rest is of the newest run."""

    erasure: str
    state: State
    asked: tuple[Asked, ...]
    ended_at: str | None = None
    places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What each gave up."""
    trained: Sequence[Mapping[str, Any]] = ()
    """Model versions that were trained on rows of this person: they cannot be made to forget."""
    search: Mapping[str, Any] | None = None
    """How much was read in the end, and where something was found."""
    earlier: Sequence[Mapping[str, Any]] = ()
    """The proofs of former runs."""

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        told = json.loads(content)
        lists = {name: tuple(told[name]) for name in ("trained", "earlier")}
        return cls(**told | lists | {"asked": tuple(Asked(**each) for each in told["asked"])})

    @property
    def run(self) -> str:
        return self.asked[-1].run


def record_key(erasure: str) -> str:
    return f"{ERASURES}records/{erasure}.json"


def order_key(erasure: str) -> str:
    return f"{ORDERS}{erasure}.json"


def record_of(erasure: str, data: ObjectStore) -> tuple[ErasureRecord, str]:
    """The record and its ETag, or `NotFound`."""
    try:
        found = data.read(record_key(erasure))
    except NotFound:
        raise NotFound(f"There is no erasure {erasure}.", field="erasure") from None
    return ErasureRecord.from_json(found.content), found.etag


def keep_record(record: ErasureRecord, data: ObjectStore, etag: str | None) -> None:
    """Writes it over the one that was read, or as the first; `Conflict` if somebody was faster."""
    content = json.dumps(asdict(record), indent=1).encode()
    data.write(record_key(record.erasure), content, content_type=_JSON, replaces=etag, new=etag is None)


def subject_of(erasure: str, data: ObjectStore) -> Subject:
    """Who is being erased; `NotFound` once nobody is any more."""
    return Subject.from_json(data.read(order_key(erasure)).content)


def ask(subject: Subject, by: str, data: ObjectStore, workflow: Workflow) -> ErasureRecord:
    """Begins the erasure of a person. One that goes on still is that one; one that was broken off goes on; after one
    that is done another one begins, for what came since."""
    names = erasures_of(subject)
    for _ in range(_TRIES):
        found = next((each for name in names if (each := _found(name, data))), None)
        erasure = found[0].erasure if found else names[0]
        if found and found[0].state == "running" and _goes_on(found[0], subject, data, workflow):
            return found[0]
        # The order first: who finds the run finds whom it is about.
        _order(erasure, subject, data)
        try:
            record = _next(erasure, by, found[0] if found else None)
            keep_record(record, data, found[1] if found else None)
        except Conflict:
            continue
        workflow.start(record.run, _payload(record))
        return record
    raise Conflict("Others keep asking for the same erasure. Ask again in a moment.")


def last_of(subject: Subject, data: ObjectStore) -> ErasureRecord | None:
    """The newest erasure of a person, if there was one."""
    found = next((each for name in erasures_of(subject) if (each := _found(name, data))), None)
    return found[0] if found else None


def _found(erasure: str, data: ObjectStore) -> tuple[ErasureRecord, str] | None:
    try:
        return record_of(erasure, data)
    except NotFound:
        return None


def _goes_on(record: ErasureRecord, subject: Subject, data: ObjectStore, workflow: Workflow) -> bool:
    """Whether its run goes on, if need be because we said so; not where it ended without a proof."""
    try:
        status = workflow.show(record.run).status
    except NotFound:  # ended between record and start
        _order(record.erasure, subject, data)
        workflow.start(record.run, _payload(record))
        return True
    if status in ("running", "succeeded"):
        return status == "running"
    _order(record.erasure, subject, data)
    workflow.resume(record.run)
    return True


def _next(erasure: str, by: str, former: ErasureRecord | None) -> ErasureRecord:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    asked = former.asked if former else ()
    mine = Asked(at, by, f"{erasure}-{len(asked) + 1}")
    earlier: tuple[Mapping[str, Any], ...] = ()
    if former:
        proof = {"state": former.state, "ended_at": former.ended_at, "places": former.places, "search": former.search,
                 "trained": former.trained}  # fmt: skip
        earlier = (*former.earlier, proof)
    return replace(ErasureRecord(erasure, "running", (*asked, mine)), earlier=earlier)


def _order(erasure: str, subject: Subject, data: ObjectStore) -> None:
    data.write(order_key(erasure), subject.to_json(), content_type=_JSON)


def _payload(record: ErasureRecord) -> dict[str, Any]:
    """Nothing of the person goes where runs are kept."""
    return {"run": record.run, "erasure": record.erasure, "round": 1}
