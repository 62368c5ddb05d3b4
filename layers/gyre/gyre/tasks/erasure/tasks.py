"""The steps of an erasure by their names, as the state machine calls them. None is told whom it is about."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gyre.subjects.eraser import Eraser, Stock, export
from gyre.tasks.dispatch import Task
from gyre.tasks.step import Answer, Event

# Well before a function is ended: one more file of a table must fit in.
SECONDS = 600.0
# Places that are gone through side by side.
WORKERS = 4


@dataclass(frozen=True)
class ErasureTasks:
    """Each by its name; all of them may run again after a failure."""

    stock: Stock
    seconds: float = SECONDS
    clock: Callable[[], float] = time.monotonic

    def by_name(self) -> Mapping[str, Task]:
        return {"places": self.places, "erase": self.erase, "prove": self.prove, "export": self.export}

    def places(self, event: Event) -> Answer:
        return {"places": Eraser(event["erasure"], self.stock).plan(), "workers": WORKERS}

    def erase(self, event: Event) -> Answer:
        step = Eraser(event["erasure"], self.stock).erase(event["place"], self._short())
        return {"state": "done" if step.done else "waits" if step.waits else "unfinished"}

    def prove(self, event: Event) -> Answer:
        verdict = Eraser(event["erasure"], self.stock).prove(event["round"], self._short())
        return {"state": verdict, "round": event["round"] + (verdict == "again")}

    def export(self, event: Event) -> Answer:
        return dict(export(event["export"], self.stock))

    def _short(self) -> Callable[[], bool]:
        until = self.clock() + self.seconds
        return lambda: self.clock() > until
