"""The steps of a training run, as the state machine calls them: references in, references out."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gyre.datasets.fetch import FileFetcher
from gyre.datasets.ingest import Parts, ingest
from gyre.datasets.splitting import split_version
from gyre.datasets.table import DatasetTables
from gyre.datasets.upload import Upload
from gyre.datasets.version import DatasetVersion, dataset_version
from gyre.objects import ObjectStore
from gyre.spec.versions import spec_of

Event = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True)
class TrainingTasks:
    """Each task by its name; all of them may run again after a failure."""

    data: ObjectStore
    artifacts: ObjectStore
    tables: DatasetTables
    fetcher: FileFetcher
    progress: Callable[[int], None]

    def by_name(self) -> dict[str, Callable[[Event], Answer]]:
        return {"fetch": self.fetch, "ingest": self.ingest, "pin": self.pin, "split": self.split}

    def fetch(self, event: Event) -> Answer:
        wanted = event["fetch"]
        return asdict(self.fetcher.fetch(event["model"], event["run"], wanted["url"], wanted["name"]))

    def ingest(self, event: Event) -> Answer:
        declared = spec_of(event["model"], self.artifacts)
        upload = Upload(event["model"], **event["upload"])
        taken = ingest(event["run"], upload, declared, Parts(self.data, self.tables, self.progress))
        return _told(taken) | {"alerts": list(taken.alerts), "has_alerts": bool(taken.alerts)}

    def pin(self, event: Event) -> Answer:
        return _told(dataset_version(event["model"], event["dataset"], self.data))

    def split(self, event: Event) -> Answer:
        declared = spec_of(event["model"], self.artifacts, event["spec_version"])
        split = split_version(event["dataset"], declared, self.data, self.tables)
        return {"key": split.key, "rows": dict(split.rows), "left_out": split.left_out}


def _told(dataset: DatasetVersion) -> Answer:
    return {
        "version": dataset.version,
        "spec_version": dataset.spec_version,
        "rows": dataset.rows.accepted,
        "rejected": dataset.rows.rejected,
        "total_rows": dataset.total_rows,
        "report": dataset.report,
    }
