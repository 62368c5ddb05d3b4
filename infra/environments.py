#!/usr/bin/env python3
"""Builds the Python environments Gyre needs, each from a lock with hashes. Needs nothing but a Python from 3.9 on.

python3 infra/environments.py [NAME ...]    build what is missing or out of date (no name: all, but for those on demand)
python3 infra/environments.py --lock        resolve requirements/*.in anew
python3 infra/environments.py --uv          print the path of a working uv
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
LOCKS = ROOT / "requirements"
PROGRESS_SECONDS = 10.0
STEP_SECONDS = 1800.0


class SetupError(Exception):
    """What is missing, and what to do about it."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment: who needs it, on which Python, from which lock."""

    name: str
    python: str
    purpose: str
    project: str | None = None  # a folder of ours installed into it, in place
    on_demand: bool = False  # built only when asked for by its name

    @property
    def folder(self) -> Path:
        return HOME / self.name

    @property
    def interpreter(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def lock(self) -> Path:
        return LOCKS / f"{self.name}.lock"

    def stamp(self) -> str:
        """Changes when the environment has to be built again."""
        digest = hashlib.sha256(f"{self.python} {ROOT}".encode())
        digest.update(self.lock.read_bytes())
        if self.project:
            digest.update((ROOT / self.project / "pyproject.toml").read_bytes())
        return digest.hexdigest()

    @property
    def stamp_file(self) -> Path:
        return self.folder / "gyre.stamp"

    def ready(self) -> bool:
        return self.interpreter.exists() and self.stamp_file.is_file() and self.stamp_file.read_text() == self.stamp()


ENVIRONMENTS = (
    Environment("dev", "3.12", "tests, checks, building and deploying"),
    Environment("function", "3.12", "AWS's runtime client: the emulator runs every function in it"),
    # localstack-core 4.14 imports on 3.13 alone, whatever its metadata says (docs/decisions).
    Environment("emulator", "3.13", "LocalStack with the process executor", project="infra/emulator"),
    Environment("sam", "3.12", "SAM CLI and cfn-lint"),
    Environment("peer", "3.12", "MLServer, which the benchmark of serving is measured against", on_demand=True),
)


@dataclass(frozen=True)
class Closure:
    """One set of requirements that is resolved together and locked with hashes."""

    name: str
    python: str
    options: tuple[str, ...] = ()


# In this order: what the functions run must be what the tests saw, so each later closure is held to science's.
CLOSURES = (
    Closure("uv", "3.9"),
    Closure("science", "3.12", ("--overrides", "science.overrides")),
    Closure("dev", "3.12", ("--overrides", "science.overrides", "-c", "science.lock")),
    Closure("runtime", "3.12", ("-c", "science.lock")),
    Closure("serving", "3.12", ("-c", "science.lock")),
    Closure("lake", "3.12", ("-c", "science.lock")),
    Closure("postgres", "3.12", ("-c", "science.lock")),
    Closure("function", "3.12"),
    # LocalStack's dependencies float, and what came after its last release breaks it.
    Closure("emulator", "3.13", ("--exclude-newer", "2026-03-01")),
    Closure("sam", "3.12"),
    Closure("peer", "3.12"),
)
# These resolve for one platform: moto-ext cannot be resolved for every Python at once.
SINGLE_PLATFORM = {"emulator"}


def works(command: list[str]) -> bool:
    """True when the program starts; a pyenv shim, for one, exists and fails."""
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find_uv() -> str:
    """A uv that runs: ours from an earlier setup, the user's, or a new one through pip."""
    ours = HOME / "uv" / "bin" / "uv"
    if works([str(ours), "--version"]):
        return str(ours)
    theirs = shutil.which("uv")
    if theirs and works([theirs, "--version"]):
        return theirs
    say("uv is not installed: fetching it with pip into .venv/uv")
    if not works([sys.executable, "-c", "import venv, ensurepip"]):
        raise SetupError(
            f"{sys.executable} has no venv module and there is no uv. Install one of them:"
            " `apt install python3-venv`, or see https://docs.astral.sh/uv"
        )
    run([sys.executable, "-m", "venv", "--clear", str(HOME / "uv")], "create .venv/uv")
    pip = [str(HOME / "uv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    run([*pip, "--require-hashes", "-r", str(LOCKS / "uv.lock")], "install uv")
    return str(ours)


def find_python(uv: str, version: str) -> str:
    """An interpreter of that version, from this machine or, where uv may, downloaded."""
    found = subprocess.run([uv, "python", "find", "--no-project", version], capture_output=True, text=True, cwd=ROOT)
    if found.returncode == 0:
        return found.stdout.strip()
    say(f"Python {version} is not on this machine: asking uv to fetch it")
    try:
        run([uv, "python", "install", version], f"fetch Python {version}")
    except SetupError as error:
        reason = str(error).splitlines()[-1].strip()
        raise SetupError(
            f"Python {version} is missing and uv could not fetch it ({reason})."
            f" Install it so that `python{version}` runs, then call `make setup` again."
        ) from None
    return version


def build(uv: str, environment: Environment) -> None:
    """Makes one environment from its lock; the stamp is written last, so a broken build is built again."""
    started = time.monotonic()
    say(f"{environment.name:9} Python {environment.python}: {environment.purpose}")
    python = find_python(uv, environment.python)
    run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", python, str(environment.folder)], "create it")
    install = [uv, "pip", "install", "--quiet", "--python", str(environment.interpreter), "--no-deps"]
    # The locks are complete, so nothing is resolved here; --no-deps also keeps out what an override took out.
    run([*install, "--require-hashes", "-r", str(environment.lock)], f"install requirements/{environment.lock.name}")
    if environment.project:
        # Built with the setuptools of the lock, by its hash; apart, because plux in the environment hooks into it.
        constrained = ["--build-constraint", str(environment.lock)]
        editable = [*install, *constrained, "--editable", str(ROOT / environment.project)]
        run(editable, f"install {environment.project}")
    environment.stamp_file.write_text(environment.stamp())
    say(f"{environment.name:9} ready in {time.monotonic() - started:.0f} s")


def lock(uv: str) -> None:
    """Resolves every closure anew; the index comes from the caller's own configuration and is not written down."""
    for closure in CLOSURES:
        say(f"resolving requirements/{closure.name}.in")
        platform = (
            ["--python-platform", "x86_64-manylinux_2_28"] if closure.name in SINGLE_PLATFORM else ["--universal"]
        )
        command = [uv, "pip", "compile", "--quiet", "--upgrade", "--generate-hashes", "--no-emit-index-url"]
        command += ["--custom-compile-command", "make lock", "--python-version", closure.python, *platform]
        command += [*closure.options, f"{closure.name}.in", "-o", f"{closure.name}.lock"]
        run(command, f"resolve {closure.name}.in", cwd=LOCKS)


def run(command: list[str], what: str, cwd: Path = ROOT) -> None:
    """Runs a step to its end; a long one says now and then that it is still at it."""
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        step = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT)
        while step.poll() is None:
            try:
                step.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                waited = time.monotonic() - started
                if waited > STEP_SECONDS:
                    step.kill()
                    raise SetupError(f"could not {what}: it took more than {STEP_SECONDS:.0f} s") from None
                say(f"still at it: {what}, {waited:.0f} s")
        if step.returncode:
            output.seek(0)
            tail = "\n    ".join(output.read().strip().splitlines()[-12:])
            raise SetupError(f"could not {what}:\n    {tail}")


def take(lock: IO[str], seconds: float, waiting: Callable[[], None]) -> bool:
    """Takes a lock file, or says once that it waits and gives up after the limit."""
    limit = time.monotonic() + seconds
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > limit:
                return False
            if not told:
                waiting()
            told = True
            time.sleep(0.2)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two setups at once would clear each other's folders: the second waits."""
    HOME.mkdir(exist_ok=True)
    with open(HOME / "lock", "w") as lock:
        if not take(lock, STEP_SECONDS, lambda: say("waiting for another setup")):
            raise SetupError("another setup has been at it for too long; end it, then try again")
        yield


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *(e.name for e in ENVIRONMENTS)], metavar="NAME")
    parser.add_argument("--lock", action="store_true", help="resolve requirements/*.in anew")
    parser.add_argument("--uv", action="store_true", help="print the path of a working uv")
    options = parser.parse_args(arguments)
    try:
        if options.uv:
            print(find_uv())
        elif options.lock:
            lock(find_uv())
        else:
            wanted = [e for e in ENVIRONMENTS if (e.name in options.names if options.names else not e.on_demand)]
            if not all(e.ready() for e in wanted):
                with only_one():
                    uv = find_uv()
                    for environment in wanted:
                        if not environment.ready():
                            build(uv, environment)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
