"""An upload: a file that came in under inbox/<model>/."""

import re
from dataclasses import dataclass

from gyre.errors import Invalid
from gyre.spec.base import MODEL_PATTERN

INBOX = "inbox/"
TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
SUFFIXES = (*TEXT_ENDINGS, *(f"{ending}.gz" for ending in TEXT_ENDINGS), ".parquet")
# A model.yaml may be uploaded, too.
SPEC_SUFFIXES = (".yaml", ".yml")
FILE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_ .()+-]{0,199}$"


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


def checked_file(name: str, field: str = "name") -> str:
    """The name of a file of data, if it is one that can be read here."""
    if not re.fullmatch(FILE_PATTERN, name):
        raise Invalid(
            f"{name[:100]!r} is not a file's name: letters, digits, spaces and _ . ( ) + - only, 200 at most.",
            field=field,
        )
    return checked_ending(name, field)


def checked_ending(name: str, field: str) -> str:
    """The name of a file or its key, if it ends like a file of data."""
    if not name.lower().endswith(SUFFIXES):
        raise Invalid(f"{name[-100:]!r} has an unknown ending: use one of {', '.join(SUFFIXES)}.", field=field)
    return name


def is_spec(key: str) -> bool:
    return key.lower().endswith(SPEC_SUFFIXES)


def upload_at(key: str, version: str | None = None) -> Upload:
    """Reads model and file out of a key, or says what a key must look like."""
    parts = key.removeprefix(INBOX).split("/", 1)
    if not key.startswith(INBOX) or len(parts) != 2 or not parts[1]:
        raise Invalid(f"{key[:200]!r} is not an upload: its key must be {INBOX}<model>/<file>.", field="upload")
    return Upload(checked_model(parts[0]), key, version)
