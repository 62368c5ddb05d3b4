"""`Outlet` and `Shadows` in memory."""

from gyre.errors import Unavailable
from gyre.journal.record import JournalRecord, read_record
from gyre.serving.shadow import ShadowCall


class MemoryOutlet:
    """What was put, as it comes out at the other end."""

    waits = False

    def __init__(self) -> None:
        self.records: list[JournalRecord] = []
        self.down = False

    def put(self, record: JournalRecord) -> None:
        if self.down:
            raise Unavailable("The queue does not answer.")
        self.records.append(read_record(record.model_dump_json()))

    def one(self) -> JournalRecord:
        """The only one so far; it is taken out."""
        (record,) = self.records
        self.records.clear()
        return record


class MemoryShadows:
    """Calls that wait to be made again."""

    def __init__(self) -> None:
        self.calls: list[ShadowCall] = []
        self.down = False

    def put(self, call: ShadowCall) -> None:
        if self.down:
            raise Unavailable("The queue does not answer.")
        self.calls.append(ShadowCall.model_validate_json(call.model_dump_json()))
