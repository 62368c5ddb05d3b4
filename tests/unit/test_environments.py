"""infra/environments.py, without building an environment."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import environments
from infra.environments import Environment, SetupError, find_python, find_uv, main, works

Answer = tuple[int, str, str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of the test's own."""
    for name, folder in (("ROOT", ""), ("HOME", ".venv"), ("LOCKS", "requirements")):
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.setattr(environments, name, tmp_path / folder)
    (tmp_path / "requirements/dev.lock").write_text("one==1\n")
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pyproject.toml").write_text("[project]\n")
    return tmp_path


@pytest.fixture
def shim(home: Path) -> str:
    """A uv that exists and fails, as pyenv's does where no version is chosen."""
    path = home / "uv"
    path.write_text("#!/bin/sh\necho 'pyenv: uv: command not found' >&2\nexit 127\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []
    monkeypatch.setattr(environments, "run", lambda command, what, cwd=None: commands.append(command))
    return commands


def answering(answer: Callable[[list[str]], Answer]) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, *answer(command))

    return run


def ready(environment: Environment) -> None:
    environment.interpreter.parent.mkdir(parents=True)
    environment.interpreter.write_text("")
    environment.stamp_file.write_text(environment.stamp())


def test_a_program_works_when_it_starts_and_ends_well(shim: str) -> None:
    assert works([sys.executable, "-c", ""])
    assert not works([sys.executable, "-c", "raise SystemExit(1)"])
    assert not works([shim, "--version"])
    assert not works(["/nowhere/uv", "--version"])


def test_a_uv_that_runs_is_taken(monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: sys.executable)
    assert find_uv() == sys.executable
    assert ran == []


def test_a_broken_uv_is_passed_over(
    shim: str, home: Path, monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: shim)
    assert find_uv() == str(home / ".venv/uv/bin/uv")
    assert ran[0][:3] == [sys.executable, "-m", "venv"]
    assert "--require-hashes" in ran[1]
    assert ran[1][-1] == str(home / "requirements/uv.lock")


def test_ours_goes_before_theirs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = home / ".venv/uv/bin/uv"
    monkeypatch.setattr(environments, "works", lambda command: command[0] == str(ours))
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/uv")
    assert find_uv() == str(ours)


def test_without_venv_and_uv_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]) -> None:
    monkeypatch.setattr(environments, "works", lambda command: False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SetupError, match="apt install python3-venv"):
        find_uv()
    assert ran == []


def test_a_python_of_this_machine_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", answering(lambda _: (0, "/usr/bin/python3.12\n", "")))
    assert find_python("uv", "3.12") == "/usr/bin/python3.12"


def test_a_missing_python_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", answering(lambda _: (2, "", "")))
    asked: list[list[str]] = []
    monkeypatch.setattr(environments, "run", lambda command, what: asked.append(command))
    assert find_python("uv", "3.13") == "3.13"
    assert asked == [["uv", "python", "install", "3.13"]]


@pytest.mark.parametrize(
    ("said", "reason"), [("echo error: offline; echo '  cause: no route'", "cause: no route"), ("true", "3.13")]
)
def test_a_python_that_cannot_be_had_says_what_to_do(home: Path, said: str, reason: str) -> None:
    """Given a uv that finds and fetches nothing, when a Python is wanted, then one line says how to get it."""
    uv = home / "uv"
    uv.write_text(f"#!/bin/sh\n{said}\nexit 2\n")
    uv.chmod(0o755)
    with pytest.raises(SetupError) as refused:
        find_python(str(uv), "3.13")
    assert reason in str(refused.value)
    assert "`python3.13`" in str(refused.value)
    assert "make setup" in str(refused.value)


def test_a_long_step_says_that_it_is_still_at_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environments, "PROGRESS_SECONDS", 0.05)
    environments.run(["sleep", "0.3"], "install the world")
    assert "still at it: install the world" in capsys.readouterr().out


def test_a_step_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "PROGRESS_SECONDS", 0.05)
    monkeypatch.setattr(environments, "STEP_SECONDS", 0.1)
    with pytest.raises(SetupError, match="install the world: it took more"):
        environments.run(["sleep", "60"], "install the world")


def test_the_stamp_changes_with_what_an_environment_is_made_of(home: Path) -> None:
    stamps = [Environment("dev", "3.12", "").stamp(), Environment("dev", "3.13", "").stamp()]
    (home / "requirements/dev.lock").write_text("one==2\n")
    stamps.append(Environment("dev", "3.12", "").stamp())
    stamps.append(Environment("dev", "3.12", "", project="project").stamp())
    (home / "project/pyproject.toml").write_text("[project]\nname = 'x'\n")
    stamps.append(Environment("dev", "3.12", "", project="project").stamp())
    assert len(set(stamps)) == 5


def test_the_stamp_stays_while_nothing_changes() -> None:
    assert Environment("dev", "3.12", "tests").stamp() == Environment("dev", "3.12", "more tests").stamp()


def test_an_environment_is_ready_with_its_stamp_alone(home: Path) -> None:
    environment = Environment("dev", "3.12", "")
    assert not environment.ready()
    ready(environment)
    assert environment.ready()
    (home / "requirements/dev.lock").write_text("one==2\n")
    assert not environment.ready()


def test_an_interrupted_build_is_not_ready() -> None:
    environment = Environment("dev", "3.12", "")
    ready(environment)
    environment.stamp_file.unlink()
    assert not environment.ready()


def test_where_all_is_ready_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment("dev", "3.12", "")
    ready(environment)
    monkeypatch.setattr(environments, "ENVIRONMENTS", (environment,))
    monkeypatch.setattr(environments, "find_uv", lambda: pytest.fail("uv was looked for"))
    assert main([]) == 0


def test_what_is_on_demand_is_built_only_by_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]
) -> None:
    (home / "requirements/peer.lock").write_text("two==1\n")
    always, asked = Environment("dev", "3.12", ""), Environment("peer", "3.12", "", on_demand=True)
    ready(always)
    asked.folder.mkdir()
    monkeypatch.setattr(environments, "ENVIRONMENTS", (always, asked))
    monkeypatch.setattr(environments, "find_uv", lambda: "uv")
    monkeypatch.setattr(environments, "find_python", lambda uv, version: f"python{version}")
    assert main([]) == 0
    assert ran == []
    assert main(["peer"]) == 0
    assert [command[1] for command in ran] == ["venv", "pip"]
    assert asked.stamp_file.read_text() == asked.stamp()


def test_what_is_missing_is_built_and_stamped(monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]) -> None:
    environment = Environment("dev", "3.12", "", project="project")
    environment.folder.mkdir()
    monkeypatch.setattr(environments, "ENVIRONMENTS", (environment,))
    monkeypatch.setattr(environments, "find_uv", lambda: "uv")
    monkeypatch.setattr(environments, "find_python", lambda uv, version: f"python{version}")
    assert main(["dev"]) == 0
    assert [command[1] for command in ran] == ["venv", "pip", "pip"]
    assert all("--no-deps" in command for command in ran[1:])
    assert "--require-hashes" in ran[1] and "--editable" in ran[2]
    assert environment.stamp_file.read_text() == environment.stamp()


def test_a_failed_build_is_told_and_leaves_no_stamp(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho no such index\nexit 1\n")
    uv.chmod(0o755)
    environment = Environment("dev", "3.12", "")
    monkeypatch.setattr(environments, "ENVIRONMENTS", (environment,))
    monkeypatch.setattr(environments, "find_uv", lambda: str(uv))
    assert main([]) == 1
    told = capsys.readouterr().err
    assert "setup: " in told and "no such index" in told
    assert not environment.stamp_file.exists()
