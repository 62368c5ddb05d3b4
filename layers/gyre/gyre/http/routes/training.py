"""/train, /evaluate, /runs: start a run, follow it, go on with one that failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from gyre.documented import Documented
from gyre.errors import Invalid, NotFound
from gyre.http.routes.datasets import Form, report_answer
from gyre.http.run_answer import run_answer
from gyre.objects import ObjectStore
from gyre.registry.releases import resolve
from gyre.spec.base import MODEL_PATTERN
from gyre.spec.versions import spec_of
from gyre.training.start import Wishes, start_by_request, start_evaluation
from gyre.workflow import RUN_PATTERN, Workflow

RunName = Annotated[str, Path(pattern=RUN_PATTERN)]
ModelName = Annotated[str, Field(pattern=MODEL_PATTERN, examples=["obesity"])]
VersionName = Annotated[str, Field(min_length=1, max_length=20, examples=["production"])]


class _Body(Documented):
    model_config = ConfigDict(extra="forbid")


class SearchRequest(_Body):
    """What this search does otherwise than model.yaml says; see `training.search` there."""

    sampler: Literal["tpe", "random", "grid"] | None = None
    """How the next candidates are proposed."""
    candidates: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """How many are scored at most."""
    rounds: Annotated[int, Field(ge=1, le=50)] | None = None
    """In how many rounds."""
    folds: Annotated[int, Field(ge=2, le=20)] | None = None
    """Of the cross-validation."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Rounds without a gain after which the search ends."""
    minutes: Annotated[float, Field(gt=0, le=600)] | None = None
    """No further round begins after so long."""
    workers: Annotated[int, Field(ge=1, le=40)] | None = None
    """How many are scored side by side; the deployment has a limit of its own."""


class TrainRequest(_Body):
    """What to train, and on what."""

    model: ModelName
    """The model's name."""
    dataset: Annotated[int, Field(ge=1)] | None = None
    """A dataset version. The newest one if this and `upload` are left out, or the newest upload if there is none."""
    upload: Annotated[str, Field(min_length=1, max_length=900)] | None = None
    """An upload of this model to take in first: its file name or its whole key."""
    spec: Annotated[int, Field(ge=1)] | None = None
    """A version of model.yaml; the newest one if left out."""
    base: VersionName | None = None
    """The model version that is trained again: a number, `latest`, or an alias. Its hyper-parameters are tried first.
    What serves, if left out."""
    search: SearchRequest | Literal[False] | None = None
    """How this search differs from what model.yaml says; false: none, the base is fitted anew as it is."""


class TrainAnswer(BaseModel):
    """Where to follow the run, and what it works on."""

    run: str
    status_url: str
    dataset: int | None
    upload: str | None


class EvaluateRequest(_Body):
    """Which version, and on which rows."""

    model: ModelName
    """The model's name."""
    version: VersionName = "production"
    """A number, `latest`, or an alias."""
    dataset: Annotated[int, Field(ge=1)] | None = None
    """A dataset version; the newest one if left out."""
    part: Literal["unseen", "test", "reference", "all"] = "unseen"
    """Which of its rows: those that the version was not trained on, one part of its split, or all."""


class EvaluateAnswer(BaseModel):
    """Where to follow the run."""

    run: str
    status_url: str
    version: int
    dataset: int | None


def router(data: ObjectStore, artifacts: ObjectStore, workflow: Workflow) -> APIRouter:
    """The routes about runs."""
    routes = APIRouter()

    @routes.post("/train", status_code=202, summary="Start a training run.")
    def train(wanted: TrainRequest) -> TrainAnswer:
        started = start_by_request(
            wanted.model, wanted.dataset, wanted.upload, data, workflow, _wishes(wanted, artifacts)
        )
        return TrainAnswer(
            run=started.run, status_url=f"/runs/{started.run}", dataset=started.dataset, upload=started.upload
        )

    @routes.post("/evaluate", status_code=202, summary="Say how good a version is on the rows of a dataset version.")
    def evaluate(wanted: EvaluateRequest) -> EvaluateAnswer:
        version = resolve(wanted.model, wanted.version, artifacts)
        started = start_evaluation(wanted.model, version, wanted.dataset, wanted.part, data, workflow)
        url = f"/runs/{started.run}"
        return EvaluateAnswer(run=started.run, status_url=url, version=version, dataset=started.dataset)

    @routes.get("/runs/{run}", summary="How far a run came: its status, each step's, and what the steps found.")
    def show(run: RunName) -> dict[str, Any]:
        return run_answer(workflow.show(run), artifacts, data)

    @routes.post("/runs/{run}/resume", status_code=202, summary="Go on with a run that failed, from the failed step.")
    def resume(run: RunName) -> dict[str, Any]:
        return run_answer(workflow.resume(run), artifacts)

    @routes.get("/runs/{run}/report", summary="What its ingest found, as a page or as JSON; also when it refused.")
    def report(run: RunName, form: Form = "html") -> Response:
        # A run that somebody started by hand may name no model, and then it has no report.
        return report_answer(str(workflow.show(run).input.get("model")), run, form, data)

    return routes


def _wishes(wanted: TrainRequest, artifacts: ObjectStore) -> Wishes:
    """What is named must be there: the caller hears it here, and not of a run that failed."""
    with _about("spec"):
        spec = None if wanted.spec is None else spec_of(wanted.model, artifacts, wanted.spec).version
    with _about("base"):
        base = None if wanted.base is None else resolve(wanted.model, wanted.base, artifacts)
    if wanted.search is False:
        return Wishes(spec, base, {"candidates": 1, "rounds": 1})
    search = wanted.search.model_dump(exclude_none=True) if wanted.search else None
    return Wishes(spec, base, search or None)


@contextmanager
def _about(field: str) -> Iterator[None]:
    """Faults of a version are told of the field that named it."""
    try:
        yield
    except (Invalid, NotFound) as error:
        raise type(error)(error.message, field=field) from None
