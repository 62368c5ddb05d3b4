"""Folders and zips that come out the same, byte for byte, whoever builds them and when."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

# The first moment a zip can name.
EPOCH = (1980, 1, 1, 0, 0, 0)
# Image layers carry file times as well. A day later than a zip's first, because tools that zip a folder (`sam deploy`)
# ask for local time, and west of Greenwich the first of January began in 1979.
EPOCH_SECONDS = 315619200
# Level 6 takes twice as long for zips 6 % smaller (measured on the layers).
LEVEL = 3


def files_of(tree: Path) -> Iterator[Path]:
    """Every file below a folder, in one fixed order."""
    for folder, folders, files in tree.walk():
        folders.sort()
        for name in sorted(files):
            yield folder / name


def normalise(tree: Path, files: Iterable[Path]) -> None:
    """One mode and one time for the files given and for every folder."""
    for path in files:
        path.chmod(mode_of(path))
        os.utime(path, (EPOCH_SECONDS, EPOCH_SECONDS))
    for folder, _, _ in os.walk(tree):
        Path(folder).chmod(0o755)
        os.utime(folder, (EPOCH_SECONDS, EPOCH_SECONDS))


def mode_of(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o111 else 0o644


def pack(target: Path, tree: Path, files: Iterable[Path], base: Path | None = None) -> None:
    """Writes a zip. A base's entries are taken over as they are and ours appended: nothing is deflated twice."""
    if base is not None:
        shutil.copyfile(base, target)
    with zipfile.ZipFile(target, "w" if base is None else "a", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), EPOCH)
            entry.create_system = 3  # Unix, on every build machine: only then does the mode count
            entry.external_attr = (0o100000 | mode_of(path)) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, LEVEL)


def link_tree(source: Path, target: Path) -> None:
    """A copy that shares its files with the original: tens of thousands of files in a second or two, and no bytes."""
    # Plain strings: pathlib would double the time.
    for folder, _, files in os.walk(source):
        into = f"{target}{folder.removeprefix(str(source))}"
        os.makedirs(into, exist_ok=True)
        for name in files:
            os.link(f"{folder}/{name}", f"{into}/{name}")


def swap(new: Path, place: Path, discard: Path) -> None:
    """Puts a finished file or folder where readers look for it; what was there is discarded."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        place.rename(Path(tempfile.mkdtemp(dir=discard)) / place.name)
    new.rename(place)


def size_of(tree: Path) -> int:
    return sum(path.stat().st_size for path in files_of(tree))


def digest_of(tree: Path) -> str:
    """One SHA-256 over names, modes and contents of a folder."""
    digest = hashlib.sha256()
    for path in files_of(tree):
        digest.update(f"{path.relative_to(tree).as_posix()} {mode_of(path):o} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
