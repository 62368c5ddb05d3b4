"""Labels taken out of their Delta table, with what was said of erased rows."""

from collections.abc import Sequence
from itertools import batched

from gyre.aws.labels import DeltaLabels
from gyre.aws.once import among, quoted

_AT_ONCE = 200


class DeltaLabelErasure:
    """`SaidLabels` over the table of labels."""

    def __init__(self, labels: DeltaLabels) -> None:
        self._labels = labels

    def erase(self, row_ids: Sequence[str], rows: Sequence[tuple[str, int]]) -> int:
        erased = self._delete(among("row_id", row_ids)) if row_ids else 0
        for some in batched(rows, _AT_ONCE):
            # A label that names no row is about the only one of its call.
            said = (f'event_id = {quoted(event)} and ("row" is null or "row" = {row})' for event, row in some)
            erased += self._delete(" or ".join(f"({each})" for each in said))
        return erased

    def _delete(self, predicate: str) -> int:
        return self._labels.table.changed(lambda table: int(table.delete(predicate)["num_deleted_rows"]))
