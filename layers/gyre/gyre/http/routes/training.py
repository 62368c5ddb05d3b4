"""/train, /runs, /models: start a run, follow it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from gyre.http.run_answer import run_answer
from gyre.objects import ObjectStore
from gyre.registry.releases import releases
from gyre.spec.base import MODEL_PATTERN
from gyre.training.start import start_by_request
from gyre.workflow import RUN_PATTERN, Workflow


class TrainRequest(BaseModel):
    """What to train, and on what."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    model: Annotated[str, Field(pattern=MODEL_PATTERN, examples=["obesity"])]
    """The model's name."""
    dataset: Annotated[str, Field(min_length=1, max_length=900)] | None = None
    """An upload of this model: its file name or its whole key. The newest one if left out."""


class TrainAnswer(BaseModel):
    """Where to follow the run."""

    run: str
    status_url: str
    dataset: str


def router(data: ObjectStore, artifacts: ObjectStore, workflow: Workflow) -> APIRouter:
    """The routes of functions/training_trigger."""
    routes = APIRouter()

    @routes.post("/train", status_code=202, summary="Start a training run.")
    def train(wanted: TrainRequest) -> TrainAnswer:
        started = start_by_request(wanted.model, wanted.dataset, data, workflow)
        return TrainAnswer(run=started.run, status_url=f"/runs/{started.run}", dataset=started.upload.key)

    @routes.get("/runs/{run}", summary="How far a run came: its status and each step's.")
    def show(run: Annotated[str, Path(pattern=RUN_PATTERN)]) -> dict[str, Any]:
        return run_answer(workflow.show(run))

    @routes.get("/models", summary="The models that have a release.")
    def models() -> dict[str, Any]:
        return {"models": [{"model": each.model, "version": each.version} for each in releases(artifacts)]}

    return routes
