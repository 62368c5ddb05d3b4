"""/models/{model}/uploads, /datasets, /lineage: bring data, see what became of it."""

from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.encoders import jsonable_encoder
from pydantic import ConfigDict, Field

from gyre.datasets.lineage import lineage_of
from gyre.datasets.receive import address_for, receive
from gyre.datasets.report import report_of
from gyre.datasets.version import DatasetVersion, dataset_version, newest_version, versions
from gyre.documented import Documented
from gyre.errors import Invalid
from gyre.http.pages import page_answer
from gyre.http.shapes import Body, Model
from gyre.objects import ObjectStore
from gyre.training.start import run_of_upload, start_by_url
from gyre.workflow import Workflow

Version = Annotated[int, Path(ge=1)]
Form = Annotated[Literal["html", "json"], Query()]


class UploadRequest(Documented):
    """A file to come: its name, to be put at an address, or the URL it lies at."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["people.csv"])] | None = None
    """What the file is called; its ending says how it is read."""
    url: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    """Where the file lies; the host must be one that the deployment allows."""


def router(data: ObjectStore, workflow: Workflow, hosts: frozenset[str]) -> APIRouter:
    """The routes about data."""
    routes = APIRouter()

    @routes.put(
        "/models/{model}/uploads/{name}",
        status_code=202,
        summary="Bring a file of up to 4.5 MB as the body; its run starts by itself.",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    def bring(model: Model, name: str, content: Body) -> dict[str, Any]:
        upload = receive(model, name, content, data)
        run = run_of_upload(upload.key, upload.version)
        return {"upload": upload.key, "run": run, "status_url": f"/runs/{run}"}

    @routes.post("/models/{model}/uploads", status_code=202, summary="Have a file fetched, or get an address for it.")
    def announce(model: Model, wanted: UploadRequest) -> dict[str, Any]:
        if (wanted.url is None) == (wanted.name is None):
            raise Invalid("Send `url` to have a file fetched, or `name` to get an address to put it at.", field="url")
        if wanted.url is not None:
            run = start_by_url(model, wanted.url, hosts, workflow).run
            return {"run": run, "status_url": f"/runs/{run}"}
        address = address_for(model, wanted.name or "", data)
        return {"upload": address.key, "put_url": address.put_url, "seconds": address.seconds}

    @routes.get("/models/{model}/datasets", summary="The dataset versions of a model, newest first.")
    def every(
        model: Model,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[int | None, Query(ge=1)] = None,
    ) -> dict[str, Any]:
        found = list(islice(versions(model, data, before), limit + 1))
        following = found[limit - 1].version if len(found) > limit else None
        return {"datasets": [_told(each) for each in found[:limit]], "before": following}

    @routes.get("/models/{model}/datasets/{version}", summary="One dataset version.")
    def one(model: Model, version: Version) -> dict[str, Any]:
        return _told(dataset_version(model, version, data))

    @routes.get("/models/{model}/datasets/{version}/report", summary="What its ingest found, as a page or as JSON.")
    def report(model: Model, version: Version, form: Form = "html") -> Response:
        return report_answer(model, dataset_version(model, version, data).run, form, data)

    @routes.get(
        "/models/{model}/lineage", summary="Upload -> dataset version -> splits; of the newest one if left out."
    )
    def lineage(model: Model, dataset: Annotated[int | None, Query(ge=1)] = None) -> dict[str, Any]:
        found = newest_version(model, data) if dataset is None else dataset_version(model, dataset, data)
        told: dict[str, Any] = jsonable_encoder(lineage_of(found, data))
        return told

    return routes


def report_answer(model: str, run: str, form: Literal["html", "json"], data: ObjectStore) -> Response:
    """The report of a run's ingest."""
    return page_answer(report_of(model, run, form, data), form)


def _told(dataset: DatasetVersion) -> dict[str, Any]:
    told: dict[str, Any] = jsonable_encoder(dataset)
    return told | {"report_url": f"/models/{dataset.model}/datasets/{dataset.version}/report"}
