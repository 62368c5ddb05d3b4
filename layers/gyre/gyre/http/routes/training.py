"""/train, /runs: start a run, follow it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from gyre.http.routes.datasets import Form, report_answer
from gyre.http.run_answer import run_answer
from gyre.objects import ObjectStore
from gyre.spec.base import MODEL_PATTERN
from gyre.training.start import start_by_request
from gyre.workflow import RUN_PATTERN, Workflow

RunName = Annotated[str, Path(pattern=RUN_PATTERN)]


class TrainRequest(BaseModel):
    """What to train, and on what."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    model: Annotated[str, Field(pattern=MODEL_PATTERN, examples=["obesity"])]
    """The model's name."""
    dataset: Annotated[int, Field(ge=1)] | None = None
    """A dataset version. The newest one if this and `upload` are left out, or the newest upload if there is none."""
    upload: Annotated[str, Field(min_length=1, max_length=900)] | None = None
    """An upload of this model to take in first: its file name or its whole key."""


class TrainAnswer(BaseModel):
    """Where to follow the run, and what it works on."""

    run: str
    status_url: str
    dataset: int | None
    upload: str | None


def router(data: ObjectStore, workflow: Workflow) -> APIRouter:
    """The routes about runs."""
    routes = APIRouter()

    @routes.post("/train", status_code=202, summary="Start a training run.")
    def train(wanted: TrainRequest) -> TrainAnswer:
        started = start_by_request(wanted.model, wanted.dataset, wanted.upload, data, workflow)
        return TrainAnswer(
            run=started.run, status_url=f"/runs/{started.run}", dataset=started.dataset, upload=started.upload
        )

    @routes.get("/runs/{run}", summary="How far a run came: its status and each step's.")
    def show(run: RunName) -> dict[str, Any]:
        return run_answer(workflow.show(run))

    @routes.get("/runs/{run}/report", summary="What its ingest found, as a page or as JSON; also when it refused.")
    def report(run: RunName, form: Form = "html") -> Response:
        # A run that somebody started by hand may name no model, and then it has no report.
        return report_answer(str(workflow.show(run).input.get("model")), run, form, data)

    return routes
