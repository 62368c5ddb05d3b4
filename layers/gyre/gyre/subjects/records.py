"""Records of the journal that lie as objects of their own: too large for the queue, or refused by it."""

import json
from typing import Any

from pydantic_core import to_jsonable_python

from gyre.journal.lines import ERASED
from gyre.pseudonyms import plain
from gyre.subjects.needles import Needles
from gyre.subjects.subject import Subject


class RecordEraser:
    """Blanks rows, as the journal does: the event stays known, and its other rows stay whole."""

    def __init__(self, subject: Subject) -> None:
        self._names, self._needles = frozenset((subject.id, *subject.pseudonyms)), Needles(subject)

    def count(self, content: bytes) -> int:
        """How many rows are the person's; 1 if their name stands in what cannot be read."""
        blanked, rows = self._blanked(content.decode(errors="replace"))
        return rows if blanked is not None else 1

    def without(self, content: bytes) -> bytes | None:
        """The object without them, or none if nothing can stay of it."""
        blanked, _ = self._blanked(content.decode(errors="replace"))
        return None if blanked is None else blanked.encode()

    def _blanked(self, text: str) -> tuple[str | None, int]:
        try:
            told: Any = json.loads(text)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            return (None if self._needles.in_text(text) else text), 0
        rows = 0
        if isinstance(told.get("rows"), list):
            rows += self._blank_rows(told["rows"])
        for part in ("body", "aside"):  # of a dead letter
            if isinstance(told.get(part), str):
                told[part], more = self._blanked(told[part])
                rows += more
                if told[part] is None:
                    return None, 0
        made = json.dumps(told, ensure_ascii=False, separators=(",", ":")) if rows else text
        return (None if self._needles.in_text(made) else made), rows

    def _blank_rows(self, rows: list[Any]) -> int:
        count = 0
        for at, row in enumerate(rows):
            if isinstance(row, dict) and self._is_theirs(row):
                rows[at] = {"version": row.get("version"), "fault": to_jsonable_python(ERASED)}
                count += 1
        return count

    def _is_theirs(self, row: dict[str, Any]) -> bool:
        features = row.get("features")
        values = [row.get("id"), *(features.values() if isinstance(features, dict) else ())]
        return any(plain(value) in self._names for value in values if value is not None)
