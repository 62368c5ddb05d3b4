"""The journal's queue, and that of the shadow: one message for each call."""

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told
from gyre.errors import GyreError, Unavailable
from gyre.journal.outlet import parcel
from gyre.journal.record import JournalRecord
from gyre.objects import ObjectStore
from gyre.serving.shadow import ShadowCall

# Of SQS it is 262,144, and 1,048,576 for newer queues; Lambda takes 6 MB of messages at once.
MOST_BYTES = 250_000


class SqsOutlet:
    """`Outlet` over SQS; what is too large for a message lies in the data bucket, and the message says where."""

    def __init__(self, url: str, data: ObjectStore) -> None:
        self._url, self._data = url, data

    def put(self, record: JournalRecord) -> None:
        send(self._url, parcel(record, self._data, MOST_BYTES), f"The record {record.event_id}")


class SqsShadows:
    """`Shadows` over SQS. A call too large for one message is not asked twice: it is a sample."""

    def __init__(self, url: str) -> None:
        self._url = url

    def put(self, call: ShadowCall) -> None:
        body = call.model_dump_json()
        if len(body.encode()) <= MOST_BYTES:
            send(self._url, body, f"The shadow of {call.event_id}")


def send(url: str, body: str, what: str) -> None:
    try:
        client("sqs").send_message(QueueUrl=url, MessageBody=body)
    except (ClientError, BotoCoreError) as error:
        raise _unavailable(told(error, f"{what} was not taken by its queue")) from error


def _unavailable(error: GyreError) -> Unavailable:
    """Whatever the queue says, also that it does not exist: the call can be made again, and nothing in it is wrong."""
    return Unavailable(error.message)
