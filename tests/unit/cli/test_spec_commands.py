"""`gyre spec`, as somebody types it."""

import json
import subprocess
from pathlib import Path

import pytest

from cli.main import GROUPS, main, parser
from gyre.spec.check import read_spec
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


# --- infer ------------------------------------------------------------------------------------------------------------

TABLE = "age,colour,bought\n" + "".join(f"{20 + n},{'red' if n % 3 else 'blue'},{n % 2}\n" for n in range(40))


@pytest.fixture
def people(folder: Path) -> Path:
    """A file of data where the caller stands."""
    path = folder / "people.csv"
    path.write_text(TABLE)
    return path


def test_a_first_model_yaml_is_printed(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "infer", "people.csv"]) == 0
    text, errors = printed(capsys)
    spec = read_spec(text)
    assert (spec.model, spec.target, spec.task, spec.features) == ("people", "bought", "binary", ("age", "colour"))
    assert errors == ""


def test_target_and_name_may_be_given(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "infer", str(people), "--target", "age", "--model", "years"]) == 0
    spec = read_spec(printed(capsys)[0])
    assert (spec.model, spec.target, spec.task) == ("years", "age", "regression")


def test_it_is_written_where_it_is_wanted_and_is_right(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The way the help describes: infer, then check."""
    assert main(["spec", "infer", "people.csv", "--out", "model.yaml"]) == 0
    out, told = printed(capsys)
    assert out == ""
    assert told == "gyre: wrote model.yaml; read it, mend it, then gyre spec check it\n"
    assert main(["spec", "check", "model.yaml"]) == 0
    assert printed(capsys)[0] == "model.yaml: ok, 2 features\n"


def test_nobodys_file_is_written_over(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = people.parent / "model.yaml"
    mine.write_text("# mine\n")
    assert main(["spec", "infer", "people.csv", "--out", "model.yaml"]) == 1
    assert printed(capsys)[1].startswith("gyre: model.yaml is there already")
    assert mine.read_text() == "# mine\n"


def test_where_nothing_can_be_written_is_told(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "infer", "people.csv", "--out", "no/such/model.yaml"]) == 1
    assert printed(capsys) == ("", "gyre: no/such/model.yaml cannot be written: No such file or directory\n")


def test_a_file_that_cannot_be_used_leaves_nothing_behind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "header.csv").write_text("a,b\n")
    assert main(["spec", "infer", "header.csv", "--out", "model.yaml"]) == 1
    assert "no rows" in printed(capsys)[1]
    assert not (folder / "model.yaml").exists()


@pytest.mark.parametrize(
    ("file", "model"),
    [
        ("people.csv", "people"),
        ("People 2026.CSV", "people-2026"),
        ("two.parts.csv", "two"),
        ("a_b-c.csv", "a_b-c"),
        ("größe.csv", "gr-e"),
        ("x" * 100 + ".csv", "x" * 63),
        ("Kunden (neu).csv", "kunden-neu"),
    ],
)
def test_a_models_name_is_made_from_the_files(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, model: str
) -> None:
    (folder / file).write_text(TABLE)
    assert main(["spec", "infer", file]) == 0
    assert read_spec(printed(capsys)[0]).model == model


@pytest.mark.parametrize("file", ["2026.csv", "_.csv", "年齢.csv"])
def test_where_none_can_be_made_one_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str], file: str) -> None:
    (folder / file).write_text(TABLE)
    assert main(["spec", "infer", file]) == 1
    assert printed(capsys) == ("", f"gyre: No model's name can be made from {file}: give one with --model\n")
    assert main(["spec", "infer", file, "--model", "people"]) == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--target", "bougth"], "There is no column 'bougth'; there are: age, colour, bought."),
        (["--model", "People"], "'People' is not a model's name"),
        (["--model", "../people"], "'../people' is not a model's name"),
    ],
)
def test_a_wrong_option_is_one_line(
    people: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert main(["spec", "infer", "people.csv", *options]) == 1
    out, told = printed(capsys)
    assert out == ""
    assert told.startswith(f"gyre: {says}") and told.count("\n") == 1


@pytest.mark.parametrize(("name", "says"), [(".", "Is a directory"), ("people.xlsx", "unknown ending")])
def test_what_is_no_file_of_data_is_one_line(
    people: Path, capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    (people.parent / "people.xlsx").write_bytes(b"PK")
    assert main(["spec", "infer", name, "--model", "people"]) == 1
    assert says in printed(capsys)[1]


def test_the_script_guesses_end_to_end(people: Path) -> None:
    """As somebody types it, in a process of its own."""
    root = Path(__file__).parents[3]
    command = [root / "gyre", "spec", "infer", "people.csv", "--target", "colour"]
    done = subprocess.run(command, cwd=people.parent, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_spec(done.stdout).target == "colour"


# --- the command itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the following arguments are required: COMMAND"),
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
