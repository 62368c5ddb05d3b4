"""`gyre spec`, as somebody types it."""

import json
from pathlib import Path

import pytest

from cli.main import GROUPS, main, parser
from tests.unit.spec.texts import SMALL


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the caller stands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    out = capsys.readouterr()
    return out.out, out.err


# --- check ------------------------------------------------------------------------------------------------------------


def test_a_right_file_is_told_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "model.yaml").write_text(SMALL)
    assert main(["spec", "check", "model.yaml"]) == 0
    assert printed(capsys) == ("model.yaml: ok, 6 features\n", "")


def test_each_fault_is_a_line_as_compilers_write_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "model.yaml").write_text(SMALL + "ownr: me\nsplit: {test: 2}\n")
    assert main(["spec", "check", "model.yaml"]) == 1
    assert printed(capsys) == (
        "model.yaml:12:1: ownr: there is no such key here\n"
        "model.yaml:13:9: split.test: must be less than 0.9, and not 2\n",
        "",
    )


def test_a_fault_without_field_or_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty.yaml").write_text("")
    (folder / "tab.yaml").write_text("a:\n\tb: 1\n")
    assert main(["spec", "check", "empty.yaml", "tab.yaml"]) == 1
    assert printed(capsys)[0].splitlines() == [
        "empty.yaml: the file is empty",
        "tab.yaml:2:1: a tab cannot indent or separate here: use spaces",
    ]


def test_every_file_is_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.yaml").write_text(SMALL)
    (folder / "bad.yaml").write_text("a: 1")
    assert main(["spec", "check", "missing.yaml", "bad.yaml", ".", "good.yaml"]) == 1
    lines = printed(capsys)[0].splitlines()
    assert lines[0] == "missing.yaml: cannot be read: No such file or directory"
    assert lines[1].startswith("bad.yaml:1:1: ")
    assert lines[-2:] == [".: cannot be read: Is a directory", "good.yaml: ok, 6 features"]


def test_a_file_of_data_by_mistake_is_not_read_to_its_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "check", "/dev/zero"]) == 1
    assert printed(capsys)[0] == "/dev/zero: the file has more than 524,288 bytes, which are the limit\n"


def test_a_line_stays_a_line_whatever_the_file_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "model.yaml").write_text(SMALL + '"a\\n\\e[31mb": 1\n')
    assert main(["spec", "check", "model.yaml"]) == 1
    assert printed(capsys)[0] == "model.yaml:12:1: a\\n\\x1b[31mb: there is no such key here\n"


# --- schema -----------------------------------------------------------------------------------------------------------


def test_the_schema_is_the_one_in_docs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "schema"]) == 0
    out, _ = printed(capsys)
    assert json.loads(out)["title"] == "model.yaml"
    assert out == (Path(__file__).parents[3] / "docs/model.schema.json").read_text(encoding="utf-8")


# --- the command itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the following arguments are required: GROUP"),
        (["spec"], "the following arguments are required: COMMAND"),
        (["spec", "check"], "the following arguments are required: FILE"),
        (["spec", "chekc"], "invalid choice: 'chekc'"),
    ],
)
def test_what_is_no_command_is_told_with_the_usage(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, told = printed(capsys)
    assert out == ""
    assert told.startswith("usage: gyre")
    assert says in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--help"], ["spec", "model.yaml"]),
        (["spec", "--help"], ["check", "schema", "infer"]),
        (["spec", "check", "--help"], ["FILE", "FILE:LINE:COLUMN"]),
        (["spec", "schema", "--help"], ["docs/model.schema.json"]),
        (["spec", "infer", "--help"], ["--target COLUMN", "--model NAME", "--out FILE"]),
    ],
)
def test_every_command_has_its_help(arguments: list[str], says: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    out, _ = printed(capsys)
    assert [word for word in says if word not in out] == []


def test_every_command_does_something() -> None:
    assert parser().parse_args(["spec", "check", "x"]).run
    assert GROUPS


def test_what_goes_wrong_as_expected_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "infer", "missing.csv"]) == 1
    assert printed(capsys) == ("", "gyre: missing.csv cannot be read: No such file or directory\n")
    assert main(["spec", "infer", "123.csv"]) == 1
    assert printed(capsys) == ("", "gyre: No model's name can be made from 123.csv: give one with --model\n")
