"""Looks as a run makes them: twenty columns, of which some moved, a model that got worse, data of poor quality."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import numpy as np

from gyre.monitoring.found import (
    Drift,
    Finding,
    Level,
    Look,
    Multivariate,
    Of,
    Performance,
    Performances,
    Point,
    Qualities,
    Quality,
    Shares,
    Source,
    Univariate,
    Verdict,
)
from gyre.monitoring.report.page import report

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
START = NOW - timedelta(days=7)
PARTS = 7
LINKS = {
    "release 3": "https://gyre.example/models/obesity/versions/3",
    "this look as JSON": "/reports/obesity/w-1.json",
}
DONE = ("A notice was sent.", "Training train_01k9 was started: it is the third alert of the last three looks.")
HISTORY: tuple[tuple[datetime, Level], ...] = tuple(
    (NOW - timedelta(days=30 - at), level)
    for at, level in enumerate(
        ("not enough data",) * 3 + ("ok",) * 17 + ("warn",) * 2 + ("ok",) * 5 + ("warn", "alert", "alert")
    )
)


def points(values: Sequence[float | None], spread: float | None = None) -> tuple[Point, ...]:
    step = (NOW - START) / len(values)
    return tuple(
        Point(
            start=START + at * step, end=START + (at + 1) * step, rows=700, value=value,
            low=None if value is None or spread is None else value - spread,
            high=None if value is None or spread is None else value + spread,
        )
        for at, value in enumerate(values)
    )  # fmt: skip


def number_drift(name: str, shift: float, of: Of = "feature", seed: int = 0) -> Drift:
    """A column of normal numbers, moved by so many deviations: the figures are those of the samples themselves."""
    rng = np.random.default_rng(seed)
    then, now = rng.normal(70, 12, 4_000), rng.normal(70 + 12 * shift, 12, 4_000)
    edges = np.histogram_bin_edges(np.concatenate([then, now]), 20)
    p, q = (np.histogram(each, edges)[0] / len(each) for each in (then, now))
    parts = (divergence(p, np.histogram(each, edges)[0] / len(each)) for each in np.array_split(now, PARTS))
    value = divergence(p, q)
    return Drift(
        column=name, of=of, kind="number", method="jensen_shannon", value=value, threshold=0.1,
        p=1e-9 if value > 0.1 else 0.31, adjusted=2e-8 if value > 0.1 else 1.0, drifted=value > 0.1,
        shares=Shares(edges=tuple(edges), reference=tuple(p), window=tuple(q)),
        points=points([each * (at + 1) / PARTS for at, each in enumerate(parts)]),
    )  # fmt: skip


def category_drift(name: str, then: dict[str, float], now: dict[str, float], of: Of = "feature") -> Drift:
    names = tuple(dict.fromkeys([*then, *now]))
    p, q = (np.array([shares.get(each, 0.0) for each in names]) for shares in (then, now))
    value = divergence(p, q)
    return Drift(
        column=name, of=of, kind="category", method="jensen_shannon", value=value, threshold=0.1,
        p=0.00004 if value > 0.1 else 0.4, adjusted=0.0008 if value > 0.1 else 1.0, drifted=value > 0.1,
        shares=Shares(names=names, reference=tuple(p), window=tuple(q)),
        points=points([value * (0.6 + 0.1 * at) for at in range(PARTS)]),
    )  # fmt: skip


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """The Jensen-Shannon distance to the base 2."""
    middle = (p + q) / 2

    def against(each: np.ndarray) -> float:
        there = each > 0
        return float((each[there] * np.log2(each[there] / middle[there])).sum())

    return max(0.0, (against(p) + against(q)) / 2) ** 0.5


def drifts() -> tuple[Drift, ...]:
    transport = {"Public_Transportation": 0.74, "Automobile": 0.21, "Walking": 0.03, "Motorbike": 0.01, "Bike": 0.01}
    moved = {"Public_Transportation": 0.44, "Automobile": 0.42, "Walking": 0.06, "Bike": 0.03, "E_Scooter": 0.05}
    quiet = ("height", "vegetables", "meals", "water", "activity", "screen_time", "sleep", "steps", "calories", "sugar")
    habits = ("smokes", "alcohol", "snacks", "family_history", "gender")
    found = [
        number_drift("weight", 0.9, seed=1), number_drift("age", 0.55, seed=2),
        category_drift("transport", transport, moved),
        category_drift(
            "prediction", {"Normal": 0.4, "Overweight": 0.35, "Obese": 0.25},
            {"Normal": 0.22, "Overweight": 0.33, "Obese": 0.45}, "prediction",
        ),
        *(number_drift(name, 0.0, seed=10 + at) for at, name in enumerate(quiet)),
        *(category_drift(name, {"yes": 0.3, "no": 0.7}, {"yes": 0.31, "no": 0.69}) for name in habits),
        Drift(column="region", kind="category", method="jensen_shannon", threshold=0.1,
              because="Every row of the window says `north`: there is nothing to compare."),
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (each.value is None, -(each.value or 0.0))))


def performances() -> Performances:
    course = [0.905, 0.9, 0.89, 0.87, 0.86, 0.845, 0.84]
    real: list[float | None] = [0.9, 0.91, 0.88, 0.86, 0.84, None, None]
    return Performances(figures=(
        Performance(metric="accuracy", how="estimated", by="CBPE", expected=0.912, value=0.873, low=0.861, high=0.885,
                    rows=4_900, fall=0.039, limit=0.05, points=points(course, 0.018)),
        Performance(metric="accuracy", how="realised", by="labels", expected=0.912, value=0.846, low=0.828, high=0.864,
                    rows=2_310, fall=0.066, limit=0.05, fallen=True, points=points(real, 0.026)),
        Performance(metric="roc_auc", how="estimated", by="CBPE", expected=0.981, value=0.962, rows=4_900,
                    points=points([each + 0.09 for each in course], 0.01)),
        Performance(metric="f1_macro", how="realised", by="labels",
                    because="Of one class there are fewer than 10 labelled rows."),
    ))  # fmt: skip


def qualities() -> Qualities:
    held = tuple(
        Quality(column=each.column, flaw="missing", reference=0.012, window=0.013, p=0.4, adjusted=1.0)
        for each in drifts()
        if each.column != "water"
    )
    return Qualities(level=0.003, checks=(
        Quality(column="water", flaw="missing", reference=0.011, window=0.173, p=1e-30, adjusted=1e-28, broken=True),
        Quality(column="transport", flaw="unseen", reference=0.0, window=0.05, p=1e-12, adjusted=1e-10, broken=True,
                examples=("E_Scooter", "Rollerblades")),
        Quality(column="region", flaw="constant", broken=True, examples=("north",)),
        *held,
    ))  # fmt: skip


REFERENCE = Source(name="release 3's reference", rows=2_000, of_rows=2_000, labelled=2_000)
WINDOW = Source(name="the journal", rows=100_000, of_rows=1_250_000, start=START, end=NOW, labelled=2_310)


def rich_look() -> Look:
    """An alert of twenty columns with everything that a look can find."""
    return Look(
        run="watch_01k9q3m2", model="obesity", at=NOW, kind="watch", version=3, reference=REFERENCE, window=WINDOW,
        calls=1_252_310, failed_calls=41,
        verdict=Verdict(level="alert", findings=(
            Finding(code="realised_performance", severity="alert",
                    text="Realised accuracy fell to 0.846 from 0.912; a fall of 0.05 is an alert."),
            Finding(code="drift", severity="alert", column="weight",
                    text="weight moved: Jensen-Shannon distance 0.30, threshold 0.10."),
            Finding(code="drift", severity="warn", column="transport",
                    text="transport moved: E_Scooter makes up 5 % of the window and was never seen before."),
            Finding(code="missing", severity="warn", column="water", text="17.3 % of water is missing, 1.1 % before."),
            Finding(code="constant", severity="note", column="region", text="Every row says north."),
        )),
        univariate=Univariate(drifts=drifts(), level=0.004),
        multivariate=Multivariate(method="reconstruction", value=1.42, expected=1.05, p=1e-7, threshold=1.1,
                                  drifted=True, points=points([1.06, 1.1, 1.2, 1.3, 1.45, 1.6, 1.7])),
        performance=performances(), quality=qualities(),
    )  # fmt: skip


def quiet_look() -> Look:
    return Look(
        run="watch_01k9q3m3", model="salary_band", at=NOW, kind="watch", version=12, reference=REFERENCE, window=WINDOW,
        verdict=Verdict(level="ok", findings=()), calls=4_900,
        univariate=Univariate(drifts=tuple(number_drift(f"x{at}", 0.0, seed=at) for at in range(8)), level=0.004),
        multivariate=Multivariate(method="reconstruction", value=1.04, expected=1.05, p=0.6, threshold=1.1,
                                  points=points([1.0, 1.1, 1.05])),
        quality=Qualities(level=0.003, checks=qualities().checks[3:]),
    )  # fmt: skip


def thin_look() -> Look:
    """Too few rows: nothing could be judged."""
    few = "There are 31 rows; 200 are needed."
    return Look(
        run="watch_01k9q3m4", model="sentiment", at=NOW, kind="watch", version=1, reference=REFERENCE,
        window=Source(name="the journal", rows=31, of_rows=31, start=START, end=NOW),
        verdict=Verdict(level="not enough data", findings=(Finding(code="few_rows", severity="note", text=few),)),
        univariate=Univariate(level=0.004, drifts=tuple(
            Drift(column=f"x{at}", kind="number", method="jensen_shannon", threshold=0.1, because=few)
            for at in range(9)
        )),
        multivariate=Multivariate(threshold=1.1, because=few),
        performance=Performances(figures=(Performance(metric="accuracy", how="realised", by="labels", because=few),)),
    )  # fmt: skip


def evil_look(name: str) -> Look:
    """With the name wherever a name or a text may stand."""
    numeric = Shares(edges=(0, 1, 2), reference=(0.5, 0.5), window=(0.1, 0.9))
    named = Shares(names=(name, name), reference=(0.5, 0.5), window=(0.1, 0.9))
    moved = Drift(column=name, kind="number", method=name, threshold=0.1, value=0.5, drifted=True, shares=numeric,
                  points=points([1, 2]))  # fmt: skip
    drifts = (
        moved,
        moved.model_copy(update={"of": "label", "shares": named}),
        Drift(column=name, kind="text", method=name, threshold=0.1, because=name),
    )
    check = Quality(column=name, flaw="unseen", broken=True, examples=(name,) * 9)
    return Look(
        run=name, model=name, at=NOW, kind="watch", version=1, reference=Source(name=name, rows=1, of_rows=1),
        window=Source(name=name, rows=1, of_rows=9),
        verdict=Verdict(level="alert", findings=(Finding(code=name, severity="alert", text=name, column=name),)),
        univariate=Univariate(drifts=drifts, level=0.004),
        performance=Performances(figures=(
            Performance(metric=name, how="realised", by=name, value=1, expected=2, points=points([1, 2], 1)),
            Performance(metric=name, how="estimated", by=name, because=name),
        )),
        quality=Qualities(level=0.003, checks=(check,)),
    )  # fmt: skip


def wide_look(columns: int, name: str = "column with a name of some length") -> Look:
    """Every column moved."""
    drifts = tuple(number_drift(f"{name} {at}", 0.9, seed=1) for at in range(20)) * (columns // 20)
    checks = tuple(
        Quality(column=f"{name} {at}", flaw="unseen", reference=0.0, window=0.2, p=1e-9, broken=at % 2 == 0,
                examples=(name, name))
        for at in range(columns)
    )  # fmt: skip
    findings = tuple(Finding(code="drift", severity="warn", text=f"{each.column} moved.") for each in drifts)
    return rich_look().model_copy(update={
        "univariate": Univariate(drifts=drifts, level=0.004), "quality": Qualities(level=0.003, checks=checks),
        "verdict": Verdict(level="alert", findings=findings),
    })  # fmt: skip


def page_of(look: Look, done: tuple[str, ...] = DONE) -> str:
    return report(look, HISTORY, done, LINKS).decode()


def pictures(page: str) -> list[ET.Element]:
    """Every SVG, read as strictly as a file of its own."""
    return [ET.fromstring(each) for each in re.findall(r"<svg.*?</svg>", page, re.S)]


def headings(page: str) -> list[tuple[int, str]]:
    found = re.findall(r"<h([1-6])>(.*?)</h\1>", page, re.S)
    return [(int(level), re.sub("<[^>]*>", "", text)) for level, text in found]
