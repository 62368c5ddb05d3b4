"""`gyre train` and `gyre evaluate`."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.cli.stack import SPEC, Stack, step

Out = pytest.CaptureFixture[str]


@pytest.fixture
def data(stack: Stack) -> Stack:
    """wine is declared, and has two dataset versions."""
    stack.client().declare(SPEC)
    stack.house.add_version(number=1)
    stack.house.add_version(number=4)
    stack.asked.clear()
    stack.headers.clear()
    return stack


def sent(stack: Stack) -> Any:
    (body,) = [json.loads(body) for method, path, body in stack.asked if (method, path) == ("POST", "/train")]
    return body


# --- train ------------------------------------------------------------------------------------------------------------


def test_it_prints_the_run_and_how_to_follow_it(data: Stack, capsys: Out) -> None:
    assert data.call("train", "wine") == 0
    out, errors = capsys.readouterr()
    (run,) = data.house.workflow.runs
    assert out == f"{run}\n"
    assert errors == (f"gyre: training wine on dataset version 4\ngyre: gyre run follow {run} shows how it goes on\n")
    assert sent(data) == {"model": "wine"}
    assert data.headers[0]["x-api-key"] == "key"


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["--dataset", "1"], {"dataset": 1}),
        (["--dataset", "v1", "--spec", "1"], {"dataset": 1, "spec": 1}),
        (["--base", "7"], {"base": "7"}),
        (["--base", "latest"], {"base": "latest"}),
        (["--no-search"], {"search": False}),
        (["--candidates", "8"], {"search": {"candidates": 8}}),
        (
            ["--sampler", "grid", "--rounds", "2", "--folds", "3", "--patience", "1", "--minutes", "0.5", "--workers",
             "2"],
            {"search": {"sampler": "grid", "rounds": 2, "folds": 3, "patience": 1, "minutes": 0.5, "workers": 2}},
        ),
    ],
)  # fmt: skip
def test_each_wish_reaches_the_run(data: Stack, options: list[str], body: dict[str, Any]) -> None:
    """Given versions 7 of the model, when it is trained with wishes, then the API takes them as they are."""
    data.register(7)
    assert data.call("train", "wine", *options) == 0
    assert sent(data) == {"model": "wine", **body}
    assert len(data.house.workflow.runs) == 1


def test_an_upload_is_named_as_it_was_uploaded(data: Stack, capsys: Out) -> None:
    data.house.data.put("inbox/wine/b.csv", b"x")
    assert data.call("train", "wine", "--upload", "b.csv") == 0
    assert "gyre: training wine on inbox/wine/b.csv\n" in capsys.readouterr().err


def test_followed_it_ends_with_what_was_done(data: Stack, capsys: Out) -> None:
    def ended() -> None:
        (run,) = data.house.workflow.runs
        data.on(step("Pin"), run=run, status="succeeded")
        data.found("pin", run=run, version=4, rows=10, rejected=0)

    data.next.extend([lambda: None, ended])
    assert data.call("train", "wine", "--follow") == 0
    out, _ = capsys.readouterr()
    (run,) = data.house.workflow.runs
    assert out.splitlines() == [
        run, "Pin done in 1.0 s: dataset version 4, 10 rows", "dataset version 4 of wine: 10 rows taken",
        "nothing was trained, as training.on_upload in model.yaml says: gyre train wine --dataset 4 does",
    ]  # fmt: skip


def test_a_run_that_is_not_there_yet_is_waited_for(data: Stack, capsys: Out) -> None:
    missing = httpx.Response(404, json={"error": {"code": "not_found", "message": "no such run"}})

    def ended() -> None:
        data.house.workflow.end(next(iter(data.house.workflow.runs)), "succeeded")

    data.next.extend([lambda: missing, lambda: missing, ended])
    assert data.call("train", "wine", "--follow") == 0
    assert len(data.time.pauses) == 2


def test_but_not_for_ever(data: Stack, capsys: Out) -> None:
    missing = httpx.Response(404, json={"error": {"code": "not_found", "message": "no such run"}})
    data.next.extend([lambda: missing] * 200)
    assert data.call("train", "wine", "--follow") == 1
    assert capsys.readouterr().err.endswith("gyre: no such run\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nothing"], "nothing has no upload"),
        (["wine", "--dataset", "9"], "9"),
        (["wine", "--upload", "missing.csv"], "inbox/wine/missing.csv was never uploaded"),
        (["wine", "--upload", "b.csv", "--spec", "1"], "name `spec` with a dataset version"),
        (["wine", "--base", "production"], "wine has no release yet"),
        (["wine", "--base", "12"], "wine has no version 12"),
        (["wine", "--candidates", "5000"], "candidates: Input should be less than or equal to 1000"),
    ],
)
def test_what_the_api_refuses_is_one_line(data: Stack, capsys: Out, options: list[str], says: str) -> None:
    assert data.call("train", *options) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("gyre: ") and says in errors and errors.count("\n") == 1
    assert data.house.workflow.runs == {}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["Wine"], "'Wine' is not a model's name"),
        (["wine/../beer"], "is not a model's name"),
        (["wine", "--dataset", "0"], "'0' is not a whole number from 1"),
        (["wine", "--dataset", "newest"], "'newest' is not a whole number from 1"),
        (["wine", "--dataset", "1", "--upload", "a.csv"], "not allowed with argument"),
        (["wine", "--dataset", "1", "--file", "a.csv"], "not allowed with argument"),
        (["wine", "--minutes", "nan"], "'nan' is not a number of minutes"),
        (["wine", "--minutes", "inf"], "'inf' is not a number of minutes"),
        (["wine", "--minutes", "-1"], "'-1' is not a number of minutes"),
        (["wine", "--minutes", "soon"], "'soon' is not a number of minutes"),
        (["wine", "--sampler", "luck"], "invalid choice: 'luck'"),
        ([], "the following arguments are required: MODEL"),
    ],
)
def test_what_is_typed_wrong_is_told_with_the_usage(stack: Stack, capsys: Out, options: list[str], says: str) -> None:
    with pytest.raises(SystemExit) as caught:
        stack.call("train", *options)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err
    assert stack.asked == []


# --- train --file -----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of data on this machine, larger than a piece of what is sent at once."""
    path = tmp_path / "good wine (1).csv"
    path.write_bytes(b"good,acid\n" + b"1,3.2\n" * 20_000)
    return path


def test_a_file_is_brought_and_its_own_run_is_told(data: Stack, file: Path, capsys: Out) -> None:
    assert data.call("train", "wine", "--file", str(file)) == 0
    out, errors = capsys.readouterr()
    (run,) = data.house.workflow.runs
    assert out == f"{run}\n"
    assert run.startswith("upload-")
    assert errors.splitlines() == [
        f"gyre: bringing {file} (120,010 bytes)", f"gyre: gyre run follow {run} shows how it goes on",
    ]  # fmt: skip
    key = data.house.workflow.runs[run].input["upload"]["key"]
    assert re.fullmatch(r"inbox/wine/[0-9a-f]{12}/good wine \(1\)\.csv", key)
    assert data.house.data.read(key).content == file.read_bytes()
    assert "/train" not in {path for _, path, _ in data.asked}


def test_the_file_goes_to_s3_with_its_length_and_without_our_key(data: Stack, file: Path) -> None:
    data.call("train", "wine", "--file", str(file))
    (headers,) = [each for each, (method, *_) in zip(data.headers, data.asked, strict=True) if method == "PUT"]
    assert headers["content-length"] == "120010"
    assert "x-api-key" not in headers and "transfer-encoding" not in headers


def test_the_run_of_a_file_is_waited_for_and_followed(data: Stack, file: Path, capsys: Out) -> None:
    missing = httpx.Response(404, json={"error": {"code": "not_found", "message": "no such run"}})

    def ended() -> None:
        (run,) = data.house.workflow.runs
        data.on(step("Ingest", "failed", cause="Invalid: it has no rows"), run=run, status="failed")

    data.next.extend([lambda: missing, lambda: missing, lambda: None, ended])
    assert data.call("train", "wine", "--file", str(file), "--follow") == 1
    assert "failed at Ingest: Invalid: it has no rows" in capsys.readouterr().err


def test_a_file_whose_run_never_begins_is_told(data: Stack, file: Path, capsys: Out) -> None:
    missing = httpx.Response(404, json={"error": {"code": "not_found", "message": "no such run"}})
    data.next.extend([lambda: missing] * 1000)
    assert data.call("train", "wine", "--file", str(file)) == 1
    assert re.search(
        r"gyre: waited 60 s and in vain: the upload inbox/wine/\S+ \S+ \(1\)\.csv starts a run", capsys.readouterr().err
    )


@pytest.mark.parametrize("option", [["--spec", "1"], ["--base", "1"], ["--no-search"], ["--minutes", "3"]])
def test_wishes_do_not_go_with_a_file(stack: Stack, file: Path, capsys: Out, option: list[str]) -> None:
    """Its run starts by itself: what the API cannot be told must not be promised."""
    assert stack.call("train", "wine", "--file", str(file), *option) == 1
    assert f"{option[0]} does not go with it" in capsys.readouterr().err
    assert stack.asked == []


def test_no_search_goes_with_no_wish_about_one(stack: Stack, capsys: Out) -> None:
    assert stack.call("train", "wine", "--no-search", "--rounds", "2") == 1
    assert capsys.readouterr().err == "gyre: --no-search and --rounds say opposite things: give one of them\n"
    assert stack.asked == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.csv", "missing.csv does not exist"),
        (".", ". is no file"),
        ("a\x1b[31m.csv", "a\\x1b[31m.csv does not exist"),
    ],
)
def test_a_file_that_is_none_is_told_before_anything_is_asked(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out, name: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert stack.call("train", "wine", "--file", name) == 1
    assert capsys.readouterr().err == f"gyre: {says}\n"
    assert stack.asked == []


def test_a_file_that_gyre_cannot_read_is_refused_by_its_ending(data: Stack, tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    assert data.call("train", "wine", "--file", str(tmp_path / "a.xlsx")) == 1
    assert "'a.xlsx' has an unknown ending" in capsys.readouterr().err
    assert {method for method, *_ in data.asked} == {"POST"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(403, text="<Error><Code>Expired</Code></Error>"), "answers 403 (<Error><Code>Expired"),
        (httpx.Response(200), "keeps no versions"),
    ],
)
def test_a_bucket_that_does_not_take_it_is_told(
    data: Stack, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out, answer: httpx.Response, says: str
) -> None:
    monkeypatch.setattr(data, "_put", lambda *_: answer)
    assert data.call("train", "wine", "--file", str(file)) == 1
    assert says in capsys.readouterr().err


# --- evaluate ---------------------------------------------------------------------------------------------------------


def test_an_evaluation_is_started(data: Stack, capsys: Out) -> None:
    data.register(2)
    assert data.call("evaluate", "wine", "--version", "2") == 0
    out, errors = capsys.readouterr()
    (run,) = data.house.workflow.runs
    assert out == f"{run}\n" and run.startswith("eval_")
    assert errors.splitlines()[0] == "gyre: evaluating version 2 of wine on dataset version 4 (unseen)"
    assert data.house.workflow.runs[run].input["evaluate"] == {"version": 2, "dataset": 4, "part": "unseen"}


def test_what_serves_is_evaluated_by_itself(data: Stack) -> None:
    data.register(1)
    data.register(2)
    data.client().promote("wine", 1)
    assert data.call("evaluate", "wine", "--dataset", "1", "--part", "all") == 0
    (run,) = data.house.workflow.runs.values()
    assert run.input["evaluate"] == {"version": 1, "dataset": 1, "part": "all"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "wine has no release yet"),
        (["--version", "9"], "wine has no version 9"),
        (["--version", "best"], "best"),
    ],
)
def test_a_version_that_is_none_is_one_line(data: Stack, capsys: Out, options: list[str], says: str) -> None:
    assert data.call("evaluate", "wine", *options) == 1
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n")) == ("", 1)
    assert says in errors


def test_an_evaluation_is_followed(data: Stack, capsys: Out) -> None:
    data.register(2)

    def ended() -> None:
        (run,) = data.house.workflow.runs
        told = {"version": 2, "dataset": 4, "part": "unseen", "rows": 51, "metric": "f1_macro", "value": 0.5}
        data.found("evaluate_version", run=run, **told)
        data.on(step("Evaluate a version"), run=run, status="succeeded")

    data.next.append(ended)
    assert data.call("evaluate", "wine", "--version", "latest", "--follow") == 0
    assert capsys.readouterr().out.endswith(
        "version 2 of wine on 51 rows (unseen) of dataset version 4: f1_macro 0.5\n"
    )
