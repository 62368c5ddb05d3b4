import hashlib
import json

import pytest

from gyre.errors import Forbidden, Unauthenticated, Unavailable
from gyre.http.access import (
    FRESH_SECONDS,
    KEY_RING,
    Caller,
    Key,
    KeyRing,
    Role,
    dump_ring,
    hashed,
    new_key,
    parse_ring,
    permit,
    presented,
)
from tests.fakes.objects import MemoryBucket
from tests.unit.parts import Clock


class CountingBucket(MemoryBucket):
    """Tells how often the ring was read."""

    reads = 0

    def read(self, key: str, version: str | None = None):  # type: ignore[no-untyped-def]
        self.reads += 1
        return super().read(key, version)


@pytest.fixture
def bucket() -> CountingBucket:
    return CountingBucket()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def put_key(bucket: MemoryBucket, key_id: str = "one", role: Role = "predict") -> str:
    secret, key = new_key(key_id, role, "now")
    bucket.put(KEY_RING, dump_ring([key]))
    return secret


def test_a_new_key_is_kept_as_its_hash_alone() -> None:
    secret, key = new_key("one", "train", "now")
    assert key == Key(id="one", role="train", sha256=hashlib.sha256(secret.encode()).hexdigest(), made_at="now")
    assert secret.encode() not in dump_ring([key])


def test_no_two_keys_are_alike() -> None:
    secrets = {new_key("one", "admin", "now")[0] for _ in range(50)}
    assert len(secrets) == 50
    assert all(secret.startswith("gyre_") and len(secret) >= 48 for secret in secrets)


def test_a_ring_comes_back_as_it_was_written() -> None:
    keys = [new_key(name, "train", "now")[1] for name in ("a", "b")]
    assert parse_ring(dump_ring(keys)) == tuple(keys)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"keys": [{"id": "a"}]}',
        json.dumps({"keys": [{"id": "a", "role": "king", "sha256": "x", "made_at": "now"}]}).encode(),
        json.dumps({"keys": [{"id": "a", "role": "admin", "sha256": "x", "made_at": "now", "more": 1}]}).encode(),
        b"\xff",
    ],
)
def test_a_broken_ring_lets_nobody_in_and_says_so(bucket: CountingBucket, content: bytes) -> None:
    bucket.put(KEY_RING, content)
    with pytest.raises(Unavailable, match=KEY_RING):
        KeyRing(bucket).caller("anything")


def test_the_holder_of_a_secret_is_named(bucket: CountingBucket) -> None:
    secret = put_key(bucket, "ann", "operate")
    assert KeyRing(bucket).caller(secret) == Caller("ann", "operate")


@pytest.mark.parametrize("secret", ["wrong", "gyre_", " ", "ü", "x" * 10_000])
def test_an_unknown_secret_is_nobody(bucket: CountingBucket, secret: str) -> None:
    put_key(bucket)
    with pytest.raises(Unauthenticated):
        KeyRing(bucket).caller(secret)


def test_a_hash_is_not_a_secret(bucket: CountingBucket) -> None:
    secret = put_key(bucket)
    with pytest.raises(Unauthenticated):
        KeyRing(bucket).caller(hashed(secret))


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_nothing_is_read(bucket: CountingBucket, secret: str | None) -> None:
    with pytest.raises(Unauthenticated, match="x-api-key"):
        KeyRing(bucket).caller(secret)
    assert bucket.reads == 0


def test_before_the_first_key_nobody_may_call(bucket: CountingBucket) -> None:
    with pytest.raises(Unauthenticated):
        KeyRing(bucket).caller("anything")


def test_the_ring_is_read_once_while_it_is_fresh(bucket: CountingBucket, clock: Clock) -> None:
    ring, secret = KeyRing(bucket, clock), put_key(bucket)
    ring.caller(secret)
    clock.now += FRESH_SECONDS - 0.01
    ring.caller(secret)
    assert bucket.reads == 1


def test_a_revoked_key_stops_when_the_ring_is_stale(bucket: CountingBucket, clock: Clock) -> None:
    ring, secret = KeyRing(bucket, clock), put_key(bucket)
    ring.caller(secret)
    put_key(bucket, "other")
    clock.now += FRESH_SECONDS
    with pytest.raises(Unauthenticated):
        ring.caller(secret)
    assert bucket.reads == 2


def test_a_new_key_works_when_the_ring_is_stale(bucket: CountingBucket, clock: Clock) -> None:
    ring = KeyRing(bucket, clock)
    with pytest.raises(Unauthenticated):
        ring.caller("too early")
    secret = put_key(bucket)
    clock.now += FRESH_SECONDS
    assert ring.caller(secret).id == "one"


def test_a_ring_that_is_repaired_works_at_once(bucket: CountingBucket, clock: Clock) -> None:
    ring = KeyRing(bucket, clock)
    bucket.put(KEY_RING, b"broken")
    with pytest.raises(Unavailable):
        ring.caller("anything")
    assert ring.caller(put_key(bucket)).id == "one"


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({"x-api-key": "a"}, "a"),
        ({"authorization": "Bearer b"}, "b"),
        ({"authorization": "bearer  b "}, "b"),
        ({"x-api-key": "a", "authorization": "Bearer b"}, "a"),
        ({"x-api-key": "", "authorization": "Bearer b"}, "b"),
        ({"authorization": "Bearer"}, ""),
        ({"authorization": "Basic b"}, None),
        ({"authorization": "b"}, None),
        ({"authorization": ""}, None),
        ({"authorization": "Bearerb x"}, None),
        ({}, None),
    ],
)
def test_a_secret_comes_in_a_header_of_ours_or_as_a_bearer_token(headers: dict[str, str], secret: str | None) -> None:
    assert presented(headers) == secret


@pytest.mark.parametrize("needed", ["predict", "train", "operate", "admin"])
def test_an_admin_has_every_role(needed: Role) -> None:
    permit(Caller("root", "admin"), needed)


@pytest.mark.parametrize("own", ["predict", "train", "operate"])
@pytest.mark.parametrize("needed", ["predict", "train", "operate", "admin"])
def test_any_other_role_reaches_its_own_alone(own: Role, needed: Role) -> None:
    if own == needed:
        permit(Caller("ann", own), needed)
        return
    with pytest.raises(Forbidden, match=f"ann has the role {own}; this call needs {needed}"):
        permit(Caller("ann", own), needed)
