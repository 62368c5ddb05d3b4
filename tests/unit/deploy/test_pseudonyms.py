"""The keys of pseudonyms outlive every deployment."""

import json

import pytest

from gyre.errors import Conflict, NotFound, Unavailable
from gyre.objects import StoredObject
from gyre.pseudonyms import PSEUDONYM_KEYS, read_pseudonyms, with_newer_key
from infra.deploy import emulator
from infra.deploy.pseudonyms import add_pseudonym_key, ensure_pseudonym_keys
from infra.deploy.stacks import Stack
from tests.fakes.objects import MemoryBucket
from tests.unit.deploy.test_emulator import TARGET


class Raced(MemoryBucket):
    """Somebody else writes the ring between our read and our write."""

    def read(self, key: str, version: str | None = None) -> StoredObject:
        try:
            return super().read(key, version)
        finally:
            if len(self._versions.get(key, ())) < 2:
                self.put(key, with_newer_key(None, "theirs"))


def test_a_first_deployment_makes_them_and_no_later_one_touches_them() -> None:
    bucket = MemoryBucket()
    assert ensure_pseudonym_keys(bucket) is True
    made = bucket.read(PSEUDONYM_KEYS).content
    (entry,) = json.loads(made)["keys"]
    assert (entry["id"], len(entry["made_at"])) == ("1", len("2026-11-21T09:00:00+00:00"))
    assert [ensure_pseudonym_keys(bucket) for _ in range(3)] == [False] * 3
    assert bucket.read(PSEUDONYM_KEYS).content == made and len(bucket._versions[PSEUDONYM_KEYS]) == 1


def test_of_two_first_deployments_one_makes_them_and_both_go_on() -> None:
    bucket = Raced()
    assert ensure_pseudonym_keys(bucket) is False
    assert json.loads(bucket.read(PSEUDONYM_KEYS).content)["keys"][0]["made_at"] == "theirs"


@pytest.mark.parametrize("content", [b"{", b'{"keys": []}'])
def test_a_broken_ring_is_never_replaced(content: bytes) -> None:
    """What it named is found by it alone; its former version still lies in the bucket."""
    bucket = MemoryBucket()
    bucket.put(PSEUDONYM_KEYS, content)
    assert ensure_pseudonym_keys(bucket) is False
    with pytest.raises(Unavailable, match="Restore its former version"):
        add_pseudonym_key(bucket)
    assert bucket._versions[PSEUDONYM_KEYS] == [("v1", content)]


def test_a_newer_key_comes_behind_the_former() -> None:
    bucket = MemoryBucket()
    ensure_pseudonym_keys(bucket)
    before = read_pseudonyms(bucket)
    add_pseudonym_key(bucket)
    after = read_pseudonyms(bucket)
    assert after.of("ann").startswith("p2:") and after.every("ann")[1] == before.of("ann")


def test_two_newer_keys_at_once_cannot_lose_one() -> None:
    bucket = Raced()
    bucket.put(PSEUDONYM_KEYS, with_newer_key(None, "ours"))
    with pytest.raises(Conflict):
        add_pseudonym_key(bucket)
    assert len(json.loads(bucket.read(PSEUDONYM_KEYS).content)["keys"]) == 1


def test_nothing_is_added_to_what_is_not_there() -> None:
    with pytest.raises(NotFound):
        add_pseudonym_key(MemoryBucket())


def test_they_lie_there_before_the_functions_run(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    storage = Stack("gyre-local-storage", "CREATE_COMPLETE", {"ArtifactBucket": "artifacts"}, {})
    monkeypatch.setattr(emulator, "check_emulator", lambda target: None)
    monkeypatch.setattr(emulator, "stack_parameters", lambda *told: {})
    monkeypatch.setattr(emulator, "_storage", lambda *told: done.append("storage") or storage)
    monkeypatch.setattr(emulator, "_main", lambda *told: done.append("functions"))
    monkeypatch.setattr(emulator, "bundle", lambda *told: emulator.Bundle("{}", "shape", {}))
    monkeypatch.setattr(emulator, "upload", lambda *told: 0)
    emulator.deploy_to_emulator(
        TARGET, "c0ffee", emulator.Workshop(), lambda _: None, lambda told: done.append(told.outputs["ArtifactBucket"])
    )
    assert done == ["storage", "artifacts", "functions"]
