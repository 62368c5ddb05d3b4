"""The record of a split, as the rest of Gyre knows it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from gyre.objects import ObjectStore


@dataclass(frozen=True)
class KeptSplit:
    """One split of one dataset version. At `key` lies the part of each row; `rows` counts the parts."""

    model: str
    dataset: int
    spec_version: int
    key: str
    sha256: str
    rows: Mapping[str, int]
    left_out: int
    by: str
    seed: int


def splits_folder(model: str) -> str:
    return f"datasets/{model}/splits/"


def keep_split(key: str, split: KeptSplit, data: ObjectStore) -> None:
    """Writes the record, or `Conflict` if it is there already."""
    data.write(key, json.dumps(asdict(split), indent=1).encode(), content_type="application/json", new=True)


def read_split(key: str, data: ObjectStore) -> KeptSplit:
    return KeptSplit(**json.loads(data.read(key).content))


def split_at(key: str, data: ObjectStore) -> KeptSplit:
    """The record of the split whose parts lie at this key."""
    return read_split(f"{key.removesuffix('.parquet')}.json", data)


def splits_of(model: str, version: int, data: ObjectStore) -> list[KeptSplit]:
    """Every split of a version."""
    listed = data.list(f"{splits_folder(model)}{version:08}-")
    return [read_split(each.key, data) for each in listed if each.key.endswith(".json")]
