"""Where a build happens: the folders, the tools and the platform it is for."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.environments import take
from infra.packaging import BuildError
from infra.packaging.recipe import PARTS, Part, Source

ROOT = Path(__file__).resolve().parents[2]
# Amazon Linux 2023, under Lambda's Python 3.12, has glibc 2.34. `here` serves machines that are not Linux.
PLATFORMS = {"linux-x86_64": "x86_64-manylinux_2_28", "linux-arm64": "aarch64-manylinux_2_28", "here": None}
# What decides the bytes of a build; editing one of these builds everything anew.
RECIPE_MODULES = ("archive", "bytecode", "install", "recipe", "trim")
# A build from nothing takes a minute or two.
LOCK_SECONDS = 900.0
# Left behind by tools and editors; never part of a function.
IGNORED_FOLDERS = {"__pycache__", "tests"}
IGNORED_SUFFIXES = {".pyc", ".md"}


def default_platform() -> str:
    return "linux-arm64" if platform.machine() in ("arm64", "aarch64") else "linux-x86_64"


def say(line: str) -> None:
    print(f"build: {line}", flush=True)


@dataclass(frozen=True)
class Workshop:
    """One repository being built. Tests make their own, with small parts."""

    root: Path = ROOT
    parts: tuple[Part, ...] = PARTS
    platform: str = field(default_factory=default_platform)
    report: Callable[[str], None] = say

    @property
    def out(self) -> Path:
        return self.root / ".build"

    @property
    def locks(self) -> Path:
        return self.root / "requirements"

    @property
    def template(self) -> Path:
        return self.root / "template.yaml"

    @property
    def function_python(self) -> Path:
        """The interpreter the emulator runs functions with: what imports there runs there."""
        return ROOT / ".venv" / "function" / "bin" / "python"

    @property
    def temporary(self) -> Path:
        return self.out / "tmp"

    def part(self, name: str) -> Part:
        for part in self.parts:
            if name in (part.name, part.place):
                return part
        known = ", ".join(part.name for part in self.parts)
        raise BuildError(f"there is no part {name!r}; there are: {known}")

    def part_at(self, folder: str) -> Part | None:
        """The part that a CodeUri, ContentUri or DockerContext of the template stands for."""
        for part in self.parts:
            if folder in (part.place, f".build/{part.place}"):
                return part
        return None

    def folder(self, part: Part) -> Path:
        return self.out / part.place

    def content(self, part: Part) -> Path:
        """The folder whose content is on the import path at run time."""
        return self.folder(part) / part.prefix

    def archive(self, part: Part) -> Path:
        return self.out / f"{part.place}.zip"

    def stamp_file(self, name: str) -> Path:
        return self.out / "stamps" / f"{name}.json"

    def stamp(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads(self.stamp_file(name).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_stamp(self, name: str, **content: Any) -> None:
        """Last of all steps: without its stamp nothing counts as built."""
        path = self.stamp_file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(content, indent=1, sort_keys=True))
        draft.replace(path)

    def drop_stamp(self, name: str) -> None:
        self.stamp_file(name).unlink(missing_ok=True)

    def sources(self, source: Source) -> list[tuple[Path, str]]:
        """Our files of one folder, each with its path inside the part."""
        top = self.root / source.folder
        if not top.is_dir():
            raise BuildError(f"{source.folder}/ is missing")
        found = []
        for folder, folders, files in top.walk():
            folders[:] = sorted(name for name in folders if name not in IGNORED_FOLDERS and not name.startswith("."))
            for name in sorted(files):
                if Path(name).suffix in IGNORED_SUFFIXES or name.startswith("."):
                    continue
                path = folder / name
                found.append((path, (Path(source.into) / path.relative_to(top)).as_posix()))
        return found

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One build at a time in a repository; what an interrupted one left is removed."""
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / "lock").open("w") as lock:
            if not take(lock, LOCK_SECONDS, lambda: self.report("waiting for another build in this repository")):
                raise BuildError("another build in this repository has taken too long; end it first")
            shutil.rmtree(self.temporary, ignore_errors=True)
            self.temporary.mkdir()
            try:
                yield
            finally:
                shutil.rmtree(self.temporary, ignore_errors=True)


def recipe_digest() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in RECIPE_MODULES:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()


@functools.cache
def bare_environment(**extra: str) -> dict[str, str]:
    """The caller's environment without what would steer another Python."""
    steering = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if name not in steering} | extra


def seconds_since(started: float) -> str:
    return f"{time.monotonic() - started:6.1f} s"
