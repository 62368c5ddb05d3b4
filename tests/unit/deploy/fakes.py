"""CloudFormation as the deployer sees it, with what will happen written down beforehand."""

from typing import Any

from botocore.exceptions import ClientError

Event = tuple[str, str, str]
"""(resource, status, reason)"""


def refused(code: str, message: str, operation: str = "DescribeStacks") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class FakeCloudFormation:
    """`statuses` come one after the other, the last one stays; GONE means that there is no such stack."""

    GONE = "gone"

    def __init__(self, *statuses: str, events: tuple[Event, ...] = (), outputs: dict[str, str] | None = None) -> None:
        self.statuses = list(statuses)
        self.events = events
        """Oldest first."""
        self.outputs = outputs or {}
        self.tags: dict[str, str] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fails: dict[str, ClientError] = {}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        status = self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)
        if status == self.GONE:
            raise refused("ValidationError", f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in self.outputs.items()]
        tags = [{"Key": name, "Value": value} for name, value in self.tags.items()]
        return {"Stacks": [{"StackStatus": status, "Outputs": outputs, "Tags": tags}]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:
        return {
            "StackEvents": [
                {
                    "LogicalResourceId": resource,
                    "ResourceType": "AWS::CloudFormation::Stack" if resource == StackName else "AWS::X::Y",
                    "ResourceStatus": status,
                    **({"ResourceStatusReason": reason} if reason else {}),
                }
                for resource, status, reason in reversed(self.events)
            ]
        }

    def create_stack(self, **request: Any) -> None:
        self._called("create", request)

    def update_stack(self, **request: Any) -> None:
        self._called("update", request)

    def delete_stack(self, **request: Any) -> None:
        self._called("delete", request)

    def _called(self, name: str, request: dict[str, Any]) -> None:
        self.calls.append((name, request))
        if name in self.fails:
            raise self.fails[name]
