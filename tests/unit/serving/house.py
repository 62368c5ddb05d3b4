"""Small models that serve: compiled bundles under their releases, and an app that answers."""

from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from gyre.bundle.format import write_bundle
from gyre.http.answering import Desk
from gyre.http.routes import front, inference
from gyre.registry.moves import promote
from gyre.registry.traffic import send_traffic
from gyre.registry.version import ModelVersion
from gyre.serving.answer import Serving
from gyre.serving.shelf import Shelf
from gyre.telemetry import logger
from gyre.training.compiling import Compiled
from tests.fakes.outlet import MemoryOutlet, MemoryShadows
from tests.unit.parts import House, caller
from tests.unit.registry.house import ANNA, registered
from tests.unit.training.models import compiled

ROW = {"age": 30, "pay": 20.5, "on": True, "mood": "good", "size": "m", "town": "x"}


@dataclass
class Serve:
    """A deployment in memory whose models answer."""

    house: House = field(default_factory=House)
    outlet: MemoryOutlet = field(default_factory=MemoryOutlet)
    shadows: MemoryShadows = field(default_factory=MemoryShadows)
    desks: list[Desk] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shelf = self.fresh_shelf()
        self.key = self.house.add_key()

    def fresh_shelf(self) -> Shelf:
        """That of another environment, which holds nothing yet."""
        return Shelf(self.house.artifacts, logger("shelf-test"), clock=self.house.clock)

    def register(self, version: int, made: Compiled, model: str = "m") -> ModelVersion:
        """A version with this bundle, which nobody has released."""
        ref = write_bundle(made.parts, self.house.artifacts, f"bundles/{model}")
        return registered(model, version, self.house.artifacts, bundle=ref)

    def promote(self, version: int, made: Compiled | None = None, model: str = "m") -> ModelVersion:
        """A version that serves."""
        found = self.register(version, made or compiled("boosting", "multiclass", "mixed"), model)
        promote(model, version, self.house.artifacts, ANNA)
        return found

    def trial(self, version: int, share: float, shadow: float = 0.0, made: Compiled | None = None) -> ModelVersion:
        """A challenger."""
        found = self.register(version, made or compiled("linear", "multiclass", "mixed"))
        send_traffic("m", version, share, shadow, self.house.artifacts, ANNA)
        return found

    def client(self) -> TestClient:
        """A caller of a warm environment."""
        desk = Desk(Serving(self.shelf), self.outlet, self.shadows, logger("desk-test"))
        self.desks.append(desk)
        return self.client_of(desk)

    def client_of(self, desk: Desk) -> TestClient:
        """A caller of this desk."""
        routes = [front.router("local", "c0ffee", self.house.artifacts), inference.router(desk)]
        return caller(self.house.app(*routes), self.key)

    def ask(self, *rows: dict[str, Any], **more: Any) -> Any:
        """What /inference answers."""
        sent = [{"id": str(at), "features": row} for at, row in enumerate(rows)]
        return self.client().post("/inference", json={"model": "m", "rows": sent, **more})
