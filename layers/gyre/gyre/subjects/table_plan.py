"""Who rewrites a table's history, and how far they are: one object a table, written on a condition at each step.

It is lease and diary in one. Whoever finds it left behind by somebody else finishes what was begun, and then begins."""

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, Self

from gyre.errors import Conflict, NotFound, Unavailable
from gyre.objects import ObjectStore, remove_former

# So long nobody else begins after the last step that was noted; one file takes some seconds.
LEASE_SECONDS = 300
_FOLDER = "erasures/tables/"

State = Literal["idle", "looking", "moving", "tidying"]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Move:
    """A file, and the one without the person that takes its place."""

    new: str
    size: int
    rows: int
    erased: int


@dataclass(frozen=True)
class Plan:
    """Nothing in it is personal: names of files, and counts."""

    state: State = "idle"
    erasure: str = ""
    name: str = ""
    """Of this one plan of the erasure, which may come again."""
    until: float = 0.0
    looked: tuple[str, ...] = ()
    moves: dict[str, Move] = field(default_factory=dict)
    versions: tuple[int, ...] = ()
    """Of the table: those that hold the person."""

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        told = json.loads(content)
        moves = {path: Move(**move) for path, move in told["moves"].items()}
        lists = {name: tuple(told[name]) for name in ("looked", "versions")}
        return cls(**told | lists | {"moves": moves})

    @property
    def erased(self) -> int:
        return sum(move.erased for move in self.moves.values())


class Busy(Unavailable):
    """Somebody else rewrites this table now."""


class KeptPlan:
    """The plan of one table as one erasure holds it."""

    def __init__(self, bucket: ObjectStore, table: str, erasure: str, clock: Clock) -> None:
        self._bucket, self._erasure, self._clock = bucket, erasure, clock
        self._key = f"{_FOLDER}{table}.json"
        self._etag: str | None = None
        self.plan = Plan()

    def take(self) -> Plan:
        """The plan as it was left, now in these hands; `Busy` while it is in others'."""
        try:
            found = self._bucket.read(self._key)
        except NotFound:
            self._etag, self.plan = None, Plan()
        else:
            self._etag, self.plan = found.etag, Plan.from_json(found.content)
        held_by_another = self.plan.state != "idle" and self.plan.erasure != self._erasure
        if held_by_another and self.plan.until > self._clock():
            raise Busy(f"{self._key}: {self.plan.erasure} is at this table. Try again in a minute.")
        return self.keep(self.plan)

    def begin(self) -> Plan:
        """A plan of our own."""
        return self.keep(Plan("looking", self._erasure, secrets.token_hex(8)))

    def keep(self, plan: Plan) -> Plan:
        """Notes a step, and holds the table for longer. `Busy` if somebody else took it over meanwhile."""
        plan = replace(plan, until=self._clock() + LEASE_SECONDS)
        content = json.dumps(asdict(plan)).encode()
        try:
            written = self._bucket.write(
                self._key, content, content_type="application/json", replaces=self._etag, new=self._etag is None
            )
        except Conflict:
            raise Busy(f"{self._key}: another erasure took this table over. Try again in a minute.") from None
        self._etag, self.plan = written.etag, plan
        return plan

    def release(self) -> None:
        """Done; what was noted on the way goes."""
        self.keep(Plan())
        remove_former(self._bucket, self._key)
