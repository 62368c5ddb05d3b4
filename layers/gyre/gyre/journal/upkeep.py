"""Keeping the journal small and quick, as often as a clock says: nobody who reads or writes it notices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from gyre.errors import GyreError
from gyre.objects import ObjectStore
from gyre.spec.policy import Retention
from gyre.spec.versions import models, spec_of

# Longer than any function reads or writes: nobody knows a file any more that is out of the table for so long.
GRACE = timedelta(hours=1)


class Upkeep(Protocol):
    """Of one table, partitioned by model and day."""

    def compact(self) -> int:
        """Puts small files together, and says how many went into larger ones."""

    def expire(self, model: str | None, before: str) -> int:
        """Takes out all days of a model before this one, or of calls to none; says how many files."""

    def sweep(self, before: datetime) -> int:
        """Removes for good what is in the table no more, if it was written before then; says how many files."""


@dataclass
class Tidied:
    """What was done to each table, and what could not be."""

    compacted: dict[str, int] = field(default_factory=dict)
    expired: dict[str, int] = field(default_factory=dict)
    swept: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def tidy(tables: Mapping[str, Upkeep], now: datetime, artifacts: ObjectStore) -> Tidied:
    """What goes wrong with one table or model keeps no other from being tidied."""
    done = Tidied()
    for name, table in tables.items():
        steps = [
            (done.expired, partial(_expired, table, model, now, artifacts)) for model in (*models(artifacts), None)
        ]
        steps += [(done.compacted, partial(table.compact)), (done.swept, partial(table.sweep, now - GRACE))]
        for kind, step in steps:
            try:
                kind[name] = kind.get(name, 0) + step()
            except GyreError as error:
                done.faults[name] = error.message
    return done


def _expired(table: Upkeep, model: str | None, now: datetime, artifacts: ObjectStore) -> int:
    kept = Retention() if model is None else spec_of(model, artifacts).spec.retention
    return table.expire(model, (now - timedelta(days=kept.journal_days)).strftime("%Y-%m-%d"))
