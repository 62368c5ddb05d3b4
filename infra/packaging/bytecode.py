"""Ready bytecode: Lambda's file system is read-only, so what is not compiled here is compiled at every cold start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from infra.packaging import BuildError

PYTHON = (3, 12)
WORKERS = 2
# 15,000 files that only drawing imports, a few at a time: half of all compiling, and we draw reports from the numbers.
SOURCE_ONLY = ("plotly/validators/",)

# What a process compiled before shows in the bytes of what it compiles next (which constants count as shared). A pool
# such as compileall's, where chance hands out the files, gave other bytes for three files of 11,000. So each fresh
# process here gets the same files in the same order.
COMPILER = """
import py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for line in sys.stdin.read().splitlines():
    path, shown = line.split("\\t")
    try:
        py_compile.compile(path, dfile=shown, doraise=True, invalidation_mode=mode)
    except (py_compile.PyCompileError, ValueError, RecursionError):
        pass
"""


def compile_own(folder: Path, files: list[Path], mount: str) -> None:
    """Compiles our code; a syntax error stops the build with its file and line."""
    for path in files:
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            where = f"{path.relative_to(folder)}:{getattr(error, 'lineno', None) or 1}"
            raise BuildError(f"{where}: {type(error).__name__}: {getattr(error, 'msg', error)}") from error
    compile_tree(folder, files, mount)


def compile_tree(folder: Path, files: Iterable[Path], mount: str) -> None:
    """Writes `unchecked-hash` bytecode that names files by the path they have at run time.

    Such bytecode is valid whatever the file times say: it survives zip and unzip, and one source gives one result.
    Files that are not valid Python (templates inside packages) are left as they are.
    """
    lines = []
    for path in files:
        inside = path.relative_to(folder).as_posix()
        if not any(part in inside for part in SOURCE_ONLY):
            lines.append(f"{path}\t{mount}/{inside}\n")
    # Sets are marshalled in hash order.
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-S", "-W", "ignore", "-c", COMPILER]
    workers = []
    for number in range(min(WORKERS, len(lines))):
        worker = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, text=True)
        workers.append(worker)
        if worker.stdin:  # a worker reads everything before it starts, so this does not block
            worker.stdin.write("".join(lines[number::WORKERS]))
            worker.stdin.close()
    if max((worker.wait() for worker in workers), default=0):
        raise BuildError("a compiling process was killed")


def require_python() -> None:
    if sys.version_info[:2] != PYTHON:
        raise BuildError(
            f"Lambda runs Python {PYTHON[0]}.{PYTHON[1]} and this is {sys.version.split()[0]}:"
            " run .venv/dev/bin/python -m infra.packaging (`make setup` makes it)"
        )
