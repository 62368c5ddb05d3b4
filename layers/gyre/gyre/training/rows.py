"""The rows of one part of a split, as estimators and bundles take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from gyre.datasets.kept_split import KeptSplit
from gyre.datasets.rows import as_numpy
from gyre.datasets.splitting import read_part
from gyre.datasets.table import DatasetTables
from gyre.features.compute import Array, Columns
from gyre.objects import ObjectStore
from gyre.spec.model import ModelSpec


@dataclass(frozen=True)
class PartRows:
    """One part: every declared column that training or judging needs, and the target."""

    columns: Columns
    target: Array

    def __len__(self) -> int:
        return len(self.target)

    def chosen(self, rows: Array) -> "PartRows":
        """Some of them, by a mask or by their places."""
        return PartRows({name: values[rows] for name, values in self.columns.items()}, self.target[rows])

    @classmethod
    def together(cls, parts: Sequence["PartRows"]) -> Self:
        """The rows of several parts, one after another."""
        columns = {name: np.concatenate([each.columns[name] for each in parts]) for name in parts[0].columns}
        return cls(columns, np.concatenate([each.target for each in parts]))


def wanted_columns(spec: ModelSpec) -> tuple[str, ...]:
    """What a spec needs of each row: features, what derived ones are computed from, protected columns, the group and
    the time; never an id or a personal column."""
    features = {name for name in spec.features if name in spec.columns}
    inputs = frozenset().union(*(spec.inputs_of(each) for each in spec.derived.values()))
    named = filter(None, (spec.group, spec.time))
    protected = {name for name, column in spec.columns.items() if column.protected}
    wanted = (features | inputs | protected | set(named)) - {spec.target}
    return tuple(name for name in spec.columns if name in wanted)


def check_columns(version: int, spec: ModelSpec, tables: DatasetTables) -> None:
    """`Invalid` if a dataset version was taken in before a column was declared. No row is read: none is of no ingest."""
    tables.read(spec.model, "processed", version, [*wanted_columns(spec), spec.target], ingest="")


def read_rows(split: KeptSplit, part: str, spec: ModelSpec, data: ObjectStore, tables: DatasetTables) -> PartRows:
    """The rows of a part in the order in which they came in."""
    names = wanted_columns(spec)
    table = read_part(split, part, [*names, spec.target], data, tables)
    columns: Mapping[str, Array] = {name: as_numpy(table[name].combine_chunks()) for name in names}
    return PartRows(columns, as_numpy(table[spec.target].combine_chunks()))
