"""Which of two releases answers a row: always the same one for the same id."""

import hashlib

_WHOLE = 2**64


def place(model: str, key: str) -> float:
    """Where a key lies between 0 and 1. A greater share takes in all keys of a smaller one, so that who meets the
    challenger today meets it tomorrow, too; each model shuffles anew."""
    digest = hashlib.blake2b(f"{model}/{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / _WHOLE
