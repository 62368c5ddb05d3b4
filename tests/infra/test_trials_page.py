"""docs/trials.md: its figures are those of the code, and its commands can be typed."""

import re
import shlex

from cli.main import parser
from gyre.aws import once
from gyre.http.routes.releases import TrafficRequest
from gyre.spec.policy import Trial
from gyre.trials.comparison import MINIMUM, MOST_RECORDS
from gyre.trials.guard import _NOTICED_MS, _SLOWEST, ACTOR, end_failing_trials
from gyre.trials.sides import NEAR
from gyre.trials.significance import LEVEL
from tests.infra.facts import ROOT, template
from tests.unit.trials.test_guard import FAILURES, Stage

TEXT = (ROOT / "docs/trials.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_the_figures_are_those_of_the_code() -> None:
    limits = Trial()
    assert limits.faults is not None and limits.latency_ratio == 3 and limits.latency_ms is None
    for said in (
        f"reads the newest {MOST_RECORDS:,} records",
        f"| {MINIMUM} rows of each |",
        f"a p below {LEVEL:g} is called a difference",
        f"or of numbers within {NEAR * 100:g} %",
        f"on more than {limits.faults * 100:g} % of its rows",
        f"of the last {limits.window_minutes:g} minutes",
        f"there are {limits.minimum_rows} rows",
        f"by more than {_NOTICED_MS:g} ms a call",
        f"more than {_SLOWEST * 100:g} of 100",
        f"withdrawn by `{ACTOR}`",
    ):
        assert said in FLAT, said
    assert template()["Parameters"]["TrialSchedule"]["Default"] == "rate(1 minute)" and "Every minute" in FLAT
    assert template()["Resources"]["TrialGuardFunction"]["Properties"]["MemorySize"] * 2**20 > once.MOST_BYTES * 10


def test_every_command_can_be_typed() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("./gyre ")]
    assert len(lines) == 5
    for line in lines:
        parser().parse_args(shlex.split(line, comments=True)[1:])


def test_the_body_is_one_that_the_route_takes() -> None:
    (body,) = re.findall(r"`(\{.*?\})`", TEXT)
    assert TrafficRequest.model_validate_json(body).shadow is True


def test_the_notice_holds_what_is_said() -> None:
    stage = Stage()
    stage.try_out()
    stage.happen(*FAILURES)
    end_failing_trials(stage.now, stage.journal, stage.artifacts, stage.errands, stage.notices)
    ((_, message),) = stage.notices.heard
    (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{message['kind']}`")]
    assert set(re.findall(r"`(\w+)`", row)) == set(message) - {"kind"} | {message["kind"]}
