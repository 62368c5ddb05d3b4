"""/monitoring, /data-drift, /reports, /metrics: start a look, read what was found."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Response

from gyre.http.pages import page_answer
from gyre.http.run_answer import run_answer
from gyre.http.shapes import Model, as_object
from gyre.monitoring.acting.done import done_about
from gyre.monitoring.asked import CompareAsked, WatchAsked
from gyre.monitoring.found import Look
from gyre.monitoring.kept import latest_look, look_of, report_of
from gyre.monitoring.start import start_compare, start_watch
from gyre.objects import ObjectStore
from gyre.workflow import RUN_PATTERN, Workflow

RunName = Annotated[str, Path(pattern=RUN_PATTERN)]
Form = Annotated[Literal["html", "json"], Query()]
_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}, "application/json": {}}}}


def router(data: ObjectStore, artifacts: ObjectStore, workflow: Workflow) -> APIRouter:
    """The routes of functions/drift about single looks."""
    routes = APIRouter()

    @routes.post("/monitoring/run", status_code=202, summary="Look at a model now, or at every one that is released.")
    def start(asked: Annotated[WatchAsked | None, Body()] = None) -> dict[str, str]:
        run = start_watch(asked or WatchAsked(), artifacts, workflow)
        return {"run": run, "status_url": f"/monitoring/runs/{run}"}

    @routes.post("/data-drift", status_code=202, summary="Compare any two sets of data of a model.")
    def compare(asked: CompareAsked) -> dict[str, str]:
        run = start_compare(asked, data, artifacts, workflow)
        return {
            "run": run, "status_url": f"/monitoring/runs/{run}", "result_url": f"/data-drift/{asked.model}/{run}",
            "report_url": f"/reports/{asked.model}/{run}",
        }  # fmt: skip

    @routes.get("/monitoring/runs/{run}", summary="How far a run came.")
    def show(run: RunName) -> dict[str, Any]:
        return run_answer(workflow.show(run))

    @routes.get("/monitoring/{model}", summary="What the last look at a model found.")
    def latest(model: Model) -> dict[str, Any]:
        return _told(latest_look(model, data), data)

    @routes.get("/monitoring/{model}/looks/{run}", summary="What one look found.")
    def look(model: Model, run: RunName) -> dict[str, Any]:
        return _told(look_of(model, run, data), data)

    @routes.get("/data-drift/{model}/{run}", summary="What a comparison found.")
    def compared(model: Model, run: RunName) -> dict[str, Any]:
        return _told(look_of(model, run, data), data)

    @routes.get("/reports/{model}/latest", summary="The report of the last look.", responses=_PAGE)
    def latest_report(model: Model, form: Form = "html") -> Response:
        return _report(model, latest_look(model, data).run, form)

    @routes.get("/reports/{model}/{run}", summary="The report of a look or a comparison.", responses=_PAGE)
    def report(model: Model, run: RunName, form: Form = "html") -> Response:
        return _report(model, run, form)

    def _report(model: str, run: str, form: Literal["html", "json"]) -> Response:
        if form == "json":
            return page_answer(look_of(model, run, data).dump(), form)
        return page_answer(report_of(model, run, data), form)

    return routes


def _told(look: Look, data: ObjectStore) -> dict[str, Any]:
    return as_object({**look.model_dump(), "done": done_about(look.model, look.run, data)})
