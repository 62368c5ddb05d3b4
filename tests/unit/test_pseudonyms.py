"""Names in the place of who somebody is, and the keys they are made with."""

import base64
import hashlib
import hmac
import json
import re
import threading
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.errors import NotFound, TooManyRequests, Unavailable
from gyre.objects import StoredObject
from gyre.pseudonyms import (
    FRESH_SECONDS,
    PSEUDONYM_KEYS,
    PseudonymKeys,
    Pseudonyms,
    parse_pseudonyms,
    plain,
    read_pseudonyms,
    with_newer_key,
)
from tests.fakes.objects import MemoryBucket
from tests.unit.parts import Clock

SECRET = bytes(range(32))
FORM = re.compile(r"p[1-9][0-9]*:[A-Z2-7]{26}")
PLAIN = st.one_of(
    st.text(), st.integers(), st.floats(), st.booleans(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
)


def ring(keys: int = 1) -> bytes:
    content = None
    for _ in range(keys):
        content = with_newer_key(content, "2026-11-21T09:00:00+00:00")
    assert content
    return content


def secrets_of(content: bytes) -> list[str]:
    return [each["key"] for each in json.loads(content)["keys"]]


class Slow(MemoryBucket):
    """Counts who reads, and fails as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.fails = 0, False
        self.gate = threading.Event()
        self.gate.set()

    def read(self, key: str, version: str | None = None) -> StoredObject:
        self.reads += 1
        assert self.gate.wait(10)
        if self.fails:
            raise TooManyRequests("S3 is busy.")
        return super().read(key, version)


@pytest.fixture
def bucket() -> Slow:
    made = Slow()
    made.put(PSEUDONYM_KEYS, ring())
    return made


# --- the hash ---------------------------------------------------------------------------------------------------------


@given(st.text(), st.binary(min_size=32, max_size=32))
def test_a_pseudonym_is_the_beginning_of_the_keyed_hash(text: str, key: bytes) -> None:
    """Held against the library's own, so that another program can make the same."""
    hashed = hmac.digest(key, text.strip().encode(errors="surrogatepass"), hashlib.sha256)
    expected = base64.b32encode(hashed)[:26].decode()
    assert Pseudonyms([("1", bytes(32)), ("7", key)]).of(text) == f"p7:{expected}"


@given(PLAIN)
def test_a_value_has_one_pseudonym_of_one_form(value: Any) -> None:
    keys = Pseudonyms([("1", SECRET), ("2", bytes(32))])
    assert FORM.fullmatch(keys.of(value))
    assert keys.every(value)[0] == keys.of(value) == Pseudonyms([("1", SECRET), ("2", bytes(32))]).of(value)
    assert [each.partition(":")[0] for each in keys.every(value)] == ["p2", "p1"]


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_values_have_two(one: str, two: str) -> None:
    keys = Pseudonyms([("1", SECRET)])
    assert (keys.of(one) == keys.of(two)) == (one.strip() == two.strip())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" Ann ", "Ann"), ("", ""), (7, "7"), (7.0, "7"), (-0.0, "0"), (7.5, "7.5"), (True, "true"), (False, "false"),
        (1e22, "1" + "0" * 22), (float("nan"), "nan"), (float("-inf"), "-inf"), (10**400, "1" + "0" * 400),
        ({"b": 1, "a": "é"}, '{"a": "é", "b": 1}'), ([1, None], "[1, null]"), ("\ud800", "\ud800"),
    ],
)  # fmt: skip
def test_a_value_is_hashed_as_this_text(value: object, text: str) -> None:
    assert plain(value) == text
    assert FORM.fullmatch(Pseudonyms([("1", SECRET)]).of(value))


def test_what_is_missing_has_none() -> None:
    with pytest.raises(ValueError, match="missing"):
        Pseudonyms([("1", SECRET)]).of(None)


def test_keys_are_not_told_by_whoever_prints_them() -> None:
    content = ring(2)
    keys = parse_pseudonyms(content)
    for told in (repr(keys), str(keys), f"{keys!r:>40}", repr([keys]), repr(keys._keys)):
        assert not any(secret in told for secret in secrets_of(content))
        assert not any(repr(base64.b64decode(secret)) in told for secret in secrets_of(content))


# --- the ring ---------------------------------------------------------------------------------------------------------


def test_a_newer_key_hashes_and_the_former_still_finds() -> None:
    one = ring()
    two = with_newer_key(one, "2027-01-01T00:00:00+00:00")
    before, after = parse_pseudonyms(one), parse_pseudonyms(two)
    assert after.of("ann").startswith("p2:") and before.of("ann").startswith("p1:")
    assert after.every("ann") == (after.of("ann"), before.of("ann"))
    told = json.loads(two)["keys"]
    assert [(each["id"], each["made_at"][:4]) for each in told] == [("1", "2026"), ("2", "2027")]
    assert json.loads(one)["keys"] == told[:1] and len({*secrets_of(two)}) == 2


def test_the_newest_is_the_one_of_the_greatest_number_wherever_it_stands() -> None:
    told = json.loads(ring(11))
    told["keys"].reverse()
    content = json.dumps(told).encode()
    assert parse_pseudonyms(content).of("ann").startswith("p11:")
    assert json.loads(with_newer_key(content, "now"))["keys"][-1]["id"] == "12"


KEY = base64.b64encode(SECRET).decode()
ENTRY = {"id": "1", "key": KEY, "made_at": "now"}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (KEY.encode(), "no JSON"), (b"\xff", "no JSON"), ([ENTRY], "no list of keys"),
        ({"keys": []}, "no list of keys"), ({"keys": KEY}, "no list of keys"),
        ({"keys": [KEY]}, r"keys\[0\] has not id, key and made_at"),
        ({"keys": [ENTRY, {**ENTRY, "id": 2}]}, r"keys\[1\] has not id"),
        ({"keys": [{**ENTRY, "id": "0"}]}, r"keys\[0\] has an id that is no number"),
        ({"keys": [{**ENTRY, "id": "1:"}]}, "no number"), ({"keys": [{**ENTRY, "id": "²"}]}, "no number"),
        ({"keys": [{**ENTRY, "key": KEY[:-4]}]}, "has 30 bytes and not 32"),
        ({"keys": [{**ENTRY, "key": f"!{KEY}"}]}, "not in base64"),
        ({"keys": [{**ENTRY, "key": "é"}]}, "not in base64"),
        ({"keys": [ENTRY, ENTRY]}, "two of its keys have one id"),
    ],
)  # fmt: skip
def test_a_broken_ring_is_told_without_what_is_in_it(told: Any, why: str) -> None:
    content = told if isinstance(told, bytes) else json.dumps(told).encode()
    for read in (parse_pseudonyms, lambda content: with_newer_key(content, "now")):
        with pytest.raises(Unavailable, match=why) as caught:
            read(content)
        error = caught.value
        assert "Restore its former version" in error.message and KEY[4:20] not in repr(error)
        # Nor by what a log prints with it, or keeps of it
        assert KEY[4:20] not in "".join(traceback.format_exception(error))
        assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)


def test_a_missing_ring_tells_to_deploy_again() -> None:
    with pytest.raises(Unavailable, match=r"pseudonyms/keys\.json is missing.*deploy again"):
        read_pseudonyms(MemoryBucket())


# --- the ring of an environment ---------------------------------------------------------------------------------------


def test_the_ring_is_read_when_it_is_needed_and_then_kept(bucket: Slow) -> None:
    clock = Clock()
    keys = PseudonymKeys(bucket, clock)
    assert (bucket.reads, keys.at_hand) == (0, False)
    first = keys.current()
    clock.now += FRESH_SECONDS - 1
    assert keys.current() is first and keys.at_hand and bucket.reads == 1


@pytest.mark.parametrize("passed", [FRESH_SECONDS, -1.0])
def test_a_newer_key_is_used_after_some_minutes(bucket: Slow, passed: float) -> None:
    """A clock that was set back is looked at, too."""
    clock = Clock()
    keys = PseudonymKeys(bucket, clock)
    assert keys.current().of("ann").startswith("p1:")
    bucket.put(PSEUDONYM_KEYS, with_newer_key(bucket.read(PSEUDONYM_KEYS).content, "now"))
    clock.now += passed
    assert not keys.at_hand
    assert keys.current().of("ann").startswith("p2:") and keys.at_hand


@pytest.mark.parametrize("lost", ["fails", "gone", "broken"])
def test_a_ring_that_is_held_is_kept_through_an_outage(bucket: Slow, lost: str) -> None:
    clock = Clock()
    keys = PseudonymKeys(bucket, clock)
    before = keys.current().of("ann")
    kept, bucket.fails = dict(bucket._versions), lost == "fails"
    if lost == "gone":
        bucket._versions.clear()
    if lost == "broken":
        bucket.put(PSEUDONYM_KEYS, b"{")
    clock.now += FRESH_SECONDS
    assert keys.current().of("ann") == before and bucket.reads == 2
    # Then it is not asked for by each call, and soon by one
    assert keys.at_hand and keys.current().of("ann") == before and bucket.reads == 2
    clock.now += 31
    assert not keys.at_hand
    bucket.fails, bucket._versions = False, kept
    bucket.put(PSEUDONYM_KEYS, with_newer_key(ring(), "now"))
    assert keys.current().of("ann").startswith("p2:")


def test_without_a_ring_nothing_is_told_until_there_is_one(bucket: Slow) -> None:
    clock = Clock()
    keys = PseudonymKeys(bucket, clock)
    bucket.fails = True
    for _ in range(3):  # who waited behind a try does not make one
        with pytest.raises(Unavailable, match="S3 is busy"):
            keys.current()
    assert (bucket.reads, keys.at_hand) == (1, False)
    bucket.fails = False
    clock.now += 1
    assert keys.current().of("ann").startswith("p1:")


def test_who_holds_keys_does_not_wait_for_who_looks(bucket: Slow) -> None:
    clock = Clock()
    keys = PseudonymKeys(bucket, clock)
    held = keys.current()
    clock.now += FRESH_SECONDS
    bucket.gate.clear()
    found: list[Pseudonyms] = []
    looks = threading.Thread(target=lambda: found.append(keys.current()))
    looks.start()
    while bucket.reads < 2:
        looks.join(0.001)
    assert keys.current() is held
    bucket.gate.set()
    looks.join(10)
    assert bucket.reads == 2 and found[0] is keys.current()


def test_the_first_callers_read_once(bucket: Slow) -> None:
    keys, found = PseudonymKeys(bucket, Clock()), list[Pseudonyms]()
    bucket.gate.clear()
    callers = [threading.Thread(target=lambda: found.append(keys.current())) for _ in range(5)]
    for each in callers:
        each.start()
    bucket.gate.set()
    for each in callers:
        each.join(10)
    assert len(found) == 5 and len({id(each) for each in found}) == 1 and bucket.reads == 1


def test_a_read_that_fails_is_no_not_found() -> None:
    """A caller must not be told that what it asked for does not exist."""
    with pytest.raises(Unavailable) as caught:
        PseudonymKeys(MemoryBucket()).current()
    assert not isinstance(caught.value, NotFound)
