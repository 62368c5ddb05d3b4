"""The rows of one part of a split, as estimators and bundles take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from gyre.datasets.kept_split import KeptSplit
from gyre.datasets.rows import as_numpy
from gyre.datasets.splitting import read_part
from gyre.datasets.table import DatasetTables
from gyre.datasets.typed import ARROW_TYPES
from gyre.errors import Invalid
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


def protected(spec: ModelSpec, columns: Columns) -> dict[str, Array]:
    """The columns that fairness is measured by."""
    return {name: columns[name] for name in spec.protected}


def wanted_columns(spec: ModelSpec) -> tuple[str, ...]:
    """What a spec needs of each row: features, what derived ones are computed from, protected columns, the group and
    the time; never an id or a personal column."""
    features = {name for name in spec.features if name in spec.columns}
    inputs = frozenset().union(*(spec.inputs_of(each) for each in spec.derived.values()))
    named = filter(None, (spec.group, spec.time))
    wanted = (features | inputs | {*spec.protected, *named}) - {spec.target}
    return tuple(name for name in spec.columns if name in wanted)


def check_columns(version: int, spec: ModelSpec, tables: DatasetTables) -> None:
    """`Invalid` if a dataset version was taken in before a column was declared, or when it was another type. No row is
    read: none is of no ingest."""
    _check_types(version, spec, tables.read(spec.model, "processed", version, _needed(spec), ingest=""))


def read_rows(split: KeptSplit, part: str, spec: ModelSpec, data: ObjectStore, tables: DatasetTables) -> PartRows:
    """The rows of a part in the order in which they came in."""
    table = read_part(split, part, _needed(spec), data, tables)
    _check_types(split.dataset, spec, table)
    values: Mapping[str, Array] = {name: as_numpy(table[name].combine_chunks()) for name in table.column_names}
    return PartRows({name: values[name] for name in wanted_columns(spec)}, values[spec.target])


def _needed(spec: ModelSpec) -> list[str]:
    return [*wanted_columns(spec), spec.target]


def _check_types(version: int, spec: ModelSpec, table: pa.Table) -> None:
    """Numbers that are read as categories would be learned, and never be met again in a request."""
    for name in table.column_names:
        found, declared = table.schema.field(name).type, spec.columns[name].type
        whole = declared == "number" and pa.types.is_integer(found)
        if found != ARROW_TYPES[declared] and not whole:
            kinds = " or ".join(kind for kind, each in ARROW_TYPES.items() if each == found) or found
            raise Invalid(
                f"Version {version} of {spec.model} holds {name} as {kinds}, and model.yaml declares "
                f"{declared}. Name the version of model.yaml that the rows were taken in with, or upload them anew.",
                field=name,
            )
