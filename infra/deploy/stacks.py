"""CloudFormation stacks: create, update, delete, and wait with progress and a limit."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from infra.deploy import DeployError
from infra.deploy.target import Target

Say = Callable[[str], None]

# AWS's own waiter asks every 30 s; a stack on the emulator is done in a few.
EMULATOR_POLL_SECONDS = 0.2
LIMIT_SECONDS = 900
BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
AT_REST = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


@dataclass(frozen=True)
class Stack:
    """A stack as CloudFormation tells it."""

    name: str
    status: str
    outputs: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def usable(self) -> bool:
        """True where an update may be tried; anything else is half-made or half-deleted."""
        return self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")

    @property
    def busy(self) -> bool:
        return (
            self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"
        )  # that one waits for a person


# What is put into the storage before functions run that need it.
Prepare = Callable[[Stack], None]


def stack_parameters(target: Target, storage: Stack, commit: str) -> dict[str, str]:
    """What the main stack is told: its environment's own settings, where the buckets are, what is deployed."""
    return {
        **target.parameters,
        "DataBucketName": storage.outputs["DataBucket"],
        "ArtifactBucketName": storage.outputs["ArtifactBucket"],
        "Commit": commit,
    }


class Stacks:
    """The stacks of one account and region."""

    def __init__(self, cloudformation: Any, say: Say, poll: float = EMULATOR_POLL_SECONDS) -> None:
        self._api = cloudformation
        self._say = say
        self._poll = poll

    def find(self, name: str) -> Stack | None:
        try:
            told = self._api.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                return None  # CloudFormation's way to say that it does not exist
            raise _told(error, name) from error
        except BotoCoreError as error:
            raise _told(error, name) from error
        if told["StackStatus"] == "DELETE_COMPLETE":
            return None
        outputs = {each["OutputKey"]: each.get("OutputValue", "") for each in told.get("Outputs", ())}
        return Stack(name, told["StackStatus"], outputs, {each["Key"]: each["Value"] for each in told.get("Tags", ())})

    def create(self, name: str, **request: Any) -> Stack:
        self._ask(name, self._api.create_stack, StackName=name, **request)
        return self._settled(name, "CREATE_COMPLETE")

    def update(self, name: str, **request: Any) -> Stack:
        try:
            self._api.update_stack(StackName=name, **request)
        except ClientError as error:
            if "No updates" in error.response["Error"].get("Message", ""):  # it has no code of its own
                return self._settled(name, *AT_REST)
            raise _told(error, name) from error
        except BotoCoreError as error:
            raise _told(error, name) from error
        return self._settled(name, "UPDATE_COMPLETE")

    def delete(self, name: str) -> None:
        self._ask(name, self._api.delete_stack, StackName=name)
        started = time.monotonic()
        while (found := self.find(name)) is not None:
            if found.status == "DELETE_FAILED":
                raise DeployError(
                    f"the stack {name} cannot be deleted: {self._reason(name)}."
                    " Remove that resource by hand (on the emulator: `make down up`), then deploy again"
                )
            self._pause(name, found.status, started)

    def wait_while_busy(self, name: str) -> Stack | None:
        """Somebody else's change, or one of ours that was interrupted, comes to its end."""
        started = time.monotonic()
        while (found := self.find(name)) is not None and found.busy:
            self._pause(name, found.status, started)
        return found

    def _ask(self, name: str, call: Callable[..., Any], **request: Any) -> None:
        try:
            call(**request)
        except (ClientError, BotoCoreError) as error:
            raise _told(error, name) from error

    def _settled(self, name: str, *wanted: str) -> Stack:
        found = self.wait_while_busy(name)
        if found is None or found.status not in wanted:
            status = found.status if found else "gone"
            raise DeployError(f"the stack {name} is {status}: {self._reason(name)}")
        return found

    def _pause(self, name: str, status: str, started: float) -> None:
        waited = time.monotonic() - started
        if waited > LIMIT_SECONDS:
            raise DeployError(f"the stack {name} is still {status} after {LIMIT_SECONDS} s; look at its events")
        if int(waited / 2) > int((waited - self._poll) / 2):
            self._say(f"{name}: {status.lower().replace('_', ' ')}, {waited:.0f} s")
        time.sleep(self._poll)

    def _reason(self, name: str) -> str:
        """The first resource that failed; what failed after it only follows from it."""
        try:
            events = self._api.describe_stack_events(StackName=name)["StackEvents"]
        except (ClientError, BotoCoreError):
            return "its events cannot be read"
        failed = []
        for event in events:  # the newest first, back to where this operation began
            if event["LogicalResourceId"] == name and event["ResourceStatus"] in BEGINNINGS:
                break
            if event.get("ResourceStatus", "").endswith("_FAILED"):
                failed.append(event)
        if not failed:
            return "no resource says why"
        first = failed[-1]
        why = first.get("ResourceStatusReason", "no reason given").strip().splitlines()[0]
        return f"{first['LogicalResourceId']} ({first.get('ResourceType', 'resource')}): {why}"


def _told(error: ClientError | BotoCoreError, name: str) -> DeployError:
    if isinstance(error, ClientError):
        told = error.response.get("Error", {})
        return DeployError(f"CloudFormation refused the stack {name}: {told.get('Message', told.get('Code'))}")
    if isinstance(error, NoCredentialsError):
        return DeployError("there are no AWS credentials: set AWS_PROFILE, or run `aws configure`, then deploy again")
    return DeployError(f"CloudFormation cannot be reached for the stack {name}: {error}")
