"""gyre batch, gyre run result: files go there and come back as answers."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.batch_commands import answers_name
from gyre.datasets.batch_file import batch_file_at
from gyre.run_folder import RunFolder
from tests.unit.cli.stack import Stack, Terminal, step
from tests.unit.registry.house import release

Out = pytest.CaptureFixture[str]
ROWS = b"acid\n1\n2\nx\n"
ANSWERS = b"acid,prediction,error\n1,a,\n2,b,\nx,,type:acid\n"
SUMMARY = {
    "model": "wine", "rows": 3, "predicted": 2, "version": 1, "seconds": 2.5,
    "refused": {"rows": 1, "by": {"type:acid": 1}}, "classes": {"a": 1, "b": 1}, "values": None,
}  # fmt: skip


@pytest.fixture
def wine(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A model that serves; a file of rows lies here."""
    release("wine", 1, stack.house.artifacts)
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_bytes(ROWS)
    return stack


def run_of(stack: Stack) -> str:
    (run,) = stack.house.workflow.runs
    return run


def planned(stack: Stack, done: int) -> Callable[[], None]:
    """The run has made its plan, and so many ranges are done."""

    def happens() -> None:
        run, folder = run_of(stack), "batch/wine/work/r/0"
        stack.found("plan", run, rows=3, ranges=4, manifest=f"{folder}/manifest.json")
        for number in range(done):
            stack.house.data.put(f"{folder}/told/{number:06}.json", b"{}")
        stack.on(step("Plan"), step("Predict all", "running", at=1), run=run)

    return happens


def ended(stack: Stack) -> Callable[[], None]:
    def happens() -> None:
        planned(stack, 4)()
        run = run_of(stack)
        file = batch_file_at(**stack.house.workflow.runs[run].input["file"])
        told = {**SUMMARY, "run": run, "out": file.out}
        stack.house.data.put(file.out, ANSWERS)
        stack.house.data.put(file.summary, json.dumps(told).encode())
        folder = RunFolder(stack.house.artifacts, "wine", run)
        folder.write_json("steps/join.json", {"asked": "", "at": "", "seconds": 1.0, "answer": told})
        stack.on(step("Predict all", at=1, took=4), step("Join", at=5), run=run, status="succeeded")

    return happens


def failed(stack: Stack) -> Callable[[], None]:
    def happens() -> None:
        cause = "Invalid: The file lacks acid, which wine needs."
        stack.on(step("Plan", "failed", cause=cause), run=run_of(stack), status="failed", cause=cause)

    return happens


def test_a_file_comes_back_with_its_answers(wine: Stack, capsys: Out) -> None:
    wine.next.extend([lambda: None, planned(wine, 0), planned(wine, 2), ended(wine)])
    assert wine.call("batch", "wine", "rows.csv") == 0
    out, errors = capsys.readouterr()
    run = run_of(wine)
    assert Path("rows.answers.csv").read_bytes() == ANSWERS
    assert not Path("rows.answers.csv.part").exists()
    assert out.splitlines() == [
        run, "Plan done in 1.0 s: 3 rows in 4 ranges", "Predict all goes on: 0 of 4 ranges",
        "Predict all goes on: 2 of 4 ranges", "Predict all done in 4.0 s: 4 of 4 ranges",
        f"Join done in 1.0 s: {batch_file_at(**wine.house.workflow.runs[run].input['file']).out}",
        "3 rows of wine, 2 answered by version 1 in 2.5 s", "1 refused, as their column error says: type:acid 1",
        "a 1, b 1",
    ]  # fmt: skip
    assert errors == "gyre: bringing rows.csv (11 bytes)\ngyre: the answers are in rows.answers.csv\n"
    # The key of the API goes to the API alone.
    signed = [headers for (_, path, _), headers in zip(wine.asked, wine.headers, strict=True) if "memory" in path]
    assert len(signed) == 2 and not [each for each in signed if "x-api-key" in each]


def test_on_a_terminal_the_ranges_have_a_bar(wine: Stack) -> None:
    wine.screen = Terminal()
    wine.next.extend([lambda: None, planned(wine, 2), ended(wine)])
    assert wine.call("batch", "wine", "rows.csv") == 0
    assert "Predict all  [######......]  2 of 4 ranges" in wine.screen.getvalue()


def test_wishes_go_along(wine: Stack) -> None:
    wine.next.extend([lambda: None, ended(wine)])
    assert wine.call("batch", "wine", "rows.csv", "--version", "1", "--explain", "--out", "other.csv") == 0
    (asked,) = [json.loads(body) for method, path, body in wine.asked if path == "/models/wine/batch"]
    assert asked == {"name": "rows.csv", "explain": True, "version": "1"}
    file = wine.house.workflow.runs[run_of(wine)].input["file"]
    assert file["key"].startswith("batch/wine/in/") and file["key"].endswith("/v1/explain/rows.csv")
    assert Path("other.csv").read_bytes() == ANSWERS


def test_a_run_that_fails_leaves_no_file(wine: Stack, capsys: Out) -> None:
    wine.next.extend([lambda: None, failed(wine)])
    assert wine.call("batch", "wine", "rows.csv") == 1
    assert "failed at Plan: Invalid: The file lacks acid" in capsys.readouterr().err
    assert sorted(each.name for each in Path().iterdir()) == ["rows.csv"]


def test_the_answers_can_be_taken_away_later(wine: Stack, capsys: Out) -> None:
    wine.next.extend([lambda: None, ended(wine)])
    wine.call("batch", "wine", "rows.csv")
    assert wine.call("run", "result", run_of(wine), "--out", "later.csv") == 0
    assert Path("later.csv").read_bytes() == ANSWERS
    assert wine.call("run", "result", run_of(wine)) == 1
    assert "rows.answers.csv is there already" in capsys.readouterr().err
    assert wine.call("run", "show", run_of(wine)) == 0
    assert "batch/wine/in/" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["wine", "nowhere.csv"], "nowhere.csv does not exist"),
        (["wine", "."], ". is no file"),
        (["wine", "rows.csv", "--out", "rows.csv"], "rows.csv is there already: name another file with --out"),
        (["wine", "rows.csv", "--version", "9"], "wine has no version 9"),
        (["beer", "rows.csv"], "beer has no release yet"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_brought(
    wine: Stack, capsys: Out, arguments: list[str], says: str
) -> None:
    assert wine.call("batch", *arguments) == 1
    assert says in capsys.readouterr().err
    assert wine.house.workflow.runs == {}


def test_a_file_that_cannot_be_read_here_is_refused_by_the_api(wine: Stack, capsys: Out) -> None:
    Path("rows.xlsx").write_bytes(b"PK")
    assert wine.call("batch", "wine", "rows.xlsx") == 1
    assert "unknown ending" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "answers"),
    [("a.csv", "a.answers.csv"), ("a.b.jsonl.gz", "a.b.answers.jsonl.gz"), ("A.CSV.GZ", "A.answers.CSV.GZ")],
)
def test_answers_are_named_after_their_file(name: str, answers: str) -> None:
    assert answers_name(name) == answers


def test_a_record_of_a_run_is_no_batch(wine: Stack, capsys: Out) -> None:
    wine.begin()
    assert wine.call("run", "result", "train_20261121T090000-0a1b2c3d") == 1
    assert "is no batch, and has no file of answers" in capsys.readouterr().err
