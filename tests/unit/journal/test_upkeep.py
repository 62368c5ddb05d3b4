"""Upkeep by the clock: what each table is asked, and what does not stop the others."""

from datetime import UTC, datetime

import pytest

from gyre.errors import Unavailable
from gyre.journal.upkeep import GRACE, Tidied, tidy
from gyre.spec.versions import add_spec
from tests.fakes.objects import MemoryBucket
from tests.unit.cli.stack import SPEC

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Table:
    """A table that keeps what it was asked."""

    def __init__(self, files: int = 0, *, broken: str = "") -> None:
        self.files, self.broken, self.asked = files, broken, list[object]()

    def compact(self) -> int:
        return self._done("compact", "compact")

    def expire(self, model: str | None, before: str) -> int:
        return self._done("expire", (model, before))

    def sweep(self, before: datetime) -> int:
        return self._done("sweep", before)

    def _done(self, name: str, asked: object) -> int:
        self.asked.append(asked)
        if self.broken == name:
            raise Unavailable(f"{name} broke.")
        return self.files


@pytest.fixture
def artifacts() -> MemoryBucket:
    bucket = MemoryBucket()
    add_spec(SPEC, bucket)
    kept = SPEC.replace(b"model: wine", b"model: beer") + b"\nretention:\n  journal_days: 30\n"
    add_spec(kept, bucket)
    return bucket


def test_each_model_keeps_as_long_as_it_says(artifacts: MemoryBucket) -> None:
    table = Table()
    tidy({"predictions": table}, NOW, artifacts)
    assert table.asked == [
        ("beer", "2026-10-22"), ("wine", "2025-11-21"), (None, "2025-11-21"), "compact", NOW - GRACE,
    ]  # fmt: skip


def test_what_was_done_is_counted_by_table(artifacts: MemoryBucket) -> None:
    done = tidy({"predictions": Table(3), "labels": Table(1)}, NOW, artifacts)
    assert done == Tidied(
        {"predictions": 3, "labels": 1}, {"predictions": 9, "labels": 3}, {"predictions": 3, "labels": 1}
    )


@pytest.mark.parametrize("broken", ["compact", "expire", "sweep"])
def test_what_breaks_is_told_and_stops_nothing(artifacts: MemoryBucket, broken: str) -> None:
    first, second = Table(1, broken=broken), Table(1)
    done = tidy({"predictions": first, "labels": second}, NOW, artifacts)
    assert done.faults == {"predictions": f"{broken} broke."}
    assert len(first.asked) == len(second.asked) == 5
    assert done.swept["labels"] == 1
