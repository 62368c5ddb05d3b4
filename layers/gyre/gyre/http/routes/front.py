"""/, /health, /ready, /docs: what a caller sees first."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from gyre import __version__
from gyre.errors import NotReady
from gyre.http.docs_page import docs_page, front_page, openapi_document
from gyre.objects import ObjectStore
from gyre.registry.releases import any_release


def router(environment: str, commit: str, artifacts: ObjectStore) -> APIRouter:
    """The routes of functions/inference."""
    routes = APIRouter()

    @routes.get("/health", summary="Is it up, and which build?")
    def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__, "commit": commit, "environment": environment}

    @routes.get("/ready", summary="Can it predict? 503 until a model has a release.")
    def ready() -> dict[str, str]:
        if not any_release(artifacts):
            raise NotReady("No model has a release yet, so there is nothing to predict with.")
        return {"status": "ready"}  # no names: everybody may ask this

    @routes.get("/docs", response_class=HTMLResponse, summary="Every route of every function, as a page.")
    def docs() -> str:
        return docs_page(openapi_document())

    @routes.get("/openapi.json", summary="Every route of every function, as OpenAPI.")
    def openapi() -> JSONResponse:
        return JSONResponse(openapi_document())

    @routes.get("/", response_class=HTMLResponse, summary="The front page.")
    def front(request: Request) -> str:
        return front_page(environment, commit, _base(request))

    return routes


def _base(request: Request) -> str:
    """Relative to the page: the gateway's stage is the last part of the address, and no more of it is known here."""
    context = request.scope.get("aws.event", {}).get("requestContext", {})
    asked = str(context.get("path", "/"))
    return "./" if asked.endswith("/") else f"./{asked.rsplit('/', 1)[-1]}/"
