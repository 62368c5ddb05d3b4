"""An upload: a file that came in under inbox/<model>/."""

import re
from dataclasses import dataclass

from gyre.errors import Invalid
from gyre.spec.base import MODEL_PATTERN

INBOX = "inbox/"
SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz")


@dataclass(frozen=True)
class Upload:
    """Where the file lies; `version` pins the very bytes that the event spoke of."""

    model: str
    key: str
    version: str | None = None


def checked_model(name: str) -> str:
    """The model's name, if it is one: it becomes part of keys and ARNs."""
    if not re.fullmatch(MODEL_PATTERN, name):
        raise Invalid(
            f"{name[:100]!r} is not a model's name: a lower-case letter, then letters, digits, - and _, 63 at most.",
            field="model",
        )
    return name


def upload_at(key: str, version: str | None = None) -> Upload:
    """Reads model and file out of a key, or says what a key must look like."""
    parts = key.removeprefix(INBOX).split("/", 1)
    if not key.startswith(INBOX) or len(parts) != 2 or not parts[1]:
        raise Invalid(f"{key[:200]!r} is not an upload: its key must be {INBOX}<model>/<file>.", field="dataset")
    return Upload(checked_model(parts[0]), key, version)
