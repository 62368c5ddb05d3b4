import gc
import json
import os
import subprocess
import sys

import pytest
from fastapi import APIRouter, FastAPI, Response

from gyre.http.lambda_entry import http_handler, is_http
from tests.event_data import SPEC
from tests.unit.parts import House, proxy_event


def test_the_app_is_composed_at_the_first_call_and_once() -> None:
    composed = []

    def compose() -> FastAPI:
        composed.append(1)
        house = House()
        return house.app(*house.routers()["inference"])

    handle = http_handler(compose)
    assert not composed
    answers = [handle(proxy_event("GET", "/health"), None) for _ in range(2)]
    assert len(composed) == 1
    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert json.loads(answers[0]["body"])["status"] == "ok"


def test_a_page_is_text_and_not_base64() -> None:
    house = House()
    answer = http_handler(lambda: house.app(*house.routers()["inference"]))(proxy_event("GET", "/docs"), None)
    assert answer["isBase64Encoded"] is False
    assert "<html" in answer["body"]


@pytest.mark.parametrize(("body", "status"), [("x" * 6_200_000, 200), ("x" * 6_300_000, 413), ('"' * 3_200_000, 413)])
def test_what_lambda_would_drop_is_told(body: str, status: int) -> None:
    house, routes = House(), APIRouter()
    routes.get("/large")(lambda: Response(body, media_type="text/plain"))
    event = proxy_event("GET", "/large", **{"x-api-key": house.add_key()})
    answer = http_handler(lambda: house.app(routes))(event, None)
    assert answer["statusCode"] == status
    if status == 413:
        told = json.loads(answer["body"])["error"]
        assert told["code"] == "too_large" and "6,280,000" in told["message"]
        assert told["request_id"] == answer["headers"]["x-request-id"]
        assert answer["headers"]["content-length"] == str(len(answer["body"]))


def test_other_triggers_are_told_from_http() -> None:
    assert is_http(proxy_event("GET", "/"))
    assert not is_http({"Records": []})
    assert not is_http({"detail": {"object": {"key": "inbox/wine/a.csv"}}})


def test_a_model_yaml_is_text_and_not_base64() -> None:
    """The gateway takes base64 back only from those who ask for the type as binary."""
    house = House()
    house.artifacts.put("specs/wine/00000001.yaml", SPEC)
    handle = http_handler(lambda: house.app(*house.routers()["training_trigger"]))
    answer = handle(proxy_event("GET", "/models/wine/spec", **{"x-api-key": house.add_key()}), None)
    assert (answer["isBase64Encoded"], answer["body"].encode()) == (False, SPEC)


def test_an_environment_that_only_a_queue_calls_looks_for_rubbish_too() -> None:
    """Given a function that is imported by Lambda, when no call over HTTP ever comes, then cycles are collected."""
    gc.disable()
    try:
        http_handler(FastAPI)
        assert gc.isenabled()
    finally:
        gc.enable()


def test_no_schema_is_made_while_a_function_starts() -> None:
    told = (
        "import gyre.http.routes.inference; from gyre.documented import docstrings; print(docstrings.cache_info()[3])"
    )
    env = {"PYTHONPATH": os.pathsep.join(sys.path)}
    made = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, env=env)
    assert made.stdout == "0\n"
