"""What a report says, in words: levels, measures, chances, sources, and a look as one line."""

import math
import re
from collections.abc import Sequence
from datetime import datetime

from gyre.datasets.report_parts import figure, number, shown
from gyre.monitoring.found import Drift, Flaw, Level, Look, Source, Together, moment
from gyre.monitoring.terms import MEASURES, METRICS
from gyre.registry.card_tables import NOTHING, of_one

LEVELS: dict[Level, tuple[str, str]] = {
    "ok": ("OK", "ok"), "warn": ("Warning", "warn"), "alert": ("Alert", "alert"),
    "not enough data": ("Not enough data", "unknown"),
}  # fmt: skip
"""How each level is called and what its style is called."""
MEANINGS = {
    "jensen_shannon": "how unlike two spreads are: 0 where they are the same, 1 where they share no value",
    "hellinger": "how unlike two spreads are: 0 where they are the same, 1 where they share no value",
    "wasserstein": "how far values would have to be shifted on average, in the column's own unit",
    "kolmogorov_smirnov": "the most by which the shares of rows below any one value differ, 0 to 1",
    "chi2": "the chi-square statistic, freed of the number of rows: 0 where the shares are the same, 1 at the most",
    "l_infinity": "the most by which the share of any one category differs, 0 to 1",
}
"""What each measure tells."""
FLAWS: dict[Flaw, str] = {
    "missing": "values are missing", "unseen": "values that were never seen", "range": "outside the range seen",
    "outliers": "far from all others", "constant": "one value alone", "all_missing": "nothing but gaps",
    "absent": "the column is not there", "new": "a column nobody declared",
}  # fmt: skip
TOGETHER: dict[Together, tuple[str, str]] = {
    "reconstruction": (
        "putting a row together again from what features have in common is off by",
        "Each row is put together again from the few patterns that the reference's features have in common. If that "
        "fails more than it did, relations between features changed, even where each alone looks as before.",
    ),
    "domain_classifier": (
        "a classifier tells these rows from the reference's with an area under the curve of",
        "A classifier learns to tell the rows of the reference from those that came later: guessing reaches 0.5, 1 is "
        "never wrong. If it can, something about the features changed, even where each alone looks as before.",
    ),
}
"""By method: the sentence that its figure ends, and what it means."""
_RAREST = 10_000
_LONGEST, _LONGEST_NAME, _MOST_NAMES = 480, 40, 3
# What a line of plain text has no place for: what ends or turns it, and what no file can hold.
_BREAKS = re.compile(
    r"[\x00-\x20\x7f-\xa0\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]+"
)


def summary(look: Look) -> str:
    """A look as one line of plain text, for notices and terminals."""
    release = "" if look.version is None else f" release {look.version}"
    against = f", against {look.reference.name}" if look.reference else ""
    rows = f" {look.window.rows:,} rows{_span(look.window)}{against}." if look.window else ""
    line = f"{LEVELS[look.verdict.level][0]}: {look.model}{release}: {outline(look)}{rows}"
    return one_line(line, _LONGEST)


def outline(look: Look) -> str:
    """What was found, in one sentence of plain text."""
    told = [*_moved(look), *_fell(look)]
    broken = {each.column for each in look.quality.broken} if look.quality else set()
    if broken:
        told.append(f"{_some(len(broken), 'column')} of poor quality ({_listed(sorted(broken))})")
    if told:
        return _sentence("; ".join(told))
    if look.verdict.level == "ok":
        return "Nothing moved that matters."
    if look.verdict.findings:
        return _sentence(one_line(look.verdict.findings[0].text, 300))
    return "There is too little to judge." if look.verdict.level == "not enough data" else "See the findings."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _moved(look: Look) -> list[str]:
    drifted = look.univariate.drifted if look.univariate else ()
    told = []
    features = [each.column for each in drifted if each.of == "feature"]
    if features:
        told.append(f"{_some(len(features), 'feature')} moved ({_listed(features)})")
    told += [f"the {of} moved" for of in ("prediction", "label") if any(each.of == of for each in drifted)]
    if look.multivariate and look.multivariate.drifted:
        told.append("the features no longer fit together as they did")
    return told


def _fell(look: Look) -> list[str]:
    figures = look.performance.fallen if look.performance else ()
    return [
        f"{each.how} {metric_name(each.metric)} is worse"
        + ("" if each.value is None or each.expected is None else f" ({each.value:.3g}, was {each.expected:.3g})")
        for each in figures[:_MOST_NAMES]
    ]


def chance(p: float | None) -> str:
    """How often chance alone would do as much."""
    if p is None or not math.isfinite(p):
        return NOTHING
    if p < 1 / _RAREST:
        return f"less than 1 in {number(_RAREST)}"
    if p >= 0.5:
        return "as often as not"
    return f"about 1 in {number(round(1 / p))}"


def measure(drift: Drift) -> str:
    return MEASURES[drift.method] if drift.method in MEASURES else shown(words(drift.method))


def subject(drift: Drift) -> str:
    """What kind of thing a column is."""
    return {"prediction": "prediction, ", "label": "truth, ", "feature": ""}[drift.of] + drift.kind


def told(value: float | None) -> str:
    """A figure of three digits that count; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return figure(value if abs(value) >= 1_000 and value == int(value) else float(f"{value:.3g}"))


def percent(part: float | None) -> str:
    if part is None or not math.isfinite(part):
        return NOTHING
    return of_one(max(0.0, part)) if part < 1_000 else f"{told(part)} times"


def source(side: Source) -> str:
    """Where rows came from and of which time; finished for a page."""
    if not side.start or not side.end:
        return f"<bdi>{shown(side.name)}</bdi>"
    first, last = (f"<time>{moment(each)}</time>" for each in (side.start, side.end))
    return f"<bdi>{shown(side.name)}</bdi>, {first} to {last}"


def rows(side: Source) -> str:
    """How many, how exact a sample of them is, and of how many somebody knows the truth; finished for a page."""
    many = f"{number(side.rows)} row{'s' * (side.rows != 1)}"
    if side.error is not None:
        many = (
            f"{number(side.rows)} of {number(side.of_rows)} rows, a sample: 19 times of 20 no share of it is off by "
            f"more than {figure(math.ceil(10_000 * min(1.0, side.error)) / 100)} percentage points"
        )
    return f"{many}; {number(side.labelled)} with a known truth" if side.labelled else many


def day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def metric_name(metric: str) -> str:
    return METRICS.get(metric, words(metric))


def words(name: str) -> str:
    return name.replace("_", " ")


def one_line(text: str, most: int) -> str:
    line = _BREAKS.sub(" ", text).strip()
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _span(side: Source) -> str:
    return f" of {moment(side.start)} to {moment(side.end)}" if side.start and side.end else ""


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(one_line(name, _LONGEST_NAME) for name in names[:_MOST_NAMES]) + more
