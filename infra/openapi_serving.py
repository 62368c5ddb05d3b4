"""What the routes that predict answer, for the document alone: the function that serves them makes no schemas of it."""

from typing import Any

from gyre.http.routes.inference import InferenceIn

Schema = dict[str, Any]

# By status, of every call that is recorded.
REFUSALS = {
    401: "No key, or one that is not known.",
    403: "A key whose role does not reach this far.",
    404: "No such model, nothing of it was released, or no such version.",
    409: "The version is retired.",
    413: "The body, or the answer, has more bytes than can be carried.",
    415: "The body is of another type than is read here, or compressed.",
    422: "A rule is broken; `details` names each fault of a row.",
    429: "AWS asks to slow down.",
    503: "No release can be loaded, or the record of the call could not be kept.",
}
_HEADERS = {
    "x-request-id": {"description": "Names the call in the logs.", "schema": {"type": "string"}},
    "server-timing": {"description": "Where the milliseconds went.", "schema": {"type": "string"}},
}


def _object(required: Schema, optional: Schema) -> Schema:
    return {
        "type": "object", "required": sorted(required), "properties": {**required, **optional},
        "additionalProperties": False,
    }  # fmt: skip


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


_NAME, _NUMBER, _WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
_UNLOGGED = {"const": False, "description": "The queue did not take the record, and the model serves without it."}
_VERSION = {"type": ["integer", "null"], "description": "Who answered; null where nobody could, or several did."}
_PREDICTED: Schema = {
    "id": {"type": ["string", "integer", "null"], "description": "The row's, as it was sent."},
    "version": _VERSION,
    "prediction": {"type": ["boolean", "number", "string", "null"], "description": "null beside an error."},
}
_MORE: Schema = {
    "probabilities": {"type": "object", "additionalProperties": _NUMBER, "description": "By class."},
    "confidence": {**_NUMBER, "description": "The probability of what was predicted."},
    "base_value": {**_NUMBER, "description": "With all contributions it adds up to the score."},
    "score": {**_NUMBER, "description": "Where all contributions lead to, told or not."},
    "explanation": {**_list(_ref("Reason")), "description": "The feature that weighs most first."},
    "error": _ref("RowError"),
}
_CALL: Schema = {"model": _NAME, "event_id": {**_NAME, "description": "Names the record in the journal."}}
_TENSOR = _object(
    {"name": _NAME, "datatype": _NAME, "shape": _list(_WHOLE)},
    {"data": _list({}), "parameters": {"type": "object", "description": "binary_data_size, where bytes follow."}},
)
SCHEMAS: dict[str, Schema] = {
    "Reason": _object({"feature": _NAME, "value": {}, "contribution": _NUMBER}, {}),
    "RowError": _object({"row": _WHOLE, "field": _NAME, "rule": _NAME, "message": _NAME}, {"value": _NAME}),
    "Prediction": _object(_PREDICTED, _MORE),
    "InferenceAnswer": _object(
        {**_CALL, "version": _VERSION, "predictions": _list(_ref("Prediction"))}, {"logged": _UNLOGGED}
    ),
    "PredictAnswer": _object({**_CALL, **_PREDICTED}, {**_MORE, "logged": _UNLOGGED}),
    "ProtocolAnswer": _object(
        {"model_name": _NAME, "parameters": {"type": "object"}, "outputs": _list(_TENSOR)},
        {"model_version": _NAME, "id": _NAME},
    ),
}
_TENSORS: Schema = {
    "application/json": {"schema": _ref("ProtocolAnswer")},
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
}
# By path, what is answered to a question.
ANSWERS: dict[str, Schema] = {
    "/inference": {"application/json": {"schema": _ref("InferenceAnswer")}},
    "/predict/{model}": {
        "application/json": {"schema": {"anyOf": [_ref("PredictAnswer"), _list(_ref("PredictAnswer"))]}}
    },
    "/predict/{model}/explanation.svg": {"image/svg+xml": {"schema": {"type": "string"}}},
    "/v2/models/{model}/infer": _TENSORS,
    "/v2/models/{model}/versions/{version}/infer": _TENSORS,
}


def tell_answers(made: dict[str, Any], error: dict[str, Any]) -> None:
    """Puts answers and refusals into the document; `error` is the content of every refusal, by path."""
    made["components"]["schemas"] |= SCHEMAS
    for path, content in ANSWERS.items():
        told = made["paths"][path]["post"]
        refusals = {
            str(status): {"description": what, "content": error[path], "headers": _HEADERS}
            for status, what in REFUSALS.items()
        }
        good = {"description": "The answers.", "content": content, "headers": _HEADERS}
        told["responses"] = {"200": good, **refusals}


def tell_questions(made: dict[str, Any]) -> None:
    """Puts what /inference takes into the document: its route only points there."""
    schema = InferenceIn.model_json_schema(ref_template="#/components/schemas/{model}")
    made["components"]["schemas"] |= {**schema.pop("$defs"), InferenceIn.__name__: schema}
