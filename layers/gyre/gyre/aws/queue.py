"""The journal's queue, and that of the shadow: one message for each call."""

from typing import Protocol

from gyre.errors import GyreError, Unavailable
from gyre.journal.outlet import parcel, sendable
from gyre.journal.record import JournalRecord
from gyre.objects import ObjectStore
from gyre.serving.shadow import ShadowCall

# Of SQS it is 262,144, and 1,048,576 for newer queues; Lambda takes 6 MB of messages at once.
MOST_BYTES = 250_000


class Queue(Protocol):
    """One queue, to send to."""

    def send(self, body: str, what: str) -> None:
        """Takes the message for good, or says why not."""


class SqsOutlet:
    """`Outlet` over SQS; what is too large for a message lies in the data bucket, and the message says where."""

    waits = True

    def __init__(self, queue: Queue, data: ObjectStore) -> None:
        self._queue, self._data = queue, data

    def put(self, record: JournalRecord) -> None:
        _sent(self._queue, parcel(record, self._data, MOST_BYTES), f"The record {record.event_id}")


class SqsShadows:
    """`Shadows` over SQS. A call too large for one message is not asked twice: it is a sample."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def put(self, call: ShadowCall) -> None:
        body = sendable(call.model_dump_json())
        if len(body.encode()) <= MOST_BYTES:
            _sent(self._queue, body, f"The shadow of {call.event_id}")


def _sent(queue: Queue, body: str, what: str) -> None:
    """Whatever the queue says, also that it does not exist, is `Unavailable`: the call can be made again, and nothing
    in it is wrong."""
    try:
        queue.send(body, f"{what} was not taken by its queue")
    except GyreError as error:
        raise Unavailable(error.message) from error
