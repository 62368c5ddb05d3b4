"""Erasing within what the roles allow: everything may be read, and only what holds persons is written anew."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

from gyre.objects import ObjectInfo, ObjectVersion, StoredObject, Stream, Written
from gyre.pseudonyms import PSEUDONYM_KEYS, with_newer_key
from tests.fakes.folder import FolderBucket
from tests.infra.test_policies import Guarded, allowed
from tests.unit.parts import House
from tests.unit.subjects.kept import ANNA, Kept

FUNCTION = "ErasureTasksFunction"


class GuardedFolder(FolderBucket):
    """The data bucket as the tasks see it, once `broken` is set."""

    broken: list[str] | None = None
    may = allowed(FUNCTION, "data")

    def _may(self, action: str, key: str) -> None:
        if self.broken is not None and not any(fnmatchcase(f"/{key}", each) for each in self.may.get(action, ())):
            self.broken.append(f"{action} {key}")

    def read(self, key: str, version: str | None = None) -> StoredObject:
        self._may("s3:GetObjectVersion" if version else "s3:GetObject", key)
        return super().read(key, version)

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        self._may("s3:GetObjectVersion" if version else "s3:GetObject", key)
        return super().open(key, version)

    def write(self, key: str, content: bytes, **how: Any) -> Written:
        self._may("s3:PutObject", key)
        return super().write(key, content, **how)

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:
        self._may("s3:PutObject", key)
        return super().write_stream(key, stream, marks=marks)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        assert "" in self.may["s3:ListBucket"]
        return super().list(prefix)

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        assert "" in self.may["s3:ListBucketVersions"]
        return super().versions(prefix)

    def remove(self, key: str, version: str) -> None:
        self._may("s3:DeleteObjectVersion", key)
        super().remove(key, version)


def test_the_tasks_do_what_their_role_allows(tmp_path: Path) -> None:
    """From the order to the proof, and an export before."""
    kept = Kept(tmp_path)
    kept.fill(ANNA)
    record = kept.ask(ANNA)
    broken: list[str] = []
    artifacts = Guarded(FUNCTION, "artifacts", broken)
    artifacts._versions = kept.artifacts._versions
    artifacts._writes = dict.fromkeys(artifacts._versions, 1)
    kept.data.__class__ = GuardedFolder
    assert isinstance(kept.data, GuardedFolder)
    kept.data.broken = broken
    kept.world.artifacts = artifacts
    assert kept.go(record).state == "proven"
    assert broken == []


def test_nothing_of_the_artifacts_is_written_or_removed() -> None:
    found = allowed(FUNCTION, "artifacts")
    assert {action for action, keys in found.items() if keys - {""}} == {"s3:GetObject", "s3:GetObjectVersion"}


def test_whoever_orders_does_what_their_role_allows() -> None:
    broken: list[str] = []
    house = House(
        data=Guarded("PredictionLogFunction", "data", broken),
        artifacts=Guarded("PredictionLogFunction", "artifacts", broken),
    )
    house.artifacts.put(PSEUDONYM_KEYS, with_newer_key(None, "now"))
    client = house.client("prediction_log")
    begun = client.delete("/subjects/anna@example.org").json()
    assert client.get("/subjects/anna@example.org").json()["erasure"]["erasure"] == begun["erasure"]
    assert client.get(begun["status_url"]).status_code == 200
    house.workflow.end(f"{begun['erasure']}-1", "failed")
    assert client.delete("/subjects/anna@example.org").status_code == 202
    assert broken == []
