"""/models/{model}/batch, /runs/{run}/result: bring a file of rows, get it back with predictions."""

import json
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gyre.datasets.batch_file import batch_address, batch_file_at
from gyre.datasets.receive import ADDRESS_SECONDS
from gyre.documented import Documented
from gyre.errors import Conflict, NotFound
from gyre.http.routes.training import RunName
from gyre.http.shapes import Model
from gyre.objects import ObjectStore
from gyre.registry.releases import resolve
from gyre.workflow import Workflow


class BatchRequest(Documented):
    """A file to come, and what is wished of it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["people.csv"])]
    """What the file is called; its ending says how it is read, and how the answers are written."""
    version: Annotated[str, Field(min_length=1, max_length=20, examples=["production"])] = "production"
    """Who answers: a number, `latest`, an alias; what serves when the run begins, if left out."""
    explain: bool = False
    """Whether each prediction comes with the features that weighed most."""


class BatchAnswer(BaseModel):
    """Where to put the file. Its arrival starts the run, whose name comes from the key and the object's version."""

    file: str
    put_url: str
    seconds: int


class ResultAnswer(BaseModel):
    """Where the answers lie, and what they are as a whole."""

    run: str
    out: str
    get_url: str
    seconds: int
    summary: dict[str, Any]


def router(data: ObjectStore, artifacts: ObjectStore, workflow: Workflow) -> APIRouter:
    """The routes about predictions for whole files."""
    routes = APIRouter()

    @routes.post("/models/{model}/batch", status_code=202, summary="Get an address to put a file at that is predicted.")
    def announce(model: Model, wanted: BatchRequest) -> BatchAnswer:
        # Said here, where the caller hears it; production is looked up again when the run begins.
        number = resolve(model, wanted.version, artifacts)
        named = None if wanted.version.strip().lower() == "production" else number
        address = batch_address(model, wanted.name, data, explain=wanted.explain, release=named)
        return BatchAnswer(file=address.key, put_url=address.put_url, seconds=address.seconds)

    @routes.get("/runs/{run}/result", summary="The answers to a file: their summary, and an address to get them from.")
    def result(run: RunName) -> ResultAnswer:
        shown = workflow.show(run)
        asked = shown.input.get("file")
        if not isinstance(asked, dict):
            raise NotFound(
                f"{run} is no batch, and has no file of answers: GET /runs/{run} tells what it made.", field="run"
            )
        if shown.status != "succeeded":
            how = "goes on still" if shown.status == "running" else f"ended as {shown.status}, and nothing was written"
            raise Conflict(f"{run} {how}: GET /runs/{run} tells how far it came.", field="run")
        file = batch_file_at(asked["key"], asked["version"])
        summary = json.loads(data.read(file.summary).content)
        if summary["run"] != run:
            raise Conflict(
                f"The answers of {run} were replaced by those of {summary['run']}, over a file of the same name; S3 "
                f"keeps the former version of {file.out}.",
                field="run",
            )
        address = data.get_address(file.out, ADDRESS_SECONDS)
        return ResultAnswer(run=run, out=file.out, get_url=address, seconds=ADDRESS_SECONDS, summary=summary)

    return routes
