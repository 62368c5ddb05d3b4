"""What a look at a window finds, as values of our own: no library's results leave the modules that made them."""

from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import AwareDatetime, ConfigDict

from gyre.documented import Documented

Severity = Literal["note", "warn", "alert"]
Kind = Literal["number", "category", "text"]
Of = Literal["feature", "prediction", "label"]
Together = Literal["reconstruction", "domain_classifier"]


class Found(Documented):
    """Written as JSON by one task and read by the next; there is no NaN in it: what has no figure is None."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    @classmethod
    def read(cls, content: bytes) -> Self:
        return cls.model_validate_json(content)

    def dump(self) -> bytes:
        return self.model_dump_json(indent=1).encode()


class Point(Found):
    """One figure of one part of the window, in the order of time."""

    start: AwareDatetime
    end: AwareDatetime
    rows: int
    value: float | None
    low: float | None = None
    """Where a 95 % interval of it begins …"""
    high: float | None = None
    """… and ends."""


class Shares(Found):
    """How often each value occurred then and now: of numbers between `edges`, of categories by name."""

    edges: tuple[float, ...] = ()
    """One more than there are shares; none of categories."""
    names: tuple[str, ...] = ()
    reference: tuple[float, ...] = ()
    window: tuple[float, ...] = ()


class Drift(Found):
    """How far one column moved, and whether that is more than chance."""

    column: str
    of: Of = "feature"
    kind: Kind
    method: str
    """The measure of the value: jensen_shannon, wasserstein …"""
    value: float | None = None
    """Between the whole window and the reference; None where it could not be told."""
    threshold: float
    """The value above which it matters."""
    p: float | None = None
    """How often chance alone would do as much."""
    adjusted: float | None = None
    """The same, given how many columns were looked at."""
    drifted: bool = False
    """It matters, and it is more than chance."""
    because: str | None = None
    """Why there is no value: too few rows, one value alone, nothing but gaps."""
    shares: Shares | None = None
    points: tuple[Point, ...] = ()


class Univariate(Found):
    """Column by column; those that moved most stand first."""

    drifts: tuple[Drift, ...]
    level: float
    """The adjusted p at and below which something is more than chance."""

    @property
    def drifted(self) -> tuple[Drift, ...]:
        return tuple(each for each in self.drifts if each.drifted)


class Multivariate(Found):
    """Whether all features together are as they were."""

    method: Together | None = None
    """reconstruction: the error of putting the window's rows together again from the principal components of the
    reference. domain_classifier: the area under the curve of a classifier that tells the two sides apart. None:
    model.yaml turns it off."""
    value: float | None = None
    expected: float | None = None
    """Of rows of the reference that the components were not made from; of a classifier that tells nothing apart."""
    p: float | None = None
    threshold: float | None = None
    """The relation of value to expectation above which it matters; None where nothing was judged."""
    drifted: bool = False
    because: str | None = None
    points: tuple[Point, ...] = ()


class Performance(Found):
    """One metric, estimated without labels or realised with them."""

    metric: str
    how: Literal["estimated", "realised"]
    by: str
    """What told it: CBPE, DLE, or labels."""
    expected: float | None = None
    """On the reference."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int = 0
    """It is told from so many."""
    fall: float | None = None
    """By how much it is worse than expected: of errors in proportion, of everything else in points."""
    limit: float | None = None
    """The fall that counts; None of metrics that are just told."""
    fallen: bool = False
    because: str | None = None
    points: tuple[Point, ...] = ()


class Performances(Found):
    """The metric that is watched stands first of each kind."""

    figures: tuple[Performance, ...]

    @property
    def fallen(self) -> tuple[Performance, ...]:
        return tuple(each for each in self.figures if each.fallen)


Flaw = Literal["missing", "unseen", "range", "outliers", "constant", "all_missing", "absent", "new"]


class Quality(Found):
    """One check of one column."""

    column: str
    flaw: Flaw
    reference: float | None = None
    """The share of rows then …"""
    window: float | None = None
    """… and now."""
    p: float | None = None
    adjusted: float | None = None
    broken: bool = False
    """It matters, and it is more than chance."""
    examples: tuple[str, ...] = ()
    """Values that were never seen; never of personal columns."""


class Qualities(Found):
    """What is broken stands first."""

    checks: tuple[Quality, ...]
    level: float

    @property
    def broken(self) -> tuple[Quality, ...]:
        return tuple(each for each in self.checks if each.broken)


class Source(Found):
    """Where the rows of one side came from."""

    name: str
    """For people: `release 3's reference`, `the journal`, `dataset version 2`."""
    rows: int
    """That were looked at."""
    of_rows: int
    """That there are; more where a sample was taken."""
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    labelled: int = 0
    """With a known truth."""
    repeated: int = 0
    """Left out, because the same id was asked about again later."""

    @property
    def error(self) -> float | None:
        """Of a sample, the most by which a share of it may be off, 19 times of 20; None where everything was read.
        It is the bound of Dvoretzky, Kiefer and Wolfowitz, so it holds for all values at once."""
        return None if self.rows >= self.of_rows or not self.rows else 1.3581 / self.rows**0.5


class Finding(Found):
    """One thing that a person should know, in words."""

    code: str
    """For programs: drift, multivariate, estimated_performance, realised_performance, missing, few_rows …"""
    severity: Severity
    text: str
    column: str | None = None


Level = Literal["ok", "warn", "alert", "not enough data"]


class Verdict(Found):
    """What one look concludes."""

    level: Level
    findings: tuple[Finding, ...]
    """The worst first."""


class Look(Found):
    """One look as a whole: what was looked at, what was found, what was done about it."""

    run: str
    model: str
    at: AwareDatetime
    """When it was looked."""
    kind: Literal["watch", "compare"]
    """watch: the newest window of the journal against the reference. compare: two sets of data that somebody named, or
    a former window."""
    version: int | None
    """The release that is watched."""
    reference: Source | None
    window: Source | None
    verdict: Verdict
    univariate: Univariate | None = None
    multivariate: Multivariate | None = None
    performance: Performances | None = None
    quality: Qualities | None = None
    calls: int = 0
    """Of the window, whatever became of them."""
    failed_calls: int = 0


def moment(at: datetime) -> str:
    """For people: in UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
