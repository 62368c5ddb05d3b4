"""How a look starts: what can be seen to be wrong at once is said at once, and not by a run that fails."""

from datetime import UTC, datetime

from gyre.datasets.version import dataset_version
from gyre.errors import Invalid, NotFound
from gyre.monitoring.asked import CompareAsked, DataAsked, WatchAsked
from gyre.monitoring.found import moment
from gyre.objects import ObjectStore
from gyre.registry.releases import production, resolve
from gyre.spec.versions import spec_of
from gyre.workflow import Workflow, fresh_run_name

# How the names of runs that compare two sets of data begin.
COMPARE_RUN = "drift_"


def file_places(model: str) -> tuple[str, ...]:
    """Where a file may lie that is compared."""
    return (f"drift/{model}/", f"inbox/{model}/")


def start_watch(asked: WatchAsked, artifacts: ObjectStore, workflow: Workflow) -> str:
    """Starts a look at one model, or at every one that is released; its run's name."""
    if asked.model is not None:
        spec_of(asked.model, artifacts)
        if production(asked.model, artifacts) is None:
            raise NotFound(
                f"{asked.model} has no release that could be watched: POST /models/{asked.model}/promote "
                "releases one of its versions.",
                field="model",
            )
        if asked.since is not None and asked.since >= datetime.now(UTC):
            raise Invalid(f"The window would begin at {moment(asked.since)}, and that is still to come.", field="since")
    elif asked != WatchAsked():
        raise Invalid("A window goes with one `model`: name it, too.", field="model")
    told = asked.model_dump(mode="json", exclude_none=True)
    run = fresh_run_name("monitor")
    workflow.start(run, told if asked.model else {"every": True})
    return run


def start_compare(asked: CompareAsked, data: ObjectStore, artifacts: ObjectStore, workflow: Workflow) -> str:
    """Starts a comparison of two sets of data that there are; its run's name."""
    spec_of(asked.model, artifacts)
    for side, wanted in (("reference", asked.reference), ("subject", asked.subject)):
        try:
            _check(asked.model, wanted, data, artifacts)
        except (Invalid, NotFound) as error:
            raise type(error)(error.message, field=f"{side}.{error.field}" if error.field else side) from None
    run = fresh_run_name(COMPARE_RUN.rstrip("_"))
    workflow.start(run, asked.model_dump(mode="json", by_alias=True, exclude_none=True))
    return run


def _check(model: str, wanted: DataAsked, data: ObjectStore, artifacts: ObjectStore) -> None:
    if wanted.dataset is not None:
        dataset_version(model, wanted.dataset, data)
    if wanted.release is not None:
        resolve(model, wanted.release, artifacts)
    if wanted.file is not None:
        if not wanted.file.startswith(file_places(model)):
            places = " nor ".join(file_places(model))
            raise Invalid(f"{wanted.file[:200]!r} lies under neither {places}: put it there.", field="file")
        try:
            data.size(wanted.file)
        except NotFound:
            raise NotFound(f"{wanted.file[:200]} is not in the data bucket.", field="file") from None
