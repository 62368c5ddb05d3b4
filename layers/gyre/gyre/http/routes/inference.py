"""/, /health, /ready, /docs: what a caller sees first."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse

from gyre import __version__
from gyre.errors import NotReady
from gyre.http.docs_page import docs_page, front_page, openapi_document
from gyre.objects import ObjectStore
from gyre.registry.releases import releases


def router(environment: str, commit: str, artifacts: ObjectStore) -> APIRouter:
    """The routes of functions/inference."""
    routes = APIRouter()

    @routes.get("/health", summary="Is it up, and which build?")
    def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__, "commit": commit, "environment": environment}

    @routes.get("/ready", summary="Can it predict? 503 until a model has a release.")
    def ready() -> dict[str, Any]:
        found = releases(artifacts)
        if not found:
            raise NotReady("No model has a release yet, so there is nothing to predict with.")
        return {"status": "ready", "releases": [asdict(each) for each in found]}

    @routes.get("/docs", response_class=HTMLResponse, summary="Every route of every function, as a page.")
    def docs() -> str:
        return docs_page(openapi_document())

    @routes.get("/openapi.json", summary="Every route of every function, as OpenAPI.")
    def openapi() -> JSONResponse:
        return JSONResponse(openapi_document())

    @routes.get("/", response_class=HTMLResponse, summary="The front page.")
    def front() -> str:
        return front_page(environment, commit)

    return routes
