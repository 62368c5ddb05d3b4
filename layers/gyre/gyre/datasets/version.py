"""Dataset versions as the rest of Gyre knows them: a record each, which says where it came from."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from gyre.datasets.report import RowCounts
from gyre.errors import Conflict, NotFound
from gyre.objects import ObjectStore

_KEY = re.compile(r"datasets/[^/]+/versions/([0-9]{8,})\.json")


@dataclass(frozen=True)
class DatasetVersion:
    """One ingest that was taken. `version` is the version of the Delta table of processed rows."""

    model: str
    version: int
    ingest: str
    upload: str
    upload_version: str | None
    sha256: str
    size: int
    facts: Mapping[str, str]
    run: str
    at: str
    spec_version: int
    raw_version: int
    quarantine_version: int | None
    mode: str
    rows: RowCounts
    total_rows: int
    report: str
    alerts: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        told: dict[str, Any] = json.loads(content)
        return cls(**told | {"rows": RowCounts(**told["rows"]), "alerts": tuple(told["alerts"])})


def keep_version(dataset: DatasetVersion, data: ObjectStore) -> DatasetVersion:
    """Writes the record once; if it was written before, that one stands."""
    key = _key(dataset.model, dataset.version)
    try:
        data.write(key, json.dumps(asdict(dataset), indent=1).encode(), content_type="application/json", new=True)
    except Conflict:
        return dataset_version(dataset.model, dataset.version, data)
    return dataset


def dataset_version(model: str, version: int, data: ObjectStore) -> DatasetVersion:
    """The record of one version, or `NotFound`."""
    try:
        return DatasetVersion.from_json(data.read(_key(model, version)).content)
    except NotFound:
        raise NotFound(
            f"{model} has no dataset version {version}: GET /models/{model}/datasets lists them.", field="dataset"
        ) from None


def version_numbers(model: str, data: ObjectStore) -> list[int]:
    """Rising; not every number is one: erasure and changed columns take some, too."""
    found = (_KEY.fullmatch(each.key) for each in data.list(_folder(model)))
    return [int(each[1]) for each in found if each]


def versions(model: str, data: ObjectStore, before: int | None = None) -> Iterator[DatasetVersion]:
    """The newest first, read as they are asked for; only those before a number, if one is given."""
    numbers = (number for number in reversed(version_numbers(model, data)) if before is None or number < before)
    return (dataset_version(model, number, data) for number in numbers)


def newest_version(model: str, data: ObjectStore) -> DatasetVersion:
    """The newest one, or `NotFound` with what to do."""
    for found in versions(model, data):
        return found
    raise NotFound(
        f"{model} has no dataset version yet: put a file under inbox/{model}/ in the data bucket.", field="model"
    )


def _folder(model: str) -> str:
    return f"datasets/{model}/versions/"


def _key(model: str, version: int) -> str:
    return f"{_folder(model)}{version:08}.json"
