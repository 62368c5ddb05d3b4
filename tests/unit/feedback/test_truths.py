"""A label read as what its model predicts, and a moment as whoever tells it writes it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.errors import Invalid
from gyre.feedback.truths import moment_of, truth_of
from gyre.spec.model import ModelSpec
from tests.unit.feedback.label_house import spec

NAMED = spec()
FREE = spec(target="{type: category}")
NUMBERED = spec(target="{type: category, values: [1, 2, 3]}")
COUNTED = spec(target="{type: integer}")
TRUE = spec(task="binary", target="{type: boolean}")
PRICE = spec(task="regression", target="{type: number}")
PIECES = spec(task="regression", target="{type: integer}")


@pytest.mark.parametrize(
    ("declared", "sent", "label"),
    [
        (NAMED, "red", "red"), (NAMED, " rose ", "rose"), (FREE, "ä", "ä"), (FREE, 7, "7"), (NUMBERED, 2, "2"),
        (NUMBERED, "2", "2"), (COUNTED, 2, 2), (COUNTED, 2.0, 2), (COUNTED, "2", 2), (COUNTED, "2.0", 2),
        (COUNTED, "9007199254740993", 2**53 + 1), (COUNTED, -(2**63), -(2**63)), (TRUE, True, True),
        (TRUE, "False", False), (TRUE, 1, True), (TRUE, "0", False), (PRICE, 2, 2.0), (PRICE, "2.50", 2.5),
        (PRICE, -1e300, -1e300), (PIECES, 3.0, 3),
    ],
)  # fmt: skip
def test_it_is_what_the_model_would_say(declared: ModelSpec, sent: Any, label: Any) -> None:
    found = truth_of(declared, sent)
    assert (type(found), found) == (type(label), label)


@pytest.mark.parametrize(
    ("declared", "sent", "says"),
    [
        (NAMED, "green", "classes of wine: red, white, rose"), (NAMED, "Red", "classes"), (NAMED, "", "classes"),
        (NAMED, True, "classes"), (NAMED, 1.0, "classes"), (NUMBERED, 4, "classes of wine: 1, 2, 3"),
        (FREE, " ", "1 to 1,000"), (FREE, "x" * 1_001, "1 to 1,000"), (FREE, 0.5, "1 to 1,000"),
        (COUNTED, 2.5, "an integer"), (COUNTED, "two", "an integer"), (COUNTED, True, "an integer"),
        (COUNTED, 2**63, "an integer"), (COUNTED, float("nan"), "an integer"), (TRUE, "yes", "classes of wine: true"),
        (TRUE, 2, "classes"), (TRUE, 1.0, "classes"), (PRICE, "cheap", "a number"), (PRICE, float("nan"), "finite"),
        (PRICE, "inf", "finite"), (PRICE, True, "finite"), (PRICE, 10**400, "finite"), (PIECES, "2.5", "an integer"),
    ],
)  # fmt: skip
def test_what_it_could_never_say_is_refused_and_not_repeated(declared: ModelSpec, sent: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        truth_of(declared, sent)
    assert refused.value.field == "label"
    assert not (isinstance(sent, str) and len(sent) > 3) or sent not in refused.value.message


def test_of_many_classes_some_are_told() -> None:
    many = spec(target="{type: category, values: [" + ", ".join(f"c{number}" for number in range(80)) + "]}")
    with pytest.raises(Invalid) as refused:
        truth_of(many, "x")
    assert "c49 …" in refused.value.message and "c50" not in refused.value.message


@given(st.one_of(st.booleans(), st.integers(), st.floats(), st.text()), st.sampled_from([NAMED, FREE, COUNTED, PRICE]))
def test_whatever_is_sent_it_is_a_label_or_refused_and_a_label_stays_one(sent: Any, declared: ModelSpec) -> None:
    try:
        found = truth_of(declared, sent)
    except Invalid:
        return
    assert truth_of(declared, found) == found


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-11-21T09:00:00Z", datetime(2026, 11, 21, 9, tzinfo=UTC)),
        ("2026-11-21T09:00:00+02:00", datetime(2026, 11, 21, 7, tzinfo=UTC)),
        (" 2026-11-21 09:00 ", datetime(2026, 11, 21, 9, tzinfo=UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("20261121", datetime(2026, 11, 21, tzinfo=UTC)),
        (1_795_000_000, datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)),
        ("1795000000.5", datetime(2026, 11, 18, 11, 6, 40, 500_000, tzinfo=UTC)),
        (None, None), ("", None), (" ", None),
    ],
)  # fmt: skip
def test_a_moment_is_read_in_utc(sent: Any, moment: datetime | None) -> None:
    assert moment_of(sent) == moment


@pytest.mark.parametrize(
    "sent", ["soon", "2026-13-01", float("inf"), float("nan"), 1e20, 10**400, "0001-01-01T00:00+05:00", {}, [], "٣"]
)
def test_what_is_no_moment_is_refused(sent: Any) -> None:
    with pytest.raises(Invalid) as refused:
        moment_of(sent)
    assert refused.value.field == "happened_at"


@given(
    st.datetimes(
        timezones=st.just(timezone(timedelta(hours=3))),
        min_value=datetime(2, 1, 1),  # noqa: DTZ001
    )
)
def test_every_moment_comes_back(moment: datetime) -> None:
    assert moment_of(moment.isoformat()) == moment
