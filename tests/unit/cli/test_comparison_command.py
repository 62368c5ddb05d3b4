"""`gyre model comparison`: the report as a person reads it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gyre.http.routes import stats
from tests.unit.cli.stack import SPEC, Stack
from tests.unit.trials.trial_calls import call, failure, shadow

Out = pytest.CaptureFixture[str]


@pytest.fixture
def wine(stack: Stack) -> Stack:
    """Version 1 serves, version 2 is on trial."""
    stack.client().declare(SPEC)
    for version in (1, 2):
        stack.register(version)
    stack.client().promote("wine", 1)
    stack.client().traffic("wine", 2, share=0.1)
    return stack


def happen(stack: Stack, *records: Any) -> None:
    stack.house.journal.append([each.model_copy(update={"at": datetime.now(UTC)}) for each in records])


def test_the_report_stands_side_by_side(wine: Stack, capsys: Out) -> None:
    calls = [call(1, "white" if at % 4 else "red", ms=2.0) for at in range(40)]
    happen(wine, *calls, *(shadow(each, "white", ms=5.0) for each in calls), *(failure() for _ in range(10)))
    assert wine.call("model", "comparison", "wine") == 0
    out, errors = capsys.readouterr()
    assert out.splitlines()[:13] == [
        "                     production  challenger",
        "version                       1           2",
        "calls                        50          50",
        "rows                         50          50",
        "rows failed                   0          10",
        "rows refused                  0           0",
        "share of both                 0         0.2",
        "ms a row, median              2           5",
        "ms a row, 95 of 100           2           5",
        "mean confidence             0.7         0.7",
        "share of red                0.4           0",
        "share of white              0.6           1",
        "",
    ]
    assert out.splitlines()[13] == (
        "shadow: both say the same of 0.75 of 40 rows (95 % interval 0.5981 to 0.8581)."
    )  # fmt: skip
    assert [line.partition(":")[0] for line in out.splitlines()[14:]] == [
        "faults", "latency", "predictions", "confidence",
    ]  # fmt: skip
    assert "The challenger fails more often" in out and "The challenger is slower" in out
    assert errors == "gyre: the challenger gets 10 % of the rows; gyre model withdraw wine ends its trial\n"


def test_before_any_call_it_says_what_is_missing(wine: Stack, capsys: Out) -> None:
    assert wine.call("model", "comparison", "wine", "--hours", "0.5") == 0
    out, _ = capsys.readouterr()
    assert "faults: not enough data: 0 rows of the challenger and 0 of production, and 30 of each are needed." in out
    assert "ms a row" not in out and "shadow" not in out


def test_a_shadow_without_its_calls_says_so(wine: Stack, capsys: Out) -> None:
    happen(wine, shadow(call(1), "red"))
    assert wine.call("model", "comparison", "wine") == 0
    assert "shadow: none of its 1 rows has its call in this window." in capsys.readouterr().out


def test_a_report_over_a_part_says_so(wine: Stack, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "MOST_RECORDS", 3)
    happen(wine, *(call(1) for _ in range(5)))
    assert wine.call("model", "comparison", "wine") == 0
    assert "gyre: only the newest 3 records were read, since 20" in capsys.readouterr().err


def test_a_former_challenger_and_the_whole_answer(wine: Stack, capsys: Out) -> None:
    wine.client().withdraw("wine")
    happen(wine, call(2, 1.5), call(2, 2.5), call(1, 9.0))
    assert wine.call("model", "comparison", "wine") == 1
    assert "wine has no challenger now" in capsys.readouterr().err
    assert wine.call("model", "comparison", "wine", "--challenger", "2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["challenger"]["mean"], told["production"]["mean"], told["traffic"]) == (2.0, 9.0, None)
    assert wine.asked[-1][1] == "/stats/wine/comparison?hours=24.0&challenger=2"


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "x"])
def test_what_is_no_number_of_hours_is_refused(wine: Stack, capsys: Out, hours: str) -> None:
    with pytest.raises(SystemExit) as caught:
        wine.call("model", "comparison", "wine", f"--hours={hours}")
    assert caught.value.code == 2 and "is not a number of hours" in capsys.readouterr().err
