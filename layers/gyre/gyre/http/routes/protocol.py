"""/v2: the Open Inference Protocol, for its existing clients (KServe, MLServer, tritonclient)."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from gyre import __version__
from gyre.errors import NotReady
from gyre.http.answering import JSON, Answered, Desk, recorded
from gyre.objects import ObjectStore
from gyre.registry.releases import any_release, releases
from gyre.registry.version import version_numbers
from gyre.serving import protocol, protocol_tensors
from gyre.serving.question import Question
from gyre.serving.shelf import Loaded, Shelf
from gyre.spec.base import MODEL_PATTERN

HEADER = "inference-header-content-length"
_BYTES = "application/octet-stream"
_MODEL = Annotated[str, Path(pattern=MODEL_PATTERN)]
_VERSION = Annotated[str, Path(max_length=100)]
_TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string", "description": "A column of the model."},
        "shape": {"type": "array", "items": {"type": "integer"}, "description": "[rows] or [rows, 1]."},
        "datatype": {"type": "string", "enum": list(protocol_tensors.DATATYPES)},
        "parameters": {"type": "object", "description": "binary_data_size, where the data follows as bytes."},
        "data": {"type": "array", "items": {}, "description": "The values; null where one is missing."},
    },
}
_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string", "description": "Told back."},
        "parameters": {"type": "object", "description": "binary_data_output: answer in bytes."},
        "inputs": {"type": "array", "items": _TENSOR, "minItems": 1},
        "outputs": {
            "type": "array",
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            "description": "contributions and base_value are told to those who ask for them.",
        },
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _REQUEST},
            _BYTES: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def router(desk: Desk, shelf: Shelf, artifacts: ObjectStore) -> APIRouter:
    """The routes of functions/inference that speak the protocol."""
    routes = APIRouter(route_class=recorded(desk))

    @routes.get("/v2", summary="What this server is, in the Open Inference Protocol.")
    def server() -> dict[str, Any]:
        return {"name": "gyre", "version": __version__, "extensions": ["binary_tensor_data"]}

    @routes.get("/v2/health/live", summary="Is it up?")
    def live() -> dict[str, bool]:
        return {"live": True}

    @routes.get("/v2/health/ready", summary="Can it predict?")
    def ready() -> dict[str, bool]:
        if not any_release(artifacts):
            raise NotReady("No model has a release yet, so there is nothing to predict with.")
        return {"ready": True}

    @routes.post("/v2/repository/index", summary="Every model that has a release, and whether it can serve.")
    def index() -> list[dict[str, str]]:
        return [
            {
                "name": each.model,
                "version": str(each.version or ""),
                "state": "READY" if each.version else "UNAVAILABLE",
                "reason": each.fault or "",
            }
            for each in releases(artifacts)
        ]

    @routes.get("/v2/models/{model}", summary="A model's inputs and outputs as tensors.")
    def metadata(model: _MODEL) -> dict[str, Any]:
        return _metadata(shelf, model, "production", artifacts)

    @routes.get("/v2/models/{model}/versions/{version}", summary="Those of one version.")
    def metadata_of(model: _MODEL, version: _VERSION) -> dict[str, Any]:
        return _metadata(shelf, model, version, artifacts)

    @routes.get("/v2/models/{model}/ready", summary="Can a model predict?")
    def model_ready(model: _MODEL) -> dict[str, Any]:
        return _ready(shelf, model, "production")

    @routes.get("/v2/models/{model}/versions/{version}/ready", summary="Can one version of it?")
    def version_ready(model: _MODEL, version: _VERSION) -> dict[str, Any]:
        return _ready(shelf, model, version)

    @routes.post("/v2/models/{model}/infer", summary="Predict rows that come as tensors.", openapi_extra=_BODY)
    async def infer(request: Request, model: _MODEL) -> Response:
        return await _infer(desk, shelf, request, model, "production")

    @routes.post(
        "/v2/models/{model}/versions/{version}/infer",
        summary="Predict them with one version: its number, an alias, or latest.",
        openapi_extra=_BODY,
    )
    async def infer_with(request: Request, model: _MODEL, version: _VERSION) -> Response:
        return await _infer(desk, shelf, request, model, version)

    return routes


async def _infer(desk: Desk, shelf: Shelf, request: Request, model: str, release: str) -> Response:
    sent: list[protocol_tensors.Request] = []

    def read(content: bytes) -> Question:
        with request.state.times.of("load"):
            spec = _loaded(shelf, model, release).spec
        sent.append(protocol_tensors.read_request(content, request.headers.get(HEADER)))
        return protocol.question_of(sent[0], model, release, spec)

    def tell(answered: Answered) -> Response:
        told = protocol.told(
            sent[0], model, answered.answer, answered.event_id, logged=answered.logged, binary=_takes_bytes(request)
        )
        if told.json_length is None:
            return Response(told.content, media_type="application/json")
        return Response(told.content, media_type=_BYTES, headers={HEADER: str(told.json_length)})

    return await desk.ask(request, read, tell, (*JSON, _BYTES))


def _metadata(shelf: Shelf, model: str, release: str, artifacts: ObjectStore) -> dict[str, Any]:
    loaded = _loaded(shelf, model, release)
    retired = shelf.pointer(model).retired
    numbers = [number for number in version_numbers(model, artifacts) if number not in retired]
    return protocol.metadata(model, loaded.spec, loaded.predictor.bundle.manifest.classes, numbers)


def _ready(shelf: Shelf, model: str, release: str) -> dict[str, Any]:
    _loaded(shelf, model, release)
    return {"name": model, "ready": True}


def _loaded(shelf: Shelf, model: str, release: str) -> Loaded:
    pointer = shelf.pointer(model)
    if release == "production":
        return shelf.production(model, pointer)[0]
    return shelf.release(shelf.named(model, release, pointer)[0])


def _takes_bytes(request: Request) -> bool:
    """API Gateway turns an answer back into bytes only for who says that bytes are welcome; others would be given
    base64."""
    accepted = request.headers.get("accept", "").lower()
    return "aws.event" not in request.scope or accepted.startswith(_BYTES)
