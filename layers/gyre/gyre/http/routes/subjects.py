"""/subjects: what is kept about a person, and how they are erased from everything."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel
from pydantic_core import to_json

from gyre.errands import Errands
from gyre.errors import NotFound
from gyre.http.shapes import as_object
from gyre.journal.lines import Line
from gyre.objects import ObjectStore
from gyre.pseudonyms import read_pseudonyms
from gyre.subjects.erasure import State, ask, last_of, record_of
from gyre.subjects.export import ExportOffice
from gyre.subjects.place import KnownLines
from gyre.subjects.subject import ERASURE_PATTERN, LONGEST, checked_subject
from gyre.workflow import Workflow

# Longer than any id that is taken: what is wrong with one is said in our own words.
SubjectId = Annotated[str, Path(max_length=LONGEST * 4, examples=["anna@example.org"])]
# Of the predictions; a function's answer may have 6 MB, and as text in JSON it grows.
_MOST_BYTES = 3_000_000
FileState = Literal["ready", "running", "erasing"]
ErasureName = Annotated[str, Path(pattern=ERASURE_PATTERN)]


class ErasureAnswer(BaseModel):
    """An erasure that goes on by itself."""

    erasure: str
    state: State
    status_url: str


class ErasureReport(BaseModel):
    """How far it is, and in the end the proof."""

    erasure: str
    state: State
    run: str
    step: str | None = None
    """Of the run, while it goes on."""
    cause: str | None = None
    """Why its run failed: ask for the erasure again, and it goes on."""
    asked: Sequence[Mapping[str, Any]]
    ended_at: str | None = None
    places: Mapping[str, Mapping[str, Any]]
    trained: Sequence[Mapping[str, Any]]
    search: Mapping[str, Any] | None = None
    earlier: Sequence[Mapping[str, Any]] = ()


class SubjectAnswer(BaseModel):
    """What is kept about a person: the newest predictions at once, everything else as a file."""

    predictions: Sequence[Mapping[str, Any]]
    """Lines of the journal, at most as many as were asked for."""
    cut: bool
    """Older ones are there and were asked for, but an answer has its limit: they are in the file."""
    export: FileState
    """Of the file: asked again in a minute, it will be there; or none is begun, because the person is being erased."""
    made_at: str | None = None
    get_url: str | None = None
    """Where to get it: labels, rows of datasets, uploads and batches, and which objects hold them."""
    seconds: int | None = None
    erasure: ErasureAnswer | None = None
    """The last one, if this person was to be erased before."""


def router(
    data: ObjectStore, artifacts: ObjectStore, journal: KnownLines, workflow: Workflow, errands: Errands
) -> APIRouter:
    """The routes about persons. No answer and no log repeats whom a call was about."""
    routes, exports = APIRouter(), ExportOffice(data, errands)

    @routes.get("/subjects/erasures/{erasure}", summary="How far an erasure is; in the end its proof.")
    def report(erasure: ErasureName) -> ErasureReport:
        record, _ = record_of(erasure, data)
        told = asdict(record) | {"run": record.run}
        if record.state == "running":
            try:
                run = workflow.show(record.run)
            except NotFound:  # in this moment, or ended between record and start
                return ErasureReport(**told)
            step = next((each.name for each in reversed(run.steps) if each.status == "running"), None)
            return ErasureReport(step=step, cause=run.cause, **told)
        return ErasureReport(**told)

    @routes.get("/subjects/{subject:path}", summary="What is kept about a person.")
    def show(subject: SubjectId, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> SubjectAnswer:
        named = checked_subject(subject, read_pseudonyms(artifacts))
        lines = journal.about(named.pseudonyms, limit)
        told, last = _fitting(lines), last_of(named, data)
        before = None if last is None else _answer(last.erasure, last.state)
        is_erasing = before is not None and before.state == "running"
        found = exports.ask(named, may_begin=not is_erasing)
        state: FileState = "ready" if found else "erasing" if is_erasing else "running"
        file = vars(found) if found else {}
        return SubjectAnswer(predictions=told, cut=len(told) < len(lines), export=state, erasure=before, **file)

    @routes.delete("/subjects/{subject:path}", status_code=202, summary="Erase a person from everything that is kept.")
    def erase(subject: SubjectId, request: Request) -> ErasureAnswer:
        named = checked_subject(subject, read_pseudonyms(artifacts))
        record = ask(named, request.state.caller.id, data, workflow)
        return _answer(record.erasure, record.state)

    return routes


def _fitting(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """As many as an answer may hold; one at least."""
    told, size = list[dict[str, Any]](), 0
    for line in lines:
        item = as_object(line)
        size += len(to_json(item))
        if told and size > _MOST_BYTES:
            break
        told.append(item)
    return told


def _answer(erasure: str, state: State) -> ErasureAnswer:
    return ErasureAnswer(erasure=erasure, state=state, status_url=f"/subjects/erasures/{erasure}")
