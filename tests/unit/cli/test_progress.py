"""What a run's steps look like while they go on."""

import io
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.progress import Lines, Live, bar, line
from cli.run_facts import Row, RunFacts, Search
from cli.text import width
from tests.unit.cli.stack import BEGAN, Terminal

GOES_ON = Row("Fit", "running", 3.0, "")


def told(*steps: dict[str, Any], status: str = "running", **found: Any) -> RunFacts:
    return RunFacts({"run": "r", "status": status, "input": {"model": "wine"}, "steps": list(steps), "found": found})


def entered(name: str, status: str = "succeeded", at: float = 0, visits: int = 1, failed: int = 0) -> dict[str, Any]:
    began = BEGAN + timedelta(seconds=at)
    ended = {} if status == "running" else {"ended_at": (began + timedelta(seconds=1)).isoformat()}
    return {
        "name": name, "status": status, "started_at": began.isoformat(), "visits": visits, "failed": failed, **ended,
    }  # fmt: skip


# --- the search -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scored", "failed", "numbers", "visits", "running", "workers", "expected"),
    [
        (0, 0, 6, 0, False, 2, (0, 6)),  # planned, none begun
        (0, 0, 6, 2, True, 2, (0, 6)),  # two begun, side by side
        (0, 0, 6, 5, True, 2, (3, 6)),
        (0, 0, 6, 1, True, 4, (0, 6)),  # fewer go on than may
        (0, 0, 6, 6, False, 2, (6, 6)),  # all of them, and the next round is not planned yet
        (5, 1, 6, 6, False, 2, (6, 12)),  # the second round
        (5, 1, 6, 6, True, 2, (6, 12)),  # what was scored stays scored
        (5, 1, 6, 99, False, 2, (12, 12)),  # a run that is resumed visits some again
    ],
)
def test_how_many_are_scored_is_never_told_too_high(
    scored: int, failed: int, numbers: int, visits: int, running: bool, workers: int, expected: tuple[int, int]
) -> None:
    propose = {
        "round": 1, "numbers": list(range(numbers)), "done": False, "because": "", "scored": scored, "failed": failed,
        "concurrency": workers,
    }  # fmt: skip
    steps = [entered("Propose")]
    steps += [entered("Score", "running" if running else "succeeded", visits=visits)] if visits else []
    search = told(*steps, propose=propose).search
    assert search is not None
    assert (search.done, search.planned) == expected


def test_the_best_score_is_shown_where_it_is_told() -> None:
    propose = {"round": 2, "numbers": [3], "done": False, "scored": 2, "failed": 0, "best": 2, "concurrency": 1}
    steps = entered("Propose"), entered("Score", "running", visits=3)
    (row,) = told(*steps, propose=propose).rows()
    assert row.note == "2 of 3 scored, best: candidate 2, round 2"
    (row,) = told(*steps, propose=propose | {"best_score": 0.84312}).rows()
    assert row.note == "2 of 3 scored, best: candidate 2 with 0.8431, round 2"


def test_an_answer_without_its_numbers_is_no_traceback() -> None:
    """A run of an older deployment told less."""
    (row,) = told(entered("Propose"), entered("Score", "running"), propose={"round": 1}).rows()
    assert row.search is not None and bar(row.search) == "[............]"
    (row,) = told(entered("Propose", "running")).rows()
    assert (row.name, row.status, row.note) == ("Search", "running", "")


@pytest.mark.parametrize(
    ("status", "steps", "expected"),
    [
        ("running", [entered("Propose"), entered("Score", "failed", failed=1)], "running"),
        ("running", [entered("Propose"), entered("Score"), entered("Fit", "running", at=9)], "succeeded"),
        ("failed", [entered("Propose", "failed")], "failed"),
        ("failed", [entered("Propose"), entered("Score"), entered("Fit", "failed", at=9)], "succeeded"),
        ("stopped", [entered("Propose"), entered("Score", "failed")], "failed"),
    ],
)
def test_a_search_is_over_when_the_run_goes_further(status: str, steps: list[Any], expected: str) -> None:
    assert told(*steps, status=status).rows()[0].status == expected


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_bar_is_as_full_as_what_is_scored(done: int, more: int) -> None:
    made = bar(Search(1, done, done + more, 0, None, None, ""))
    assert len(made) == 14
    assert (made == "[############]") == (more == 0 and done > 0)


# --- on a terminal ----------------------------------------------------------------------------------------------------


def test_a_step_that_is_visited_again_is_shown_again() -> None:
    """Somebody else promoted meanwhile: the gates look again."""
    screen = Terminal()
    live = Live(screen)
    live.show([Row("Gates", "succeeded", 1.0, "passed"), Row("Promote", "running", 0.1, "")])
    live.show([Row("Gates", "running", 2.0, "", visit=2), Row("Promote", "failed", 1.0, "")])
    live.show([Row("Gates", "succeeded", 3.0, "again", visit=2), Row("Promote", "running", 1.0, "", visit=2)])
    live.close()
    assert [each.split() for each in screen.screen()] == [
        ["Gates", "done", "1.0", "s", "passed"], ["Promote", "failed", "1.0", "s"],
        ["Gates", "done", "3.0", "s", "again"], ["Promote", "goes", "on", "1.0", "s"], [],
    ]  # fmt: skip


def test_nothing_is_written_where_nothing_changed() -> None:
    screen = Terminal()
    live = Live(screen)
    live.show([GOES_ON])
    written = screen.getvalue()
    live.show([GOES_ON])
    assert screen.getvalue() == written
    live.close()
    live.close()
    assert screen.getvalue() == f"{written}\n"


@given(st.text(), st.integers(20, 60))
def test_whatever_a_note_holds_a_line_fits(note: str, columns: int) -> None:
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        shown = RunFacts({
            "run": "r", "status": "running", "steps": [entered("Gates")], "found": {"gates": {"because": note}},
        }).rows()  # fmt: skip
        Live(screen).show(shown)
    (only, end) = screen.getvalue().split("\n")
    assert end == ""
    assert only.isprintable() and width(only) < columns


# --- without one ------------------------------------------------------------------------------------------------------


def test_a_long_round_is_told_by_its_tenths() -> None:
    """A thousand candidates are no thousand lines."""
    out = io.StringIO()
    lines = Lines(out)
    for done in range(1001):
        lines.show([Row("Search", "running", 1.0, f"{done} of 1000", Search(1, done, 1000, 0, None, None, ""))])
    assert len(out.getvalue().splitlines()) == 11


def test_seconds_alone_are_no_news() -> None:
    out = io.StringIO()
    lines = Lines(out)
    for seconds in (1.0, 2.0, 3.0):
        lines.show([Row("Fit", "running", seconds, "")])
    lines.show([Row("Fit", "succeeded", 4.0, "boosting")])
    lines.close()
    assert out.getvalue() == "Fit goes on\nFit done in 4.0 s: boosting\n"


def test_an_unknown_state_is_shown_as_it_is_called() -> None:
    assert line(Row("Something new", "succeeded", None, "")).split() == ["Something", "new", "done"]
    (row,) = told(entered("Some\x1b[2Jthing")).rows()
    assert row.name == "Some\\x1b[2Jthing"
