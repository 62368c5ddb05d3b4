"""What an ingest found, as values: kept as JSON, shown as HTML (report_page.py)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from gyre.errors import NotFound
from gyre.objects import ObjectStore
from gyre.spec.columns import Action

# Enough to recognise what is wrong; a report is no copy of the data.
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One check that values or rows broke, and what was done with them."""

    code: str  # such as range, type, duplicate, ragged, or the name of a rule
    action: Action
    count: int
    column: str | None = None
    examples: tuple[str, ...] = ()  # none of personal columns


@dataclass(frozen=True)
class RowCounts:
    """Where the rows of the file went: read = accepted + rejected + filtered."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    filtered: int = 0
    flagged: int = 0  # of the accepted ones
    changed: int = 0  # of the accepted ones: a value was clipped or dropped


@dataclass(frozen=True)
class Bar:
    """A category with its count, or a range of numbers with its count."""

    label: str
    count: int


@dataclass(frozen=True)
class ColumnProfile:
    """What a column of the accepted rows holds. Of a personal column the counts alone."""

    name: str
    type: str
    count: int
    missing: int
    distinct: int
    distinct_is_least: bool = False  # there are more; counting stopped
    minimum: float | str | None = None
    maximum: float | str | None = None
    mean: float | None = None
    deviation: float | None = None
    quartiles: tuple[float, float, float] | None = None
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Alert:
    """Something a person should look at although the upload was taken."""

    code: str
    message: str


@dataclass(frozen=True)
class Report:
    """One ingest."""

    model: str
    run: str
    upload: str
    outcome: Literal["accepted", "refused"]
    at: str
    seconds: float
    size: int  # in bytes
    sha256: str | None = None
    spec_version: int | None = None
    dataset_version: int | None = None
    reason: str | None = None  # why it was refused
    facts: Mapping[str, str] = field(default_factory=dict)  # format, encoding, delimiter …
    rows: RowCounts = RowCounts()
    findings: tuple[Finding, ...] = ()
    alerts: tuple[Alert, ...] = ()
    unknown_columns: tuple[str, ...] = ()  # in the file, not in the spec
    absent_columns: tuple[str, ...] = ()  # in the spec, not in the file
    columns: tuple[ColumnProfile, ...] = ()

    def as_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1, allow_nan=False).encode()


Form = Literal["json", "html"]


def report_key(model: str, run: str, form: Form) -> str:
    """Where the report of a run's ingest is kept."""
    return f"runs/{model}/{run}/ingest.{form}"


def report_of(model: str, run: str, form: Form, data: ObjectStore) -> bytes:
    """The report as it was kept."""
    try:
        return data.read(report_key(model, run, form)).content
    except NotFound:
        raise NotFound(f"{run} has no report: it took no upload in, or has not come that far.", field="run") from None
