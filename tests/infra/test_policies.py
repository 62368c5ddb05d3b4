"""A role may do what its function does: whole trainings and calls over buckets that look every access up in the policy.

The emulator enforces no policy, so nothing else here would notice that a function reads what it may not."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from gyre.http.access import KeyRing
from gyre.journal.dead_letters import DeadLetters
from gyre.journal.intake import Intake, Message
from gyre.journal.outlet import parcel, unpack
from gyre.journal.record import JournalRecord
from gyre.journal.sink import pour
from gyre.objects import ObjectInfo, ObjectVersion, StoredObject, Stream, Written
from gyre.registry.moves import Mover, promote
from gyre.registry.releases import any_release
from gyre.registry.traffic import send_traffic
from gyre.serving.answer import Serving
from gyre.serving.question import Question, Row
from gyre.serving.shelf import Shelf
from gyre.telemetry import TimeSplit, logger
from gyre.trials.guard import end_failing_trials
from tests.event_data import SPEC
from tests.fakes.notices import MemoryNotices
from tests.fakes.objects import EPOCH, MemoryBucket
from tests.fakes.sink import MemorySink
from tests.infra.facts import functions
from tests.unit.parts import House
from tests.unit.registry.house import ANNA, released
from tests.unit.tasks.world import PETS, World, pets
from tests.unit.trials.trial_calls import failure

BUCKETS = {"data": "${DataBucketName}", "artifacts": "${ArtifactBucketName}"}


def allowed(function: str, bucket: str) -> dict[str, set[str]]:
    """By action, the keys of a bucket that a function's policy names."""
    found: dict[str, set[str]] = {}
    prefix = f"arn:${{AWS::Partition}}:s3:::{BUCKETS[bucket]}"
    for policy in functions()[function]["Policies"]:
        for statement in policy["Statement"]:
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            told = [text.removeprefix(prefix) for each in resources if (text := sub(each)).startswith(prefix)]
            for action in actions:
                found.setdefault(action, set()).update(told)
    return found


def sub(resource: Any) -> str:
    return str(resource["Fn::Sub"]) if isinstance(resource, dict) and "Fn::Sub" in resource else ""


class Guarded(MemoryBucket):
    """A bucket that notes what no policy allows."""

    def __init__(self, function: str, bucket: str, broken: list[str]) -> None:
        super().__init__()
        self._allowed, self._broken, self._told = allowed(function, bucket), broken, f"{function}: {bucket}"

    def _may(self, action: str, key: str) -> None:
        if not any(fnmatchcase(f"/{key}", pattern) for pattern in self._allowed.get(action, ())):
            self._broken.append(f"{self._told}: {action} {key}")

    def read(self, key: str, version: str | None = None) -> StoredObject:
        self._may("s3:GetObjectVersion" if version else "s3:GetObject", key)
        return super().read(key, version)

    def size(self, key: str, version: str | None = None) -> int:
        self._may("s3:GetObject", key)
        return len(super().read(key, version).content)

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        self._may("s3:GetObjectVersion" if version else "s3:GetObject", key)
        return super().open(key, version)

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        self._may("s3:PutObject", key)
        return super().write(key, content, content_type=content_type, replaces=replaces, new=new)

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:
        self._may("s3:PutObject", key)
        return super().write_stream(key, stream, marks=marks)

    def marks(self, key: str, version: str | None = None) -> Mapping[str, str]:
        self._may("s3:GetObjectVersion" if version else "s3:GetObject", key)
        return super().marks(key, version)

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        assert "" in self._allowed["s3:ListBucketVersions"]
        return super().versions(prefix)

    def remove(self, key: str, version: str) -> None:
        self._may("s3:DeleteObjectVersion", key)
        super().remove(key, version)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        assert "" in self._allowed["s3:ListBucket"]
        for key in sorted(self._versions):
            if key.startswith(prefix):
                yield ObjectInfo(key, len(self._versions[key][-1][1]), EPOCH)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[str]]:
    """Two trainings, an evaluation and a resumed run, under the role of the tasks."""
    broken: list[str] = []
    world = World(
        Path(tmp_path_factory.mktemp("lake")), data=Guarded("TrainTasksFunction", "data", broken),
        artifacts=Guarded("TrainTasksFunction", "artifacts", broken),
    )  # fmt: skip
    world.artifacts.put("specs/pets/00000001.yaml", PETS.encode())
    for seed in (1, 2):
        world.train(f"run-{seed}", upload=world.upload("pets", pets(160, seed), f"{seed}.csv"))
    world.train("run-3", evaluate={"version": 1, "dataset": 2, "part": "unseen"})
    world.train("run-2", dataset=2)
    return world, broken


def test_the_tasks_of_training_do_what_their_role_allows(trained: tuple[World, list[str]]) -> None:
    world, broken = trained
    assert world.versions() == [1, 2]
    assert broken == []


def test_the_api_does_what_its_role_allows(trained: tuple[World, list[str]]) -> None:
    """Every route about models, runs and releases, over what the trainings left."""
    world, _ = trained
    broken: list[str] = []
    house = House(
        data=Guarded("TrainingTriggerFunction", "data", broken),
        artifacts=Guarded("TrainingTriggerFunction", "artifacts", broken),
    )
    house.data._versions, house.artifacts._versions = world.data._versions, world.artifacts._versions
    house.data._writes = dict.fromkeys(house.data._versions, 1)
    client = house.client("training_trigger")
    for method, path, body in (
        ("GET", "/models", None), ("GET", "/models/pets", None), ("GET", "/models/pets/spec", None),
        ("GET", "/models/pets/versions", None), ("GET", "/models/pets/versions/1", None),
        ("GET", "/models/pets/versions/1/card", None), ("GET", "/models/pets/versions/1/evaluation", None),
        ("GET", "/models/pets/versions/1/plots/roc.svg", None), ("GET", "/models/pets/release", None),
        ("GET", "/models/pets/history", None), ("POST", "/models/pets/promote", {"version": 1}),
        ("POST", "/models/pets/promote", {"version": 2}), ("POST", "/models/pets/rollback", None),
        ("POST", "/models/pets/versions/2/retire", None), ("POST", "/models/pets/versions/2/restore", None),
        ("POST", "/models/pets/promote", {"version": 2, "alias": "challenger"}),
        ("POST", "/models/pets/traffic", {"challenger": 2, "share": 0.1}), ("POST", "/models/pets/withdraw", None),
        ("POST", "/models/pets/mirror", None),
        ("POST", "/train", {"model": "pets"}), ("POST", "/evaluate", {"model": "pets"}),
        ("GET", "/models/pets/datasets", None), ("GET", "/models/pets/datasets/1/report", None),
        ("GET", "/models/pets/lineage", None),
    ):  # fmt: skip
        answer = client.request(method, path, json=body)
        assert answer.status_code in (200, 202), (method, path, answer.text)
    assert broken == []


def test_a_trial_is_compared_and_ended_within_what_the_roles_allow() -> None:
    """Given a challenger that fails on all rows."""
    broken: list[str] = []
    kept = released(2, 1)
    send_traffic("wine", 2, 0.1, 0, kept, ANNA)
    kept.put("specs/wine/00000001.yaml", SPEC)
    house = House(artifacts=Guarded("PredictionLogFunction", "artifacts", broken))
    guarded = Guarded("TrialGuardFunction", "artifacts", broken)
    house.artifacts._versions = guarded._versions = kept._versions
    guarded._writes = dict.fromkeys(guarded._versions, 1)
    house.journal.append([failure().model_copy(update={"at": datetime.now(UTC)}) for _ in range(60)])
    assert house.client("prediction_log").get("/stats/wine/comparison").status_code == 200
    found = end_failing_trials(datetime.now(UTC), house.journal, guarded, house.errands, MemoryNotices())
    assert (list(found.withdrawn), found.faults) == (["wine"], {})
    assert broken == []


@pytest.mark.parametrize("function", ["InferenceFunction", "ShadowFunction"])
def test_serving_does_what_its_role_allows(trained: tuple[World, list[str]], function: str) -> None:
    """A cold start, every way to name a release, a trial with a shadow, and a record too large for a message."""
    world, _ = trained
    broken: list[str] = []
    artifacts, data = Guarded(function, "artifacts", broken), Guarded(function, "data", broken)
    artifacts._versions = world.artifacts._versions
    promote("pets", 1, world.artifacts, Mover("test"))
    send_traffic("pets", 2, 0.5, 1.0, world.artifacts, Mover("test"))
    shelf = Shelf(artifacts, logger("test-policies"))
    shelf.preload()
    pointer = shelf.pointer("pets")
    rows = [Row(f"id-{n}", {"legs": 4}) for n in range(20)]
    if function == "ShadowFunction":
        Serving(shelf).answer_by(pointer.aliases["challenger"], Question("pets", rows, partial=True), TimeSplit())
    else:
        KeyRing(artifacts)._current()
        assert any_release(artifacts)
        for release in ("production", "challenger", "1", "latest"):
            Serving(shelf).answer(Question("pets", rows, release, partial=True), "event-1234", TimeSplit())
    parcel(record("event-1234"), data, 10)
    assert broken == []


def test_prediction_log_reads_what_was_put_aside() -> None:
    broken: list[str] = []
    data = Guarded("PredictionLogFunction", "data", broken)
    body = parcel(record("event-1234"), aside := MemoryBucket(), 10)
    data._versions = aside._versions
    assert unpack(body, data) == record("event-1234")
    assert broken == []


def test_the_sink_reads_what_was_put_aside() -> None:
    """A large record, and one that lies nowhere: it is put aside, and not tried for two weeks."""
    broken: list[str] = []
    data, sink = Guarded("SinkFunction", "data", broken), MemorySink()
    body = parcel(record("event-1234"), aside := MemoryBucket(), 10)
    data._versions = aside._versions
    gone = parcel(record("event-5678"), MemoryBucket(), 10)
    assert pour([Message("m-1", body), Message("m-2", gone)], sink, data).written == 1
    assert sink.records == {"event-1234": record("event-1234")}
    assert broken == []
    actions = {action for each in functions()["SinkFunction"]["Policies"][0]["Statement"]
               for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])}  # fmt: skip
    assert {"s3:ListBucket", "sqs:ChangeMessageVisibility", "sqs:SendMessage"} <= actions


def test_dead_letters_are_kept_shown_and_replayed_within_what_the_role_allows() -> None:
    """Poison, and a large record that the queue gave up."""
    broken: list[str] = []
    data = Guarded("PredictionLogFunction", "data", broken)
    house = House(data=data)
    large = parcel(record("event-1234"), data, 10)
    letters = DeadLetters(data)
    taken = Intake(house.journal, data, letters, 3).take([
        Message("m-1", "poison"), Message("m-2", large, given_up=True), Message("m-3", large),
    ])  # fmt: skip
    assert (taken.appended, len(taken.letters)) == (1, 2)
    client = house.client("prediction_log")
    assert client.get(f"/journal/dead-letters/{taken.letters[1].id}").status_code == 200
    assert client.post("/journal/replay", json={"all": True}).json()["replayed"] == 2
    assert client.get("/journal/dead-letters").json() == {"dead_letters": [], "cursor": None}
    assert house.queue.bodies == ["poison", large]
    assert broken == []
    statements = functions()["PredictionLogFunction"]["Policies"][0]["Statement"]
    may = {str(each["Resource"]): each["Action"] for each in statements}
    assert may["{'Fn::GetAtt': ['JournalQueue', 'Arn']}"] == "sqs:SendMessage"
    data.remove("journal/predictions/x", "v1")
    assert broken == ["PredictionLogFunction: data: s3:DeleteObjectVersion journal/predictions/x"]


def record(event_id: str) -> JournalRecord:
    return JournalRecord(
        event_id=event_id, model="pets", at=EPOCH, status=200, duration_ms=1, caller="ann", correlation_id="c",
    )  # fmt: skip


def test_what_no_policy_allows_is_seen() -> None:
    broken: list[str] = []
    bucket = Guarded("InferenceFunction", "artifacts", broken)
    bucket.put("specs/pets/00000001.yaml", b"")
    bucket.read("specs/pets/00000001.yaml")
    bucket.write("releases/pets.json", b"", content_type="application/json")
    assert broken == [
        "InferenceFunction: artifacts: s3:GetObject specs/pets/00000001.yaml",
        "InferenceFunction: artifacts: s3:PutObject releases/pets.json",
    ]
