"""The steps of a run: references in, references out."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gyre.aws.datasets import DeltaDatasets
from gyre.datasets.kept_split import splits_of
from gyre.datasets.upload import Upload
from gyre.errors import Invalid, NotFound
from gyre.spec.versions import add_spec
from gyre.tasks.step import Answer, Stores
from gyre.tasks.training import Places, training_tasks
from tests.event_data import FETCHED, FILES, SPEC
from tests.fakes.objects import MemoryBucket
from tests.fakes.tracking import MemoryTracking


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
        stores = Stores(self.data, self.artifacts, DeltaDatasets(str(folder)))
        places = Places("data", "artifacts", "c0ffee", 2)
        self.tasks = training_tasks(stores, self.fetcher, self.heard.append, MemoryTracking(), places)  # type: ignore[arg-type]

    def __call__(self, task: str, **event: object) -> Answer:
        answer = self.tasks[task]({"task": task, "run": "run-1", "model": "wine", **event})
        return dict(json.loads(json.dumps(answer)))


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    made = Steps(tmp_path)
    add_spec(SPEC, made.artifacts)
    for key, content in FILES.items():
        made.data.put(key, content)
    return made


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
    pinned = steps("pin", dataset=1, spec=None)
    assert pinned == {key: taken[key] for key in taken if key not in ("alerts", "has_alerts")}
    with pytest.raises(NotFound, match="no dataset version 2"):
        steps("pin", dataset=2, spec=None)


def test_old_rows_are_trained_on_as_is_declared_today_or_as_the_caller_says(steps: Steps) -> None:
    steps("ingest", upload={"key": FETCHED, "version": None})
    add_spec(SPEC + b"split: {test: 0.5}\n", steps.artifacts)
    assert steps("pin", dataset=1, spec=None)["spec_version"] == 2
    assert steps("pin", dataset=1, spec=1)["spec_version"] == 1
    with pytest.raises(NotFound, match="spec version 3"):
        steps("pin", dataset=1, spec=3)


def test_an_upload_starts_no_training_where_the_spec_says_so(steps: Steps) -> None:
    upload = {"key": FETCHED, "version": None}
    assert steps("ingest", upload=upload)["train"] is True
    add_spec(SPEC.replace(b"training: {", b"training: {on_upload: false, "), steps.artifacts)
    assert steps("ingest", upload=upload, run="run-2")["train"] is False


def test_what_was_found_is_kept_for_whoever_resumes(steps: Steps) -> None:
    """Given an ingest that was done, when the run is begun again, then its answer is there without the upload."""
    upload = {"key": FETCHED, "version": None}
    first = steps("ingest", upload=upload)
    steps.data.put(FETCHED, b"alcohol,colour,cultivar\n")
    assert steps("ingest", upload=upload) == first
    with pytest.raises(Invalid):  # of another run it is another question
        steps("ingest", upload=upload, run="run-2")


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
