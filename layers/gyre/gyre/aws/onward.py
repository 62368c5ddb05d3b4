"""Messages of one queue, handed on to another as they are, ten at a time."""

from collections.abc import Callable, Mapping, Sequence
from itertools import batched
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told
from gyre.errors import GyreError
from gyre.journal.intake import Message, Refused, portions

# Of one request: so many messages, and of all of them together what SQS takes of one in older regions and emulators.
_MOST, _MOST_BYTES = 10, 256_000
_MOST_REASON = 1_000


class SqsOnward:
    """`Onward` over SQS."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, messages: Sequence[Message]) -> list[Refused]:
        """Those that it did not take."""
        return [refused for few in portions(messages, _size, _MOST_BYTES, _MOST) for refused in self._send(few, {})]

    def send_with_reasons(self, messages: Sequence[Message], reasons: Mapping[str, str]) -> list[Refused]:
        """The same, each with why it is here, by its id: in an attribute, in letters that any reader can show."""
        attributes = {
            each: {"reason": {"DataType": "String", "StringValue": ascii(reason)[1:-1][:_MOST_REASON]}}
            for each, reason in reasons.items()
        }
        return [refused for each in messages for refused in self._send([each], attributes)]

    def put_off(self, receipts: Mapping[str, int]) -> None:
        """Has each message, by its receipt, handed out again after so many seconds."""
        for few in batched(receipts.items(), _MOST):
            entries = [
                {"Id": str(at), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                for at, (receipt, seconds) in enumerate(few)
            ]
            self._ask(client("sqs").change_message_visibility_batch, entries)

    def _send(self, few: Sequence[Message], attributes: Mapping[str, Any]) -> list[Refused]:
        entries = [
            {"Id": str(at), "MessageBody": each.body, "MessageAttributes": attributes.get(each.id, {})}
            for at, each in enumerate(few)
        ]
        try:
            answer = self._ask(client("sqs").send_message_batch, entries)
        except GyreError as error:
            return [Refused(each.id, error.message) for each in few]
        return [
            Refused(few[int(each["Id"])].id, f"{self._url} did not take it: {each['Code']}.")
            for each in answer.get("Failed", ())
        ]

    def _ask(self, call: Callable[..., Any], entries: list[dict[str, Any]]) -> Any:
        try:
            return call(QueueUrl=self._url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            raise told(error, self._url) from error


def _size(body: str) -> int:
    return len(body.encode())
