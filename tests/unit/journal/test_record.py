import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gyre.errors import Invalid
from gyre.journal.record import JournalRecord, read_record

GOOD: dict[str, Any] = {
    "event_id": "event-0001",
    "model": "wine",
    "at": "2026-11-21T12:00:00Z",
    "status": 200,
    "duration_ms": 1.5,
    "caller": "ann",
    "correlation_id": "c-1",
}
REQUIRED = sorted(GOOD)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.text(), json_values, max_size=3)
moments = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the zones below make them aware
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
records = st.builds(
    JournalRecord,
    event_id=st.from_regex(r"[A-Za-z0-9_-]{8,80}", fullmatch=True),
    model=st.from_regex(r"[a-z][a-z0-9_-]{0,62}", fullmatch=True),
    version=st.none() | st.text(max_size=100),
    at=moments,
    status=st.integers(100, 599),
    duration_ms=st.floats(0, 1e9),
    caller=st.text(max_size=200),
    correlation_id=st.text(max_size=200),
    request=bodies,
    answer=bodies,
)


def body(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


@given(records)
def test_what_goes_over_the_queue_comes_back_whole(record: JournalRecord) -> None:
    assert read_record(record.model_dump_json()) == record


@given(moments)
def test_times_are_kept_in_utc_and_land_in_that_day(moment: datetime) -> None:
    record = read_record(body(at=moment.isoformat()))
    assert record.at == moment
    assert record.at.utcoffset() == timedelta(0)
    assert record.day == moment.astimezone(UTC).strftime("%Y-%m-%d")


def test_what_may_be_left_out_is_empty() -> None:
    record = read_record(body())
    assert (record.shape, record.version, record.request, record.answer) == (1, None, {}, {})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shape", 2),
        ("event_id", "short"),
        ("event_id", "x" * 81),
        ("event_id", "event-0001\n"),
        ("event_id", "event 0001"),
        ("model", "Wine"),
        ("model", "wine\n"),
        ("version", "x" * 101),
        ("at", "2026-11-21T12:00:00"),
        ("at", "yesterday"),
        ("status", 99),
        ("status", 600),
        ("duration_ms", -1),
        ("caller", "x" * 201),
        ("correlation_id", "x" * 201),
        ("request", []),
        ("answer", "text"),
        ("more", 1),
    ],
)
def test_a_violated_field_is_told(field: str, value: Any) -> None:
    with pytest.raises(Invalid, match=rf"shape 1: {field}: "):
        read_record(body(**{field: value}))


def test_every_violated_field_is_told() -> None:
    with pytest.raises(Invalid) as refused:
        read_record("{}")
    assert [name for name in REQUIRED if f"{name}: " not in refused.value.message] == []


@pytest.mark.parametrize(
    "text", ["", "not a record", "null", "[]", '"text"', "{", "[" * 10_000, '{"model": "\\ud800"}']
)
def test_what_is_no_object_is_invalid(text: str) -> None:
    with pytest.raises(Invalid, match="not a journal record"):
        read_record(text)


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_time_beyond_the_calendar_is_invalid(at: str) -> None:
    """Its zone moves it out of what a datetime holds."""
    with pytest.raises(Invalid, match="at: "):
        read_record(body(at=at))


def test_a_record_never_changes() -> None:
    record = read_record(body())
    with pytest.raises(ValidationError):
        record.status = 500  # type: ignore[misc]
