"""What an erasure notes on its way, in the data bucket: nothing is counted twice, and nothing is lost with a process.

`erasures/orders/` alone holds a name as it is; it goes, in all its versions, when the proof is written."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gyre.errors import NotFound
from gyre.objects import ObjectStore, remove_all

ERASURES = "erasures/"
ORDERS = f"{ERASURES}orders/"
WORK = f"{ERASURES}work/"
_JSON = "application/json"


@dataclass(frozen=True)
class Counts:
    """What one place gave up: rows or lines, in so many objects; objects that went whole; `versions` of a table."""

    rows: int = 0
    objects: int = 0
    removed: int = 0
    versions: tuple[int, ...] = ()

    def __add__(self, other: "Counts") -> "Counts":
        versions = tuple(sorted({*self.versions, *other.versions}))
        return Counts(self.rows + other.rows, self.objects + other.objects, self.removed + other.removed, versions)


class Diary:
    """The notes of one erasure."""

    def __init__(self, data: ObjectStore, erasure: str) -> None:
        self._data, self.erasure = data, erasure
        self.folder = f"{WORK}{erasure}/"

    def count(self, place: str, what: str, counts: Counts) -> None:
        """Notes what became of one thing of a place. The same again stands once."""
        name = hashlib.sha256(what.encode()).hexdigest()[:24]
        self.write(f"counts/{place}/{name}", vars(counts))

    def counts(self) -> dict[str, Counts]:
        """By place."""
        found: dict[str, Counts] = {}
        folder = f"{self.folder}counts/"
        for each in list(self._data.list(folder)):
            told = json.loads(self._data.read(each.key).content)
            place = each.key.removeprefix(folder).rpartition("/")[0]
            found[place] = found.get(place, Counts()) + Counts(**told | {"versions": tuple(told["versions"])})
        return found

    def write(self, name: str, told: Mapping[str, Any]) -> None:
        self._data.write(f"{self.folder}{name}.json", json.dumps(told).encode(), content_type=_JSON)

    def read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._data.read(f"{self.folder}{name}.json").content)
        except NotFound:
            return None
        return found

    def names(self) -> list[str]:
        """Of all notes."""
        keys = sorted({each.key for each in self._data.versions(self.folder)})
        return [key.removeprefix(self.folder).removesuffix(".json") for key in keys]

    def forget(self, *names: str) -> None:
        """Some notes, or all of them, with what they were before."""
        for name in names or self.names():
            remove_all(self._data, f"{self.folder}{name}.json")
