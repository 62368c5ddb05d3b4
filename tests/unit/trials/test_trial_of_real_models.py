"""Real models, asked over HTTP: their records tell the comparison and the guard what happened."""

from datetime import UTC, datetime, timedelta

import pytest

from gyre.journal.record import JournalRecord, read_record
from gyre.journal.shadow import take_shadows
from gyre.registry.releases import pointer
from gyre.serving.answer import Serving
from gyre.telemetry import logger
from gyre.trials.comparison import compare
from gyre.trials.guard import Watched, end_failing_trials
from tests.fakes.journal import MemoryJournal
from tests.fakes.notices import MemoryNotices
from tests.unit.serving.house import ROW, Serve


@pytest.fixture
def serve() -> Serve:
    made = Serve()
    made.promote(1)
    return made


def ask(serve: Serve, calls: int, *, rows: int = 1, **changes: object) -> None:
    """Each by a caller of its own."""
    client = serve.client()
    for call in range(calls):
        sent = [{"id": f"{call}-{row}", "features": ROW | changes} for row in range(rows)]
        assert client.post("/inference", json={"model": "m", "rows": sent}).status_code in (200, 422)


def kept(serve: Serve) -> list[JournalRecord]:
    """As the journal has them, after the shadows were asked."""
    for desk in serve.desks:  # what is sent beside the calls
        desk._beside.submit(int).result()
    asked = {str(at): call.model_dump_json() for at, call in enumerate(serve.shadows.calls)}
    assert take_shadows(asked, Serving(serve.shelf), serve.outlet, logger("trial-test")) == []
    return [read_record(each.model_dump_json()) for each in serve.outlet.records]


def look(serve: Serve) -> Watched:
    journal = MemoryJournal()
    journal.append(kept(serve))
    now = datetime.now(UTC) + timedelta(seconds=1)
    return end_failing_trials(now, journal, serve.house.artifacts, serve.house.errands, MemoryNotices())


def test_every_row_is_counted_once_and_the_shadow_is_paired(serve: Serve) -> None:
    serve.trial(2, share=0.4, shadow=1.0)
    ask(serve, 30, rows=4)
    ask(serve, 10, age="old")
    found = compare(kept(serve), 1, 2)
    ours, theirs, shadow = found.production, found.challenger, found.shadow
    online = [each for each in serve.outlet.records if each.kind == "online"]
    answered = [row.version for each in online for row in each.rows if row.version]
    assert len(answered) == 120 and shadow is not None
    assert ours.rows - ours.refused == answered.count(1) and 0.25 < answered.count(2) / 120 < 0.55
    assert theirs.rows - theirs.refused == answered.count(2) + 120
    assert ours.refused + theirs.refused == 10
    assert (shadow.rows, shadow.unmatched) == (answered.count(1), answered.count(2))
    assert shadow.agreement in (0, 1)  # one row, asked again and again
    assert ours.failed == theirs.failed == 0


def test_a_challenger_that_answers_goes_on(serve: Serve) -> None:
    serve.trial(2, share=0.5)
    ask(serve, 120)
    assert look(serve) == Watched(["m"])


def test_a_broken_bundle_is_withdrawn_after_its_first_fifty_rows(serve: Serve) -> None:
    made = serve.trial(2, share=1.0)
    serve.house.artifacts.put(made.bundle.key + "model.onnx", b"broken")
    ask(serve, 49)
    assert look(serve).withdrawn == {}
    ask(serve, 1)
    assert look(serve).withdrawn == {"m": "Version 2 failed on 50 of 50 rows (100 %); 2 % is the limit."}
    now = pointer("m", serve.house.artifacts)
    assert (now.version("production"), now.version("challenger"), now.traffic) == (1, None, None)


def test_a_broken_bundle_is_withdrawn_from_the_shadow_alone(serve: Serve) -> None:
    made = serve.trial(2, share=0.0, shadow=1.0)
    ask(serve, 60)
    serve.house.artifacts.put(made.bundle.key + "model.onnx", b"broken")
    serve.shelf = serve.fresh_shelf()
    assert list(look(serve).withdrawn) == ["m"]


def test_callers_who_send_nonsense_end_no_trial(serve: Serve) -> None:
    serve.trial(2, share=0.5)
    ask(serve, 120, age="old")
    assert {each.status for each in serve.outlet.records} == {422}
    assert look(serve) == Watched(["m"])
