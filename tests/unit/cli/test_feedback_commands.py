"""`gyre feedback`: files of labels, single ones, and what was said before."""

import json
from pathlib import Path

import pytest

from gyre.spec.versions import add_spec
from tests.unit.cli.stack import Stack
from tests.unit.feedback.label_house import call, event
from tests.unit.http.test_feedback_routes import WINE

Out = pytest.CaptureFixture[str]


@pytest.fixture
def wine(stack: Stack) -> Stack:
    add_spec(WINE, stack.house.artifacts)
    stack.house.journal.append([call(number, f"id-{number}") for number in range(1, 6)])
    return stack


def values(stack: Stack) -> list[object]:
    return [each.label for each in stack.house.labels.labels]


def test_one_label_by_event(wine: Stack, capsys: Out) -> None:
    asked = ("feedback", "--event", event(1), "--label", "white")
    assert wine.call(*asked, "--at", "2126-01-01") == 0
    assert capsys.readouterr() == ("kept\n", "gyre: it lies in the future\n")
    assert wine.call(*asked) == 0
    assert capsys.readouterr().out == "the row has this label already\n"
    assert values(wine) == ["white"]


def test_one_label_by_id(wine: Stack, capsys: Out) -> None:
    assert wine.call("feedback", "--model", "wine", "--id", "nobody", "--label", "red") == 0
    assert capsys.readouterr() == (
        "kept\n", "gyre: the journal does not hold this row yet; the label joins it when it does\n"
    )  # fmt: skip
    assert wine.call("feedback", "--model", "wine", "--id", "id-1", "--label", "red", "--json") == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 1


def test_what_was_said(wine: Stack, capsys: Out) -> None:
    for label in ("red", "white"):
        wine.call("feedback", "--event", event(1), "--label", label)
    capsys.readouterr()
    assert wine.call("feedback", "--event", event(1)) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["event", "row", "label", "received", "(UTC)", "by"]
    assert (first.split()[2], second.split()[2], second.split()[-2:]) == ("red", "white", ["admin-1", "counts"])
    assert "counts" not in first
    assert wine.call("feedback", "--model", "wine", "--id", "id-1") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert wine.call("feedback", "--event", event(2)) == 0
    assert capsys.readouterr() == ("", "gyre: nothing was said of it\n")
    assert wine.call("feedback", "--event", event(2), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"known": True, "rows": []}


def test_a_file(wine: Stack, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "truth.csv"
    lines = [f"{event(number % 5 + 1)},{'white' if number % 2 else 'red'}" for number in range(5)]
    file.write_text("event_id,label\n" + "\n".join(lines) + f"\n{event(9)},rose\n")
    for told in ("6 kept, 0 said before, 1 of unknown rows\n", "0 kept, 6 said before, 1 of unknown rows\n"):
        assert wine.call("feedback", str(file), "--model", "wine") == 0
        assert capsys.readouterr() == (told, "")
    assert len(values(wine)) == 6


def test_a_long_file_goes_in_calls_of_a_thousand(wine: Stack, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "truth.jsonl"
    file.write_text("".join(json.dumps({"id": f"id-{number}", "label": "red"}) + "\n" for number in range(2_500)))
    assert wine.call("feedback", str(file), "--model", "wine", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"kept": 2500, "repeated": 0, "unknown": 2495, "lines": 2500}
    sizes = [len(json.loads(body)["labels"]) for method, path, body in wine.asked if path == "/feedback"]
    assert sizes == [1000, 1000, 500]


def test_lines_that_are_wrong_are_told_by_their_numbers(wine: Stack, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "truth.csv"
    right = "".join(f"id-{number},red\n" for number in range(1_000))
    file.write_text(f"id,label\n{right}id-1,green\n\nid-2,blue\n")
    assert wine.call("feedback", str(file), "--model", "wine") == 1
    out, errors = capsys.readouterr()
    told = errors.splitlines()
    assert out == "" and len(values(wine)) == 1_000
    assert [each.split(":")[0] for each in told] == ["line 1,002, label", "line 1,004, label", "gyre"]
    assert "2 lines are wrong; the 1,000 before were taken" in told[2]
    file.write_text("id,label\nid-1,\n")
    assert wine.call("feedback", str(file), "--model", "wine") == 1
    assert capsys.readouterr().err.startswith("line 2, label: it is missing\n")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ((), "name a file, or a row by --event or by --id"),
        (("--event", "e", "--id", "i"), "name a file, or a row"),
        (("--id", "i", "--label", "red"), "--id needs --model"),
        (("truth.csv",), "a file needs --model"),
        (("truth.csv", "--model", "wine", "--label", "red"), "a file says of each line"),
        (("nowhere.csv", "--model", "wine"), "nowhere.csv does not exist"),
        ((".", "--model", "wine"), "is no file"),
    ],
)
def test_what_makes_no_sense_is_told_before_anybody_is_asked(
    wine: Stack, capsys: Out, asked: tuple[str, ...], says: str
) -> None:
    assert wine.call("feedback", *asked) == 1
    assert says in capsys.readouterr().err
    assert wine.asked == []


def test_what_the_api_refuses_is_one_line(wine: Stack, capsys: Out) -> None:
    assert wine.call("feedback", "--event", event(1), "--label", "green") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "none of the classes of wine: red, white, rose" in line
