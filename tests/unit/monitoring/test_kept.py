"""Where looks lie, and which of them is the latest."""

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.errors import Conflict, NotFound, Unavailable
from gyre.monitoring.found import Look
from gyre.monitoring.kept import (
    change,
    keep_look,
    keep_report,
    latest_at,
    latest_key,
    latest_look,
    latest_looks,
    look_of,
    report_of,
)
from gyre.objects import Written
from tests.fakes.objects import MemoryBucket
from tests.unit.monitoring.look_parts import HOUR, NOON, full_look, look


def test_a_look_comes_back_as_it_was() -> None:
    data, told = MemoryBucket(), full_look()
    key = keep_look(told, data)
    assert key == f"monitoring/wine/looks/20261121T120000{0:06}-monitor_1.json"
    assert latest_look("wine", data) == look_of("wine", "monitor_1", data) == told


def test_before_the_first_look_people_hear_how_to_start_one() -> None:
    with pytest.raises(NotFound, match="POST /monitoring/run"):
        latest_look("wine", MemoryBucket())
    with pytest.raises(NotFound, match="monitor_9 is no look at wine"):
        look_of("wine", "monitor_9", MemoryBucket())
    with pytest.raises(NotFound, match="no report of monitor_9"):
        report_of("wine", "monitor_9", MemoryBucket())


@given(order=st.permutations(range(5)), again=st.lists(st.integers(0, 4), max_size=5))
def test_whatever_order_looks_end_in_the_newest_is_the_latest(order: list[int], again: list[int]) -> None:
    data = MemoryBucket()
    for number in [*order, *again]:
        keep_look(look(f"monitor_{number}", at=NOON + number * HOUR), data)
    assert latest_look("wine", data).run == "monitor_4"
    assert len([*data.list("monitoring/wine/looks/")]) == 5


def test_a_comparison_is_kept_and_is_never_the_latest() -> None:
    data = MemoryBucket()
    keep_look(look("monitor_1"), data)
    keep_look(look("drift_1", at=NOON + HOUR, kind="compare"), data)
    assert latest_look("wine", data).run == "monitor_1"
    assert look_of("wine", "drift_1", data).kind == "compare"


def test_a_run_is_not_taken_for_one_whose_name_ends_alike() -> None:
    data = MemoryBucket()
    keep_look(look("a-b", "warn"), data)
    keep_look(look("b", "alert"), data)
    assert look_of("wine", "b", data).verdict.level == "alert"
    with pytest.raises(NotFound):
        look_of("wine", f"{0:012}-b", data)


def test_keys_are_in_utc_wherever_the_moment_was_told() -> None:
    there = timezone(timedelta(hours=5))
    keys = {keep_look(look(at=NOON.astimezone(zone)), MemoryBucket()) for zone in (UTC, there)}
    assert len(keys) == 1


def test_a_look_that_nobody_can_read_holds_up_neither_others_nor_the_next_look() -> None:
    data = MemoryBucket()
    data.put(latest_key("beer"), b'{"of": "another Gyre"}')
    keep_look(look(), data)
    assert [each.model for each in latest_looks(["beer", "wine", "none"], data)] == ["wine"]
    assert latest_at("beer", data) is None
    with pytest.raises(Unavailable, match="POST /monitoring/run"):
        latest_look("beer", data)
    keep_look(look(model="beer"), data)
    assert latest_look("beer", data).model == "beer"
    assert latest_at("beer", data) == NOON


def test_a_report_comes_back() -> None:
    data = MemoryBucket()
    assert keep_report(look(), b"<html>", data) == "monitoring/wine/reports/monitor_1.html"
    assert report_of("wine", "monitor_1", data) == b"<html>"


# --- moving an object -------------------------------------------------------------------------------------------------


class Contested(MemoryBucket):
    """Somebody else is faster, so many times."""

    def __init__(self, times: int, theirs: Look | None = None) -> None:
        super().__init__()
        self.times, self.theirs = times, theirs

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        if self.times and (replaces or new):
            self.times -= 1
            self.put(key, self.theirs.dump() if self.theirs else str(self.times).encode())
        return super().write(key, content, content_type=content_type, replaces=replaces, new=new)


class Deaf(MemoryBucket):
    """Takes a conditional write, and its answer is lost: the repeated one is refused."""

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        written = super().write(key, content, content_type=content_type, replaces=replaces, new=new)
        if replaces or new:
            raise Conflict("refused, for it is there already")
        return written


def test_a_newer_look_that_was_faster_stays() -> None:
    data = Contested(1, theirs=look("monitor_2", at=NOON + HOUR))
    keep_look(look("monitor_1"), data)
    assert latest_look("wine", data).run == "monitor_2"
    data = Contested(1, theirs=look("monitor_0", at=NOON - HOUR))
    keep_look(look("monitor_1"), data)
    assert latest_look("wine", data).run == "monitor_1"


def test_whoever_is_never_fast_enough_hears_so() -> None:
    with pytest.raises(Unavailable, match="too many at once"):
        change("some/key", Contested(1000), lambda _: b"mine")


def test_a_write_whose_answer_was_lost_was_one() -> None:
    data = Deaf()
    for number in range(3):
        keep_look(look(f"monitor_{number}", at=NOON + number * HOUR), data)
    assert latest_look("wine", data).run == "monitor_2"
