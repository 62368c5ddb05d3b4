"""Writes the API of all functions as one OpenAPI document, beside the code that serves it: python -m infra.openapi"""

import copy
import json
import sys
from pathlib import Path
from typing import Any, cast

from fastapi import APIRouter, FastAPI

from gyre import __version__
from gyre.http.errors import PROTOCOL
from gyre.http.factory import is_open
from gyre.http.routes import (
    batch,
    datasets,
    dead_letters,
    feedback,
    front,
    history,
    inference,
    metrics,
    models,
    monitoring,
    predictions,
    protocol,
    releases,
    sql,
    stats,
    subjects,
    training,
    versions,
)
from infra.openapi_serving import tell_answers, tell_questions

DOCUMENT = Path(__file__).resolve().parent.parent / "layers/gyre/gyre/http/openapi.json"

# A router's routes do not depend on its parts, and none is called here.
_PART = cast(Any, None)


# As http/errors.py tells it.
_FACTS: dict[str, Any] = {
    "code": {"type": "string", "description": "A word for programs, such as not_found."},
    "field": {"type": "string", "description": "The field that is wrong, where it is one."},
    "request_id": {"type": "string", "description": "Names the call in the logs."},
    "details": {
        "type": "array",
        "items": {"type": "object"},
        "description": "Of several faults: each one's facts, such as its line in a model.yaml.",
    },
}
_SENTENCE = {"type": "string", "description": "What is wrong, and what to do next."}
ERROR = {
    "title": "Error",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {**_FACTS, "message": _SENTENCE},
        }
    },
}
# Clients of the Open Inference Protocol take text alone.
PROTOCOL_ERROR = {
    "title": "ProtocolError",
    "type": "object",
    "required": ["error", "code", "request_id"],
    "properties": {**_FACTS, "error": _SENTENCE},
}


def routers() -> dict[str, list[APIRouter]]:
    """Each function's routes, by the function's name."""
    return {
        "inference": [front.router("", "", _PART), inference.router(_PART), protocol.router(_PART, _PART, _PART)],
        "training_trigger": [
            models.router(_PART, _PART), datasets.router(_PART, _PART, frozenset()),
            training.router(_PART, _PART, _PART), batch.router(_PART, _PART, _PART),
            versions.router(_PART, _PART), releases.router(_PART, _PART),
        ],
        "prediction_log": [
            predictions.router(_PART, _PART, _PART), stats.router(_PART, _PART), dead_letters.router(_PART, _PART),
            sql.router(_PART), feedback.router(_PART), subjects.router(_PART, _PART, _PART, _PART, _PART),
        ],
        "drift": [
            monitoring.router(_PART, _PART, _PART), history.router(_PART, _PART),
            metrics.router("", _PART, _PART, _PART),
        ],
    }  # fmt: skip


def document() -> dict[str, Any]:
    """One document; each route is tagged with its function and says whether it needs a key."""
    app = FastAPI(
        title="Gyre",
        version=__version__,
        description="The whole model loop, serverless. Keys go in the header `x-api-key`, or as a bearer token.",
    )
    for name, parts in routers().items():
        for router in parts:
            app.include_router(router, tags=[name])
    made = copy.deepcopy(app.openapi())  # routes lend it their own schemas
    made.setdefault("components", {})["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        "bearer": {"type": "http", "scheme": "bearer", "description": "The same key."},
    }
    made["security"] = [{"key": []}, {"bearer": []}]
    schemas = made["components"].setdefault("schemas", {})
    for stock in ("HTTPValidationError", "ValidationError"):  # FastAPI's shape of errors, which is not ours
        schemas.pop(stock, None)
    schemas |= {"Error": ERROR, "ProtocolError": PROTOCOL_ERROR}
    errors = {path: _error_content(path) for path in made["paths"]}
    for path, methods in made["paths"].items():
        for told in methods.values():
            told["responses"].pop("422", None)
            told["responses"]["default"] = {
                "description": "What went wrong: 401, 403, 404, 409, 413, 422, 429, 500 or 503.",
                "content": errors[path],
            }
            if is_open(path):
                told["security"] = []
    tell_answers(made, errors)
    tell_questions(made)
    return made


def _error_content(path: str) -> dict[str, Any]:
    name = "ProtocolError" if path == PROTOCOL or path.startswith(f"{PROTOCOL}/") else "Error"
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def as_text(made: dict[str, Any]) -> str:
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def main() -> int:
    DOCUMENT.write_text(as_text(document()))
    print(f"openapi: wrote {DOCUMENT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
