"""From what came to the parts of a dataset version."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from gyre.datasets.fetch import FileFetcher
from gyre.datasets.ingest import Parts, ingest
from gyre.datasets.splitting import split_version
from gyre.datasets.upload import Upload
from gyre.datasets.version import DatasetVersion, dataset_version
from gyre.spec.versions import spec_of
from gyre.tasks.step import Answer, Event, Stores, Task
from gyre.training.rows import check_columns

_MOST_ALERTS = 20


@dataclass(frozen=True)
class DataTasks:
    """Each by its name; all of them may run again after a failure."""

    stores: Stores
    fetcher: FileFetcher
    progress: Callable[[int], None]

    def by_name(self) -> dict[str, Task]:
        return {"fetch": self.fetch, "ingest": self.ingest, "pin": self.pin, "split": self.split}

    def fetch(self, event: Event) -> Answer:
        wanted = event["fetch"]
        return asdict(self.fetcher.fetch(event["model"], event["run"], wanted["url"], wanted["name"]))

    def ingest(self, event: Event) -> Answer:
        declared = spec_of(event["model"], self.stores.artifacts)
        upload = Upload(event["model"], **event["upload"])
        taken = ingest(event["run"], upload, declared, Parts(self.stores.data, self.stores.tables, self.progress))
        return _told(taken) | {
            "alerts": _few(taken.alerts),
            "has_alerts": bool(taken.alerts),
            "spec_version": declared.version,
            "train": declared.spec.training.on_upload,
        }

    def pin(self, event: Event) -> Answer:
        """The rows are those that were taken in then; what is trained on them is declared today, or in the version
        that the caller named."""
        declared = spec_of(event["model"], self.stores.artifacts, event["spec"])
        pinned = dataset_version(event["model"], event["dataset"], self.stores.data)
        return _told(pinned) | {"spec_version": declared.version, "train": True}

    def split(self, event: Event) -> Answer:
        declared = spec_of(event["model"], self.stores.artifacts, event["spec_version"])
        # Here, and not in each of the search's tasks, which tell no more than that they failed.
        check_columns(event["dataset"], declared.spec, self.stores.tables)
        split = split_version(event["dataset"], declared, self.stores.data, self.stores.tables)
        return {"key": split.key, "rows": dict(split.rows), "left_out": split.left_out}


def _few(alerts: Sequence[str]) -> list[str]:
    """What goes on from step to step stays small; the report has all of them."""
    more = len(alerts) - _MOST_ALERTS
    return [*alerts[:_MOST_ALERTS], *([f"{more:,} more: see the report"] if more > 0 else [])]


def _told(dataset: DatasetVersion) -> Answer:
    return {
        "version": dataset.version,
        "rows": dataset.rows.accepted,
        "rejected": dataset.rows.rejected,
        "total_rows": dataset.total_rows,
        "report": dataset.report,
    }
