"""The `gyre` script at the root: found from anywhere, through links, and clear about what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.spec.texts import SMALL

ROOT = Path(__file__).parents[3]
# Stands for Python: tells how it was called.
PYTHON = '#!/bin/sh\necho "$PWD"\necho "$PYTHONPATH"\nfor each in "$@"; do echo "$each"; done\nexit 7\n'


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A repository with nothing but the script and an environment that tells."""
    root = tmp_path / "a house"
    (root / ".venv/dev/bin").mkdir(parents=True)
    shutil.copy(ROOT / "gyre", root / "gyre")
    python = root / ".venv/dev/bin/python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return root


def call(script: str | Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CDPATH": "/", "PYTHONPATH": "/somewhere"}
    return subprocess.run([script, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60)


def test_it_is_a_posix_script_that_can_be_run() -> None:
    assert os.access(ROOT / "gyre", os.X_OK)
    assert (ROOT / "gyre").read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", ROOT / "gyre"]).returncode == 0


def links(house: Path) -> dict[str, Path]:
    elsewhere = house.parent / "else where"
    elsewhere.mkdir()
    (elsewhere / "absolute").symlink_to(house / "gyre")
    (elsewhere / "relative").symlink_to(Path("..") / house.name / "gyre")
    (elsewhere / "chain").symlink_to("relative")
    (house.parent / "folder").symlink_to(house)
    return {
        "itself": house / "gyre", "absolute": elsewhere / "absolute", "relative": elsewhere / "relative",
        "chain": elsewhere / "chain", "folder": house.parent / "folder/gyre",
    }  # fmt: skip


@pytest.mark.parametrize("way", ["itself", "absolute", "relative", "chain", "folder"])
def test_it_finds_its_house_and_stays_where_it_was_called(way: str, house: Path, tmp_path: Path) -> None:
    script = links(house)[way]
    here = tmp_path / "here"
    here.mkdir()
    for called in (script, os.path.relpath(script, here)):
        done = call(called, "spec", "check", "a file.yaml", "", cwd=here)
        assert done.stdout.splitlines() == [
            str(here), f"{house}/layers/gyre:{house}/infra/emulator:{house}", "-P", "-m", "cli", "spec", "check",
            "a file.yaml", "",
        ]  # fmt: skip
        assert done.returncode == 7
        assert done.stderr == ""


def test_without_its_environment_it_says_what_to_do(house: Path, tmp_path: Path) -> None:
    shutil.rmtree(house / ".venv")
    done = call(house / "gyre", "spec", "schema", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "run make setup first" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_real_one_reads_a_file_beside_the_caller(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(SMALL)
    (tmp_path / "cli").mkdir()  # must not be taken for ours
    (tmp_path / "cli/__init__.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "yaml.py").write_text("raise SystemExit('nor this one')")
    (tmp_path / "gyre").symlink_to(ROOT / "gyre")
    done = call("./gyre", "spec", "check", "model.yaml", "nowhere.yaml", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "model.yaml: ok, 6 features",
        "nowhere.yaml: cannot be read: No such file or directory",
    ]
    assert (done.returncode, done.stderr) == (1, "")


def test_nobody_has_to_read_to_the_end(tmp_path: Path) -> None:
    done = subprocess.run(
        f"'{ROOT}/gyre' spec schema | head -n 1", shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_letters_that_the_terminal_lacks_are_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(SMALL + "größe: 1\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [ROOT / "gyre", "spec", "check", "model.yaml"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "model.yaml:12:1: gr\\xf6\\xdfe: there is no such key here\n"
    assert done.stderr == ""


def test_commands_that_speak_to_no_stack_do_not_wait_for_its_libraries() -> None:
    told = "import sys, cli.main; print({'boto3', 'httpx', 'numpy', 'pandas'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/layers/gyre:{ROOT}/infra/emulator:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")
