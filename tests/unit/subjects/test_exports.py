"""An export and an erasure at the same time: nothing of an export outlives the erasure."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gyre.objects import Written
from gyre.subjects import eraser
from gyre.subjects.export import EXPORTS, ExportOffice, export_key, forget_exports, order_key
from gyre.subjects.subject import erasures_of
from tests.fakes import objects
from tests.fakes.errands import MemoryErrands
from tests.unit.subjects.kept import ANNA, Kept


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """An export is ordered."""
    monkeypatch.setattr(objects, "EPOCH", datetime.now(UTC))  # what is written, is written now
    found = Kept(tmp_path)
    found.files(ANNA)
    found.predictions(ANNA)
    order(found)
    return found


def order(kept: Kept) -> None:
    ExportOffice(kept.data, MemoryErrands()).ask(kept.subject(ANNA))


def name_of(kept: Kept) -> str:
    return erasures_of(kept.subject(ANNA))[0]


def export(kept: Kept) -> Mapping[str, Any]:
    return kept.call({"task": "export", "export": name_of(kept)})


def left(kept: Kept) -> list[str]:
    return [each.key for each in kept.data.versions(EXPORTS)]


def once(does: Callable[[], Any], call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, before whose first something else is done."""
    todo = [does]

    def made(*told: Any, **how: Any) -> Any:
        while todo:
            todo.pop()()
        return call(*told, **how)

    return made


def test_one_that_is_under_way_when_an_erasure_begins_is_not_kept(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    record = kept.ask(ANNA)
    meanwhile = once(lambda: kept.call({"task": "places", "erasure": record.erasure}), kept.journal.about)
    monkeypatch.setattr(kept.journal, "about", meanwhile)
    assert export(kept) == {"places": 0, "rows": 0}
    assert left(kept) == []
    assert kept.go(record).state == "proven"


def test_one_that_is_being_written_when_an_erasure_begins_is_removed(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, subject = kept.data.write, kept.subject(ANNA)

    def late(key: str, content: bytes, **how: Any) -> Written:
        if key == export_key(name_of(kept)):
            forget_exports(subject, kept.data)
        return write(key, content, **how)

    monkeypatch.setattr(kept.data, "write", late)
    assert export(kept) == {"places": 0, "rows": 0}
    assert left(kept) == []


def test_an_order_that_is_given_again_is_another(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile() -> None:
        forget_exports(kept.subject(ANNA), kept.data)
        order(kept)

    monkeypatch.setattr(kept.journal, "about", once(meanwhile, kept.journal.about))
    assert export(kept) == {"places": 0, "rows": 0}
    assert left(kept) == [order_key(name_of(kept))]
    assert export(kept)["places"]


def test_what_an_export_left_after_the_erasure_began_is_forgotten_before_the_search(kept: Kept) -> None:
    calls = []

    def call(event: Mapping[str, Any]) -> Mapping[str, Any]:
        calls.append(event["task"])
        if calls.count("prove") == 1:
            kept.data.put(export_key(name_of(kept)), json.dumps({"email": ANNA}).encode())
        return kept.call(event)

    assert kept.go(kept.ask(ANNA), call).state == "proven"
    assert (left(kept), calls.count("prove")) == ([], 1)


def test_what_the_search_finds_of_one_goes_in_another_round(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, forget = [], eraser.forget_exports

    def call(event: Mapping[str, Any]) -> Mapping[str, Any]:
        if event["task"] == "prove":
            rounds.append(event["round"])
            if len(rounds) == 1:  # written after that was looked for
                kept.data.put(export_key(name_of(kept)), json.dumps({"email": ANNA}).encode())
                monkeypatch.setattr(eraser, "forget_exports", lambda *_: None)
                try:
                    return kept.call(event)
                finally:
                    monkeypatch.setattr(eraser, "forget_exports", forget)
        return kept.call(event)

    assert (kept.go(kept.ask(ANNA), call).state, rounds) == ("proven", [1, 2])
    assert left(kept) == []


def test_none_is_ordered_where_none_may_begin(kept: Kept) -> None:
    forget_exports(kept.subject(ANNA), kept.data)
    errands = MemoryErrands()
    assert ExportOffice(kept.data, errands).ask(kept.subject(ANNA), may_begin=False) is None
    assert (left(kept), errands.sent) == ([], [])
