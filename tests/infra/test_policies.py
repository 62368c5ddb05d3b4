"""A role may do what its function does: whole trainings and calls over buckets that look every access up in the policy.

The emulator enforces no policy, so nothing else here would notice that a function reads what it may not."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from gyre.objects import ObjectInfo, StoredObject, Stream, Written
from tests.fakes.objects import EPOCH, MemoryBucket
from tests.infra.facts import functions
from tests.unit.parts import House
from tests.unit.tasks.world import PETS, World, pets

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

    def write_stream(self, key: str, stream: Stream) -> Written:
        self._may("s3:PutObject", key)
        return super().write_stream(key, stream)

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
        ("POST", "/models/pets/withdraw", None), ("POST", "/models/pets/mirror", None),
        ("POST", "/train", {"model": "pets"}), ("POST", "/evaluate", {"model": "pets"}),
        ("GET", "/models/pets/datasets", None), ("GET", "/models/pets/datasets/1/report", None),
        ("GET", "/models/pets/lineage", None),
    ):  # fmt: skip
        answer = client.request(method, path, json=body)
        assert answer.status_code in (200, 202), (method, path, answer.text)
    assert broken == []


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
