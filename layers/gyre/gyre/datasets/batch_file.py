"""A file of rows to be predicted: batch/<model>/in/<name>, and where what comes of it lies."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from gyre.datasets.receive import ADDRESS_SECONDS, Address
from gyre.datasets.upload import checked_ending, checked_file, checked_model
from gyre.errors import Invalid
from gyre.objects import ObjectStore
from gyre.workflow import BATCH_RUN

BATCH = "batch/"
EXPLAIN = "explain"
# Below the folder of a plan: what is told of each range once it is done.
FIGURES = "told/"
_VERSION = re.compile(r"v([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class BatchFile:
    """Where the file lies; `version` pins the very bytes that the event spoke of.

    What is wished of it stands in its key, between `in/` and its name, as nothing else comes along with an event of S3:
    `explain/` for explanations, `v3/` for a version of the model; other folders mean nothing."""

    model: str
    key: str
    version: str | None = None

    @property
    def name(self) -> str:
        return self.key.rsplit("/", 1)[-1]

    @property
    def explain(self) -> bool:
        """Whether each prediction is explained, too."""
        return EXPLAIN in self._folders

    @property
    def release(self) -> str:
        """Which release is asked: `production`, or the number of a version."""
        named = [found[1] for each in self._folders if (found := _VERSION.fullmatch(each))]
        return named[-1] if named else "production"

    @property
    def out(self) -> str:
        """Where the answers lie: as `in/` is divided, so is `out/`."""
        return f"{BATCH}{self.model}/out/{self._rest}"

    @property
    def summary(self) -> str:
        """What is told of them as a whole."""
        return f"{self.out}.summary.json"

    def work(self, run: str) -> str:
        """The folder of what a run needs on its way, with the slash."""
        return f"{BATCH}{self.model}/work/{run}/"

    @property
    def _rest(self) -> str:
        return self.key.removeprefix(f"{BATCH}{self.model}/in/")

    @property
    def _folders(self) -> list[str]:
        return self._rest.split("/")[:-1]


def is_batch(key: str) -> bool:
    """Whether a key is one of those that batches use."""
    return key.startswith(BATCH)


def is_batch_input(key: str) -> bool:
    """Whether it is a file to be predicted, and none that a run made."""
    parts = key.split("/")
    return is_batch(key) and len(parts) > 3 and parts[2] == "in" and bool(parts[-1])


def batch_file_at(key: str, version: str | None = None) -> BatchFile:
    """Reads a key, or says what it must look like."""
    if not is_batch_input(key):
        raise Invalid(
            f"{key[:200]!r} is no file to be predicted: its key must be {BATCH}<model>/in/<file>.", field="file"
        )
    return BatchFile(checked_model(key.split("/")[1]), checked_ending(key, field="file"), version)


def run_of_batch(key: str, version: str | None) -> str:
    """What the run of a file is called; whoever put it there can follow it by this name."""
    return f"{BATCH_RUN}{hashlib.sha256(f'{key}\n{version}'.encode()).hexdigest()[:24]}"


def done_ranges(manifest: str, data: ObjectStore) -> int:
    """How many ranges of a plan have figures: those are done."""
    return sum(1 for _ in data.list(f"{manifest.rpartition('/')[0]}/{FIGURES}"))


def batch_address(model: str, name: str, data: ObjectStore, *, explain: bool, release: int | None) -> Address:
    """A signed address to put one file at. Each has a folder of its own: nobody's answers replace another's."""
    wishes = [*([f"v{release}"] if release else []), *([EXPLAIN] if explain else [])]
    parts = [checked_model(model), "in", secrets.token_hex(6), *wishes, checked_file(name)]
    key = BATCH + "/".join(parts)
    return Address(key, data.put_address(key, ADDRESS_SECONDS))
