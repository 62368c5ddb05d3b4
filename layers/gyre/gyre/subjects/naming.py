"""Which rows are a person's: those in which a column that names persons says so."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gyre.datasets.arrow_text import as_text, has_text
from gyre.datasets.table import ROW
from gyre.datasets.typed import ARROW_TYPES, typed
from gyre.objects import ObjectStore
from gyre.spec.columns import Column
from gyre.spec.model import ModelSpec
from gyre.spec.reading import Reading
from gyre.spec.versions import spec_of
from gyre.spec.versions import versions as spec_versions

Mask = npt.NDArray[np.bool_]
RECORD = "record"


@dataclass(frozen=True)
class Naming:
    """A column that names persons, and how its cells are read."""

    name: str
    column: Column
    reading: Reading


# As text, because that is what labels are joined by.
_LABEL_ID = Naming("id", Column(type="text", personal=True), Reading())


def naming_columns(spec: ModelSpec) -> tuple[str, ...]:
    """The id where it is personal, else every personal column."""
    if spec.id is not None and spec.columns[spec.id].personal:
        return (spec.id,)
    return tuple(name for name, column in spec.columns.items() if column.personal)


def namings_of(model: str, artifacts: ObjectStore) -> tuple[Naming, ...]:
    """By all that was ever declared about a model: rows of an older declaration are kept, too."""
    found: dict[str, Naming] = {}
    for spec in _declared(model, artifacts):
        for name in naming_columns(spec):
            column = spec.columns[name]
            told = (name.lower(), column.type, column.missing, spec.read.decimal, spec.read.missing)
            found.setdefault(repr(told), Naming(name, column, spec.read))
    return tuple(found.values())


def label_namings_of(model: str, artifacts: ObjectStore) -> tuple[Naming, ...]:
    """Of a model's files of labels, which have columns of their own: `id` is the row's, whatever the model calls it."""
    ids = (spec.columns[spec.id] for spec in _declared(model, artifacts) if spec.id is not None)
    by_id = (_LABEL_ID,) if any(each.personal for each in ids) else ()
    return (*namings_of(model, artifacts), *by_id)


def _declared(model: str, artifacts: ObjectStore) -> Iterator[ModelSpec]:
    """The newest first."""
    for listed in reversed(spec_versions(model, artifacts)):
        yield spec_of(model, artifacts, listed.version).spec


class Person:
    """One person as the rows of one model name them."""

    def __init__(self, subject: str, namings: Iterable[Naming], *, anywhere: bool = False) -> None:
        """`anywhere`: a row is theirs if any cell of text is their name."""
        self._token, self._anywhere = token(subject), pa.scalar(subject) if anywhere else None
        self._wanted: list[tuple[Naming, pa.Scalar]] = []
        for naming in namings:
            value = typed(pa.array([subject], pa.string()), naming.column, naming.reading).values[0]
            if value.is_valid:  # what cannot stand in the column names nobody there
                self._wanted.append((naming, _trimmed(pa.array([value.as_py()], value.type))[0]))

    @property
    def columns(self) -> frozenset[str]:
        """In small letters: to a table, Email and email are one."""
        return frozenset(naming.name.lower() for naming, _ in self._wanted)

    def of(self, names: Sequence[str]) -> list[str]:
        """Those of a table's columns that are looked at."""
        return [name for name in names if name.lower() in self.columns]

    def among(self, rows: pa.RecordBatch | pa.Table) -> Mask:
        """Of each row whether it is the person's."""
        found = np.zeros(rows.num_rows, dtype=bool)
        if self._anywhere is not None:
            for column in rows.columns:
                if pa.types.is_string(column.type):
                    found |= _truths(pc.equal(pc.utf8_trim_whitespace(column), self._anywhere))
        for name in self.of(rows.schema.names):
            cells = rows.column(name)
            whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
            for naming, wanted in self._wanted:
                if naming.name.lower() == name.lower():
                    found |= _equal(whole, naming, wanted)
        return found

    def is_named_in(self, text: str) -> bool:
        """Whether their name stands there, as a word of its own."""
        return self._token.search(text) is not None

    def among_rejected(self, records: Sequence[str | None]) -> Mask:
        """Of each row of the quarantine, kept there as JSON. A row that could not be read is theirs if their name
        stands in it anywhere: of no other use is it any more."""
        found = np.zeros(len(records), dtype=bool)
        cells: dict[str, list[str | None]] = {}
        rows: list[Mapping[str, str | None]] = [json.loads(each or "{}") for each in records]
        for at, row in enumerate(rows):
            found[at] = self.is_named_in(row.get("unreadable") or "")
            for name in row:
                if name.lower() in self.columns and name not in cells:
                    cells[name] = []
        for name in cells:
            column = pa.array([row.get(name) for row in rows], pa.string())
            found |= self.among(pa.RecordBatch.from_arrays([column], [name]))
        return found


def numbered(rows: pa.Table, numbers: Collection[int]) -> Mask:
    """Of each row whether it is one of those of its file."""
    if not numbers:
        return np.zeros(rows.num_rows, dtype=bool)
    return np.isin(rows.column(ROW).to_numpy(), np.fromiter(numbers, np.int64, len(numbers)))


def token(subject: str) -> re.Pattern[str]:
    """The name as a word of its own: that of anna is not found in joanna."""
    return re.compile(rf"(?<!\w){re.escape(subject)}(?!\w)")


def _equal(cells: pa.Array, naming: Naming, wanted: pa.Scalar) -> Mask:
    kind = ARROW_TYPES[naming.column.type]
    if cells.type != kind or naming.column.type == "category":
        if not has_text(cells.type):
            return np.zeros(len(cells), dtype=bool)
        text = as_text("", naming.name, cells, naming.reading.decimal)
        cells = typed(text, naming.column, naming.reading).values
    return _truths(pc.equal(_trimmed(cells), wanted))


def _truths(mask: pa.Array) -> Mask:
    plain = mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask
    return np.asarray(pc.fill_null(plain, False).to_numpy(zero_copy_only=False), dtype=bool)


def _trimmed(values: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(values) if pa.types.is_string(values.type) else values
