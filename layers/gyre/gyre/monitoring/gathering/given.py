"""Rows of data sets as one side of a look: a release's reference, a dataset version, a file; with what the release
says of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictor
from gyre.datasets.checks import Checker
from gyre.datasets.kept_split import KeptSplit, split_at
from gyre.datasets.rows import as_numpy
from gyre.datasets.source import open_upload
from gyre.datasets.splitting import split_version
from gyre.datasets.table import DatasetTables
from gyre.errors import Invalid, NotFound
from gyre.features.compute import Array, Columns, with_derived
from gyre.monitoring.asked import Part
from gyre.monitoring.gathering.predicted import NO_TIME, nothing, sourced
from gyre.monitoring.side import Side, numbers
from gyre.objects import ObjectStore
from gyre.registry.version import ModelVersion
from gyre.spec.base import class_name
from gyre.spec.columns import Column
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Quality
from gyre.spec.versions import SpecVersion
from gyre.training.rows import PartRows, check_columns, read_rows

MOST_ROWS = 100_000
"""More are looked at by a sample, whose error is told."""
MOST_REFERENCE = 20_000
_MOST_FILE_BYTES = 500_000_000
_SEED = 11


@dataclass(frozen=True)
class Stock:
    """Where data lies."""

    data: ObjectStore
    artifacts: ObjectStore
    tables: DatasetTables


@dataclass(frozen=True)
class Model:
    """A release to look with; without one nothing is predicted."""

    declared: SpecVersion
    version: ModelVersion | None = None
    predictor: Predictor | None = None

    @property
    def spec(self) -> ModelSpec:
        return self.declared.spec

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of the probabilities."""
        if self.predictor is None:
            return ()
        return tuple(class_name(each) for each in self.predictor.bundle.manifest.classes)


def loaded(declared: SpecVersion, version: ModelVersion, artifacts: ObjectStore) -> Model:
    """The release, ready to answer."""
    return Model(declared, version, Predictor(read_bundle(artifacts, version.bundle.key, version.bundle.hash)))


def reference_side(model: Model, stock: Stock) -> Side:
    """What was set apart when the release was trained, so that it never saw it; no rows where nothing was."""
    assert model.version is not None  # noqa: S101  # only releases have one
    name = f"the reference of release {model.version.version}"
    try:
        rows = read_rows(split_at(model.version.split, stock.data), "reference", model.spec, stock.data, stock.tables)
    except NotFound:
        return nothing(name, model.spec)
    return _given(name, rows, model, MOST_REFERENCE)


def dataset_side(version: int, part: Part, model: Model, stock: Stock) -> Side:
    """A dataset version, or a part of it."""
    check_columns(version, model.spec, stock.tables)
    split = split_version(version, model.declared, stock.data, stock.tables)
    parts: Sequence[Part] = ("train", "test", "reference") if part == "all" else (part,)
    rows = PartRows.together([_rows(split, each, model, stock) for each in parts])
    told = f"dataset version {version}" + ("" if part == "all" else f" ({part})")
    return _given(told, rows, model, MOST_ROWS)


def file_side(key: str, model: Model, stock: Stock) -> tuple[Side, tuple[str, ...]]:
    """A file in the data bucket, read as an upload is and kept nowhere; and its columns that nobody declared."""
    spec = model.spec
    size = stock.data.size(key)
    if size > _MOST_FILE_BYTES:
        raise Invalid(f"{key} has {size:,} bytes; a file of {_MOST_FILE_BYTES:,} is taken at most.", field="file")
    with stock.data.open(key) as stream:
        opened = open_upload(key.rsplit("/", 1)[-1], stream, spec.read)
        checker = Checker(_lenient(spec), "", opened.columns, {})
        table = pa.Table.from_batches((checker.check(chunk)[0] for chunk in opened.chunks), schema=checker.schema)
    there = [each for each in spec.columns if each in opened.columns]
    values = {each: as_numpy(table[each].combine_chunks()) for each in there}
    target = values.pop(spec.target, np.full(table.num_rows, None, dtype=object))
    new = tuple(each for each in opened.columns if each not in spec.columns)
    return _given(f"the file {key}", PartRows(values, target), model, MOST_ROWS), new


def _lenient(spec: ModelSpec) -> ModelSpec:
    """Nothing is refused: values that an upload may not have are what is looked for here."""
    columns = {
        name: Column(type=each.type, missing=each.missing, actions={"type": "drop"}, personal=each.personal)
        for name, each in spec.columns.items()
    }
    return spec.model_copy(update={"columns": columns, "derived": {}, "rules": (), "filter": None,
                                   "quality": Quality(duplicates="keep")})  # fmt: skip


def _rows(split: KeptSplit, part: Part, model: Model, stock: Stock) -> PartRows:
    return read_rows(split, part, model.spec, stock.data, stock.tables)


def _given(name: str, rows: PartRows, model: Model, most: int) -> Side:
    of_rows, spec = len(rows), model.spec
    if of_rows > most:
        rows = rows.chosen(np.sort(np.random.default_rng(_SEED).choice(of_rows, most, replace=False)))
    columns = _features(spec, rows.columns)
    at = _times(spec, rows.columns, len(rows))
    label = _label(spec, rows.target)
    side = Side(nothing(name, spec).source, columns, at, label=label)
    if model.predictor is not None and spec.needed <= rows.columns.keys() and len(rows):
        side = _answered(side, model.predictor, rows.columns)
    if not (at == at[:1]).all():
        side = side.chosen(np.argsort(at, kind="stable"))
    return sourced(side, name, of_rows)


def _features(spec: ModelSpec, columns: Columns) -> dict[str, Array]:
    """As many as the columns give: one that was not sent takes with it what is derived from it."""
    derived = {
        name: each for name, each in spec.derived.items() if each.feature and spec.inputs_of(each) <= columns.keys()
    }
    whole = with_derived(spec.model_copy(update={"derived": derived}), columns)
    return {name: whole[name] for name in spec.features if name in whole}


def _times(spec: ModelSpec, columns: Columns, rows: int) -> Any:
    """Of rows without times one moment for all, so that no course is made up."""
    found = np.full(rows, NO_TIME)
    if spec.time is None or spec.time not in columns:
        return found
    seconds = numbers(columns[spec.time])
    known = np.isfinite(seconds) & (np.abs(seconds) < 2e11)
    found[known] = (seconds[known] * 1e6).astype(np.int64).astype("M8[us]")
    return found


def _label(spec: ModelSpec, target: Array) -> Array:
    if spec.task == "regression":
        return numbers(target) if target.dtype.kind != "O" else np.full(len(target), np.nan)
    if target.dtype.kind == "O":
        return target
    kind = spec.columns[spec.target].type
    told = [None if np.isnan(each) else class_name(bool(each) if kind == "boolean" else int(each)) for each in target]
    return np.array([*told, None], dtype=object)[:-1]


def _answered(side: Side, predictor: Predictor, columns: Columns) -> Side:
    found = predictor.predict(columns)
    if found.labels is None:
        return replace(side, prediction=found.values)
    names = np.array([*(class_name(each) for each in found.labels), None], dtype=object)[:-1]
    return replace(side, prediction=names, probabilities=np.asarray(found.probabilities, dtype=np.float64))
