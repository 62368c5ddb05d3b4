"""`gyre run`: looked at, followed on a terminal and without one, resumed."""

import json

import httpx
import pytest

from gyre.errors import GyreError
from tests.unit.cli.stack import RUN, Stack, Terminal, released, step, trained

Out = pytest.CaptureFixture[str]


def searching(stack: Stack) -> None:
    """Two rounds of a search, looked at now and then."""
    stack.found("pin", version=4, rows=1391, rejected=13)
    stack.found("split", key="k", rows={"train": 974, "test": 278, "reference": 139})

    def round_of(number: int, numbers: list[int], scored: int, failed: int, best: int | None, visits: int) -> None:
        told = {"best": best} if best else {}
        stack.found(
            "propose", round=number, numbers=numbers, done=False, because="", scored=scored, failed=failed,
            concurrency=2, **told,
        )  # fmt: skip
        stack.on(step("Propose", at=2, visits=number), step("Score", "running", at=3, visits=visits))

    first, second = [1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]
    stack.next.extend([
        lambda: stack.on(step("Pin", "running")),
        lambda: stack.on(step("Pin"), step("Split", "running", at=1)),
        lambda: stack.on(step("Split", at=1), step("Propose", "running", at=2)),
        lambda: round_of(1, first, 0, 0, None, 2),
        lambda: round_of(1, first, 0, 0, None, 5),
        lambda: round_of(2, second, 5, 1, 3, 8),
        lambda: round_of(2, second, 5, 1, 3, 12),
    ])  # fmt: skip


def test_a_run_is_followed_to_its_release(stack: Stack, capsys: Out) -> None:
    """Given no terminal, when a training is followed, then each change is a plain line, and the last ones sum it up."""
    stack.begin(dataset=4)
    searching(stack)
    stack.next.append(lambda: released(stack, 3, before=2))
    assert stack.call("run", "follow", RUN) == 0
    out, errors = capsys.readouterr()
    lines = out.splitlines()
    assert lines[:3] == [
        "Pin goes on",
        "Pin done in 1.0 s: dataset version 4, 1,391 rows, 13 rejected",
        "Split goes on",
    ]
    assert [each for each in lines if each.startswith("Search")] == [
        "Search goes on",
        "Search goes on: 0 of 6 scored, round 1",
        "Search goes on: 3 of 6 scored, round 1",
        "Search goes on: 6 of 12 scored, best: candidate 3, round 2, 1 failed",
        "Search goes on: 10 of 12 scored, best: candidate 3, round 2, 1 failed",
        "Search done in 21 s: no gain in 1 round, 1 failed, best: candidate 7",
    ]
    assert lines[-3:] == [
        "version 3 of wine: f1_macro 0.8712 (baseline 0.0834)",
        "gates: All 5 gates passed.",
        "released: it serves now, and version 2 did before",
    ]
    assert "\x1b" not in out and "\r" not in out
    assert errors == ""
    assert not [each for each in lines if each.startswith("Tell")]


def test_on_a_terminal_one_line_changes_and_finished_steps_stay(stack: Stack, terminal: Terminal) -> None:
    stack.begin(dataset=4)
    searching(stack)
    stack.next.append(lambda: released(stack, 3))
    assert stack.call("run", "follow", RUN) == 0
    screen = terminal.screen()
    assert screen[:3] == [
        "  Pin                 done         1.0 s  dataset version 4, 1,391 rows, 13 rejected",
        "  Split               done         1.0 s  train 974, test 278, reference 139",
        "  Search              done          21 s  no gain in 1 round, 1 failed, best: candidate 7",
    ]
    assert screen[3:] == [
        "  Fit                 done         3.4 s  boosting",
        "  Evaluate            done         1.0 s  f1_macro 0.8712 (baseline 0.0834)",
        "  Fairness            done         1.0 s",
        "  Register            done         1.0 s  version 3",
        "  Gates               done         1.0 s  All 5 gates passed.",
        "  Promote             done         1.0 s",
        "  Mirror              done         1.0 s",
        "version 3 of wine: f1_macro 0.8712 (baseline 0.0834)",
        "gates: All 5 gates passed.",
        "released: it serves now",
        "",
    ]
    assert "  Search  [######......]  6 of 12 scored, best: candidate 3, round 2, 1 failed  " in terminal.getvalue()
    assert "  Search  [##########..]  10 of 12 scored, best: candidate 3, round 2, 1 failed  " in terminal.getvalue()


def test_a_line_is_never_wider_than_the_terminal(
    stack: Stack, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    stack.begin(dataset=4)
    searching(stack)
    stack.next.append(lambda: released(stack))
    stack.call("run", "follow", RUN)
    pieces = [piece for line in terminal.getvalue().split("\n") for piece in line.split("\r\x1b[K")]
    steps = [each for each in pieces if each.startswith("  ")]
    assert len(steps) > 12
    assert max(map(len, steps)) == 43


def test_a_dumb_terminal_gets_plain_lines(stack: Stack, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stack.begin()
    released(stack)
    assert stack.call("run", "follow", RUN) == 0
    assert "\x1b" not in terminal.getvalue()


def test_a_run_that_waits_for_a_person_says_what_to_type(stack: Stack, capsys: Out) -> None:
    """Given a run that asks, when it is followed, then it is left only once the question can be answered."""
    stack.begin()
    trained(stack, 3)
    stack.found("gates", outcome="ask", because="All 5 gates passed.", expected=0)
    stack.on(step("Gates"), step("Ask", "running"))
    stack.next.extend([lambda: None, lambda: None, lambda: stack.ask(3)])
    assert stack.call("run", "follow", RUN) == 0
    out, errors = capsys.readouterr()
    lines = out.splitlines()
    assert lines[-1] == "waits for approval: gyre model approve wine 3 (--decline refuses it)"
    assert "Ask goes on: waits for a person" in lines
    assert not stack.next
    assert errors == ""
    told = next(iter(stack.client().follow(f"/runs/{RUN}")))
    assert told["status"] == "running"
    assert stack.call("model", "approve", "wine", "3") == 0


def test_what_was_declined_names_who_and_why(stack: Stack, capsys: Out) -> None:
    stack.begin()
    trained(stack, 3)
    stack.found("gates", outcome="ask", because="All 5 gates passed.", expected=0)
    said = {"approved": False, "actor": "ben", "comment": "too late\nin the year"}
    stack.on(step("Gates"), step("Ask"), status="succeeded", output={"approval": said})
    assert stack.call("run", "follow", RUN) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "declined by ben, it does not serve: too late\\nin the year"


def test_what_the_gates_rejected_is_no_failure_of_the_run(stack: Stack, capsys: Out) -> None:
    stack.begin()
    trained(stack, 3)
    because = "1 of 5 gates failed: f1_macro is 0.6, below 0.7"
    stack.found("gates", outcome="reject", because=because, expected=0)
    stack.on(step("Gates"), status="succeeded", output={"gates": {}})
    assert stack.call("run", "follow", RUN) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"gates: {because}", "rejected: it does not serve; gyre model version wine 3 shows every gate",
    ]  # fmt: skip


def test_that_mlflow_lags_is_told_and_no_failure(stack: Stack, capsys: Out) -> None:
    stack.begin()
    released(stack)
    stack.on(step("Mirror", "failed", cause="Unavailable: MLflow is away"), status="succeeded")
    assert stack.call("run", "follow", RUN) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "MLflow does not know yet what serves (Unavailable: MLflow is away): gyre model mirror wine"
    )


def test_an_upload_that_trains_nothing_says_so(stack: Stack, capsys: Out) -> None:
    stack.begin(upload={"key": "inbox/wine/a.csv", "version": "v1"})
    stack.found("ingest", version=5, rows=60, rejected=0, train=False)
    stack.on(step("Ingest"), step("Split"), status="succeeded", output={"data": {}})
    assert stack.call("run", "follow", RUN) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "dataset version 5 of wine: 60 rows taken",
        "nothing was trained, as training.on_upload in model.yaml says: gyre train wine --dataset 5 does",
    ]


def test_an_evaluation_is_summed_up_in_a_line(stack: Stack, capsys: Out) -> None:
    stack.begin(evaluate={"version": 2, "dataset": 4, "part": "unseen"})
    told = {"version": 2, "dataset": 4, "part": "unseen", "rows": 1024, "metric": "rmse", "value": 12345.6}
    stack.found("evaluate_version", **told)
    stack.on(step("Evaluate a version", took=65), status="succeeded", output={})
    assert stack.call("run", "follow", RUN) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Evaluate a version done in 1 m 05 s: rmse 12,346",
        "version 2 of wine on 1,024 rows (unseen) of dataset version 4: rmse 12,346",
    ]


CAUSE = "Invalid: one class only\nin the train part"


def test_a_run_that_failed_names_step_cause_and_how_it_goes_on(stack: Stack, capsys: Out) -> None:
    """Candidates that were lost and notices that came late did not end it."""
    stack.begin()
    stack.on(
        step("Ingest"), step("Score", "failed", at=50, cause="lost", failed=1),
        step("Fit", "failed", at=40, cause=CAUSE),
        step("Tell the failure", "failed", at=60, cause="no topic"), status="failed", cause="{}",
    )  # fmt: skip
    assert stack.call("run", "follow", RUN) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"gyre: {RUN} failed at Fit: Invalid: one class only\\nin the train part",
        f"gyre: gyre run resume {RUN} goes on from there",
    ]


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        ('{"errorMessage": "out of memory", "errorType": "Killed"}', "out of memory"),
        ("plain", "plain"), ("[1]", "[1]"), (None, "the cause is not told"),
    ],
)  # fmt: skip
def test_a_run_without_a_failed_step_tells_its_own_cause(stack: Stack, capsys: Out, cause: str, says: str) -> None:
    stack.begin()
    stack.on(step("Ingest"), status="failed", cause=cause)
    assert stack.call("run", "follow", RUN) == 1
    assert capsys.readouterr().err.splitlines()[0] == f"gyre: {RUN} failed: {says}"


@pytest.mark.parametrize(("status", "says"), [("timed_out", "ran out of time"), ("stopped", "was stopped")])
def test_other_ends_are_failures_too(stack: Stack, capsys: Out, status: str, says: str) -> None:
    stack.begin()
    stack.on(step("Fit", "failed", cause="the run was ended"), status=status)
    assert stack.call("run", "follow", RUN) == 1
    assert f"{RUN} {says} at Fit: the run was ended" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["terminal", "pipe"])
def test_ctrl_c_leaves_the_run_alone(stack: Stack, capsys: Out, where: str, request: pytest.FixtureRequest) -> None:
    """The line that was open is closed, and nothing but looking was asked of the API."""
    screen = request.getfixturevalue("terminal") if where == "terminal" else None

    def interrupted() -> None:
        raise KeyboardInterrupt

    stack.begin()
    stack.next.extend([lambda: stack.on(step("Fit", "running")), interrupted])
    assert stack.call("run", "follow", RUN) == 130
    out, errors = capsys.readouterr()
    assert errors == f"gyre: {RUN} goes on without you; gyre run follow {RUN} shows it again\n"
    assert (screen.getvalue() if screen else out).endswith("\n")
    assert {method for method, *_ in stack.asked} == {"GET"}
    assert stack.house.workflow.runs[RUN].status == "running"


def test_a_stack_that_is_away_for_a_moment_is_asked_again(stack: Stack, capsys: Out) -> None:
    def away() -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    stack.begin()
    stack.next.extend([lambda: None, away, lambda: httpx.Response(503, json={"error": {}}), lambda: released(stack)])
    assert stack.call("run", "follow", RUN) == 0
    assert "released" in capsys.readouterr().out


def test_a_stack_that_stays_away_is_told(stack: Stack, capsys: Out) -> None:
    def away() -> None:
        raise httpx.ConnectError("nobody there")

    stack.begin()
    stack.next.extend([lambda: None, *[away] * 500])
    assert stack.call("run", "follow", RUN) == 1
    assert (
        capsys.readouterr().err
        == f"gyre: the stack at {stack.record.api_url} does not answer (nobody there): run `make up deploy`\n"
    )
    assert 30 <= stack.time.now - 100 < 40


def test_as_json_it_waits_in_silence(stack: Stack, capsys: Out) -> None:
    stack.begin()
    stack.next.extend([lambda: stack.on(step("Fit", "running")), lambda: released(stack)])
    assert stack.call("run", "follow", RUN, "--json") == 0
    out, errors = capsys.readouterr()
    assert json.loads(out)["status"] == "succeeded"
    assert errors == ""


def test_as_json_a_failure_is_one_too(stack: Stack, capsys: Out) -> None:
    stack.begin()
    stack.on(step("Fit", "failed", cause=CAUSE), status="failed")
    assert stack.call("run", "follow", RUN, "--json") == 1
    out, errors = capsys.readouterr()
    assert json.loads(out)["steps"][0]["cause"] == CAUSE
    assert "failed at Fit" in errors


# --- show -------------------------------------------------------------------------------------------------------------


def test_a_run_is_shown_as_it_is_now(stack: Stack, capsys: Out) -> None:
    stack.begin(dataset=4)
    released(stack, 3, before=2)
    assert stack.call("run", "show", RUN) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == [
        f"run          {RUN}",
        "model        wine",
        "works on     dataset version 4",
        "status       succeeded",
        "began (UTC)  2026-11-21 09:00",
        "ended (UTC)  2026-11-21 09:01",
    ]
    assert lines[6].split() == [
        "Pin",
        "done",
        "1.0",
        "s",
        "dataset",
        "version",
        "4,",
        "1,391",
        "rows,",
        "13",
        "rejected",
    ]
    assert lines[-1] == "released: it serves now, and version 2 did before"
    assert [method for method, *_ in stack.asked] == ["GET"]


def test_one_that_failed_is_shown_without_an_exit_status(stack: Stack, capsys: Out) -> None:
    stack.begin(upload={"key": "inbox/wine/a.csv", "version": "v1"})
    stack.on(step("Ingest", "failed", cause=CAUSE), status="failed", attempt=2)
    assert stack.call("run", "show", RUN) == 0
    out, errors = capsys.readouterr()
    assert "works on     inbox/wine/a.csv\n" in out
    assert "status       failed, attempt 2\n" in out
    assert out.endswith(f"gyre run resume {RUN} goes on from there\n")
    assert errors == ""


def test_one_that_just_began_has_nothing_to_show_yet(stack: Stack, capsys: Out) -> None:
    stack.begin()
    assert stack.call("run", "show", RUN) == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["status       goes on", "began (UTC)  2026-11-21 09:00"]


def test_what_an_attempt_before_found_is_not_told_as_this_ones(stack: Stack, capsys: Out) -> None:
    """Given a run that is resumed, when its first step goes on, then version and gates of before are not shown."""
    stack.begin()
    trained(stack, 3)
    stack.found("gates", outcome="promote", because="All 5 gates passed.", expected=0)
    stack.house.workflow.end(RUN, "failed")
    stack.house.workflow.resume(RUN)
    stack.on(step("Pin", "running"))
    assert stack.call("run", "show", RUN) == 0
    out = capsys.readouterr().out
    assert "attempt 2" in out
    assert "version 3" not in out and "gates" not in out


def test_shown_as_json_it_is_what_the_api_said(stack: Stack, capsys: Out) -> None:
    stack.begin()
    released(stack)
    assert stack.call("run", "show", RUN, "--json") == 0
    assert json.loads(capsys.readouterr().out) == stack.client().run(RUN)


@pytest.mark.parametrize("command", ["show", "follow", "resume"])
def test_a_run_that_nobody_started_is_one_line(stack: Stack, capsys: Out, command: str) -> None:
    assert stack.call("run", command, "train_no") == 1
    assert capsys.readouterr() == ("", "gyre: the run train_no does not exist.\n")
    assert stack.time.pauses == []


@pytest.mark.parametrize("name", ["../models", "a b", "", "a/b", "x" * 81, "a\n"])
def test_what_is_no_name_of_a_run_is_not_asked_for(stack: Stack, capsys: Out, name: str) -> None:
    with pytest.raises(SystemExit) as caught:
        stack.call("run", "show", name)
    assert caught.value.code == 2
    assert "is not the name of a run" in capsys.readouterr().err
    assert stack.asked == []


# --- resume -----------------------------------------------------------------------------------------------------------


def test_a_failed_run_goes_on(stack: Stack, capsys: Out) -> None:
    stack.begin()
    stack.on(step("Fit", "failed", cause=CAUSE), status="failed")
    assert stack.call("run", "resume", RUN) == 0
    assert capsys.readouterr() == (
        f"{RUN}\n", f"gyre: {RUN} goes on, attempt 2\ngyre: gyre run follow {RUN} shows how it goes on\n",
    )  # fmt: skip
    assert stack.house.workflow.runs[RUN].attempt == 2


def test_and_is_followed_even_where_the_new_attempt_is_told_late(stack: Stack, capsys: Out) -> None:
    """Step Functions may answer with the attempt before for a moment, and that one has failed."""
    stack.begin()
    stack.on(step("Fit", "failed", cause=CAUSE), status="failed")
    before = httpx.Response(200, json=stack.client().run(RUN))
    stack.next.extend([lambda: before, lambda: before, lambda: released(stack)])
    assert stack.call("run", "resume", RUN, "--follow") == 0
    assert "released" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "says"), [("running", "goes on still"), ("succeeded", "ended well")])
def test_what_did_not_fail_cannot_be_resumed(stack: Stack, capsys: Out, status: str, says: str) -> None:
    stack.begin()
    stack.on(status=status)
    assert stack.call("run", "resume", RUN) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert says in errors and errors.count("\n") == 1
    assert GyreError.code not in errors
