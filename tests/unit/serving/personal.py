"""A model that is told who somebody is, and an environment that answers for it."""

import itertools
import json
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from io import StringIO
from typing import Any

from starlette.testclient import TestClient

from gyre.bundle.format import write_bundle
from gyre.http.answering import Desk
from gyre.http.routes import front, inference, protocol
from gyre.journal.record import JournalRecord
from gyre.journal.shadow import take_shadows
from gyre.pseudonyms import PSEUDONYM_KEYS, PseudonymKeys, Pseudonyms, read_pseudonyms, with_newer_key
from gyre.registry.moves import promote
from gyre.registry.traffic import send_traffic
from gyre.serving.answer import Serving
from gyre.serving.shadow import ShadowCall
from gyre.serving.shelf import Shelf
from gyre.spec.model import ModelSpec
from gyre.telemetry import logger
from gyre.training.compiling import Compiled, compile_bundle
from tests.fakes.outlet import MemoryOutlet, MemoryShadows
from tests.unit.parts import House, caller
from tests.unit.registry.house import ANNA, registered
from tests.unit.training.models import declared, fitted, rows

COLUMNS = (
    "age: {type: number, required: true, range: [0, 120]}, size: {type: category, values: [s, m, l]}, "
    "note: {type: text, feature: false}, person: {type: text, personal: true}, "
    "email: {type: category, personal: true, missing: [nobody]}, social: {type: integer, personal: true}, "
    "born: {type: time, personal: true}"
)
ANN = {"person": "Ann Miller", "email": "ann@example.org", "social": 4711, "born": "1987-05-13"}
PERSONAL = tuple(ANN)
ROW = {"age": 30, "size": "m", "note": "n", **ANN}
_NUMBERS = itertools.count()


def spec_of(columns: str = COLUMNS, id_: str | None = "person", more: str = "") -> ModelSpec:
    return declared("multiclass", columns, more=(f"id: {id_}\n" if id_ else "") + more)


@cache
def compiled(columns: str = COLUMNS, id_: str | None = "person", more: str = "") -> Compiled:
    return compile_bundle(fitted("linear", spec_of(columns, id_, more)), rows(2, 60))


@dataclass
class People:
    """A deployment in memory. What it logs is kept from its beginning on."""

    ring: bool = True
    house: House = field(default_factory=House)
    outlet: MemoryOutlet = field(default_factory=MemoryOutlet)
    shadows: MemoryShadows = field(default_factory=MemoryShadows)
    log: StringIO = field(default_factory=StringIO)

    def __post_init__(self) -> None:
        if self.ring:
            self.house.artifacts.put(PSEUDONYM_KEYS, with_newer_key(None, "2026-11-21T09:00:00+00:00"))
        self.key = self.house.add_key()
        self.fresh()

    def fresh(self) -> None:
        """Another environment, which holds nothing yet."""
        with redirect_stdout(self.log):
            self.logger = logger(f"people-{next(_NUMBERS)}")
            self.shelf = Shelf(self.house.artifacts, self.logger, clock=self.house.clock)
            self.keys = PseudonymKeys(self.house.artifacts, self.house.clock)
            self.serving = Serving(self.shelf, self.keys)
            self.desk = Desk(self.serving, self.outlet, self.shadows, self.logger)
            routes = [
                front.router("local", "c0ffee", self.house.artifacts), inference.router(self.desk),
                protocol.router(self.desk, self.shelf, self.house.artifacts),
            ]  # fmt: skip
            self.client: TestClient = caller(self.house.app(*routes), self.key)

    def promote(self, version: int = 1, made: Compiled | None = None, model: str = "m") -> "People":
        self._register(version, made, model)
        promote(model, version, self.house.artifacts, ANNA)
        return self

    def trial(self, version: int, share: float, shadow: float, made: Compiled | None = None) -> None:
        self._register(version, made, "m")
        send_traffic("m", version, share, shadow, self.house.artifacts, ANNA)

    def rotate(self) -> None:
        content = self.house.artifacts.read(PSEUDONYM_KEYS).content
        self.house.artifacts.put(PSEUDONYM_KEYS, with_newer_key(content, "2027-01-01T00:00:00+00:00"))

    @property
    def names(self) -> Pseudonyms:
        return read_pseudonyms(self.house.artifacts)

    def ask(self, *features: dict[str, Any], ids: tuple[Any, ...] = (), **more: Any) -> Any:
        """What /inference answers."""
        sent = [{"features": each} | ({"id": ids[at]} if ids else {}) for at, each in enumerate(features)]
        return self.client.post("/inference", json={"model": "m", "rows": sent, **more})

    def sent_to_shadow(self) -> list[ShadowCall]:
        """What lies in the shadow's queue, once all of it was put there."""
        self.desk._beside.submit(lambda: None).result()
        return self.shadows.calls

    def shadowed(self) -> list[JournalRecord]:
        """What the shadow's own function records of it. It has no keys."""
        before = list(self.outlet.records)
        self.outlet.records.clear()
        with redirect_stdout(self.log):
            log = logger(f"people-{next(_NUMBERS)}")
            serving = Serving(Shelf(self.house.artifacts, log, clock=self.house.clock))
        bodies = {str(at): each.model_dump_json() for at, each in enumerate(self.sent_to_shadow())}
        assert take_shadows(bodies, serving, self.outlet, log) == []
        told = list(self.outlet.records)
        self.outlet.records[:0] = before
        return told

    def left(self) -> str:
        """All that left the function except its answers."""
        records = [json.dumps(each.model_dump(mode="json"), ensure_ascii=False) for each in self.outlet.records]
        calls = [json.dumps(each.model_dump(mode="json"), ensure_ascii=False) for each in self.sent_to_shadow()]
        return "\n".join([*records, *calls, self.log.getvalue()])

    def _register(self, version: int, made: Compiled | None, model: str) -> None:
        ref = write_bundle((made or compiled()).parts, self.house.artifacts, f"bundles/{model}")
        registered(model, version, self.house.artifacts, bundle=ref)
