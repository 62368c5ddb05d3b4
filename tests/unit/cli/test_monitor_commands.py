"""gyre monitor: looks that somebody asks for, and what they found."""

import json

import pytest

from gyre.monitoring.acting.done import Done, keep_done
from gyre.monitoring.acting.incident import Links, tell
from gyre.monitoring.found import Finding
from gyre.monitoring.kept import keep_look, keep_report
from gyre.spec.versions import add_spec, spec_of
from tests.fakes.notices import MemoryNotices
from tests.unit.cli.stack import SPEC, Stack
from tests.unit.monitoring.look_parts import NOON, full_look
from tests.unit.registry.house import release

RUN = "monitor_20261121T120000-abcd1234"
MOVED = Finding(code="drift", severity="warn", text="acid moved", column="acid")
Out = pytest.CaptureFixture[str]


@pytest.fixture
def watched(stack: Stack) -> Stack:
    """A release, and a look at it that found something."""
    house = stack.house
    add_spec(SPEC, house.artifacts)
    release("wine", 1, house.artifacts)
    seen = full_look(RUN, NOON)
    seen = seen.model_copy(update={"verdict": seen.verdict.model_copy(update={"level": "warn", "findings": (MOVED,)})})
    keep_look(seen, house.data)
    keep_report(seen, b"<!doctype html><p>acid moved</p>", house.data)
    keep_done("wine", RUN, "retrain", Done(action="none", sentence="No training began."), house.data)
    house.looks.append(seen)
    tell(seen, spec_of("wine", house.artifacts).spec, house.data, MemoryNotices(), Links(), NOON)
    return stack


def test_a_look_begins_at_one_model_or_at_all(watched: Stack, capsys: Out) -> None:
    assert watched.call("monitor", "run", "wine", "--hours", "6") == 0
    run = capsys.readouterr().out.strip()
    assert watched.house.workflow.show(run).input == {"model": "wine", "hours": 6.0}
    assert watched.call("monitor", "run") == 0
    assert watched.house.workflow.show(capsys.readouterr().out.strip()).input == {"every": True}


def test_a_window_without_a_model_is_refused(watched: Stack, capsys: Out) -> None:
    assert watched.call("monitor", "run", "--hours", "6") == 1
    assert "one model" in capsys.readouterr().err


def test_two_sets_of_data_are_compared(watched: Stack, capsys: Out) -> None:
    watched.house.data.put("drift/wine/new.csv", b"acid\n1\n")
    assert watched.call("monitor", "compare", "wine", "--file", "drift/wine/new.csv") == 0
    asked = watched.house.workflow.show(capsys.readouterr().out.strip()).input
    assert asked["subject"]["file"] == "drift/wine/new.csv"
    assert watched.call("monitor", "compare", "wine", "--file", "a", "--dataset", "1") == 1


@pytest.mark.parametrize("named", [(), (RUN,)])
def test_what_a_look_found_is_shown(watched: Stack, capsys: Out, named: tuple[str, ...]) -> None:
    assert watched.call("monitor", "show", "wine", *named) == 0
    told = capsys.readouterr()
    assert "warn" in told.out and "acid moved" in told.out
    assert "No training began." in told.err
    assert watched.call("monitor", "show", "wine", *named, "--json") == 0
    assert json.loads(capsys.readouterr().out)["run"] == RUN


def test_its_page_is_fetched(watched: Stack, capsys: Out, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert watched.call("monitor", "report", "wine") == 0
    assert "<p>acid moved</p>" in capsys.readouterr().out
    out = tmp_path_factory.mktemp("out") / "look.html"
    assert watched.call("monitor", "report", "wine", RUN, "--out", str(out)) == 0
    assert "acid moved" in out.read_text()


@pytest.mark.parametrize("what", ["", "drift", "verdict", "multivariate", "estimated", "realised", "quality", "volume"])
def test_the_course_of_every_kind_of_figure_is_shown(watched: Stack, capsys: Out, what: str) -> None:
    """What a figure has not, as a verdict has no column, is an empty place of the table."""
    assert watched.call("monitor", "history", "wine", *(("--what", what) if what else ())) == 0
    shown = capsys.readouterr().out
    assert "looked (UTC)" in shown and (what or "drift") in shown
    assert watched.call("monitor", "history", "wine", "--limit", "1", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["history"]) == 1


def test_what_people_heard_is_shown(watched: Stack, capsys: Out) -> None:
    assert watched.call("monitor", "notices", "wine") == 0
    shown = capsys.readouterr().out
    assert "warn since 2026-11-21 12:00" in shown and "opened" in shown


def test_nobody_looked_yet(stack: Stack, capsys: Out) -> None:
    add_spec(SPEC, stack.house.artifacts)
    assert stack.call("monitor", "history", "wine") == 0
    assert stack.call("monitor", "notices", "wine") == 0
    assert capsys.readouterr().out.splitlines() == ["nobody has looked yet", "nothing is wrong"]
    assert stack.call("monitor", "show", "wine") == 1
    assert "Nobody has looked at wine yet" in capsys.readouterr().err
