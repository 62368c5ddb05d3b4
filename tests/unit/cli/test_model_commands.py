"""`gyre model …`, the commands that read."""

import json
from pathlib import Path

import pytest

from gyre.registry.gates import Judgement, Verdict, keep_judgement
from gyre.run_folder import RunFolder
from tests.unit.cli.stack import SPEC, Stack, Terminal

Out = pytest.CaptureFixture[str]
BAD = "\x1b[31mred\nline\x9b2K"


def judged(stack: Stack, version: int, *, passed: bool, because: str = "size is 3, at most 50 is asked") -> None:
    verdicts = (
        Verdict("metrics", "f1_macro", 0.81234, "at least 0.75", passed, because),
        Verdict("champion", "f1_macro against the champion", None, None, None, "not asked"),
    )
    keep_judgement(Judgement(verdicts), RunFolder(stack.house.artifacts, "wine", f"train-{version}"))


@pytest.fixture
def wine(stack: Stack) -> Stack:
    """Three versions: 1 retired, 2 serves, 3 is on trial."""
    client = stack.client()
    client.declare(SPEC)
    for version in (1, 2, 3):
        stack.register(version, figures={"f1_macro": 0.8 + version / 1000, "recall.true": 0.5, "rmse": 12345.678})
    judged(stack, 2, passed=True)
    judged(stack, 3, passed=False, because=f"f1_macro is low {BAD}")
    client.promote("wine", 1)
    client.promote("wine", 2, comment="better")
    client.promote("wine", 3, "challenger")
    client.retire("wine", 1)
    stack.asked.clear()
    return stack


def lines(capsys: Out) -> list[str]:
    return capsys.readouterr().out.splitlines()


# --- list, show -------------------------------------------------------------------------------------------------------


def test_every_model_is_listed(wine: Stack, capsys: Out) -> None:
    wine.house.add_version(number=4)
    wine.client().declare(SPEC.replace(b"model: wine", b"model: beer"))
    assert wine.call("model", "list") == 0
    assert lines(capsys) == [
        "model  spec  dataset  serves",
        "beer      1        -       -",
        "wine      1        4       2",
    ]


def test_a_model_whose_pointer_is_broken_is_told_with_its_fault(wine: Stack, capsys: Out) -> None:
    wine.house.artifacts.put("releases/wine.json", b"{")
    assert wine.call("model", "list") == 0
    head, line = lines(capsys)
    assert head.split() == ["model", "spec", "dataset", "serves", "fault"]
    assert "releases/wine.json" in line


def test_where_nothing_is_declared_it_says_how(stack: Stack, capsys: Out) -> None:
    assert stack.call("model", "list") == 0
    assert capsys.readouterr() == (
        "", "gyre: no model is declared yet: POST /models, or put a model.yaml into the inbox\n",
    )  # fmt: skip


def test_a_model_is_shown(wine: Stack, capsys: Out) -> None:
    assert wine.call("model", "show", "wine") == 0
    told = lines(capsys)
    moved = next(each for each in told if each.startswith("last move"))
    assert [each for each in told if each is not moved] == [
        "model       wine",
        "owner       ada",
        "predicts    good (binary) from 1 feature",
        "spec        version 1",
        "data        none yet",
        "production  version 2",
        "challenger  version 3, gets no calls",
        "retired     1",
        "MLflow      lags: gyre model mirror wine repairs it",
        "",
        "column  type",
        "good    boolean",
        "acid    number   required",
    ]
    assert moved.startswith("last move   retire by admin-1, 20") and moved.endswith(" UTC")


def test_before_the_first_release_it_says_that_nothing_serves(stack: Stack, capsys: Out) -> None:
    stack.client().declare(SPEC)
    assert stack.call("model", "show", "wine") == 0
    told = lines(capsys)
    assert "production  nothing serves yet" in told
    assert not [each for each in told if each.startswith(("MLflow", "last move", "retired"))]


# --- versions ---------------------------------------------------------------------------------------------------------


def test_versions_are_listed_newest_first(wine: Stack, capsys: Out) -> None:
    assert wine.call("model", "versions", "wine") == 0
    assert lines(capsys) == [
        "version  made (UTC)        estimator  metric    value  gates       stands      dataset  run",
        "      3  2026-11-21 09:00  boosting   f1_macro  0.803  failed      challenger        3  train-3",
        "      2  2026-11-21 09:00  boosting   f1_macro  0.802  passed      production        3  train-2",
        "      1  2026-11-21 09:00  boosting   f1_macro  0.801  not judged  retired           3  train-1",
    ]


def test_page_by_page(wine: Stack, capsys: Out) -> None:
    assert wine.call("model", "versions", "wine", "--limit", "2") == 0
    out, errors = capsys.readouterr()
    assert [each.split()[0] for each in out.splitlines()] == ["version", "3", "2"]
    assert errors == "gyre: older ones: gyre model versions wine --before 2\n"
    assert wine.call("model", "versions", "wine", "--before", "2") == 0
    out, errors = capsys.readouterr()
    assert [each.split()[0] for each in out.splitlines()] == ["version", "1"]
    assert errors == ""


@pytest.mark.parametrize("options", [[], ["--before", "1"]])
def test_where_there_is_none_it_says_how_to_make_one(stack: Stack, capsys: Out, options: list[str]) -> None:
    assert stack.call("model", "versions", "wine", *options) == 0
    out, errors = capsys.readouterr()
    assert out == ""
    assert "yet: gyre train wine" in errors


def test_more_than_a_page_is_refused_here(stack: Stack, capsys: Out) -> None:
    with pytest.raises(SystemExit):
        stack.call("model", "versions", "wine", "--limit", "101")
    assert "101 are more than the 100 of a page" in capsys.readouterr().err


# --- version ----------------------------------------------------------------------------------------------------------


def test_a_version_is_shown_with_its_figures_and_gates(wine: Stack, capsys: Out) -> None:
    assert wine.call("model", "version", "wine", "2") == 0
    told = lines(capsys)
    bundle = next(each for each in told if each.startswith("bundle"))
    assert [each for each in told if each is not bundle] == [
        "version    2 of wine",
        "made       2026-11-21 09:00 UTC by train-2",
        "stands     production",
        "data       dataset version 3: train 700, test 200, reference 100",
        "spec       version 2",
        "estimator  boosting (max_iter 100)",
        "seed       7",
        "commit     c0ffee",
        "",
        "figure     value  baseline",
        "f1_macro   0.802       0.2  what the search made best",
        "rmse      12,346         -",
        "and 1 of single classes: --all shows them",
        "",
        "gate      figure                          value  limit          verdict",
        "metrics   f1_macro                       0.8123  at least 0.75  passed",
        "champion  f1_macro against the champion       -  -              not asked",
    ]


def test_all_figures_are_shown_on_request(wine: Stack, capsys: Out) -> None:
    assert wine.call("model", "version", "wine", "v2", "--all") == 0
    out = capsys.readouterr().out
    assert "recall.true" in out and "--all" not in out


def test_a_gate_that_failed_says_why_on_one_line(wine: Stack, capsys: Out) -> None:
    """Whatever an answer holds, a terminal obeys none of it."""
    assert wine.call("model", "version", "wine", "3") == 0
    out = capsys.readouterr().out
    assert out.endswith("FAILED metrics: f1_macro is low \\x1b[31mred\\nline\\x9b2K\n")
    assert "\x1b" not in out and "\x9b" not in out


def test_a_version_that_waits_says_what_to_type(wine: Stack, capsys: Out) -> None:
    wine.ask(3)
    assert wine.call("model", "version", "wine", "3") == 0
    assert lines(capsys)[-1] == "waits for approval: gyre model approve wine 3 (--decline refuses it)"


def test_a_version_that_nobody_judged_says_so(wine: Stack, capsys: Out) -> None:
    assert wine.call("model", "version", "wine", "1") == 0
    told = lines(capsys)
    assert told[-1] == "the gates have not judged it"
    assert "stands     retired" in told


# --- card -------------------------------------------------------------------------------------------------------------

PAGE = f"<!doctype html><p>größe {BAD}</p>"


@pytest.fixture
def card(wine: Stack) -> Stack:
    folder = RunFolder(wine.house.artifacts, "wine", "train-2")
    folder.write("card.html", PAGE.encode())
    folder.write_json("card.json", {"model": "wine", "note": f"größe 😀 {BAD}"})
    return wine


def test_the_page_goes_to_a_pipe_as_it_is(card: Stack, capsys: Out) -> None:
    assert card.call("model", "card", "wine", "2") == 0
    assert capsys.readouterr() == (PAGE, "")


def test_or_to_a_file_that_nobody_has(card: Stack, tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "card.html"
    assert card.call("model", "card", "wine", "2", "--out", str(out)) == 0
    assert out.read_text(encoding="utf-8") == PAGE
    assert capsys.readouterr() == ("", f"gyre: wrote {out}\n")
    out.write_text("mine")
    assert card.call("model", "card", "wine", "2", "--out", str(out)) == 1
    assert out.read_text() == "mine"
    assert capsys.readouterr().err == f"gyre: {out} is there already: name another file\n"


def test_a_terminal_is_spared_the_page(card: Stack, terminal: Terminal, capsys: Out) -> None:
    assert card.call("model", "card", "wine", "2") == 1
    assert terminal.getvalue() == ""
    assert "gyre model card wine 2 --out card.html writes it, --json prints its facts" in capsys.readouterr().err
    assert card.asked == []


def test_as_json_it_may_go_there(card: Stack, terminal: Terminal) -> None:
    assert card.call("model", "card", "wine", "2", "--json") == 0
    assert json.loads(terminal.getvalue()) == {"model": "wine", "note": f"größe 😀 {BAD}"}
    assert "größe 😀" in terminal.getvalue()
    assert "\x9b" not in terminal.getvalue() and "\x1b" not in terminal.getvalue()


def test_a_version_without_a_card_is_one_line(card: Stack, tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "card.html"
    assert card.call("model", "card", "wine", "1", "--out", str(out)) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


# --- history ----------------------------------------------------------------------------------------------------------


def test_the_history_tells_who_and_why(wine: Stack, capsys: Out) -> None:
    assert wine.call("model", "history", "wine") == 0
    told = [each.split() for each in lines(capsys)]
    assert told[0] == ["move", "when", "(UTC)", "what", "alias", "version", "before", "by", "why"]
    assert [[*each[:1], *each[3:]] for each in told[1:]] == [
        ["4", "retire", "-", "1", "-", "admin-1", "-"],
        ["3", "promote", "challenger", "3", "-", "admin-1", "-"],
        ["2", "promote", "production", "2", "1", "admin-1", "better"],
        ["1", "promote", "production", "1", "-", "admin-1", "-"],
    ]


def test_a_long_comment_with_control_characters_stays_in_its_cell(wine: Stack, capsys: Out) -> None:
    wine.client().withdraw("wine", comment="a\tb " + "x" * 300)
    assert wine.call("model", "history", "wine", "--limit", "1") == 0
    head, line = lines(capsys)
    assert "a\\tb xxx" in line and line.endswith("x...")
    assert len(line) - head.index("why") == 80


def test_what_was_never_released_has_no_history(stack: Stack, capsys: Out) -> None:
    stack.register()
    assert stack.call("model", "history", "wine") == 0
    assert capsys.readouterr() == ("", "gyre: nothing of wine was ever released\n")


# --- all of them ------------------------------------------------------------------------------------------------------

READING = {
    "list": ["list"], "show": ["show", "wine"], "versions": ["versions", "wine"], "version": ["version", "wine", "2"],
    "history": ["history", "wine"],
}  # fmt: skip


@pytest.mark.parametrize("command", READING)
def test_as_json_each_prints_what_the_api_said(wine: Stack, capsys: Out, command: str) -> None:
    assert wine.call("model", *READING[command], "--json") == 0
    told = json.loads(capsys.readouterr().out)
    client = wine.client()
    assert (
        told
        == {
            "list": lambda: client.get("models"),
            "show": lambda: {**client.get("models/wine"), "release": client.release("wine")},
            "versions": lambda: client.versions("wine"),
            "version": lambda: client.version("wine", 2),
            "history": lambda: {"moves": client.history("wine")},
        }[command]()
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "beer"], "beer"),
        (["version", "wine", "9"], "wine has no version 9"),
        (["card", "wine", "9", "--json"], "wine has no version 9"),
    ],
)
def test_what_is_not_there_is_one_line(wine: Stack, capsys: Out, arguments: list[str], says: str) -> None:
    assert wine.call("model", *arguments) == 1
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n")) == ("", 1)
    assert errors.startswith("gyre: ") and says in errors
