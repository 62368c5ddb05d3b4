from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.deploy import DeployError, stacks
from infra.deploy.stacks import LIMIT_SECONDS, Stack, Stacks
from tests.unit.deploy.fakes import FakeCloudFormation, refused

GONE = FakeCloudFormation.GONE


class Time:
    """A clock that goes on only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(stacks, "time", time)
    return time


def of(api: Any, said: list[str] | None = None) -> Stacks:
    return Stacks(api, (said if said is not None else []).append, poll=1.0)


def test_a_stack_is_created_and_waited_for() -> None:
    api = FakeCloudFormation("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", outputs={"ApiId": "abc"})
    made = of(api).create("gyre", TemplateBody="{}")
    assert (made.status, made.outputs) == ("CREATE_COMPLETE", {"ApiId": "abc"})
    assert api.calls == [("create", {"StackName": "gyre", "TemplateBody": "{}"})]


def test_a_stack_that_does_not_exist_is_none() -> None:
    assert of(FakeCloudFormation(GONE)).find("gyre") is None
    assert of(FakeCloudFormation("DELETE_COMPLETE")).find("gyre") is None


@pytest.mark.parametrize(
    ("status", "usable", "busy"),
    [
        ("CREATE_COMPLETE", True, False),
        ("UPDATE_COMPLETE", True, False),
        ("CREATE_IN_PROGRESS", False, True),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False, True),
        ("ROLLBACK_IN_PROGRESS", False, True),
        ("ROLLBACK_COMPLETE", False, False),
        ("CREATE_FAILED", False, False),
        ("DELETE_FAILED", False, False),
        ("UPDATE_ROLLBACK_COMPLETE", False, False),
        ("UPDATE_ROLLBACK_FAILED", False, False),
    ],
)
def test_a_status_says_what_may_be_done(status: str, usable: bool, busy: bool) -> None:
    stack = Stack("gyre", status, {}, {})
    assert (stack.usable, stack.busy) == (usable, busy)


def test_the_first_resource_that_failed_is_the_reason() -> None:
    api = FakeCloudFormation(
        "CREATE_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        events=(
            ("gyre", "CREATE_IN_PROGRESS", "User Initiated"),
            ("Queue", "CREATE_IN_PROGRESS", ""),
            ("Queue", "CREATE_FAILED", "the name is taken\nand more"),
            ("Api", "CREATE_FAILED", "Resource creation cancelled"),
            ("gyre", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed"),
        ),
    )
    with pytest.raises(
        DeployError, match=r"^the stack gyre is ROLLBACK_COMPLETE: Queue \(AWS::X::Y\): the name is taken$"
    ):
        of(api).create("gyre")


def test_a_failure_of_an_earlier_deployment_is_not_the_reason() -> None:
    api = FakeCloudFormation(
        "UPDATE_ROLLBACK_COMPLETE",
        events=(
            ("gyre", "CREATE_IN_PROGRESS", "User Initiated"),
            ("gyre", "CREATE_COMPLETE", ""),
            ("gyre", "UPDATE_IN_PROGRESS", "User Initiated"),
            ("Old", "UPDATE_FAILED", "last month's"),
            ("gyre", "UPDATE_ROLLBACK_COMPLETE", ""),
            ("gyre", "UPDATE_IN_PROGRESS", "User Initiated"),
            ("New", "UPDATE_FAILED", "today's"),
            ("gyre", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
            ("gyre", "UPDATE_ROLLBACK_COMPLETE", ""),
        ),
    )
    with pytest.raises(DeployError, match=r"New .*: today's"):
        of(api).update("gyre")


def test_without_a_failed_resource_it_says_so() -> None:
    with pytest.raises(DeployError, match="no resource says why"):
        of(FakeCloudFormation("ROLLBACK_COMPLETE")).create("gyre")


def test_a_failure_without_a_reason_names_the_resource() -> None:
    api = FakeCloudFormation("ROLLBACK_COMPLETE", events=(("Queue", "CREATE_FAILED", ""),))
    with pytest.raises(DeployError, match=r"Queue .*no reason given"):
        of(api).create("gyre")


def test_events_that_cannot_be_read_hide_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeCloudFormation("ROLLBACK_COMPLETE")

    def denied(StackName: str) -> None:
        raise refused("AccessDenied", "no")

    monkeypatch.setattr(api, "describe_stack_events", denied)
    with pytest.raises(DeployError, match="ROLLBACK_COMPLETE: its events cannot be read"):
        of(api).create("gyre")


def test_a_stack_that_vanishes_while_it_is_made_is_gone() -> None:
    with pytest.raises(DeployError, match="the stack gyre is gone"):
        of(FakeCloudFormation("CREATE_IN_PROGRESS", GONE)).create("gyre")


def test_an_update_without_a_change_is_done() -> None:
    api = FakeCloudFormation("CREATE_COMPLETE")
    api.fails["update"] = refused("ValidationError", "No updates are to be performed.", "UpdateStack")
    assert of(api).update("gyre").status == "CREATE_COMPLETE"


def test_an_update_without_a_change_is_done_after_a_failed_one_too() -> None:
    """AWS rolled back to what was there before, which is what is wanted again."""
    api = FakeCloudFormation("UPDATE_ROLLBACK_COMPLETE")
    api.fails["update"] = refused("ValidationError", "No updates are to be performed.", "UpdateStack")
    assert of(api).update("gyre").status == "UPDATE_ROLLBACK_COMPLETE"


def test_an_update_that_rolls_back_has_failed() -> None:
    with pytest.raises(DeployError, match="UPDATE_ROLLBACK_COMPLETE"):
        of(FakeCloudFormation("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")).update("gyre")


@pytest.mark.parametrize("call", ["create", "update", "delete"])
def test_a_refusal_is_told_in_cloudformations_words(call: str) -> None:
    api = FakeCloudFormation("CREATE_COMPLETE")
    api.fails[call] = refused("ValidationError", "Template format error")
    with pytest.raises(DeployError, match="refused the stack gyre: Template format error"):
        getattr(of(api), call)("gyre")


def test_a_stack_is_deleted_and_waited_for() -> None:
    api = FakeCloudFormation("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", GONE)
    of(api).delete("gyre")
    assert [name for name, _ in api.calls] == ["delete"]


def test_a_half_deleted_stack_names_what_holds_it() -> None:
    api = FakeCloudFormation(
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
        events=(("gyre", "DELETE_IN_PROGRESS", "User Initiated"), ("Bucket", "DELETE_FAILED", "it is not empty")),
    )
    with pytest.raises(DeployError, match=r"cannot be deleted: Bucket .*it is not empty"):
        of(api).delete("gyre")


def test_somebody_elses_change_is_waited_for() -> None:
    api = FakeCloudFormation("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")
    found = of(api).wait_while_busy("gyre")
    assert found and found.status == "UPDATE_COMPLETE"


@pytest.mark.parametrize("call", ["create", "delete"])
def test_waiting_has_a_limit(call: str, time: Time) -> None:
    status = f"{call.upper()}_IN_PROGRESS"
    with pytest.raises(DeployError, match=f"still {status} after {LIMIT_SECONDS} s"):
        getattr(of(FakeCloudFormation(status)), call)("gyre")
    assert LIMIT_SECONDS < time.now < LIMIT_SECONDS + 5


def test_progress_is_told_every_two_seconds() -> None:
    said: list[str] = []
    of(FakeCloudFormation(*["CREATE_IN_PROGRESS"] * 5, "CREATE_COMPLETE"), said).create("gyre")
    assert said == ["gyre: create in progress, 2 s", "gyre: create in progress, 4 s"]


def test_what_cannot_be_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeCloudFormation("CREATE_COMPLETE")
    errors: list[ClientError | EndpointConnectionError] = [
        refused("AccessDenied", "not allowed"),
        EndpointConnectionError(endpoint_url="http://x"),
    ]
    for error in errors:

        def ask(StackName: str, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(api, "describe_stacks", ask)
        with pytest.raises(DeployError, match="gyre"):
            of(api).find("gyre")
