"""The steps of a run: references in, references out."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gyre.aws.datasets import DeltaDatasets
from gyre.datasets.kept_split import splits_of
from gyre.datasets.upload import Upload
from gyre.errors import NotFound
from gyre.spec.versions import add_spec
from gyre.training.tasks import Answer, TrainingTasks
from tests.event_data import FETCHED, FILES, SPEC
from tests.fakes.objects import MemoryBucket


@dataclass
class KeptFetcher:
    """Remembers what it was asked for."""

    asked: list[tuple[str, str, str, str]] = field(default_factory=list)

    def fetch(self, model: str, run: str, url: str, name: str) -> Upload:
        self.asked.append((model, run, url, name))
        return Upload(model, f"fetched/{model}/{run}/{name}", "v7")


class Steps:
    """The tasks over the fakes; the tables are real ones in a folder."""

    def __init__(self, folder: Path) -> None:
        self.data, self.artifacts, self.fetcher = MemoryBucket(), MemoryBucket(), KeptFetcher()
        self.heard: list[int] = []
        tables = DeltaDatasets(str(folder))
        self.tasks = TrainingTasks(self.data, self.artifacts, tables, self.fetcher, self.heard.append)  # type: ignore[arg-type]

    def __call__(self, task: str, **event: object) -> Answer:
        answer = self.tasks.by_name()[task]({"task": task, "run": "run-1", "model": "wine", **event})
        return dict(json.loads(json.dumps(answer)))


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    made = Steps(tmp_path)
    add_spec(SPEC, made.artifacts)
    for key, content in FILES.items():
        made.data.put(key, content)
    return made


def test_the_tasks_are_these(steps: Steps) -> None:
    assert list(steps.tasks.by_name()) == ["fetch", "ingest", "pin", "split"]


def test_what_was_fetched_is_what_is_ingested(steps: Steps) -> None:
    wanted = {"url": "https://files.example/wine.csv", "name": "wine.csv"}
    upload = steps("fetch", fetch=wanted)
    assert steps.fetcher.asked == [("wine", "run-1", "https://files.example/wine.csv", "wine.csv")]
    assert upload == {"model": "wine", "key": "fetched/wine/run-1/wine.csv", "version": "v7"}
    # The state machine keeps two of these for the next step.
    version = steps.data.put("fetched/wine/run-1/wine.csv", FILES[FETCHED])
    assert steps("ingest", upload={"key": upload["key"], "version": version})["rows"] == 36


def test_an_ingest_says_how_far_it_came(steps: Steps) -> None:
    steps("ingest", upload={"key": FETCHED, "version": None})
    assert steps.heard == [37]


def test_a_pinned_version_tells_the_same_figures_as_its_ingest(steps: Steps) -> None:
    taken = steps("ingest", upload={"key": FETCHED, "version": None})
    assert steps("pin", dataset=1) == {key: taken[key] for key in taken if key not in ("alerts", "has_alerts")}
    with pytest.raises(NotFound, match="no dataset version 2"):
        steps("pin", dataset=2)


def test_a_split_follows_the_spec_that_the_data_was_taken_with(steps: Steps) -> None:
    """Somebody may declare another one while a run goes on."""
    steps("ingest", upload={"key": FETCHED, "version": None})
    add_spec(SPEC + b"split: {test: 0.5}\n", steps.artifacts)
    first = steps("split", dataset=1, spec_version=1)
    second = steps("split", dataset=1, spec_version=2)
    assert [each["rows"]["test"] for each in (first, second)] == [7, 18]
    kept = {each.key: each.spec_version for each in splits_of("wine", 1, steps.data)}
    assert kept == {first["key"]: 1, second["key"]: 2}


@pytest.mark.parametrize("event", [{"dataset": 9, "spec_version": 1}, {"dataset": 1, "spec_version": 9}])
def test_what_is_not_there_is_not_split(steps: Steps, event: dict[str, int]) -> None:
    steps("ingest", upload={"key": FETCHED, "version": None})
    with pytest.raises(NotFound):
        steps("split", **event)
    assert list(splits_of("wine", 1, steps.data)) == []
