import pytest

from gyre.errors import Conflict, Unavailable
from gyre.http.access import KEY_RING, KeyRing, dump_ring, new_key, parse_ring
from gyre.objects import StoredObject
from infra.deploy.keys import AdminKey, ensure_admin_key
from tests.fakes.objects import MemoryBucket


class Raced(MemoryBucket):
    """Somebody else writes the ring between our read and our write."""

    def read(self, key: str, version: str | None = None) -> StoredObject:
        try:
            return super().read(key, version)
        finally:
            self.put(key, dump_ring([new_key("theirs", "admin", "now")[1]]))


def ring(bucket: MemoryBucket) -> list[str]:
    return [key.id for key in parse_ring(bucket.read(KEY_RING).content)]


@pytest.mark.parametrize("add", [True, False])
def test_a_fresh_deployment_gets_a_key_that_opens(add: bool) -> None:
    bucket = MemoryBucket()
    made = ensure_admin_key(bucket, None, add=add)
    assert made.fresh
    assert KeyRing(bucket).caller(made.secret).role == "admin"


@pytest.mark.parametrize("add", [True, False])
def test_a_known_secret_that_opens_is_kept(add: bool) -> None:
    bucket = MemoryBucket()
    secret = ensure_admin_key(bucket, None, add=add).secret
    before = ring(bucket)
    assert ensure_admin_key(bucket, secret, add=add) == AdminKey(secret, fresh=False)
    assert ring(bucket) == before


@pytest.mark.parametrize("known", [None, "gyre_of_another_deployment"])
def test_an_admins_key_is_added_when_asked_for_and_none_is_lost(known: str | None) -> None:
    bucket = MemoryBucket()
    bucket.put(KEY_RING, dump_ring([new_key("ann", "admin", "now")[1]]))
    made = ensure_admin_key(bucket, known, add=True)
    assert made.fresh and made.secret != known
    assert ring(bucket)[0] == "ann" and len(ring(bucket)) == 2
    assert KeyRing(bucket).caller(made.secret).role == "admin"


def test_keys_do_not_pile_up_unasked() -> None:
    """Given a key that somebody else holds, when another machine deploys, then it gets none and none is made."""
    bucket = MemoryBucket()
    bucket.put(KEY_RING, dump_ring([new_key("ann", "admin", "now")[1]]))
    assert ensure_admin_key(bucket, None, add=False) == AdminKey("", fresh=False)
    assert ring(bucket) == ["ann"]


def test_a_known_secret_of_a_lesser_role_is_not_the_admins() -> None:
    bucket = MemoryBucket()
    known, key = new_key("ann", "train", "now")
    bucket.put(KEY_RING, dump_ring([key]))
    made = ensure_admin_key(bucket, known, add=False)
    assert made.fresh and made.secret != known


@pytest.mark.parametrize("first", [True, False])
def test_two_deployments_at_once_cannot_lose_a_key(first: bool) -> None:
    bucket = Raced()
    if not first:
        bucket.put(KEY_RING, dump_ring([new_key("ann", "train", "now")[1]]))
    with pytest.raises(Conflict):
        ensure_admin_key(bucket, None, add=False)
    assert ring(bucket) == ["theirs"]


def test_a_broken_ring_is_told_and_left_alone() -> None:
    bucket = MemoryBucket()
    bucket.put(KEY_RING, b"{")
    with pytest.raises(Unavailable, match=KEY_RING):
        ensure_admin_key(bucket, None, add=False)
    assert bucket.read(KEY_RING).content == b"{"
