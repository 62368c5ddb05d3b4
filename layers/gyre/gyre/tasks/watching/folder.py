"""What the tasks of one look hand to each other, as objects of a folder."""

from dataclasses import dataclass
from typing import TypeVar

from gyre.errors import NotFound
from gyre.monitoring.found import Found
from gyre.monitoring.gathering.frames import dump, dump_facts, load_pair
from gyre.monitoring.side import Pair
from gyre.objects import ObjectStore, remove_all

FRAMES = "monitoring-frames/"
_T = TypeVar("_T", bound=Found)
_JSON = "application/json"


@dataclass(frozen=True)
class LookFolder:
    """One look at one model. A retry writes the same again."""

    data: ObjectStore
    model: str
    run: str

    def keep(self, pair: Pair) -> None:
        """Both sides. They are rows of people, so they lie apart, and go as soon as they were judged."""
        for name, content in zip(_PARTS, (dump_facts(pair), dump(pair.reference), dump(pair.window)), strict=True):
            self.data.write(self._frame(name), content, content_type="application/octet-stream")

    def pair(self) -> Pair:
        """What was gathered."""
        parts = (self.data.read(self._frame(name)).content for name in _PARTS)
        return load_pair(*parts)

    def forget(self) -> None:
        """The rows, in every version; what was found stays."""
        for name in _PARTS:
            remove_all(self.data, self._frame(name))

    def write(self, name: str, found: Found) -> None:
        self.data.write(self._key(name), found.dump(), content_type=_JSON)

    def read(self, name: str, kind: type[_T]) -> _T:
        """What a task found, or `NotFound`."""
        return kind.read(self.data.read(self._key(name)).content)

    def find(self, name: str, kind: type[_T]) -> _T | None:
        """What a task found; None if it found nothing, or was not asked."""
        try:
            return self.read(name, kind)
        except NotFound:
            return None

    def _key(self, name: str) -> str:
        return f"monitoring/{self.model}/runs/{self.run}/{name}.json"

    def _frame(self, name: str) -> str:
        return f"{FRAMES}{self.model}/{self.run}/{name}"


_PARTS = ("pair.json", "reference.parquet", "window.parquet")
