"""What a deployed package does without. tests/packaging/test_science.py calls what is left."""

from __future__ import annotations

import shutil
from pathlib import Path

# Test suites. `testing` and `_testing` stay: numpy, pandas and scikit-learn import theirs at run time.
FOLDERS = {"tests", "test", "__pycache__"}
# Stubs, headers and the sources of compiled modules. `.rst` and `.md` stay: some packages read theirs as data.
SUFFIXES = {".pyi", ".h", ".hpp", ".c", ".cc", ".cpp", ".pyx", ".pxd", ".pxi", ".tp", ".f90", ".a", ".lib", ".pyc"}
NAMES = {"py.typed"}
# What wheels put beside the packages: commands, notebook extensions, manual pages.
ROOTS = {"bin", "share", "etc", "include", "jupyterlab_plotly", ".lock"}
# importlib.metadata answers from these: versions, plug-ins, import names.
METADATA = {"METADATA", "entry_points.txt", "top_level.txt"}
# Data that only demonstrations and a browser ask for.
PATTERNS = (
    "nannyml/datasets/data/*.csv",
    "mlflow/server/js",
    "plotly/package_data/datasets",
    "matplotlib/mpl-data/sample_data",
)


def trim(tree: Path) -> None:
    """Removes from an installed tree everything that no run needs. Only unlinks: files may be shared."""
    for name in ROOTS:
        remove(tree / name)
    for pattern in PATTERNS:
        for path in tree.glob(pattern):
            remove(path)
    for folder, folders, files in tree.walk():
        metadata = folder.name.endswith(".dist-info")
        for name in [name for name in folders if metadata or name in FOLDERS]:
            folders.remove(name)
            shutil.rmtree(folder / name)
        for name in files:
            if unwanted(name) or (metadata and name not in METADATA):
                (folder / name).unlink()


def unwanted(name: str) -> bool:
    return name in NAMES or Path(name).suffix in SUFFIXES


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
