"""The API as a caller meets it, through the gateway."""

import pytest

from cli.client import GyreClient
from gyre.http.factory import OPEN_PATHS
from infra.openapi import document


def test_health_tells_version_and_commit(gyre: GyreClient) -> None:
    answer = gyre.send("GET", "health", headers={"x-api-key": ""})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["environment"]) == ("ok", "local")
    assert (told["version"], told["commit"]) == (gyre.record.version, gyre.record.commit)


def test_ready_says_whether_a_model_has_a_release(gyre: GyreClient) -> None:
    """A fresh stack has none; one that was used for a while may have some."""
    released = [each for each in gyre.get("/models")["models"] if each["version"] is not None]
    answer = gyre.send("GET", "ready")
    assert answer.status_code == (200 if released else 503)
    assert released or answer.json()["error"]["code"] == "not_ready"


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_open_paths_need_no_key(gyre: GyreClient, path: str) -> None:
    assert gyre.send("GET", path, headers={"x-api-key": ""}).status_code != 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (
            method.upper(),
            path.replace("{run}", "a")
            .replace("{model}", "b")
            .replace("{event_id}", "event-000")
            .replace("{version}", "1")
            .replace("{name}", "a.csv"),
        )
        for path, methods in document()["paths"].items()
        for method in methods
        if path not in OPEN_PATHS
    ]
    + [("GET", "/nowhere"), ("DELETE", "/models/x"), ("GET", "/subjects/1")],
)
def test_everything_else_needs_a_key(gyre: GyreClient, method: str, path: str) -> None:
    """Given no key, or a wrong one, when anything is asked, then 401 in the one error shape."""
    for key in ("", "gyre_wrong"):
        answer = gyre.send(method, path, headers={"x-api-key": key})
        assert answer.status_code == 401, answer.text
        # The Open Inference Protocol wants the error itself to be text.
        error = answer.json() if path.startswith("/v2") else answer.json()["error"]
        assert error["code"] == "unauthenticated"
        assert error["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/nowhere", "/models/none", "/reports/x", "/stats/x", "/feedback/x"])
def test_what_does_not_exist_is_404(gyre: GyreClient, path: str) -> None:
    answer = gyre.send("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "Not A Name"}, "model"),
        ({}, "model"),
        ({"model": "wine", "unknown": 1}, "unknown"),
        ({"model": "wine", "dataset": "inbox/other/file.csv"}, "dataset"),
        ([], None),
    ],
)
def test_a_malformed_request_names_its_field(gyre: GyreClient, body: object, field: str | None) -> None:
    answer = gyre.send("POST", "/train", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"].get("field") == field


def test_a_body_that_is_no_json_is_422(gyre: GyreClient) -> None:
    answer = gyre.send("POST", "/train", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_the_documents_list_every_route(gyre: GyreClient) -> None:
    assert set(gyre.get("/openapi.json")["paths"]) == set(document()["paths"])
    page = gyre.get("/docs")
    assert all(path in page for path in document()["paths"])
