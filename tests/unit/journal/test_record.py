import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gyre.errors import Invalid
from gyre.journal.record import Contribution, Fault, JournalRecord, JournalRow, Served, read_record

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
names = st.from_regex(r"[a-z][a-z0-9_-]{0,62}", fullmatch=True)
faults = st.builds(Fault, code=st.text(), message=st.text(), field=st.none() | st.text())
numbers = st.floats(allow_nan=False, allow_infinity=False)
reasons = st.builds(Contribution, feature=st.text(), value=json_values, contribution=numbers)
rows = st.builds(
    JournalRow,
    id=st.none() | st.text(max_size=50) | st.integers(-(2**63), 2**63 - 1),
    version=st.none() | st.integers(1),
    features=bodies,
    prediction=st.none() | st.booleans() | st.integers() | numbers | st.text(),
    probabilities=st.none() | st.dictionaries(st.text(), numbers, max_size=3),
    confidence=st.none() | numbers,
    base_value=st.none() | numbers,
    explanation=st.none()
    | st.lists(st.builds(Contribution, feature=st.text(), value=json_values, contribution=numbers), max_size=2).map(
        tuple
    ),
    fault=st.none() | faults,
)
served = st.builds(
    Served,
    version=st.integers(1),
    alias=st.none() | st.sampled_from(["production", "challenger"]),
    bundle=st.none() | st.text(),
    rows=st.integers(0),
    ms=st.floats(0, 1e9),
    fault=st.none() | st.text(),
)
records = st.builds(
    JournalRecord,
    event_id=st.from_regex(r"[A-Za-z0-9_-]{8,80}", fullmatch=True),
    model=st.none() | names,
    kind=st.sampled_from(["online", "batch", "shadow"]),
    at=moments,
    status=st.integers(100, 599),
    duration_ms=st.floats(0, 1e9),
    caller=st.text(max_size=200),
    correlation_id=st.text(max_size=200),
    times=st.dictionaries(st.text(), st.floats(0, 1e9), max_size=3),
    cold=st.booleans(),
    asked=st.text(max_size=100),
    served=st.lists(served, max_size=2).map(tuple),
    rows=st.lists(rows, max_size=3).map(tuple),
    error=st.none() | faults,
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
    assert (record.shape, record.version, record.kind, record.asked, record.rows) == (
        1,
        None,
        "online",
        "production",
        (),
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", "short"),
        ("event_id", "x" * 81),
        ("event_id", "event-0001\n"),
        ("event_id", "event 0001"),
        ("model", "Wine"),
        ("model", "wine\n"),
        ("kind", "guess"),
        ("asked", "x" * 101),
        ("at", "2026-11-21T12:00:00"),
        ("at", "yesterday"),
        ("status", 99),
        ("status", 600),
        ("duration_ms", -1),
        ("caller", "x" * 201),
        ("correlation_id", "x" * 201),
        ("rows", {}),
        ("rows", [{"id": 1.5}]),
        ("served", [{"version": 0}]),
        ("error", "text"),
        ("more", 1),
    ],
)
def test_a_violated_field_is_told(field: str, value: Any) -> None:
    with pytest.raises(Invalid, match=rf"shape 1: {field}[:.]"):
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


@pytest.mark.parametrize(("shape", "told"), [(2, "shape 2 is newer"), (0, "shape 0 is older")])
def test_a_shape_of_another_gyre_is_told_in_words(shape: int, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        read_record(body(shape=shape))
