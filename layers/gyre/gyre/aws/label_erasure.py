"""Labels taken out of their Delta table, with what was said of erased rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

from gyre.aws.labels import DeltaLabels
from gyre.aws.once import among, moment_of, quoted

_AT_ONCE = 200
_TIMES = ("happened_at", "received_at")
# Times are read as numbers: arro3 would look for a time zone database, which Lambda need not have.
_SELECTED = ", ".join(
    ("label_id", "model", "event_id", '"row"', "row_id", "label", "source",
     *(f"cast({name} as bigint) as {name}" for name in _TIMES))
)  # fmt: skip


class DeltaLabelErasure:
    """`SaidLabels` over the table of labels."""

    def __init__(self, labels: DeltaLabels) -> None:
        self._labels = labels

    def about(self, row_ids: Sequence[str], rows: Sequence[tuple[str, int]], limit: int) -> list[Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for each in _conditions(row_ids, rows):
            if len(found) < limit:
                text = f"select {_SELECTED} from entries where {each} limit {limit - len(found)}"
                found |= {row["label_id"]: _shown(row) for row in self._labels.table.rows(text)}
        return list(found.values())

    def erase(self, row_ids: Sequence[str], rows: Sequence[tuple[str, int]]) -> int:
        return sum(map(self._delete, _conditions(row_ids, rows)))

    def _delete(self, predicate: str) -> int:
        return self._labels.table.changed(lambda table: int(table.delete(predicate)["num_deleted_rows"]))


def _conditions(row_ids: Sequence[str], rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    """SQL, a part at a time."""
    if row_ids:
        yield among("row_id", row_ids)
    for some in batched(rows, _AT_ONCE):
        # A label that names no row is about the only one of its call.
        said = (f'event_id = {quoted(event)} and ("row" is null or "row" = {row})' for event, row in some)
        yield " or ".join(f"({each})" for each in said)


def _shown(row: Mapping[str, Any]) -> Mapping[str, Any]:
    moments = {name: None if row[name] is None else moment_of(row[name]).isoformat() for name in _TIMES}
    return {**row, **moments, "label": json.loads(row["label"])}
