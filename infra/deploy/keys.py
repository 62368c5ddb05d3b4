"""The admin key of a deployment: made once, kept as a hash."""

from datetime import UTC, datetime

from gyre.errors import NotFound
from gyre.http.access import KEY_RING, dump_ring, hashed, new_key, parse_ring
from gyre.objects import ObjectStore


def ensure_admin_key(artifacts: ObjectStore, known_secret: str | None) -> tuple[str, bool]:
    """The secret of an admin key and whether it is new: the one we know, if it still opens; otherwise one is added."""
    try:
        stored = artifacts.read(KEY_RING)
        keys, etag = parse_ring(stored.content), stored.etag
    except NotFound:
        keys, etag = (), None
    if known_secret and any(key.sha256 == hashed(known_secret) and key.role == "admin" for key in keys):
        return known_secret, False
    moment = datetime.now(UTC)
    secret, key = new_key(f"admin-{moment:%Y%m%dT%H%M%S}", "admin", moment.isoformat(timespec="seconds"))
    # On a condition, so that two deployments at once cannot lose a key; the loser is told to try again.
    artifacts.write(KEY_RING, dump_ring([*keys, key]), content_type="application/json", replaces=etag, new=etag is None)
    return secret, True
