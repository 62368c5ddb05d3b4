"""The state machines: what is transient is tried again, whatever else fails is told."""

import re
from typing import Any, cast

import pytest

from gyre.tasks.batch.plan import _MOST_RANGES
from gyre.tasks.batch.tasks import batch_tasks
from gyre.tasks.erasure.tasks import ErasureTasks
from gyre.tasks.step import Stores
from gyre.tasks.training import Places, training_tasks
from gyre.tasks.watching.tasks import WatchTasks
from tests.infra.facts import MACHINE, ROOT, machines, of_type, template

LAMBDA, NOTICE = "arn:aws:states:::lambda:invoke", "arn:aws:states:::sns:publish"
WAITING = f"{LAMBDA}.waitForTaskToken"
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


def steps(found: dict[str, State]) -> dict[str, State]:
    """With those of the branches that are gone side by side."""
    branches = [branch["States"] for each in found.values() for branch in each.get("Branches", ())]
    return found | {name: state for branch in branches for name, state in branch.items()}


def inner_tasks() -> list[tuple[str, str, str]]:
    """Those that a Map does for each item."""
    return [
        (machine, name, inner)
        for machine in machines()
        for name, state in states(machine).items()
        if state["Type"] == "Map"
        for inner, each in steps(state["ItemProcessor"]["States"]).items()
        if each["Type"] == "Task"
    ]


def inner(machine: str, name: str, task: str) -> State:
    found: State = steps(states(machine)[name]["ItemProcessor"]["States"])[task]
    return found


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
    """A person has a week to answer."""
    asking = [state for state in states(machine).values() if "waitForTaskToken" in state.get("Resource", "")]
    longest = sum(state["TimeoutSeconds"] for state in asking)
    assert longest <= 7 * 24 * 3600
    assert longest < machines()[machine]["TimeoutSeconds"] <= longest + 24 * 3600


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


@pytest.mark.parametrize(("machine", "name"), [each for each in tasks(LAMBDA) if each[1] != "Mirror"])
def test_a_failure_leads_to_the_notice_that_names_the_step(machine: str, name: str) -> None:
    for catch in states(machine)[name]["Catch"]:
        if catch["ErrorEquals"] == ["Conflict"]:
            assert (name, catch["Next"]) == ("Promote", "Gates")  # another version was promoted: it is judged again
            continue
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


def known_tasks() -> set[str]:
    nothing = cast(Any, None)
    stores, places = Stores(nothing, nothing, nothing), Places("d", "a", "c", 1)
    batch = batch_tasks(nothing, nothing, nothing, code="c", workers=1)
    erasure = ErasureTasks(nothing).by_name()
    return {
        *batch,
        *(each for each in erasure if each != "export"),
        *WatchTasks(*[nothing] * 7).by_name(),
        *training_tasks(stores, nothing, nothing, nothing, places),
    }


@pytest.mark.parametrize(("machine", "name"), tasks(LAMBDA))
def test_a_task_is_one_that_the_image_knows(machine: str, name: str) -> None:
    task = states(machine)[name]["Parameters"]["Payload"]["task"]
    assert task in known_tasks()


def test_every_task_of_the_image_has_its_place_in_a_machine() -> None:
    used = {states(machine)[name]["Parameters"]["Payload"]["task"] for machine, name in tasks(LAMBDA)}
    used |= {
        inner(*each)["Parameters"]["Payload"]["task"] for each in inner_tasks() if inner(*each)["Resource"] == LAMBDA
    }
    used |= {states(machine)[name]["Parameters"]["Payload"]["task"] for machine, name in tasks(WAITING)}
    assert used >= known_tasks()


@pytest.mark.parametrize(("machine", "name", "task"), inner_tasks())
def test_what_is_done_side_by_side_is_tried_again_if_it_may_pass(machine: str, name: str, task: str) -> None:
    state = inner(machine, name, task)
    if state["Resource"] == NOTICE:
        return
    assert {error for retry in state["Retry"] for error in retry["ErrorEquals"]} <= TRANSIENT
    throttled = state["Retry"][0]
    assert "Lambda.TooManyRequestsException" in throttled["ErrorEquals"]
    # They take minutes, and wait for each other where few may run at once.
    assert throttled["MaxAttempts"] * throttled["MaxDelaySeconds"] >= 900


def test_a_range_that_is_lost_ends_the_run_in_the_step_that_knows_why() -> None:
    """A Distributed Map tells no cause, and LocalStack's does not even fail: both ways lead to the step that looks."""
    state = states("batch.asl.json")["Predict all"]
    assert state.get("ToleratedFailurePercentage", 0) == 0
    (catch,) = state["Catch"]
    assert (catch["ErrorEquals"], catch["Next"], state["Next"]) == (["States.ALL"], "Join", "Join")
    assert states("batch.asl.json")["Join"]["Parameters"]["Payload"]["lost.$"] == catch["ResultPath"] == "$.lost"
    assert "Catch" not in inner("batch.asl.json", "Predict all", "Predict")


def test_ranges_are_done_as_the_emulator_can_do_them_and_leave_little() -> None:
    """No JSONL to read, no EXPRESS. What 30,000 of them answer must fit into 256 KB together."""
    state = states("batch.asl.json")["Predict all"]
    assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSON"}
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert (state["ResultPath"], state["MaxConcurrencyPath"]) == (None, "$.plan.workers")
    assert inner("batch.asl.json", "Predict all", "Predict")["OutputPath"] == "$.number"
    assert _MOST_RANGES * len("30000,") < 256 * 1024


@pytest.mark.parametrize(("machine", "name", "task"), [each for each in inner_tasks() if each[2] == "Score"])
def test_a_candidate_that_is_lost_ends_no_search(machine: str, name: str, task: str) -> None:
    """It is left out, for the next step sees that it has no result."""
    state = inner(machine, name, task)
    (catch,) = state["Catch"]
    assert catch["ErrorEquals"] == ["States.ALL"]
    lost = inner(machine, name, catch["Next"])
    # Of a thousand causes the state could hold a tenth.
    assert (lost["Type"], lost["Result"], lost["End"]) == ("Pass", {}, True)
    assert states(machine)[name]["ResultPath"] is None
    assert states(machine)[name]["MaxConcurrencyPath"] == "$.search_state.concurrency"


@pytest.mark.parametrize(("machine", "name"), tasks(WAITING))
def test_who_waits_for_a_person_hands_on_its_token_and_ends_without_an_answer(machine: str, name: str) -> None:
    state = states(machine)[name]
    assert state["Parameters"]["Payload"]["token.$"] == "$$.Task.Token"
    assert state["Parameters"]["Payload"]["task"] in known_tasks()
    timeout = next(each for each in state["Catch"] if each["ErrorEquals"] == ["States.Timeout"])
    assert states(machine)[timeout["Next"]]["Result"]["approved"] is False


@pytest.mark.parametrize(("machine", "name"), tasks(NOTICE))
def test_a_subject_has_room_for_the_longest_name(machine: str, name: str) -> None:
    """SNS takes fewer than 100 characters, and refuses the notice otherwise."""
    parameters = states(machine)[name]["Parameters"]
    subject = parameters.get("Subject.$", parameters.get("Subject"))
    fixed = re.sub(r"^States\.Format\('(.*)', \$\.model\)$", r"\1", subject).replace("{}", "m" * 63)
    assert len(fixed) < 100


def test_a_release_does_not_wait_for_its_mirror() -> None:
    (catch,) = states("training.asl.json")["Mirror"]["Catch"]
    told = way("training.asl.json", catch["Next"])
    assert states("training.asl.json")[told[0]]["Resource"] == NOTICE
    assert told[1] == states("training.asl.json")["Mirror"]["Next"]


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
