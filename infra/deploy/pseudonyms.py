"""The keys of a deployment's pseudonyms: made once, added to, never replaced."""

from datetime import UTC, datetime

from gyre.errors import Conflict, NotFound
from gyre.objects import ObjectStore
from gyre.pseudonyms import PSEUDONYM_KEYS, with_newer_key

_JSON = "application/json"


def ensure_pseudonym_keys(artifacts: ObjectStore) -> bool:
    """Makes them where there are none, and tells whether it did. What is there is left alone, also if it is broken: all
    that was ever pseudonymised is found by it."""
    try:
        artifacts.read(PSEUDONYM_KEYS)
        return False
    except NotFound:
        made = with_newer_key(None, _now())
    try:
        artifacts.write(PSEUDONYM_KEYS, made, content_type=_JSON, new=True)
    except Conflict:  # another deployment was faster: its keys are as good
        return False
    return True


def add_pseudonym_key(artifacts: ObjectStore) -> None:
    """A newer one, which hashes from now on. On a condition, so that two at once cannot lose a key; the loser is told
    to try again."""
    stored = artifacts.read(PSEUDONYM_KEYS)
    made = with_newer_key(stored.content, _now())
    artifacts.write(PSEUDONYM_KEYS, made, content_type=_JSON, replaces=stored.etag)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
