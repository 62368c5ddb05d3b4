"""Where a prediction came from: release, run, dataset version, upload."""

from dataclasses import dataclass, replace

from gyre.datasets.version import dataset_version
from gyre.errors import NotFound
from gyre.journal.record import JournalRecord, Served
from gyre.objects import ObjectStore
from gyre.registry.version import model_version


@dataclass(frozen=True)
class Data:
    """What a release was trained on."""

    version: int
    upload: str
    """The key of the newest file in it."""
    upload_version: str | None
    sha256: str
    uploaded_at: str


@dataclass(frozen=True)
class Origin:
    """Of the rows that one release answered."""

    version: int
    alias: str | None
    bundle: str | None
    rows: int
    run: str | None = None
    trained_at: str | None = None
    spec_version: int | None = None
    commit: str | None = None
    dataset: Data | None = None
    lost: str | None = None
    """What of all this cannot be told, and why."""


def origins(record: JournalRecord, artifacts: ObjectStore, data: ObjectStore) -> list[Origin]:
    """Of each release that answered, in the order in which they were asked."""
    model = record.model
    return [] if model is None else [_origin(model, each, artifacts, data) for each in record.served]


def _origin(model: str, served: Served, artifacts: ObjectStore, data: ObjectStore) -> Origin:
    """What is not there any more takes nothing from what is."""
    told = Origin(served.version, served.alias, served.bundle, served.rows)
    try:
        made = model_version(model, served.version, artifacts)
        told = replace(told, run=made.run, trained_at=made.at, spec_version=made.spec_version, commit=made.commit)
        taken = dataset_version(model, made.dataset, data)
    except NotFound as error:
        return replace(told, lost=error.message)
    return replace(told, dataset=Data(taken.version, taken.upload, taken.upload_version, taken.sha256, taken.at))
