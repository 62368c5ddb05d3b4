"""Shows a run while it goes on: finished steps stay, the one that goes on is one line that changes. Without a terminal
each change is a line of its own."""

import os
import shutil
from collections.abc import Sequence
from typing import Protocol, TextIO

from cli.run_facts import Row, Search
from cli.text import cut, lasted

_BAR = 12
_NAME = 18
_WORDS = {"succeeded": "done", "running": "goes on", "failed": "failed"}
_CLEAR = "\r\x1b[K"


class Progress(Protocol):
    """Somewhere to show the steps of a run."""

    def show(self, rows: Sequence[Row]) -> None:
        """As they are now."""

    def close(self) -> None:
        """What is printed next begins on a line of its own."""


class Lines:
    """For files, pipes and logs: no line is ever changed, and a search is told by its tenths."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told: dict[str, object] = {}

    def show(self, rows: Sequence[Row]) -> None:
        for row in rows:
            mark = (row.status, row.visit, _tenth(row.search) if row.status == "running" else None)
            if self._told.get(row.name) != mark:
                self._told[row.name] = mark
                took = f" in {lasted(row.seconds)}" if row.status != "running" and row.seconds is not None else ""
                note = f": {row.note}" if row.note else ""
                print(f"{row.name} {_WORDS.get(row.status, row.status)}{took}{note}", file=self._out, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


class Live:
    """For a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._done: set[tuple[str, int]] = set()
        self._line = ""

    def show(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.status != "running" and (row.name, row.visit) not in self._done:
                self._done.add((row.name, row.visit))
                self._write(f"{self._wiped()}{cut(line(row), self._columns())}\n")
        going = [row for row in rows if row.status == "running"]
        now = cut(line(going[-1]), self._columns()) if going else ""
        if now != self._line:
            self._write(f"{self._wiped()}{now}")
            self._line = now

    def close(self) -> None:
        if self._line:
            self._write("\n")
            self._line = ""

    def _wiped(self) -> str:
        before, self._line = self._line, ""
        return _CLEAR if before else ""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    @staticmethod
    def _columns() -> int:
        # The last column stays free: a full line would be wrapped, and could not be changed any more.
        return max(10, shutil.get_terminal_size().columns - 1)


def progress_on(out: TextIO) -> Progress:
    """As the stream can show it."""
    return Live(out) if out.isatty() and os.environ.get("TERM", "") != "dumb" else Lines(out)


def line(row: Row) -> str:
    """One step in columns; a search that goes on with its bar."""
    status, took = _WORDS.get(row.status, row.status), lasted(row.seconds)
    if row.search is not None and row.status == "running":
        return f"  {row.name}  {bar(row.search)}  {row.note}  {took}".rstrip()  # it has the most to say on one line
    return f"  {row.name:<{_NAME}}  {status:<8}  {took:>8}  {row.note}".rstrip()


def bar(search: Search) -> str:
    """How much of what is planned so far was scored."""
    full = _BAR * search.done // search.planned if search.planned else 0
    return f"[{'#' * full}{'.' * (_BAR - full)}]"


def _tenth(search: Search | None) -> tuple[int, int] | None:
    if search is None:
        return None
    return search.round, 10 * search.done // search.planned if search.planned else 0
