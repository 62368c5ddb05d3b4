"""/models: declare a model, read what is declared."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from gyre.bundle.ref import REFERENCE
from gyre.datasets.version import version_numbers
from gyre.errors import NotFound, NotReady
from gyre.http.shapes import Body, Model, as_object
from gyre.objects import ObjectStore
from gyre.registry.releases import Pointer, Release, current, releases
from gyre.spec.example import example_row
from gyre.spec.versions import SpecVersion, add_spec, models, spec_of, versions

YAML = "application/yaml"


def router(data: ObjectStore, artifacts: ObjectStore) -> APIRouter:
    """The routes about what is declared."""
    routes = APIRouter()

    @routes.post(
        "/models",
        status_code=201,
        summary="Declare a model, or a new version of what is declared: the body is model.yaml.",
        openapi_extra={"requestBody": {"required": True, "content": {YAML: {"schema": {"type": "string"}}}}},
    )
    def declare(text: Body, response: Response) -> dict[str, Any]:
        declared, is_new = add_spec(text, artifacts)
        response.status_code = 201 if is_new else 200
        return {"model": declared.model, "spec_version": declared.version, "features": declared.spec.features}

    @routes.get("/models", summary="Every model: what is declared, the newest data, what serves.")
    def every() -> dict[str, Any]:
        serving = {each.model: each for each in releases(artifacts)}
        names = sorted({*models(artifacts), *serving})
        return {"models": [_listed(name, serving.get(name), data, artifacts) for name in names]}

    @routes.get("/models/{model}", summary="One model: its columns, features, data, and what serves.")
    def one(model: Model) -> dict[str, Any]:
        declared = _found(model, artifacts)
        now = current(model, artifacts)
        trial = {"challenger": now and now.version("challenger"), "traffic": now and now.traffic}
        serves = now.version("production") if now else None
        example = example_row(declared.spec, _reference(now, artifacts))
        return {**_line(model, serves, data, artifacts), **trial, **_declared(declared), "example": example}

    @routes.get("/models/{model}/spec", summary="model.yaml as it was sent; the newest version, or a named one.")
    def spec(model: Model, version: Annotated[int | None, Query(ge=1)] = None) -> Response:
        return Response(_found(model, artifacts, version).text, media_type=YAML)

    return routes


def _found(model: str, artifacts: ObjectStore, version: int | None = None) -> SpecVersion:
    try:
        return spec_of(model, artifacts, version)
    except NotReady as error:  # a run may wait for a declaration; who asks for one hears that there is none
        raise NotFound(error.message, field="model") from error


def _listed(model: str, serves: Release | None, data: ObjectStore, artifacts: ObjectStore) -> dict[str, Any]:
    """A pointer that cannot be read is told, and hides no other model."""
    line = _line(model, serves.version if serves else None, data, artifacts)
    return line | ({"fault": serves.fault} if serves and serves.fault else {})


def _line(model: str, serves: int | None, data: ObjectStore, artifacts: ObjectStore) -> dict[str, Any]:
    return {
        "model": model,
        "spec_version": max((each.version for each in versions(model, artifacts)), default=None),
        "dataset": max(version_numbers(model, data), default=None),
        "version": serves,
    }


def _reference(now: Pointer | None, artifacts: ObjectStore) -> dict[str, Any] | None:
    """What the data of the release that serves looked like; none if it cannot be read, for an example needs none."""
    released = now.aliases.get("production") if now else None
    try:
        found = json.loads(artifacts.read(released.bundle.key + REFERENCE).content) if released else None
    except NotFound:
        return None
    return found if isinstance(found, dict) else None


def _declared(declared: SpecVersion) -> dict[str, Any]:
    told = declared.spec.model_dump(include={"description", "owner", "task", "target", "columns", "derived"})
    return as_object(told) | {"features": declared.spec.features}
