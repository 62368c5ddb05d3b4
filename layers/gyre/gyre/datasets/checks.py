"""The checks of a spec, over one chunk after the other: which rows are taken, and why others are not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gyre.datasets.findings import Findings
from gyre.datasets.report import RowCounts
from gyre.datasets.row_checks import Fences, RowChecks
from gyre.datasets.rows import Rows, truths
from gyre.datasets.seen import Seen, hashes_of
from gyre.datasets.source import Chunk, Malformed
from gyre.datasets.table import FLAGS, ROW, UPLOAD
from gyre.datasets.typed import ARROW_TYPES
from gyre.features.compute import derive, evaluate
from gyre.spec.columns import Action
from gyre.spec.expression import parse
from gyre.spec.model import ModelSpec

QUARANTINE_SCHEMA = pa.schema(
    [
        (UPLOAD, pa.string()),
        (ROW, pa.int64()),
        ("codes", pa.list_(pa.string())),
        # The row as it came, as JSON: columns differ from upload to upload.
        ("record", pa.string()),
    ]
)


class Checker:
    """One pass over one upload. `ingest` marks its rows."""

    def __init__(self, spec: ModelSpec, ingest: str, columns: Sequence[str], fences: Fences) -> None:
        self.counts = RowCounts()
        self.findings = Findings()
        self.schema = processed_schema(spec)
        self._spec = spec
        self._ingest = ingest
        self._present = frozenset(columns) & spec.columns.keys()
        # One column at least: it tells how many rows there are to an expression without any, such as 1 < 2.
        self._inputs = spec.computed_with or frozenset((spec.target,))
        self._checks = RowChecks(self.findings, fences)
        self._seen = {name: Seen() for name, column in spec.columns.items() if column.unique}
        # Where each row has a value of its own, two equal rows are told apart by it.
        own = any(
            column.unique and column.required and column.action("unique") in ("reject", "fail")
            for column in spec.columns.values()
        )
        wish = spec.quality.duplicates
        self._duplicates: Action = "flag" if wish == "keep" else wish
        self._rows_seen = Seen() if wish != "keep" and self._present and not own else None
        # A malformed row cannot be taken apart into what may be shown and what not.
        self._private = any(column.personal for column in spec.columns.values())
        self._rules = [(rule, parse(rule.check)) for rule in spec.rules]
        self._filter = parse(spec.filter) if spec.filter is not None else None

    def check(self, chunk: Chunk) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """The accepted rows, typed and with derived features, and the rows for quarantine."""
        rows = Rows(self._spec, chunk, self._present)
        wanted = self._wanted(rows)
        for name, column in self._spec.columns.items():
            self._checks.column(rows, wanted, name, column)
        derived = derive(self._spec, rows.numeric(self._inputs))
        for rule, expression in self._rules:
            broken = evaluate(expression, rows.numeric(self._inputs)) == 0
            self._checks.act(rows, wanted & broken, rule.name, rule.action)
        self._repeats(rows, wanted)
        accepted = wanted & ~rows.rejected
        self._count(rows, chunk, wanted, accepted)
        return self._accepted(rows, accepted, derived), self._quarantine(rows, wanted & rows.rejected, chunk.malformed)

    def _wanted(self, rows: Rows) -> np.ndarray:
        if self._filter is None:
            return np.ones(rows.count, dtype=bool)
        return np.asarray(evaluate(self._filter, rows.numeric(self._inputs)) == 1)

    def _repeats(self, rows: Rows, wanted: np.ndarray) -> None:
        """Values that must be unique, and whole rows: the first of the rows that are otherwise right is kept."""
        for name, seen in self._seen.items():
            right = wanted & ~rows.rejected & truths(pc.is_valid(rows.values[name]))
            broken = _among(right, seen, [rows.values[name]])
            self._checks.value(rows, broken, name, self._spec.columns[name], "unique")
        if self._rows_seen is not None:
            right = wanted & ~rows.rejected
            broken = _among(right, self._rows_seen, [rows.cells(name) for name in sorted(self._present)])
            self._checks.act(rows, broken, "duplicate", self._duplicates)

    def _count(self, rows: Rows, chunk: Chunk, wanted: np.ndarray, accepted: np.ndarray) -> None:
        for each in chunk.malformed:
            self.findings.add(
                each.code, "reject", np.ones(1, bool), cells=None if self._private else pa.array([each.text])
            )
        so_far, taken = self.counts, int(np.count_nonzero(accepted))
        wanted_rows, bad = int(np.count_nonzero(wanted)), len(chunk.malformed)
        self.counts = replace(
            so_far,
            read=so_far.read + rows.count + bad,
            accepted=so_far.accepted + taken,
            rejected=so_far.rejected + wanted_rows - taken + bad,
            filtered=so_far.filtered + rows.count - wanted_rows,
            flagged=so_far.flagged + sum(1 for at in rows.flags if accepted[at]),
            changed=so_far.changed + int(np.count_nonzero(rows.changed & accepted)),
        )

    def _accepted(self, rows: Rows, accepted: np.ndarray, derived: Mapping[str, np.ndarray]) -> pa.RecordBatch:
        flags = np.full(rows.count, None, dtype=object)
        for at, codes in rows.flags.items():
            flags[at] = ",".join(codes)
        arrays = [pa.array([self._ingest] * rows.count, pa.string()), rows.numbers, pa.array(flags, pa.string())]
        arrays += rows.values.values()
        arrays += [_derived_array(derived[name], self.schema.field(name).type) for name in self._spec.derived]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema).filter(pa.array(accepted))

    def _quarantine(self, rows: Rows, rejected: np.ndarray, malformed: Sequence[Malformed]) -> pa.RecordBatch:
        at = np.flatnonzero(rejected)
        records = rows.raw.take(pa.array(at)).to_pylist()
        numbers = rows.numbers.take(pa.array(at)).to_pylist() + [each.row for each in malformed]
        codes = [rows.reasons[int(index)] for index in at] + [[each.code] for each in malformed]
        told = [json.dumps(each, ensure_ascii=False) for each in records]
        told += [json.dumps({"unreadable": each.text}, ensure_ascii=False) for each in malformed]
        marks = [self._ingest] * len(numbers)
        return pa.RecordBatch.from_arrays(
            [
                pa.array(each, kind)
                for each, kind in zip((marks, numbers, codes, told), QUARANTINE_SCHEMA.types, strict=True)
            ],
            schema=QUARANTINE_SCHEMA,
        )


def processed_schema(spec: ModelSpec) -> pa.Schema:
    """Of the table of accepted rows."""
    own = [(UPLOAD, pa.string()), (ROW, pa.int64()), (FLAGS, pa.string())]
    columns = [(name, ARROW_TYPES[column.type]) for name, column in spec.columns.items()]
    derived = [(name, pa.string() if each.bin else pa.float64()) for name, each in spec.derived.items()]
    return pa.schema([*own, *columns, *derived])


def _among(right: np.ndarray, seen: Seen, columns: list[pa.Array]) -> np.ndarray:
    """Which of the `right` rows repeat an earlier one."""
    broken = np.zeros(len(right), dtype=bool)
    taken = pa.array(np.flatnonzero(right))
    broken[right] = seen.repeated(hashes_of([column.take(taken) for column in columns]))
    return broken


def _derived_array(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    return pa.array(values, kind, from_pandas=True)
