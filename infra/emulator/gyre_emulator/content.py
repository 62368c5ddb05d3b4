"""Where a function's code, its layers and its image are on disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from gyre_emulator.settings import RUNTIME

_merging = threading.Lock()


class ContentError(Exception):
    """What is missing and how to get it."""


def image_folder(image_uri: str, images: Path) -> Path:
    """The folder that stands for an image: the last part of its name, without tag or digest."""
    name = image_uri.rpartition("/")[2].partition("@")[0].partition(":")[0]
    if not name or name.startswith("."):
        raise ContentError(f"the image {image_uri!r} has no name that could be a folder")
    folder = images / name
    if not folder.is_dir():
        raise ContentError(
            f"the image {image_uri!r} should be in the folder {folder}, which is missing: run `make package`"
        )
    return folder


def merge_layers(layers: Sequence[Path]) -> Path | None:
    """What AWS mounts as /opt: all layers in one tree, where a later layer's file replaces an earlier one's."""
    if len(layers) < 2:
        return layers[0] if layers else None
    digest = hashlib.sha256("\n".join(str(layer) for layer in layers).encode()).hexdigest()[:16]
    merged = Path(tempfile.gettempdir()) / "opt" / digest
    with _merging:
        if merged.is_dir():
            return merged
        merged.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=merged.parent, prefix=f"{digest}-"))
        for layer in layers:
            shutil.copytree(layer, building, copy_function=_link, dirs_exist_ok=True, symlinks=True)
        building.rename(merged)
    return merged


def _link(source: str, target: str) -> str:
    """Hard links: a second copy of 200 MB would take seconds."""
    if os.path.lexists(target):
        os.unlink(target)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
    return target


def search_paths(python: Path, task_root: Path, opt: Path | None, user_python_path: str = "") -> dict[str, str]:
    """PATH, PYTHONPATH and LD_LIBRARY_PATH in AWS's order: the function's code, its layers, the runtime."""
    modules = [str(task_root), *user_python_path.split(os.pathsep)]
    libraries = [str(task_root), str(task_root / "lib")]
    programs = [str(python.parent), "/usr/local/bin", "/usr/bin", "/bin"]
    if opt is not None:
        modules += [str(opt / "python" / "lib" / RUNTIME / "site-packages"), str(opt / "python")]
        libraries.append(str(opt / "lib"))
        programs.append(str(opt / "bin"))
    return {
        "PATH": os.pathsep.join(programs),
        "PYTHONPATH": os.pathsep.join(part for part in modules if part),
        "LD_LIBRARY_PATH": os.pathsep.join(libraries),
    }
