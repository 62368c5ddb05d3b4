"""Who may call: one check, in the functions, because not every gateway enforces keys (LocalStack's does not)."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gyre.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from gyre.objects import ObjectStore

Role = Literal["predict", "train", "operate", "admin"]

KEY_RING = "access/keys.json"
# How long a revoked key may still work in a warm function.
FRESH_SECONDS = 10.0


class Key(BaseModel):
    """A key as it is stored: its hash alone. Keys are 256 random bits, so one round of SHA-256 keeps them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    role: Role
    sha256: str
    made_at: str


class _StoredRing(BaseModel):
    keys: list[Key]


@dataclass(frozen=True)
class Caller:
    """The key that a request came with."""

    id: str
    role: Role


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def parse_ring(content: bytes) -> tuple[Key, ...]:
    """The stored keys; a ring that cannot be read lets nobody in, and says so."""
    try:
        return tuple(_StoredRing.model_validate_json(content).keys)
    except ValidationError as error:
        raise Unavailable(
            f"{KEY_RING} is not a key ring ({error.error_count()} faults); deploy again to repair it."
        ) from error


def dump_ring(keys: Iterable[Key]) -> bytes:
    return json.dumps({"keys": [key.model_dump() for key in keys]}, indent=1).encode()


class KeyRing:
    """The keys of this deployment, read from the artifact bucket and kept for a few seconds."""

    def __init__(self, artifacts: ObjectStore, clock: Callable[[], float] = time.time) -> None:
        self._artifacts = artifacts
        self._clock = clock  # the time of day, because a frozen environment's other clocks may stand still
        self._keys: tuple[Key, ...] = ()
        self._read_at: float | None = None

    @property
    def fresh(self) -> bool:
        """Whether a secret can be looked up without asking the bucket."""
        return self._read_at is not None and 0 <= self._clock() - self._read_at < FRESH_SECONDS

    def caller(self, secret: str | None) -> Caller:
        """Who this secret belongs to, or `Unauthenticated`."""
        if not secret:
            raise Unauthenticated("This call needs a key: send it in the header x-api-key, or as a bearer token.")
        wanted = hashed(secret)
        found = [key for key in self._current() if hmac.compare_digest(key.sha256, wanted)]
        if not found:
            raise Unauthenticated(
                "The key in x-api-key, or the bearer token, is not known here. `.gyre/stack.json` holds the one made at"
                " deploy."
            )
        return Caller(found[0].id, found[0].role)

    def _current(self) -> tuple[Key, ...]:
        if not self.fresh:
            now = self._clock()
            try:
                self._keys = parse_ring(self._artifacts.read(KEY_RING).content)
            except NotFound:
                self._keys = ()  # deployed, and no key made yet: nobody may call
            self._read_at = now
        return self._keys


def presented(headers: Mapping[str, str]) -> str | None:
    """The secret in x-api-key; or in `Authorization: Bearer …`, where many programs (Prometheus) can send a secret that
    they read from a file. The mapping asks for names in small letters, whatever came."""
    if told := headers.get("x-api-key"):
        return told
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def permit(caller: Caller, role: Role) -> None:
    """`Forbidden` unless the caller has the role. An admin has every role."""
    if caller.role not in ("admin", role):
        raise Forbidden(f"The key {caller.id} has the role {caller.role}; this call needs {role}.")


def new_key(key_id: str, role: Role, made_at: str) -> tuple[str, Key]:
    """A secret, told once, and what is kept of it."""
    secret = f"gyre_{secrets.token_urlsafe(32)}"
    return secret, Key(id=key_id, role=role, sha256=hashed(secret), made_at=made_at)
