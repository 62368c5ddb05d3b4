"""What a run makes, one folder for each in the artifact bucket: candidates, figures, pictures, the model card."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gyre.errors import NotFound
from gyre.objects import ObjectInfo, ObjectStore

RUNS = "runs/"
_TYPES = {
    "json": "application/json", "html": "text/html; charset=utf-8", "svg": "image/svg+xml", "png": "image/png",
}  # fmt: skip


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run. Whoever runs a step again writes the same files again."""

    store: ObjectStore
    model: str
    run: str

    @property
    def prefix(self) -> str:
        """Of its keys, with the slash."""
        return f"{RUNS}{self.model}/{self.run}/"

    def write(self, name: str, content: bytes) -> str:
        """Keeps a file; its ending says what it is. Returns its key."""
        ending = name.rpartition(".")[2]
        self.store.write(self.prefix + name, content, content_type=_TYPES.get(ending, "application/octet-stream"))
        return self.prefix + name

    def read(self, name: str) -> bytes:
        """The file, or `NotFound`."""
        return self.store.read(self.prefix + name).content

    def write_json(self, name: str, told: Any) -> str:
        """Keeps it as JSON. There is no NaN in JSON: what has no figure is null."""
        text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
        return self.write(name, text.encode())

    def read_json(self, name: str) -> Any:
        """What was kept, or `NotFound`."""
        return json.loads(self.read(name))

    def find_json(self, name: str) -> Any:
        """What was kept; None if nothing was."""
        try:
            return self.read_json(name)
        except NotFound:
            return None

    def list(self, below: str = "") -> Iterator[ObjectInfo]:
        """What lies in the folder, or in one below it."""
        return self.store.list(self.prefix + below)

    def names(self, below: str) -> tuple[str, ...]:
        """The names of the files in a folder below it."""
        return tuple(each.key.removeprefix(self.prefix + below) for each in self.list(below))
