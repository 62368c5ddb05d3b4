"""Installs a lock for Lambda, trims and compiles it, and keeps the result until the lock changes."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from infra.environments import find_uv
from infra.packaging import BuildError
from infra.packaging.archive import files_of, normalise, pack, size_of, swap
from infra.packaging.bytecode import compile_tree
from infra.packaging.recipe import Closure, Part, Pick
from infra.packaging.trim import trim
from infra.packaging.workshop import (
    LOCK_SECONDS,
    PLATFORMS,
    Workshop,
    bare_environment,
    recipe_digest,
    seconds_since,
)

PROGRESS_SECONDS = 10.0


@dataclass(frozen=True)
class Installed:
    """A closure on disk: `tree/`, laid out as in its part, and for parts that are zipped `packed.zip`."""

    folder: Path
    size: int
    key: str

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def packed(self) -> Path:
        return self.folder / "packed.zip"


def closure_key(shop: Workshop, part: Part, closure: Closure) -> str:
    """Changes when the closure has to be installed again."""
    digest = hashlib.sha256(f"{recipe_digest()} {shop.platform} {part.prefix} {part.mount} {part.zipped}\n".encode())
    digest.update(read_lock(shop, closure.lock).encode())
    for pick in closure.picks:
        digest.update(f"{pick.pattern} {locked_lines(shop, pick)}".encode())
    return digest.hexdigest()


def ensure_closure(shop: Workshop, part: Part, closure: Closure) -> Installed:
    """The closure of a part, installed when it is not there."""
    place, stamp, key = (
        shop.out / "closures" / closure.name,
        f"closure-{closure.name}",
        closure_key(shop, part, closure),
    )
    known = shop.stamp(stamp)
    if place.is_dir() and known.get("key") == key:
        return Installed(place, known["size"], key)
    shop.drop_stamp(stamp)
    started = time.monotonic()
    draft = Installed(shop.temporary / f"closure-{closure.name}", 0, key)
    site = draft.tree / part.prefix
    site.mkdir(parents=True)
    install(shop, shop.locks / closure.lock, site)
    trim(site)
    for pick in closure.picks:
        add_pick(shop, pick, site)
    compile_tree(draft.tree, [path for path in files_of(draft.tree) if path.suffix == ".py"], part.mount)
    normalise(draft.tree, files_of(draft.tree))
    if part.zipped:
        pack(draft.packed, draft.tree, files_of(draft.tree))
    size = size_of(draft.tree)
    swap(draft.folder, place, shop.temporary)
    shop.write_stamp(stamp, key=key, size=size)
    shop.report(f"{'lock':8} {closure.lock:17} {seconds_since(started)}  installed, trimmed, compiled")
    return Installed(place, size, key)


def install(shop: Workshop, requirements: Path, target: Path) -> None:
    """Wheels for Lambda's platform, each held to its hash."""
    command = [find_uv(), "pip", "install", "--quiet", "--target", str(target), "--no-deps", "--require-hashes"]
    # Copied, never linked: modes and times of our files must not reach into uv's cache.
    command += ["--link-mode", "copy", "--only-binary", ":all:", "--python-version", "3.12"]
    wheels = PLATFORMS[shop.platform]
    command += ["--python-platform", wheels] if wheels else []
    command += ["-r", str(requirements)]
    code, said = patiently(shop, command, f"installing requirements/{requirements.name}")
    if code:
        # uv draws its reasons as a tree: the words are what we want of it.
        lines = [re.sub(r"^\W+", "", line) for line in said.strip().splitlines()]
        reason = " ".join(line for line in lines if line) or f"uv ended with code {code}"
        raise BuildError(f"could not install requirements/{requirements.name} for {shop.platform}: {reason[:400]}")


def patiently(shop: Workshop, command: list[str], what: str) -> tuple[int, str]:
    """Runs a command that may download a gigabyte: says now and then that it is still at it, and has a limit."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        step = subprocess.Popen(
            command, cwd=shop.root, env=bare_environment(), stdout=subprocess.DEVNULL, stderr=output
        )
        while step.poll() is None:
            try:
                step.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() - started > LOCK_SECONDS:
                    step.kill()
                shop.report(f"{'':8} still at it: {what}, {seconds_since(started).strip()}")
        output.seek(0)
        return step.returncode, output.read()


def add_pick(shop: Workshop, pick: Pick, site: Path) -> None:
    """Installs one locked package aside and takes over the files named."""
    aside = shop.temporary / f"pick-{pick.package}"
    requirements = shop.temporary / f"{pick.package}-of-{pick.lock}"
    requirements.write_text(locked_lines(shop, pick))
    install(shop, requirements, aside)
    found = sorted(aside.glob(pick.pattern))
    if not found:
        raise BuildError(f"{pick.package} of {pick.lock} holds no {pick.pattern}")
    for path in found:
        target = site / path.relative_to(aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.rmtree(aside)


def locked_lines(shop: Workshop, pick: Pick) -> str:
    """One package's entry of a lock, with its hashes."""
    start = rf"^{re.escape(pick.package)}=="
    entry = re.search(start + r".*?(?=^\S|\Z)", read_lock(shop, pick.lock), re.MULTILINE | re.DOTALL)
    if entry is None:
        raise BuildError(f"requirements/{pick.lock} does not lock {pick.package}")
    return "".join(line for line in entry[0].splitlines(keepends=True) if not line.lstrip().startswith("#"))


def read_lock(shop: Workshop, name: str) -> str:
    try:
        return (shop.locks / name).read_text()
    except FileNotFoundError:
        raise BuildError(f"requirements/{name} is missing: `make lock` resolves it") from None
