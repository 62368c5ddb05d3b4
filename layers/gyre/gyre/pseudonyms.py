"""Names in the place of who somebody is: the same value always has the same one, and nobody finds the way back without
the deployment's keys. Standard library alone, because answers wait for it."""

import base64
import binascii
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from gyre.errors import GyreError, NotFound, Unavailable
from gyre.objects import ObjectStore

PSEUDONYM_KEYS = "pseudonyms/keys.json"
# How long after a newer key was made a warm function still uses the one before.
FRESH_SECONDS = 300.0
# How long a ring that could not be read is not asked for again: where there is one from before; and where there is
# none, for those who waited behind a try.
_KEPT_SECONDS = 30.0
_FAILED_SECONDS = 1.0
_KEY_BYTES = 32
# Base32, two letters at a time: as the library does it, it takes longer than the hash.
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
# Where the pairs of 26 letters lie in the first 130 bits.
_PLACES = tuple(range(120, -1, -10))


class Pseudonym(str):
    """A value that is one already, and is never hashed again."""

    __slots__ = ()


class Pseudonyms:
    """The keys of a deployment. They are never told, whoever prints this."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        """Each with its id, the newest last. They are kept as hashes that have begun: it halves the time of each."""
        self._keys = tuple((f"p{id_}:", hmac.new(key, digestmod="sha256")) for id_, key in reversed(keys))

    def of(self, value: object) -> str:
        """By the newest key."""
        return _pseudonym(*self._keys[0], plain(value).encode(errors="surrogatepass"))

    def every(self, value: object) -> tuple[str, ...]:
        """By all keys, the newest first: each that this value may have been given."""
        text = plain(value).encode(errors="surrogatepass")
        return tuple(_pseudonym(*key, text) for key in self._keys)


def plain(value: object) -> str:
    """A value as the text that is hashed: 7, 7.0 and "7 " are one."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if value is None:
        raise ValueError("what is missing has no pseudonym")
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def read_pseudonyms(artifacts: ObjectStore) -> Pseudonyms:
    """The keys as they are now, or `Unavailable`."""
    try:
        return parse_pseudonyms(artifacts.read(PSEUDONYM_KEYS).content)
    except NotFound:
        raise Unavailable(
            f"{PSEUDONYM_KEYS} is missing in the artifact bucket, so personal columns cannot be pseudonymised: deploy "
            "again to make it; if it was there before, restore its former version instead."
        ) from None


def parse_pseudonyms(content: bytes) -> Pseudonyms:
    """The keys in a stored ring. What is wrong with one is told by its place alone."""
    return Pseudonyms([(each["id"], base64.b64decode(each["key"])) for each in _entries(content)])


def with_newer_key(content: bytes | None, made_at: str) -> bytes:
    """A ring, or this one with another key behind all that it had: those are needed to find what they named."""
    kept = [] if content is None else _entries(content)
    number = int(kept[-1]["id"]) + 1 if kept else 1
    key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    return json.dumps({"keys": [*kept, {"id": str(number), "key": key, "made_at": made_at}]}, indent=1).encode()


class PseudonymKeys:
    """The ring as an environment holds it: read when it is first needed, and again every few minutes."""

    def __init__(self, artifacts: ObjectStore, clock: Callable[[], float] = time.time) -> None:
        # The time of day, because a frozen environment's other clocks may stand still.
        self._artifacts, self._clock = artifacts, clock
        self._lock = threading.Lock()
        self._held: tuple[Pseudonyms, float] | None = None
        self._failed: tuple[str, float] | None = None

    @property
    def at_hand(self) -> bool:
        """Whether the keys are told without asking the bucket."""
        return self._held is not None and 0 <= self._clock() - self._held[1] < FRESH_SECONDS

    def current(self) -> Pseudonyms:
        """The keys; those of before where the bucket does not answer, and `Unavailable` where there are none."""
        held = self._held
        if held and self.at_hand:
            return held[0]
        # One looks; who has keys already does not wait for it.
        if not self._lock.acquire(blocking=held is None):
            return cast(tuple[Pseudonyms, float], held)[0]
        try:
            return self._held[0] if self._held and self.at_hand else self._looked()
        finally:
            self._lock.release()

    def _looked(self) -> Pseudonyms:
        now = self._clock()  # what S3 says is true of then, however late it is read
        if self._failed and 0 <= now - self._failed[1] < _FAILED_SECONDS:
            raise Unavailable(self._failed[0])
        try:
            found = read_pseudonyms(self._artifacts)
        except GyreError as error:
            now = self._clock()
            if self._held is None:
                self._failed = (error.message, now)
                raise Unavailable(error.message) from error
            found, now = self._held[0], now - FRESH_SECONDS + _KEPT_SECONDS
        self._held, self._failed = (found, now), None
        return found


def _pseudonym(prefix: str, begun: "hmac.HMAC", text: bytes) -> str:
    hashed = begun.copy()
    hashed.update(text)
    bits = int.from_bytes(hashed.digest()[:17]) >> 6
    return prefix + "".join([_PAIRS[bits >> place & 1023] for place in _PLACES])


def _entries(content: bytes) -> list[dict[str, str]]:
    """The stored keys, the newest last, each looked at. Causes are cut off: Python's would carry the ring with them."""
    try:
        told: Any = json.loads(content)
    except ValueError:
        raise _broken("it is no JSON") from None
    keys = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(keys, list) or not keys:
        raise _broken("it has no list of keys")
    for at, each in enumerate(keys):
        if wrong := _fault(each):
            raise _broken(f"keys[{at}] {wrong}")
    if len({each["id"] for each in keys}) < len(keys):
        raise _broken("two of its keys have one id")
    return sorted(keys, key=lambda each: int(each["id"]))


def _fault(told: Any) -> str | None:
    if not isinstance(told, dict) or any(not isinstance(told.get(name), str) for name in ("id", "key", "made_at")):
        return "has not id, key and made_at as text"
    id_ = told["id"]
    if not (id_.isascii() and id_.isdigit()) or id_.startswith("0") or len(id_) > 9:
        return "has an id that is no number from 1 on"
    try:
        size = len(base64.b64decode(told["key"], validate=True))
    except (binascii.Error, ValueError):
        return "is not in base64"
    return None if size == _KEY_BYTES else f"has {size} bytes and not {_KEY_BYTES}"


def _broken(why: str) -> Unavailable:
    return Unavailable(
        f"{PSEUDONYM_KEYS} is not a ring of keys: {why}. Restore its former version in the artifact bucket; another "
        "ring could not find what this one named."
    )
