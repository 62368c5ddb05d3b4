"""Every step of training by its name."""

from collections.abc import Callable
from dataclasses import dataclass

from gyre.datasets.fetch import FileFetcher
from gyre.registry.tracking import Tracking
from gyre.tasks.data import DataTasks
from gyre.tasks.gates import GateTasks
from gyre.tasks.judge import JudgeTasks
from gyre.tasks.release import ReleaseTasks
from gyre.tasks.search import SearchTasks
from gyre.tasks.step import Stores, Task, kept

# Found once; the others look at what changed meanwhile.
_REUSED = frozenset({"fetch", "ingest", "pin", "split", "fit", "evaluate", "fairness", "evaluate_version"})
# One candidate of many has a file of its own; who is asked has answered nothing yet; a mirror is of no run.
_UNTOLD = frozenset({"score", "ask", "mirror"})


@dataclass(frozen=True)
class Places:
    """What the tasks know of the deployment."""

    data_bucket: str
    artifact_bucket: str
    commit: str
    workers: int
    """How many candidates are scored side by side, at most."""
    asks: bool = False
    """Whether a person is asked about every model that passed its gates, whatever its spec says."""


def training_tasks(
    stores: Stores, fetcher: FileFetcher, progress: Callable[[int], None], tracking: Tracking, places: Places
) -> dict[str, Task]:
    """All of them may run again after a failure."""
    tasks = {
        **DataTasks(stores, fetcher, progress).by_name(),
        **SearchTasks(stores, places.workers).by_name(),
        **JudgeTasks(stores, tracking).by_name(),
        **GateTasks(stores, places.asks).by_name(),
        **ReleaseTasks(stores, tracking, places.data_bucket, places.artifact_bucket, places.commit).by_name(),
    }
    return {
        name: task if name in _UNTOLD else kept(task, stores.artifacts, reused=name in _REUSED, code=places.commit)
        for name, task in tasks.items()
    }
