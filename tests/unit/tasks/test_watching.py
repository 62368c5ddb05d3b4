"""The state machine that watches, tasks and analyses as they are; buckets and journal in memory."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gyre.errors import Unavailable
from gyre.feedback.labels import Label, label_id_of, place_of
from gyre.monitoring.acting.done import done_about
from gyre.monitoring.kept import latest_look, report_of
from gyre.registry.moves import Mover, promote
from tests.unit.tasks.machine import Failed
from tests.unit.tasks.watching import NOON, WATCHED, Watching, rows_of
from tests.unit.tasks.world import pets

QUIET = 600


@pytest.fixture
def watching(tmp_path: Path) -> Watching:
    return Watching.over(tmp_path)


def codes(look: Any) -> set[str]:
    return {each.code for each in look.verdict.findings}


def test_quiet_data_is_ok_and_nobody_hears_of_it(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 2))
    look = watching.look()
    assert look.verdict.level == "ok", look.verdict
    assert look.window and (look.window.rows, look.window.labelled, look.version) == (QUIET, QUIET, 1)
    assert look.reference and 590 < look.reference.rows <= 600
    assert look.performance and {each.how for each in look.performance.figures} == {"estimated", "realised"}
    assert watching.notices.heard == [] and watching.training.runs == {}
    assert b"not enough" not in report_of("pets", look.run, watching.world.data).lower()[:20_000]
    assert {each.name for each in watching.metrics.told} >= {"Verdict", "WindowRows"}
    assert watching.looks.verdicts("pets", 5)[0][1] == "ok"


def test_what_moved_is_named_told_and_recovered_from(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 3, age=np.random.default_rng(3).integers(12, 25, QUIET)))
    look = watching.look()
    assert look.verdict.level in ("warn", "alert")
    assert "age" in {each.column for each in look.verdict.findings if each.code == "drift"}
    assert "weight" not in {each.column for each in look.verdict.findings if each.code == "drift"}
    (subject, message), = watching.notices.heard  # fmt: skip
    assert "pets" in subject and message["run"] == look.run and "age" in json.dumps(message)
    page = report_of("pets", look.run, watching.world.data).decode()
    assert "age" in page and done_about("pets", look.run, watching.world.data)["notice"].sentence in page

    assert watching.look().verdict.level == look.verdict.level
    assert len(watching.notices.heard) == 1  # the same incident

    watching.now = NOON + timedelta(hours=30)
    watching.answer(*rows_of(QUIET, 4))
    assert watching.look().verdict.level == "ok"
    assert len(watching.notices.heard) == 2


def test_a_changed_relation_closes_the_loop(watching: Watching) -> None:
    """Old ones are adopted now: a verdict, a training on what is true now, a release that is better."""
    rows, truths = rows_of(QUIET, 5)
    turned = ["no" if each == "yes" else "yes" for each in truths]
    watching.answer(rows, turned)
    look = watching.look()
    assert look.verdict.level == "alert" and "realised_performance" in codes(look)
    assert "drift" not in codes(look)  # no feature moved
    done = done_about("pets", look.run, watching.world.data)["retrain"]
    assert done.run is not None and done.run in watching.training.runs
    assert watching.training.show(done.run).input["dataset"] == 1

    watching.look()
    assert list(watching.training.runs) == [done.run]  # one training for a while


def test_too_few_calls_are_no_alarm(watching: Watching) -> None:
    watching.answer(*rows_of(30, 6, age=np.full(30, 24)))
    look = watching.look()
    assert look.verdict.level == "not enough data"
    assert watching.called.count("univariate") == 0
    assert watching.notices.heard == []
    assert b"30" in report_of("pets", look.run, watching.world.data)


def test_without_calls_or_a_reference_it_says_so(watching: Watching, tmp_path: Path) -> None:
    assert watching.look().verdict.level == "not enough data"
    bare = Watching.over(tmp_path / "bare", WATCHED.replace("reference: 0.4", "reference: 0"), rows=400)
    bare.answer(*rows_of(QUIET, 7))
    look = bare.look()
    assert look.verdict.level == "not enough data" and "no_reference" in codes(look)


def test_labels_without_predictions_and_predictions_without_labels(watching: Watching) -> None:
    watching.answer(rows_of(QUIET, 8)[0])
    look = watching.look()
    assert look.verdict.level == "ok"
    assert look.performance
    assert {each.how for each in look.performance.figures if each.value is not None} == {"estimated"}
    assert all(each.because for each in look.performance.figures if each.how == "realised")


def test_a_window_across_a_release_change_looks_at_the_new_release(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 9))
    watching.world.train("train-2", upload=watching.world.upload("pets", pets(1_500, 10), "b.csv"))
    promote("pets", 2, watching.world.artifacts, Mover("anna"))
    watching.answer(*rows_of(300, 11), ago=timedelta(minutes=20))
    look = watching.look()
    assert (look.version, look.window and look.window.rows) == (2, 300)
    assert "other_releases" in codes(look)


def test_a_schema_that_changed_between_releases_is_that_of_the_release(watching: Watching) -> None:
    """Given a newer model.yaml with a column more, when it is looked, then the release is judged by its own columns."""
    watching.world.declare(
        WATCHED.replace("  weight: {type: number}\n", "  weight: {type: number}\n  chip: {type: number}\n")
    )
    watching.answer(*rows_of(QUIET, 22))
    look = watching.look()
    assert look.verdict.level == "ok", look.verdict
    assert look.univariate and "chip" not in {each.column for each in look.univariate.drifts}


def test_labels_of_nothing_that_was_predicted_change_nothing(watching: Watching) -> None:
    said = label_id_of(place_of("pets", None, "nobody"), ("yes",))
    watching.labels.append([
        Label(label_id=said, model="pets", row_id="nobody", label="yes", received_at=watching.now, source="c")
    ])  # fmt: skip
    look = watching.look()
    assert look.verdict.level == "not enough data" and look.window and look.window.rows == 0


def test_a_clock_that_is_wrong_is_told(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 12))
    watching.answer(*rows_of(20, 13), ago=-timedelta(hours=5))
    look = watching.look()
    assert "clock" in codes(look) and look.window and look.window.rows == QUIET


def test_an_older_window_is_looked_at_on_request(watching: Watching) -> None:
    watching.answer(*rows_of(200, 14), ago=timedelta(hours=90))
    look = watching.look({"until": (NOON - timedelta(hours=80)).isoformat(), "hours": 20})
    assert look.window and look.window.rows == 200


def test_a_notice_that_cannot_be_sent_fails_the_run_and_is_sent_by_the_next(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 15, age=np.full(QUIET, 24)))
    watching.notices.failure = Unavailable("SNS is down")
    with pytest.raises(Failed, match="LookFailed"):
        watching.look()
    assert watching.machine.notices[-1]["step"] == "Notice"
    watching.notices.failure = None
    watching.look()
    assert len(watching.notices.heard) == 1


@pytest.mark.parametrize("last", ["metrics", "report"])
def test_an_alert_waits_for_no_figures_and_no_page(watching: Watching, last: str) -> None:
    watching.answer(*rows_of(QUIET, 15, age=np.full(QUIET, 24)))
    watching.tasks[last] = _fails
    with pytest.raises(Failed, match="LookFailed"):
        watching.look()
    assert len(watching.notices.heard) == 1
    assert watching.called[-1] == last and "retrain" in watching.called


def _fails(event: Any) -> Any:
    raise Unavailable("it is down")


def test_rows_of_people_do_not_stay(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 16))
    watching.look()
    assert list(watching.world.data.versions("monitoring-frames/")) == []


@pytest.mark.parametrize("step", ["univariate", "verdict"])
def test_nor_where_a_look_fails(watching: Watching, step: str) -> None:
    watching.answer(*rows_of(QUIET, 16))
    watching.tasks[step] = _fails
    with pytest.raises(Failed, match="LookFailed"):
        watching.look()
    assert list(watching.world.data.versions("monitoring-frames/")) == []


def test_a_peek_that_saw_too_little_takes_no_looks_place(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 20))
    regular = watching.look()
    watching.now += timedelta(minutes=5)
    peek = watching.look({"hours": 0.1})
    assert (regular.verdict.level, peek.verdict.level) == ("ok", "not enough data")
    assert latest_look("pets", watching.world.data).run == regular.run
    watching.now += timedelta(days=2)
    assert watching.look().verdict.level == "not enough data"
    assert latest_look("pets", watching.world.data).run == "look-3"


def test_who_is_asked_about_every_hour_counts_once(watching: Watching) -> None:
    """Or 200 rows would be told with the certainty of thousands."""
    rows, truths = rows_of(200, 21)
    for hour in range(12, 0, -1):
        watching.answer(rows, truths, ago=timedelta(hours=hour), named=True)
    look = watching.look()
    assert look.verdict.level == "ok", look.verdict
    assert look.window and (look.window.rows, look.window.repeated, look.window.error) == (200, 2_200, None)
    assert "repeated" in codes(look)


def test_the_clock_looks_at_what_is_due_once(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 17))
    watching.run({"source": "aws.events"})
    assert latest_look("pets", watching.world.data).run == "look-1"
    watching.run({"source": "aws.events"})
    assert latest_look("pets", watching.world.data).run == "look-1"
    watching.now = NOON + timedelta(hours=25)
    watching.run({"source": "aws.events"})
    assert latest_look("pets", watching.world.data).run == "look-3"
    watching.run({"every": True})
    assert latest_look("pets", watching.world.data).run == "look-4"


# --- comparing two sets of data -------------------------------------------------------------------------------------


def compare(watching: Watching, subject: dict[str, Any], reference: dict[str, Any] | None = None) -> Any:
    from gyre.monitoring.kept import look_of

    told = {"model": "pets", "subject": subject} | ({"reference": reference} if reference else {})
    return look_of("pets", watching.run(told), watching.world.data)


def test_a_file_beside_the_reference(watching: Watching) -> None:
    old = np.random.default_rng(18).integers(12, 25, 500)
    watching.world.data.put("drift/pets/old.csv", pets(500, 18, age=old).encode())
    look = compare(watching, {"file": "drift/pets/old.csv"})
    assert "age" in {each.column for each in look.verdict.findings if each.code == "drift"}
    assert watching.notices.heard == [] and watching.called[-1] == "report"
    watching.world.data.put("drift/pets/same.csv", pets(500, 19).encode())
    assert compare(watching, {"file": "drift/pets/same.csv"}).verdict.level == "ok"


def test_every_kind_of_data_meets_every_other(watching: Watching) -> None:
    watching.answer(*rows_of(QUIET, 20))
    span = {"journal": {"from": (NOON - timedelta(hours=2)).isoformat(), "to": NOON.isoformat()}}
    for subject in ({"dataset": 1}, {"dataset": 1, "part": "test"}, {"release": "1"}, span):
        look = compare(watching, subject, {"dataset": 1, "part": "train"})
        assert look.verdict.level == "ok", (subject, look.verdict)


def test_columns_that_are_gone_or_new_are_findings(watching: Watching) -> None:
    lines = pets(500, 21).strip().splitlines()
    gone = [",".join([*each.split(",")[:1], *each.split(",")[2:]]) for each in lines]
    named = [gone[0] + ",chip", *(f"{each},7" for each in gone[1:])]
    watching.world.data.put("drift/pets/gone.csv", ("\n".join(named) + "\n").encode())
    look = compare(watching, {"file": "drift/pets/gone.csv"})
    assert look.verdict.level == "alert"
    assert {(each.code, each.column) for each in look.verdict.findings} >= {("absent", "weight"), ("new", "chip")}


def test_a_file_of_nonsense_fails_with_words(watching: Watching) -> None:
    watching.world.data.put("drift/pets/none.csv", b"")
    with pytest.raises(Failed, match="LookFailed"):
        compare(watching, {"file": "drift/pets/none.csv"})
    assert "none.csv" in watching.machine.notices[-1]["cause"]
