"""Where data came from: upload -> dataset version -> splits."""

from dataclasses import dataclass

from gyre.datasets.kept_split import KeptSplit, splits_of
from gyre.datasets.version import DatasetVersion
from gyre.objects import ObjectStore


@dataclass(frozen=True)
class Lineage:
    """One dataset version, with what went into it and what was made of it."""

    dataset: DatasetVersion
    splits: tuple[KeptSplit, ...]


def lineage_of(dataset: DatasetVersion, data: ObjectStore) -> Lineage:
    return Lineage(dataset, tuple(splits_of(dataset.model, dataset.version, data)))
