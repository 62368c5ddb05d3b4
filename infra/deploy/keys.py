"""The admin key of a deployment: made once, kept as a hash."""

from dataclasses import dataclass
from datetime import UTC, datetime

from gyre.errors import NotFound
from gyre.http.access import KEY_RING, dump_ring, hashed, new_key, parse_ring
from gyre.objects import ObjectStore


@dataclass(frozen=True)
class AdminKey:
    """What this machine knows of the deployment's admin key."""

    secret: str
    """Empty where the deployment has a key that this machine does not."""
    fresh: bool


def ensure_admin_key(artifacts: ObjectStore, known_secret: str | None, *, add: bool) -> AdminKey:
    """The key we know, if it still opens; a new one where there is none; another one only when asked to `add` it."""
    try:
        stored = artifacts.read(KEY_RING)
        keys, etag = parse_ring(stored.content), stored.etag
    except NotFound:
        keys, etag = (), None
    admins = [key for key in keys if key.role == "admin"]
    if known_secret and any(key.sha256 == hashed(known_secret) for key in admins):
        return AdminKey(known_secret, fresh=False)
    if admins and not add:
        return AdminKey("", fresh=False)
    moment = datetime.now(UTC)
    secret, key = new_key(f"admin-{moment:%Y%m%dT%H%M%S}", "admin", moment.isoformat(timespec="seconds"))
    # On a condition, so that two deployments at once cannot lose a key; the loser is told to try again.
    artifacts.write(KEY_RING, dump_ring([*keys, key]), content_type="application/json", replaces=etag, new=etag is None)
    return AdminKey(secret, fresh=True)
