"""What we need of a SQLite file beside MLflow: is it whole, did it change, which writes are in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gyre.errors import Invalid

# MLflow's schema is some 200 tables and indexes, each at least a page: small pages make an empty file a fifth as large.
PAGE_BYTES = 1024
# A file of which so large a part is free is rewritten without the holes before it is put.
FREE_SHARE = 0.25
FREE_PAGES = 256
# Each put leaves its mark. One is asked for seconds later if ever, so a few hundred are plenty.
MARKS = 500

MAGIC = b"SQLite format 3\x00"
WAL = b"\x02\x02"


@dataclass(frozen=True)
class Header:
    """The first hundred bytes: https://www.sqlite.org/fileformat.html."""

    content: bytes
    size: int

    @property
    def changes(self) -> bytes:
        """SQLite counts here each transaction that changed the file."""
        return self.content[24:28]

    @property
    def whole(self) -> bool:
        """True of a SQLite file that holds as many bytes as it says."""
        if len(self.content) < 100 or not self.content.startswith(MAGIC):
            return False
        page = int.from_bytes(self.content[16:18], "big")
        pages = int.from_bytes(self.content[28:32], "big")
        return self.size == pages * (65536 if page == 1 else page)

    @property
    def logs_ahead(self) -> bool:
        return self.content[18:20] == WAL


def header(path: Path) -> Header:
    with path.open("rb") as file:
        return Header(file.read(100), path.stat().st_size)


def accept(path: Path, where: str) -> None:
    """Refuses what is no SQLite file or not all of one, so that nothing is ever written over it."""
    found = header(path)
    if not found.whole:
        raise Invalid(
            f"{where} is not a whole SQLite file ({found.size} bytes). Nothing was changed."
            " Restore an earlier version of the object, or name another key."
        )
    if found.logs_ahead:  # somebody else's habit; a file that is moved whole must not need a second one
        with opened(path) as database:
            database.execute("PRAGMA journal_mode=DELETE")


def revision(path: Path) -> str | None:
    """MLflow's schema in the file; None if it is not MLflow's."""
    with opened(path) as database:
        known = database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchone()
        row = database.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return str(row[0]) if row else None


def seal(path: Path, mark: str) -> None:
    """Makes a changed file ready to be put: marked, and without too many holes."""
    with opened(path) as database:
        database.execute("CREATE TABLE IF NOT EXISTS gyre_writes (number INTEGER PRIMARY KEY AUTOINCREMENT, mark TEXT)")
        number = database.execute("INSERT INTO gyre_writes (mark) VALUES (?)", (mark,)).lastrowid or 0
        database.execute("DELETE FROM gyre_writes WHERE number <= ?", (number - MARKS,))
        free, pages = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
        if number == 1 or (free > FREE_PAGES and free > pages * FREE_SHARE):
            database.execute(f"PRAGMA page_size={PAGE_BYTES}")
            database.execute("VACUUM")


def marked(path: Path, marks: Collection[str]) -> str | None:
    """Which of these writes is in the file."""
    if not marks:
        return None
    with opened(path) as database:
        if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'gyre_writes'").fetchone():
            return None
        rows = database.execute("SELECT mark FROM gyre_writes ORDER BY number DESC").fetchall()
    return next((mark for (mark,) in rows if mark in marks), None)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A file of ours alone: what a crash would lose is thrown away anyway."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")
        yield connection
    finally:
        connection.close()
