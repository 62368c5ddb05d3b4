"""The state machines: what is transient is tried again, whatever else fails is told."""

import re
from typing import Any, cast

import pytest

from gyre.training.tasks import TrainingTasks
from tests.infra.facts import MACHINE, ROOT, machines, of_type, template

LAMBDA, NOTICE = "arn:aws:states:::lambda:invoke", "arn:aws:states:::sns:publish"
TRANSIENT = {
    "Unavailable",
    "TooManyRequests",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
}
State = dict[str, Any]


def states(machine: str) -> dict[str, State]:
    found: dict[str, State] = machines()[machine]["States"]
    return found


def tasks(resource: str | None = None) -> list[tuple[str, str]]:
    return [
        (machine, name)
        for machine in machines()
        for name, state in states(machine).items()
        if state["Type"] == "Task" and resource in (None, state["Resource"])
    ]


def way(machine: str, start: str) -> list[str]:
    """The states from here to an end, without a failure on the way."""
    names = [start]
    while (following := states(machine)[names[-1]].get("Next")) is not None:
        names.append(following)
    return names


@pytest.mark.parametrize("machine", machines())
def test_a_machine_speaks_jsonpath(machine: str) -> None:
    text = (ROOT / "infra/statemachines" / machine).read_text()
    assert not re.search(r"JSONata|\{%|\"(QueryLanguage|Arguments|Assign|Output)\":", text)


@pytest.mark.parametrize("machine", machines())
def test_every_state_is_reached_and_every_next_exists(machine: str) -> None:
    known, reached, todo = states(machine), set[str](), [machines()[machine]["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            state = known[name]
            todo += [each["Next"] for each in (*state.get("Catch", []), *state.get("Choices", []))]
            todo += [state[key] for key in ("Next", "Default") if key in state]
    assert reached == set(known)


@pytest.mark.parametrize("machine", machines())
def test_a_machine_ends_some_day(machine: str) -> None:
    assert 0 < machines()[machine]["TimeoutSeconds"] <= 24 * 3600


@pytest.mark.parametrize(("machine", "name"), tasks())
def test_every_task_is_tried_again_and_caught(machine: str, name: str) -> None:
    state = states(machine)[name]
    for retry in state["Retry"]:
        assert 1 <= retry["MaxAttempts"] <= 5 and retry["BackoffRate"] > 1
    assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize(("machine", "name"), tasks(LAMBDA))
def test_only_what_is_transient_is_tried_again(machine: str, name: str) -> None:
    for retry in states(machine)[name]["Retry"]:
        # A model.yaml that was dropped beside its data may come a moment after it.
        assert set(retry["ErrorEquals"]) <= (TRANSIENT | {"NotReady"} if name == "Ingest" else TRANSIENT)
    assert {"Unavailable", "Lambda.TooManyRequestsException"} <= set(states(machine)[name]["Retry"][0]["ErrorEquals"])


@pytest.mark.parametrize(("machine", "name"), tasks(LAMBDA))
def test_every_catch_leads_to_the_notice_that_names_the_step(machine: str, name: str) -> None:
    for catch in states(machine)[name]["Catch"]:
        assert catch["ResultPath"] == "$.failure"
        noted, *rest = way(machine, catch["Next"])
        assert (states(machine)[noted]["Result"], states(machine)[noted]["ResultPath"]) == (name, "$.failed_step")
        told, failed = rest
        assert states(machine)[told]["Resource"] == NOTICE
        assert states(machine)[failed]["Type"] == "Fail"


@pytest.mark.parametrize(("machine", "name"), tasks(NOTICE))
def test_a_notice_changes_nothing_and_the_run_goes_on_without_it(machine: str, name: str) -> None:
    state = states(machine)[name]
    assert {"kind", "run.$"} <= set(state["Parameters"]["Message"])
    assert state["ResultPath"] is None
    for catch in state["Catch"]:
        assert catch["ResultPath"] not in (None, "$", "$.failure")
        assert catch["Next"] == state["Next"]


@pytest.mark.parametrize("machine", machines())
def test_the_notice_of_a_failure_says_step_and_cause(machine: str) -> None:
    state = states(machine)["Tell the failure"]
    message = state["Parameters"]["Message"]
    assert {"kind", "run.$", "step.$", "error.$", "cause.$"} <= set(message)
    assert (message["step.$"], message["cause.$"]) == ("$.failed_step", "$.failure.Cause")
    assert states(machine)[state["Next"]]["Type"] == "Fail"


@pytest.mark.parametrize(("machine", "name"), tasks(LAMBDA))
def test_only_references_stay_in_the_state(machine: str, name: str) -> None:
    selected = states(machine)[name]["ResultSelector"]
    assert selected and all(path.startswith("$.Payload.") for path in selected.values())


@pytest.mark.parametrize(("machine", "name"), tasks(LAMBDA))
def test_a_task_is_one_that_the_image_knows(machine: str, name: str) -> None:
    task = states(machine)[name]["Parameters"]["Payload"]["task"]
    nothing = cast(Any, None)
    training = TrainingTasks(nothing, nothing, nothing, nothing, nothing).by_name()
    assert task in training or f'"{task}": ' in (ROOT / "functions/science/app.py").read_text()


def test_every_file_has_a_machine_and_every_substitution_is_made() -> None:
    declared = {}
    for found in of_type(template(), MACHINE).values():
        declared[found["Properties"]["DefinitionUri"]] = set(found["Properties"]["DefinitionSubstitutions"])
    used = {
        f"infra/statemachines/{name}": set(
            re.findall(r"\$\{(\w+)\}", (ROOT / "infra/statemachines" / name).read_text())
        )
        for name in machines()
    }
    assert declared == used


def test_no_machine_is_written_inside_the_template() -> None:
    assert not [name for name, found in of_type(template(), MACHINE).items() if "Definition" in found["Properties"]]
