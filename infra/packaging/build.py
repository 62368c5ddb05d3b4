"""Builds the parts that changed, each in a temporary folder that takes its place only when it is complete."""

from __future__ import annotations

import hashlib
import shutil
import time
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from infra.packaging import BuildError
from infra.packaging.archive import link_tree, normalise, pack, swap
from infra.packaging.bytecode import compile_own, require_python
from infra.packaging.check import check_handlers
from infra.packaging.install import Installed, closure_key, ensure_closure
from infra.packaging.recipe import Part
from infra.packaging.workshop import Workshop, recipe_digest, seconds_since


def build(shop: Workshop, names: list[str] | None = None) -> list[str]:
    """Builds the parts named (all without a name) and checks the handlers; answers with one line per failure."""
    require_python()
    wanted = [shop.part(name) for name in names] if names else list(shop.parts)
    failures = []
    with shop.exclusive():
        for part in wanted:
            started = time.monotonic()
            try:
                news = build_part(shop, part)
            except BuildError as error:
                failures.append(f"{part.kind} {part.name}: {error}")
                news = "FAILED"
            shop.report(f"{part.kind:8} {part.name:17} {seconds_since(started)}  {news}")
        failures += check_handlers(shop, wanted)
    return failures


def build_part(shop: Workshop, part: Part) -> str:
    """Builds one part if it changed; answers with what the progress line should say."""
    own = {path: inside for source in part.sources for path, inside in shop.sources(source)}
    key = part_key(shop, part, own)
    if is_built(shop, part, key):
        return "unchanged"
    if part.kind == "function" and "app.py" not in own.values():
        raise BuildError(f"{part.sources[0].folder}/app.py is missing")
    for path in own:
        if path.suffix == ".py":
            readable(shop, path)  # before anything that works is touched
    before = shop.stamp(part.name)
    shop.drop_stamp(part.name)
    draft = shop.temporary / part.place
    closure = ensure_closure(shop, part, part.closure) if part.closure else None
    if not (closure and take_over(shop, part, before, closure, draft)):
        (draft / part.prefix).mkdir(parents=True)
        if closure:
            link_tree(closure.tree, draft)
    written = write_own(shop, part, own, draft)
    normalise(draft, written)
    return put_in_place(shop, part, key, draft, written, closure)


def readable(shop: Workshop, path: Path) -> None:
    try:
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise BuildError(f"{path.relative_to(shop.root)}:{line}: {type(error).__name__}: {error.args[0]}") from None


def take_over(shop: Workshop, part: Part, before: dict[str, Any], closure: Installed, draft: Path) -> bool:
    """Where only our code changed: the folder built before without our files, instead of 40,000 new links."""
    built = shop.folder(part)
    if before.get("closure") != closure.key or not built.is_dir():
        return False
    draft.parent.mkdir(parents=True, exist_ok=True)
    built.rename(draft)
    for name in before["own"]:
        (draft / name).unlink(missing_ok=True)
        for folder in (draft / name).relative_to(draft).parents:
            place = draft / folder
            if folder.name and place.is_dir() and not any(place.iterdir()):
                place.rmdir()
    return True


def part_key(shop: Workshop, part: Part, own: dict[Path, str]) -> str:
    """Changes when anything that ends up in the part changes."""
    digest = hashlib.sha256((closure_key(shop, part, part.closure) if part.closure else recipe_digest()).encode())
    digest.update(shop.platform.encode())
    for path, inside in own.items():
        digest.update(f"{inside} {executable(path)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_built(shop: Workshop, part: Part, key: str) -> bool:
    """The stamp fits and what it speaks of is still there."""
    stamp = shop.stamp(part.name)
    if stamp.get("key") != key or not shop.folder(part).is_dir():
        return False
    archive = shop.archive(part)
    return not part.zipped or (archive.is_file() and archive.stat().st_size == stamp.get("zip"))


def write_own(shop: Workshop, part: Part, own: dict[Path, str], draft: Path) -> list[Path]:
    """Copies our files in and compiles them; answers with everything that was written, in a fixed order."""
    site = draft / part.prefix
    for path, inside in own.items():
        target = site / inside
        if target.exists():
            lock = part.closure.lock if part.closure else "another folder"
            raise BuildError(f"{path.relative_to(shop.root)} would hide a file of {lock}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755 if executable(path) else 0o644)
    sources = sorted(site / inside for inside in own.values())
    modules = [path for path in sources if path.suffix == ".py"]
    compile_own(draft, modules, part.mount)
    return sorted([*sources, *(Path(cache_from_source(path)) for path in modules)])


def executable(path: Path) -> bool:
    return path.stat().st_mode & 0o111 != 0


def put_in_place(
    shop: Workshop, part: Part, key: str, draft: Path, written: list[Path], closure: Installed | None
) -> str:
    """Packs, puts in place, and only then writes the stamp that makes the part count as built."""
    size = sum(path.stat().st_size for path in written) + (closure.size if closure else 0)
    news, zip_size = f"{size / 1e6:7.1f} MB", 0
    if part.zipped:
        packed = shop.temporary / f"{part.name}.zip"
        pack(packed, draft, written, closure.packed if closure else None)
        zip_size = packed.stat().st_size
        news += f", zip {zip_size / 1e6:.1f} MB"
        swap(packed, shop.archive(part), shop.temporary)
    own = [path.relative_to(draft).as_posix() for path in written]
    swap(draft, shop.folder(part), shop.temporary)
    shop.write_stamp(
        part.name, key=key, size=size, zip=zip_size, platform=shop.platform, own=own, closure=closure and closure.key
    )
    return news
