"""`s3+sqlite://bucket/key?option=…`: where the file lies and how patiently it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

from gyre.errors import Invalid

EXAMPLE = "s3+sqlite://bucket/mlflow/mlflow.db"


@dataclass(frozen=True)
class Habits:
    """How a store uses its file; each is an option of the address."""

    fresh_ms: int = 0
    """For so long a read trusts the copy at hand; 0 asks S3 before every read."""
    tries: int = 60
    """How often a write is applied before it gives up, somebody else having been faster each time."""
    max_mb: int = 200
    """A file that would grow above this is not put: every write moves the whole of it."""


@dataclass(frozen=True)
class Address:
    """One SQLite file in S3."""

    bucket: str
    key: str
    habits: Habits = Habits()

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def artifacts(self) -> str:
        """Where artifacts go unless somebody says otherwise: beside the file."""
        folder = self.key.rpartition("/")[0]
        return f"s3://{self.bucket}/{folder}/artifacts" if folder else f"s3://{self.bucket}/artifacts"

    @classmethod
    def parse(cls, uri: str) -> Address:
        parts = urlsplit(uri)
        key = parts.path.lstrip("/")
        if parts.scheme != "s3+sqlite" or not parts.netloc or not key or key.endswith("/") or parts.fragment:
            raise Invalid(f"{uri!r} is no address of an MLflow file in S3. Write it like {EXAMPLE}.")
        habits = Habits()
        for name, text in parse_qsl(parts.query, keep_blank_values=True):
            if name not in Habits.__dataclass_fields__:
                known = ", ".join(Habits.__dataclass_fields__)
                raise Invalid(f"{uri!r}: there is no option {name!r}. Known: {known}.")
            if not text.isdecimal() or (name != "fresh_ms" and int(text) == 0):
                raise Invalid(f"{uri!r}: {name} is a whole number, not {text!r}.")
            habits = replace(habits, **{name: int(text)})
        return cls(parts.netloc, key, habits)
