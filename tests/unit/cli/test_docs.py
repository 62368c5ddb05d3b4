"""docs/cli.md: its table is the parser's, its session is what the commands print, and each command explains itself."""

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main, parser
from examples.catalogue import EXAMPLES
from gyre.registry.gates import Judgement, Verdict, keep_judgement
from gyre.run_folder import RunFolder
from gyre.training import start
from tests.unit.cli.stack import BEGAN, RUN, Stack, step
from tests.unit.registry.house import registered

PAGE = Path(__file__).parents[3] / "docs/cli.md"
MODEL = "obesity"
Out = pytest.CaptureFixture[str]


def between(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1].strip("\n")


def commands(of: argparse.ArgumentParser | None = None) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Each command that does something, with its line of help."""
    for action in (of or parser())._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action._choices_actions:
                below = action.choices[each.dest]
                if below.get_default("run"):
                    yield below, str(each.help)
                yield from commands(below)


# --- the table --------------------------------------------------------------------------------------------------------


def row(command: argparse.ArgumentParser, told: str) -> str:
    """Arguments after the command; options by their long names."""
    places = [
        f"[{each.metavar}]" if each.nargs in ("?", "*") else str(each.metavar)
        for each in command._actions
        if not each.option_strings
    ]
    options = [each.option_strings[-1] for each in command._actions if each.option_strings and each.dest != "help"]
    return f"| `{' '.join([command.prog, *places])}` | {told} | {' '.join(f'`{each}`' for each in options)} |"


def test_the_table_tells_every_command() -> None:
    rows = [row(*each) for each in commands()]
    assert between("commands").splitlines() == ["| command | what it does | options |", "| --- | --- | --- |", *rows]


# --- the session ------------------------------------------------------------------------------------------------------


@pytest.fixture
def obesity(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """One version serves; the next one is trained."""
    stack.client().declare(EXAMPLES[MODEL].spec.read_bytes())
    stack.house.add_version(MODEL, 1)
    stack.house.add_version(MODEL, 2)
    register(stack, 1, "upload-0f3a", 0.8127, dataset=1, estimator="linear")
    stack.client().promote(MODEL, 1)
    monkeypatch.setattr(start, "fresh_run_name", lambda _: RUN)
    stack.next.extend([lambda: search(stack), lambda: end(stack)])
    return stack


def register(stack: Stack, version: int, run: str, value: float, **facts: Any) -> None:
    registered(
        MODEL, version, stack.house.artifacts, run=run, figures={"f1_macro": value},
        at=BEGAN.replace(hour=8 + version).isoformat(), **facts,
    )  # fmt: skip
    verdict = Verdict("metrics", "f1_macro", value, "at least 0.7", True, "it is")
    keep_judgement(Judgement((verdict,)), RunFolder(stack.house.artifacts, MODEL, run))


def found(stack: Stack, task: str, **answer: Any) -> None:
    stack.found(task, model=MODEL, **answer)


def search(stack: Stack) -> None:
    found(stack, "pin", version=2, rows=3981, rejected=19)
    found(stack, "split", key="k", rows={"train": 2787, "test": 796, "reference": 398})
    found(
        stack, "propose", round=2, numbers=[5, 6, 7, 8], done=False, because="", scored=4, failed=0, best=3,
        concurrency=2,
    )  # fmt: skip
    stack.on(
        step("Pin", took=0.4), step("Split", at=1, took=0.9), step("Propose", at=2, visits=2),
        step("Score", "running", at=3, visits=8),
    )  # fmt: skip


def end(stack: Stack) -> None:
    found(
        stack, "propose", round=3, numbers=[], done=True, because="12 candidates were tried", scored=12, failed=0,
        best=9, concurrency=2,
    )  # fmt: skip
    found(stack, "fit", estimator="boosting")
    found(stack, "evaluate", metric="f1_macro", value=0.84291, baseline=0.0413)
    found(stack, "register", version=2)
    found(stack, "gates", outcome="promote", because="All 4 gates passed.", expected=1)
    register(stack, 2, RUN, 0.84291, dataset=2)
    told = stack.client().promote(MODEL, 2)
    found(stack, "promote", revision=told["revision"], before=told["before"])
    stack.on(
        step("Propose", at=2, took=30, visits=4), step("Score", at=3, took=29, visits=12), step("Fit", at=33, took=6.1),
        step("Evaluate", at=40, took=4.2), step("Fairness", at=45, took=0.7), step("Register", at=46, took=2.3),
        step("Gates", at=49, took=1.8), step("Promote", at=51, took=0.3), step("Mirror", at=52, took=1.1),
        step("Tell the release", at=53), status="succeeded",
    )  # fmt: skip


def still(text: str) -> str:
    """Moves are made now."""
    return re.sub(r"20\d\d-\d\d-\d\d \d\d:\d\d", "2026-11-21 09:00", text)


def test_the_session_is_what_is_printed(obesity: Stack, capsys: Out) -> None:
    lines = []
    for command in re.findall(r"^\$ (.*)$", between("session"), re.MULTILINE):
        gyre, *arguments = shlex.split(command)
        assert gyre == "gyre"
        assert obesity.call(*arguments) == 0
        out, errors = capsys.readouterr()
        lines.append(f"$ {command}\n{errors}{out}")
    assert still(between("session")) == still("```console\n" + "\n".join(lines) + "```")


# --- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prog", [each.prog for each, _ in commands()])
def test_each_command_explains_itself(prog: str, capsys: Out) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*prog.split()[1:], "--help"])
    assert caught.value.code == 0
    out, errors = capsys.readouterr()
    assert out.startswith(f"usage: {prog}") and errors == ""


def test_every_argument_and_option_has_a_help() -> None:
    silent = [
        (command.prog, action.dest) for command, _ in commands() for action in command._actions if not action.help
    ]
    assert silent == []
    assert len(list(commands())) == 38


def test_every_command_that_reads_has_json() -> None:
    reading = {
        command.prog for command, _ in commands() if any("--json" in each.option_strings for each in command._actions)
    }
    assert reading == {
        "gyre run show", "gyre run follow", "gyre model list", "gyre model show", "gyre model versions",
        "gyre model version", "gyre model card", "gyre model history", "gyre model comparison",
        "gyre journal dead-letters", "gyre journal sql", "gyre feedback",
        "gyre subject show", "gyre subject erase", "gyre subject proof",
        "gyre monitor show", "gyre monitor history", "gyre monitor notices",
    }  # fmt: skip
