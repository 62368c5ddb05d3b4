"""Calls made up from the API's own document: whatever it allows or forbids, the answer is one that it tells."""

import copy
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from schemathesis import Case, checks
from schemathesis.core.transport import Response
from schemathesis.openapi import from_dict
from starlette.types import Receive, Scope, Send

from infra.openapi import DOCUMENT
from infra.openapi_serving import ANSWERS
from tests.unit.serving.house import ROW, Serve
from tests.unit.training.models import compiled

# A call of these is recorded, however it ends.
RECORDED = re.compile(r"/inference|/predict/[^/]*(/explanation\.svg)?|/v2/models/[^/]*(/versions/[^/]*)?/infer")
CHECKS = [
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance, checks.response_headers_conformance,
]  # fmt: skip
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
COLUMNS: dict[str, Any] = {
    "age": {"type": ["number", "null"]}, "pay": {"type": ["number", "null"]}, "on": {"type": ["boolean", "null"]},
    "mood": {"enum": ["good", "bad", "unheard of", None]}, "size": {"enum": ["s", "m", "l", None]},
    "town": {"type": ["string", "null"]},
}  # fmt: skip
FEATURES = {"type": "object", "properties": COLUMNS, "additionalProperties": False, "example": ROW}
RELEASES = ["production", "challenger", "champion", "latest", "1", "2", "3", "9", "best"]


@dataclass
class Asked:
    """A deployment that is asked by schemathesis."""

    serve: Serve = field(default_factory=Serve)
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.serve.house.outlet = self.serve.outlet
        self.serve.promote(1)
        self.serve.trial(2, share=0.5, shadow=0.5)
        self.serve.register(3, compiled("random_forest", "multiclass", "mixed"))
        self.app = self.serve.house.app(*self.serve.house.serving())

    def holds(self, case: Case, *more: Any) -> None:
        """One call, and all that must be true of its answer."""
        before = len(self.serve.outlet.records)
        answer = case.call(headers={"x-api-key": self.serve.key})
        records = self.serve.outlet.records[before:]
        self.answered[case.operation.label, answer.status_code] += 1
        case.validate_response(answer, checks=[*CHECKS, *more])
        assert answer.headers["x-request-id"] and "total;dur=" in answer.headers["server-timing"][0]
        if answer.status_code >= 400:
            shaped(case, answer)
        if case.method == "POST" and RECORDED.fullmatch(case.formatted_path):
            asked_by_somebody = answer.status_code != 401  # the document is also tried without its key
            assert [record.status for record in records] == [answer.status_code] * asked_by_somebody
            assert all(record.correlation_id == answer.headers["x-request-id"][0] for record in records)
        else:
            assert not records


def shaped(case: Case, answer: Response) -> None:
    """The one shape of every error; of the protocol, whose clients take nothing but text, the other."""
    told = answer.json()
    if case.path.startswith("/v2"):
        assert isinstance(told["error"], str)
    else:
        assert set(told) == {"error"}
        told = {**told["error"], "error": told["error"]["message"]}
        del told["message"]
    assert {"error", "code", "request_id"} <= set(told) <= {"error", "code", "request_id", "field", "details"}
    assert told["error"] and told["code"] != "internal" and len(told.get("field", "")) < 300


def committed() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return made


def narrowed() -> dict[str, Any]:
    """The same for somebody who knows the model: its name, its columns, its releases. Most of these calls reach it."""
    made = copy.deepcopy(committed())
    schemas = made["components"]["schemas"]
    schemas["RowIn"]["properties"]["features"] = FEATURES
    body = schemas["InferenceIn"]
    body["properties"] |= {"model": {"const": "m"}, "release": {"enum": RELEASES}}
    body["properties"]["rows"] |= {"maxItems": 4}
    for path, kind in (("/predict/{model}", "oneOf"), ("/predict/{model}/explanation.svg", "")):
        content = made["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        content["schema"] = (
            {kind: [FEATURES, {"type": "array", "items": FEATURES, "minItems": 1}]} if kind else FEATURES
        )
    for path, methods in made["paths"].items():
        for told in methods.values():
            for each in told.get("parameters", ()):
                if each["name"] in ("release", "version") and path.startswith(("/predict", "/v2")):
                    each["schema"] = {"enum": RELEASES}
                if each["name"] == "model":
                    each["schema"] = {"enum": ["m"]}
            if path.endswith("/infer"):
                told["requestBody"]["content"] = {"application/json": {"schema": _tensors()}}
    return made


def _tensors() -> dict[str, Any]:
    kinds = {"age": "FP64", "pay": "FP32", "on": "BOOL", "mood": "BYTES", "size": "BYTES", "town": "BYTES"}
    each = [
        {
            "type": "object", "required": ["name", "shape", "datatype", "data"], "additionalProperties": False,
            "properties": {
                "name": {"const": name}, "shape": {"const": [2]}, "datatype": {"const": kind},
                "data": {"type": "array", "items": COLUMNS[name], "minItems": 2, "maxItems": 2},
            },
        }
        for name, kind in kinds.items()
    ]  # fmt: skip
    outputs = {"enum": ["prediction", "probabilities", "contributions", "base_value", "classes", "nothing"]}
    output = {"type": "object", "required": ["name"], "properties": {"name": outputs}, "additionalProperties": False}
    return {
        "type": "object", "required": ["inputs"], "additionalProperties": False,
        "properties": {
            "id": {"type": "string"}, "outputs": {"type": "array", "items": output, "maxItems": 3},
            "inputs": {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)},
        },
    }  # fmt: skip


@cache
def asked() -> Asked:
    return Asked()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The app is built by the first call: nothing is trained by an import."""
    await asked().app(scope, receive, send)


def operations(document: dict[str, Any]) -> Any:
    found = from_dict(document).include(tag="inference")
    found.app = app
    return found


@operations(committed()).parametrize()
@QUICK
def test_whatever_is_sent_is_answered_as_the_document_says(case: Case) -> None:
    asked().holds(case, checks.negative_data_rejection)


@operations(narrowed()).parametrize()
@QUICK
def test_what_reaches_a_model_is_answered_as_the_document_says(case: Case) -> None:
    asked().holds(case)


def test_many_of_these_calls_were_answered_by_a_model() -> None:
    if not asked().answered:
        pytest.skip("it counts the calls of the tests above")
    reached = {label: count for (label, status), count in asked().answered.items() if status == 200}
    assert {f"POST {path}" for path in ANSWERS} <= {label for label, count in reached.items() if count >= 20}
