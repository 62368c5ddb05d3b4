"""Watching on the deployed stack: each kind of drift is named, quiet data raises nothing, and the loop is closed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cli.client import GyreClient
from examples.catalogue import EXAMPLES
from examples.simulate import simulated
from tests.e2e.conftest import Notices, last
from tests.e2e.test_training import declare

pytestmark = pytest.mark.timeout(600)
OBESITY = EXAMPLES["obesity"]
LEVELS = OBESITY.simulations["concept_change"]["order"]
# One alert is enough, and what is known to be true is learned from.
LOOP = (
    ("verdicts: 2", "verdicts: 1"),
    ("of_last: 3", "of_last: 1"),
    ("wait_hours: 24", "wait_hours: 0\n  journal: true"),
)


@dataclass
class Watched:
    """A model with a release, and calls to it."""

    gyre: GyreClient
    model: str

    def call(self, table: pd.DataFrame) -> None:
        """Predictions, and what turned out to be true of each."""
        rows = json.loads(table.drop(columns=["level"]).to_json(orient="records"))
        labels = []
        for first in range(0, len(rows), 200):
            part = [{"id": row["id"], "features": row} for row in rows[first : first + 200]]
            answer = self.gyre.post("/inference", {"model": self.model, "rows": part, "partial": True})
            answered = {each["id"] for each in answer["predictions"] if "error" not in each}
            labels += [
                {"model": self.model, "id": row["id"], "label": level}
                for row, level in zip(part, table["level"][first : first + 200], strict=True)
                if row["id"] in answered
            ]
        count = len(labels)
        self.gyre.until(lambda: self._journaled() >= count, "the predictions in the journal", 120)
        for first in range(0, count, 500):
            self.gyre.post("/feedback", {"labels": labels[first : first + 500]})

    def _journaled(self) -> int:
        told: int = self.gyre.get(f"/stats/{self.model}")["answered"]
        return told

    def look(self, **asked: Any) -> dict[str, Any]:
        """A look, as it ended."""
        started = self.gyre.post("/monitoring/run", {"model": self.model, **asked})
        told = last(self.gyre, started["status_url"], 300)
        assert told["status"] == "succeeded", told
        found: dict[str, Any] = self.gyre.get(f"/monitoring/{self.model}/looks/{started['run']}")
        return found

    def compare(self, name: str, table: pd.DataFrame) -> dict[str, Any]:
        """A file beside the release's reference."""
        key = f"drift/{self.model}/{name}.csv"
        bucket = self.gyre.record.data_bucket
        self.gyre.aws("s3").put_object(Bucket=bucket, Key=key, Body=table.to_csv(index=False).encode())
        started = self.gyre.post("/data-drift", {"model": self.model, "subject": {"file": key}})
        told = last(self.gyre, started["status_url"], 300)
        assert told["status"] == "succeeded", told
        found: dict[str, Any] = self.gyre.get(started["result_url"])
        return found


def released(gyre: GyreClient, *changes: tuple[str, str]) -> Watched:
    model = declare(gyre, "obesity", *changes)
    table = OBESITY.generate(3000, 1).to_csv(index=False).encode()
    run = gyre.run_of_upload(*gyre.upload(model, "1.csv", table))
    assert last(gyre, f"/runs/{run}", 300)["status"] == "succeeded"
    return Watched(gyre, model)


def clean(rows: int, seed: int) -> pd.DataFrame:
    """Without the slips that an upload is checked for: these would be found, too."""
    table = OBESITY.generate(rows, seed)
    return table[table["height_m"].between(1.2, 2.3) & table["weight_kg"].between(30, 300)].reset_index(drop=True)


@pytest.fixture(scope="module")
def watched(gyre: GyreClient) -> Watched:
    return released(gyre)


def columns(look: dict[str, Any], code: str) -> set[str]:
    return {each["column"] for each in look["verdict"]["findings"] if each["code"] == code}


def test_quiet_data_raises_nothing(watched: Watched) -> None:
    look = watched.compare("quiet", clean(1200, 21))
    assert look["verdict"]["level"] == "ok", look["verdict"]
    assert [each["column"] for each in look["univariate"]["drifts"] if each["drifted"]] == []
    assert look["multivariate"]["drifted"] is False


@pytest.mark.parametrize(
    ("name", "code", "column"),
    [
        ("shift", "drift", "weight_kg"),
        ("new_category", "unseen", "transport"),
        ("missing_surge", "missing", "activity_days"),
        ("prior_shift", "label_drift", "label"),
        ("label_flip", "realised_performance", None),
        ("concept_change", "realised_performance", None),
    ],
)
def test_each_kind_of_drift_is_named(watched: Watched, name: str, code: str, column: str | None) -> None:
    table = simulated(clean(1500, 22), name, OBESITY.simulations[name], strength=1.5)
    look = watched.compare(name, table)
    assert look["verdict"]["level"] in ("warn", "alert")
    assert column in columns(look, code), look["verdict"]
    page = watched.gyre.send("GET", f"/reports/{watched.model}/{look['run']}")
    assert page.status_code == 200 and len(page.content) < 1_000_000
    assert code in json.dumps(look) and (column or "accuracy") in page.text


def test_too_little_is_told_and_no_alarm(watched: Watched) -> None:
    look = watched.compare("few", clean(20, 23))
    assert look["verdict"]["level"] == "not enough data"
    assert any("30 are needed" in each["text"] for each in look["verdict"]["findings"])


def old_people(table: pd.DataFrame) -> pd.DataFrame:
    """Nobody of them was asked before, and for them the lines between the classes are drawn elsewhere."""
    level = table["level"].map(dict(pairwise([*LEVELS, LEVELS[-2]])))
    return table.assign(age=75 + table["age"] % 20, level=level)


def any_level(table: pd.DataFrame) -> pd.DataFrame:
    """Whoever says what is true throws dice: there is nothing to learn."""
    return table.assign(level=np.random.default_rng(5).choice(list(LEVELS), len(table)))


@pytest.mark.parametrize(("change", "outcome"), [(old_people, "promote"), (any_level, "reject")])
def test_the_loop_is_closed(
    gyre: GyreClient, notices: Notices, change: Callable[[pd.DataFrame], pd.DataFrame], outcome: str
) -> None:
    """Given truths that changed, when it is looked, then there is a notice and a training; its model serves if it is
    better, and stays out if it is not."""
    watched = released(gyre, *LOOP)
    watched.call(clean(600, 31))
    assert watched.look()["verdict"]["level"] == "ok"

    since = datetime.now(UTC)
    watched.call(change(clean(1800, 32)))
    look = watched.look(since=since.isoformat())
    assert look["verdict"]["level"] == "alert"
    assert "realised_performance" in {each["code"] for each in look["verdict"]["findings"]}

    def alerted(notice: dict[str, Any]) -> bool:
        return (notice.get("run"), notice.get("kind")) == (look["run"], "monitoring_alert")

    gyre.until(lambda: notices.first(alerted) is not None, "a notice of the alert", 60)

    training = look["done"]["retrain"]["run"]
    assert training, look["done"]
    ended = last(gyre, f"/runs/{training}", 300)
    assert ended["status"] == "succeeded", ended.get("cause")
    assert ended["found"]["ingest"]["version"] == 2  # what is true now was learned from
    judged, release = ended["found"]["gates"], gyre.release(watched.model)
    assert judged["outcome"] == outcome, judged
    assert release["aliases"]["production"]["version"] == (2 if outcome == "promote" else 1)
