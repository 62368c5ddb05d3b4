"""What all candidates of a run have in common, made once in a process: the folds, and each fold's rows, prepared."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse  # type: ignore[import-untyped]

from gyre.bundle.format import served
from gyre.errors import Invalid
from gyre.evaluation.targets import Targets, targets
from gyre.features.compute import is_missing
from gyre.features.inputs import layout
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Estimator
from gyre.training.calibration import held_out
from gyre.training.estimators import Entry
from gyre.training.fitting import learn, table_of
from gyre.training.folds import Folds, Places, folds
from gyre.training.rows import PartRows

# A function of a few gigabytes holds this beside the rows and the model that is fitted.
MOST_BYTES = 400_000_000


class _Kind(NamedTuple):
    """All that a preparation depends on: the same for many candidates of a search."""

    fold: int
    scaled: bool
    positive: bool
    dense: bool
    calibrated: bool


@dataclass(frozen=True)
class PreparedFold:
    """One fold as estimators take it."""

    on: Places
    """The rows to fit on."""
    judge: Places
    off: Places
    """The rows to calibrate on; none, if there is no calibration."""
    fit_rows: Any
    judge_rows: Any
    off_rows: Any


@dataclass
class PreparedRows:
    """The rows of one search."""

    spec: ModelSpec
    rows: PartRows
    truth: Targets
    folds: Folds
    most_bytes: int
    _small: ModelSpec
    _table: pd.DataFrame
    _kept: dict[_Kind, PreparedFold] = field(default_factory=dict)
    _bytes: int = 0

    def fold(self, at: int, entry: Entry, estimator: Estimator, *, calibrated: bool) -> PreparedFold:
        """One fold for this kind of model. What was made first is kept, as far as there is room: candidates come to
        the folds in the same order, and the newest would be thrown away just before it is asked for."""
        texts = any(each.form == "text" for each in layout(self._small).words)
        kind = _Kind(at, entry.scaled, entry.positive, entry.dense and texts, calibrated)
        if (kept := self._kept.get(kind)) is not None:
            return kept
        made = self._made(at, entry, estimator, calibrated=calibrated)
        size = sum(_bytes(each) for each in (made.fit_rows, made.judge_rows, made.off_rows))
        if self._bytes + size <= self.most_bytes:
            self._kept[kind] = made
            self._bytes += size
        return made

    def _made(self, at: int, entry: Entry, estimator: Estimator, *, calibrated: bool) -> PreparedFold:
        on, judge = self.folds.sides[at]
        off = on[:0]
        if calibrated:
            on, off = self._held_out(on)
        learned = learn(self._small, entry, estimator, self._table, on)
        fit_rows, judge_rows, off_rows = (
            learned.transform(self._table.iloc[each]) if len(each) else None for each in (on, judge, off)
        )
        return PreparedFold(on, judge, off, fit_rows, judge_rows, off_rows)

    def _held_out(self, on: Places) -> tuple[Places, Places]:
        """Without rows to spare the fold is scored as if nothing were to be calibrated."""
        group = self.spec.group
        classes = np.unique(self.truth.values[on], return_inverse=True)[1]
        try:
            fit, rest = held_out(classes, self.rows.columns[group][on] if group else None, self.spec.training.seed)
        except Invalid:
            return on, on[:0]
        return on[fit], on[rest]


class WarmRows:
    """The rows that this process scored last. A function that is called for many candidates of a run keeps one."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._of: str | None = None
        self._rows: PreparedRows | None = None

    def of(self, spec: ModelSpec, rows: PartRows, count: int) -> PreparedRows:
        """The same as before, if spec and rows are the same; `Invalid` if nothing can be learned from them."""
        name = _fingerprint(spec, rows, count)
        if self._rows is None or self._of != name:
            self._rows = None  # its memory is free before the next rows take some
            self._rows, self._of = _prepared(spec, rows, count, self._most_bytes), name
        return self._rows


def _prepared(spec: ModelSpec, rows: PartRows, count: int, most_bytes: int) -> PreparedRows:
    small = served(spec)
    truth = targets(spec, rows.target)
    table = table_of(small, {name: rows.columns[name] for name in sorted(small.needed)})
    return PreparedRows(spec, rows, truth, folds(spec, rows.columns, truth, count), most_bytes, small, table)


def _fingerprint(spec: ModelSpec, rows: PartRows, count: int) -> str:
    """By content: a run may be named like another one, and its rows are read anew for each call."""
    told = hashlib.blake2b(f"{count} {spec.model_dump_json()}".encode())
    for name, values in (*sorted(rows.columns.items()), ("", rows.target)):
        told.update(f"{name} {values.dtype} {len(values)} ".encode())
        if values.dtype.kind == "O":
            told.update(is_missing(values).tobytes())
            told.update(pd.util.hash_array(values).tobytes())
        else:
            told.update(np.ascontiguousarray(values).tobytes())
    return told.hexdigest()


def _bytes(rows: Any) -> int:
    if rows is None:
        return 0
    if sparse.issparse(rows):
        return int(rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes)
    return int(rows.nbytes)
