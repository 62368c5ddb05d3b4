"""python -m examples: every format, the same bytes, and errors that help."""

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from examples.__main__ import main
from examples.files import FORMATS, ending_of
from tests.infra.facts import ROOT
from tests.unit.examples.parts import NAMES, frame_of


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_holds_the_rows(name: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"upload{ending}"
    assert main([name, "--rows", "200", "--seed", "4", "--out", str(path)]) == 0

    content = path.read_bytes()
    content = gzip.decompress(content) if ending.endswith(".gz") else content
    expected = frame_of(name, 200, 4)
    if ending == ".parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(content)), expected)
    elif "csv" in ending:
        found = pd.read_csv(io.BytesIO(content), dtype=expected.dtypes.to_dict(), keep_default_na=False, na_values=[""])
        pd.testing.assert_frame_equal(found, expected)
    else:
        rows = [json.loads(line) for line in content.decode().splitlines()]
        assert [list(row) for row in rows] == [list(expected.columns)] * 200
        gaps = [[value is None for value in row.values()] for row in rows]
        assert gaps == expected.isna().to_numpy().tolist()


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_is_the_same_each_time(ending: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}{ending}" for name in ("one", "two")]
    for path in paths:
        main(["sentiment", "--rows", "100", "--drift", "label_flip", "--out", str(path)])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_packed_file_holds_no_time_and_no_name(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    main(["obesity", "--rows", "10", "--out", str(path)])
    flags, moment = path.read_bytes()[3], path.read_bytes()[4:8]
    assert (flags, moment) == (0, b"\0\0\0\0")


def test_without_a_file_it_is_csv_on_the_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["sentiment", "--rows", "50", "--seed", "9"]) == 0
    assert capfdbinary.readouterr().out == FORMATS[".csv"](frame_of("sentiment", 50, 9))


def test_several_drifts_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    drifts = ["--drift", "shift", "--drift", "missing_surge", "--strength", "0.5"]
    assert main(["obesity", "--rows", "300", *drifts, "--out", str(path)]) == 0
    before, after = frame_of("obesity", 300), pd.read_parquet(path)
    assert after["weight_kg"].mean() > before["weight_kg"].mean() + 1
    assert after["activity_days"].isna().sum() > before["activity_days"].isna().sum()


def test_it_tells_when_rows_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.csv"
    assert main(["obesity", "--rows", "1000", "--drift", "prior_shift", "--out", str(path)]) == 0
    left = len(pd.read_csv(path))
    assert capsys.readouterr().err == f"examples: {left:,} of 1,000 rows are left by prior_shift\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "arguments are required: example"),
        (["wine"], "invalid choice: 'wine'"),
        (["obesity", "--rows", "0"], "at least 1, and not '0'"),
        (["obesity", "--rows", "many"], "at least 1, and not 'many'"),
        (["obesity", "--seed", "-1"], "at least 0, and not '-1'"),
        (["obesity", "--drift", "rain"], "invalid choice: 'rain'"),
        (["obesity", "--strength", "inf"], "must be a number, and not 'inf'"),
        (["obesity", "--out", "x.xlsx"], "use one of .csv .csv.gz .parquet .jsonl"),
    ],
)
def test_a_wrong_argument_is_told(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_what_cannot_be_written_or_simulated_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["obesity", "--rows", "5", "--out", str(tmp_path / "none" / "x.csv")]) == 1
    assert capsys.readouterr().err.endswith("cannot be written: No such file or directory\n")
    assert main(["obesity", "--drift", "label_flip", "--strength", "-1"]) == 1
    assert "--drift label_flip: a share lies between 0 and 1" in capsys.readouterr().err


def test_help_tells_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(word in told for word in ("obesity", "--drift", "concept_change", ".parquet", "--strength"))


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = f"{sys.executable} -m examples obesity --rows 4000 | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("id,gender,age,")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "ending"), [("a.CSV", ".csv"), ("a.csv.gz", ".csv.gz"), ("a.gz", None), ("csv", None)]
)
def test_the_ending_chooses_the_format(name: str, ending: str | None) -> None:
    assert ending_of(name) == ending
