"""What was said of a row, with what counts: for people who wonder why."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from gyre.feedback.labels import KnownRow, Label, Labels, Truth, call_of, history

# Of a call, and of a record that a batch leaves.
_MOST_ROWS = 1_000


class ToldRow(BaseModel):
    """One row, and everything that was said of it."""

    model_config = ConfigDict(frozen=True)

    event_id: str | None = None
    """None of what was said by the caller's id alone."""
    row: int | None = None
    row_id: str | None = None
    """The caller's id; a pseudonym where ids are personal."""
    label: Truth
    """What counts: the last one that reached us."""
    history: tuple[Label, ...]
    """The oldest first."""


def told_of_call(event_id: str, labels: Labels) -> tuple[bool, list[ToldRow]]:
    """Whether the journal holds the call, and those of its rows of which something was said."""
    call = call_of(event_id)
    said, rows = labels.of_events([call]), labels.known_rows([call], range(_MOST_ROWS))
    if not rows:
        places = sorted({each.row for each in said}, key=lambda row: -1 if row is None else row)
        return False, [_told([each for each in said if each.row == row], call, row, None) for row in places]
    by_id = _by_id(rows, labels)
    found = []
    for row in sorted(rows, key=lambda each: each.row or 0):
        of_row = [each for each in said if each.is_of(row.row or 0, row.rows)] + by_id.get(str(row.row_id), [])
        if of_row:
            found.append(_told(of_row, call, row.row, row.row_id))
    return True, found


def told_of_id(model: str, row_ids: Sequence[str], labels: Labels) -> tuple[bool, list[ToldRow]]:
    """What was said by an id of the caller's (all pseudonyms that it has), then of single predictions that have it."""
    own = labels.of_ids(model, row_ids)
    found = [_told(own, None, None, row_ids[0])] if own else []
    of_rows: dict[tuple[str, int | None, str], list[Label]] = {}
    for row_id, label in labels.through_events(model, row_ids):
        of_rows.setdefault((str(label.event_id), label.row, row_id), []).append(label)
    found += [
        _told([*own, *said], event, row, row_id) for (event, row, row_id), said in sorted(of_rows.items(), key=str)
    ]
    return bool(labels.known_ids(model, row_ids)), found


def _by_id(rows: Sequence[KnownRow], labels: Labels) -> dict[str, list[Label]]:
    ids, model = {row.row_id for row in rows if row.row_id is not None}, rows[0].model
    found: dict[str, list[Label]] = {}
    for each in labels.of_ids(model, ids) if ids and model is not None else ():
        found.setdefault(str(each.row_id), []).append(each)
    return found


def _told(said: Iterable[Label], event_id: str | None, row: int | None, row_id: str | None) -> ToldRow:
    lines = history(said)
    return ToldRow(event_id=event_id, row=row, row_id=row_id, label=lines[-1].label, history=lines)
