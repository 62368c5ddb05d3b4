"""From a command to the stack: no record, a wrong one, nobody there, somebody else there."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import httpx
import pytest

from cli.main import main
from tests.unit.cli.stack import Stack, record

Out = pytest.CaptureFixture[str]
# One of each group that speaks to a stack.
COMMANDS = [
    ["train", "wine"], ["evaluate", "wine"], ["run", "show", "r"], ["run", "follow", "r"], ["run", "resume", "r"],
    ["model", "list"], ["model", "show", "wine"], ["model", "versions", "wine"], ["model", "version", "wine", "1"],
    ["model", "card", "wine", "1"], ["model", "history", "wine"], ["model", "promote", "wine", "1"],
    ["model", "rollback", "wine"], ["model", "approve", "wine", "1"], ["model", "withdraw", "wine"],
    ["model", "retire", "wine", "1"], ["model", "restore", "wine", "1"], ["model", "mirror", "wine"],
]  # fmt: skip


def one_line(capsys: Out) -> str:
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("gyre: ") and errors.count("\n") == 1
    return errors


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_without_a_stack_each_command_says_what_to_do(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("GYRE_STACK", str(tmp_path / "mine.json"))
    assert main(arguments) == 1
    assert one_line(capsys) == "gyre: mine.json does not exist: run `make up deploy`\n"


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_where_nobody_answers_each_command_says_so(stack: Stack, capsys: Out, arguments: list[str]) -> None:
    def nobody(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused")

    stack.answer = nobody  # type: ignore[method-assign]
    assert stack.call(*arguments) == 1
    assert one_line(capsys) == (
        "gyre: the stack at http://127.0.0.1:4566/v1 does not answer ([Errno 111] Connection refused): run `make up "
        "deploy`\n"
    )
    assert stack.time.pauses == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "mine.json is not a record of this version"),
        ("[]", "mine.json is not a record of this version"),
        (json.dumps({"environment": "local"}), "run `make deploy`"),
        (json.dumps({**asdict(record()), "api_url": "http://[::1"}), "mine.json names no address that can be called"),
    ],
)
def test_a_record_that_is_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out, text: str, says: str
) -> None:
    (tmp_path / "mine.json").write_text(text)
    monkeypatch.setenv("GYRE_STACK", str(tmp_path / "mine.json"))
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    assert main(["model", "list"]) == 1
    assert says in one_line(capsys)


def test_a_record_that_is_a_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setenv("GYRE_STACK", str(tmp_path))
    assert main(["model", "list"]) == 1
    assert "cannot be read: Is a directory" in one_line(capsys)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            httpx.Response(404, text="<html>\nno such API"),
            "answers 404 (<html>\\nno such API), and not as Gyre does: run",
        ),
        (httpx.Response(502), "answers 502, and not as Gyre does: run `make up deploy`"),
        (httpx.Response(403, json={"message": "Forbidden"}), 'answers 403 ({"message":"Forbidden"})'),
        (httpx.Response(500, json={"error": "broken"}), 'answers 500 ({"error":"broken"})'),
        (
            httpx.Response(401, json={"error": {"code": "unauthenticated", "message": "a\x1b[2Jb"}}),
            "gyre: a\\x1b[2Jb\n",
        ),
    ],
)
def test_whoever_else_answers_is_told_apart_from_gyre(
    stack: Stack, capsys: Out, answer: httpx.Response, says: str
) -> None:
    stack.answer = lambda _: answer  # type: ignore[method-assign]
    assert stack.call("model", "history", "wine") == 1
    assert says in one_line(capsys)


def test_away_from_the_emulator_the_advice_is_another(stack: Stack, capsys: Out) -> None:
    def nobody(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("")

    stack.record = replace(stack.record, endpoint_url=None, environment="staging", api_url="https://api.example/v1")
    stack.answer = nobody  # type: ignore[method-assign]
    assert stack.call("model", "list") == 1
    assert one_line(capsys) == (
        "gyre: the stack at https://api.example/v1 does not answer (ReadTimeout): is the network up, and is staging "
        "deployed?\n"
    )
