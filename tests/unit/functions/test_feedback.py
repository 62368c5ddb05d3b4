"""Files of labels, from S3's event to the report, over moto; the table is one in a folder."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.aws.s3 import S3Bucket
from gyre.errors import Unavailable
from gyre.settings import SettingsError
from gyre.spec.versions import add_spec
from tests.unit.feedback.label_house import NOON, call, event
from tests.unit.functions.conftest import Aws, Load
from tests.unit.http.test_feedback_routes import WINE

KEY = "feedback/wine/truth.csv"
REPORT = "feedback/wine/reports/truth.csv.json"


@pytest.fixture
def entry(load: Load) -> ModuleType:
    return load("prediction_log", "feedback")


@pytest.fixture
def labels(entry: ModuleType, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeltaLabels:
    """Five calls to wine were recorded."""
    made = DeltaLabels(str(tmp_path))
    monkeypatch.setattr(entry, "DeltaLabels", lambda uri: made if uri == "s3://data/journal" else None)
    add_spec(WINE, S3Bucket("artifacts"))
    DeltaJournal(str(tmp_path)).append([call(number, f"id-{number}") for number in range(5)])
    return made


def came(key: str, version: str | None) -> dict[str, Any]:
    told = {"key": key, "etag": "e", **({"version-id": version} if version else {})}
    return {"detail-type": "Object Created", "time": "2026-12-01T09:00:00Z", "detail": {"object": told}}


class Context:
    """So many milliseconds are left at each look."""

    def __init__(self, *left: int) -> None:
        self._left = iter(left)

    def get_remaining_time_in_millis(self) -> int:
        return next(self._left)


def content(*labels: str) -> bytes:
    return b"event_id,label\n" + "".join(f"{event(at)},{each}\n" for at, each in enumerate(labels)).encode()


def test_without_its_variables_it_says_which(entry: ModuleType) -> None:
    with pytest.raises(SettingsError, match=r"FeedbackSettings: .*GYRE_DATA_BUCKET"):
        entry.handler({}, None)


def test_a_file_is_taken_and_told(entry: ModuleType, aws: Aws, labels: DeltaLabels) -> None:
    version = aws.put(KEY, content("red", "green", "white"))
    done = entry.handler(came(KEY, version), None)
    assert (done["status"], done["kept"], done["faulty"], done["version"]) == ("done", 2, 1, version)
    report = json.loads(aws.get("data", REPORT))
    assert [(each["line"], each["field"]) for each in report["faults"]] == [(3, "label")]
    joined = labels.joined("wine", NOON.replace(hour=0), NOON.replace(hour=23), 10)
    assert {each.event_id: each.label for each in joined.rows if each.label} == {event(0): "red", event(2): "white"}
    assert entry.handler(came(KEY, version), None) == done


def test_the_very_bytes_of_the_event_are_taken(entry: ModuleType, aws: Aws, labels: DeltaLabels) -> None:
    first, second = aws.put(KEY, content("red")), aws.put(KEY, content("white"))
    for version in (second, first):  # events come in any order
        assert entry.handler(came(KEY, version), None)["kept"] == 1
    assert sorted(str(each.label) for each in labels.of_events([event(0)])) == ["red", "white"]


def test_when_time_is_up_the_next_call_goes_on(
    entry: ModuleType, aws: Aws, labels: DeltaLabels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gyre.feedback.dropped.PART_LINES", 2)
    asked = came(KEY, aws.put(KEY, content("red", "white", "rose", "red", "white")))
    with pytest.raises(Unavailable, match="up to line 3: the next call for it goes on from there"):
        entry.handler(asked, Context(300_000, 119_000))
    assert json.loads(aws.get("data", REPORT))["status"] == "going"
    done = entry.handler(asked, Context(800_000, 700_000))
    assert (done["status"], done["kept"]) == ("done", 5)
    assert len(labels.of_events([event(number) for number in range(5)])) == 5


@pytest.mark.parametrize(
    "key", ["feedback/wine/", "feedback/wine/reports/t.csv", "feedback/Wine/t.csv", "feedback/t.csv"]
)
def test_what_is_no_file_of_labels_is_left_alone(entry: ModuleType, aws: Aws, labels: DeltaLabels, key: str) -> None:
    assert entry.handler(came(key, None), None) == {"ignored": key}
