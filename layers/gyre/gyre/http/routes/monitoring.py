"""/monitoring, /metrics: start a look at the newest window, read the last one."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.encoders import jsonable_encoder

from gyre.errors import NotFound
from gyre.http.run_answer import run_answer
from gyre.monitoring.metrics import CONTENT_TYPE, exposition
from gyre.monitoring.watch import latest
from gyre.objects import ObjectStore
from gyre.spec.base import MODEL_PATTERN
from gyre.workflow import RUN_PATTERN, Workflow, fresh_run_name


def router(commit: str, data: ObjectStore, workflow: Workflow) -> APIRouter:
    """The routes of functions/drift."""
    routes = APIRouter()

    @routes.post("/monitoring/run", status_code=202, summary="Look at the newest window now.")
    def start() -> dict[str, str]:
        run = fresh_run_name("monitor")
        workflow.start(run, {})
        return {"run": run, "status_url": f"/monitoring/runs/{run}"}

    @routes.get("/monitoring/runs/{run}", summary="How far a monitoring run came.")
    def show(run: Annotated[str, Path(pattern=RUN_PATTERN)]) -> dict[str, Any]:
        return run_answer(workflow.show(run))

    @routes.get("/monitoring/{model}", summary="What the last monitoring run found about a model.")
    def finding(model: Annotated[str, Path(pattern=MODEL_PATTERN)]) -> dict[str, Any]:
        watched = latest(data)
        if watched is None:
            raise NotFound("No monitoring run has ended yet: POST /monitoring/run starts one.")
        found = [each for each in watched.findings if each.model == model]
        if not found:
            raise NotFound(f"{model} was not called in the window of the last run, {watched.run}.", field="model")
        answer: dict[str, Any] = jsonable_encoder({"run": watched.run, **vars(found[0])})
        return answer

    @routes.get("/metrics", summary="The last monitoring run as Prometheus text.")
    def metrics() -> Response:
        return Response(exposition(commit, latest(data)), media_type=CONTENT_TYPE)

    return routes
