"""What every function's app does before and after its routes."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import APIRouter
from httpx import ASGITransport, AsyncClient
from mangum import Mangum

from gyre.http.access import FRESH_SECONDS, KEY_RING, Role
from gyre.http.factory import OPEN_PATHS, is_open
from tests.unit.parts import House, caller, proxy_event, router_of, told

OPEN = {"/", "/health", "/ready", "/docs", "/openapi.json", "/v2/health/live", "/v2/health/ready"}


def every_route() -> list[tuple[str, str, str]]:
    """(function, method, path) of all of them."""
    from infra.openapi import document

    named = {"run": "run-1", "model": "wine", "version": "1", "name": "a.csv", "event_id": "event-0001"}
    named |= {"letter": "2026-11-21.message-1", "erasure": "erasure-1", "subject": "ann"}
    return [
        (operation["tags"][0], method.upper(), path.format(**named))
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.fixture
def house() -> House:
    return House()


def test_the_open_paths_are_these_alone() -> None:
    assert OPEN_PATHS == OPEN
    assert is_open("/console/app.js")
    assert not any(map(is_open, ["/console", "/consoles/x", "/healthy", "/health/", "//health", "", "/models"]))


def test_there_are_routes_to_speak_of() -> None:
    functions = {function for function, _, _ in every_route()}
    assert functions == {"inference", "training_trigger", "prediction_log", "drift"}


@pytest.mark.parametrize(("function", "method", "path"), every_route())
@pytest.mark.parametrize("secret", [None, "gyre_wrong"])
def test_only_the_open_routes_answer_a_stranger(
    house: House, function: str, method: str, path: str, secret: str | None
) -> None:
    house.add_key()
    answer = caller(house.app(*house.routers()[function]), secret).request(method, path)
    if path in OPEN:
        assert answer.status_code != 401
    elif path.startswith("/v2"):  # whose clients take no error but text
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert "x-api-key" in answer.json()["error"]
    else:
        assert told(answer, 401)["code"] == "unauthenticated"


@pytest.mark.parametrize("function", ["inference", "training_trigger", "prediction_log", "drift"])
@pytest.mark.parametrize("path", ["/nowhere", "/train/x/y", "/health/more", "/.env"])
def test_a_stranger_learns_nothing_about_what_exists(house: House, function: str, path: str) -> None:
    assert told(caller(house.app(*house.routers()[function])).get(path), 401)["code"] == "unauthenticated"


def test_a_stranger_reads_nothing_of_the_body(house: House) -> None:
    answer = caller(house.app(*house.routers()["training_trigger"])).post("/train", json={"model": "NOT A NAME"})
    assert told(answer, 401)["code"] == "unauthenticated"


@pytest.mark.parametrize("role", ["predict", "train", "operate"])
def test_until_routes_declare_their_roles_only_an_admin_may_call(house: House, role: Role) -> None:
    client = caller(house.app(*house.routers()["training_trigger"]), house.add_key(role))
    assert told(client.get("/models"), 403)["code"] == "forbidden"


def test_a_key_is_taken_and_revoked_through_the_app(house: House) -> None:
    client = house.client("training_trigger")
    assert client.get("/models").status_code == 200
    house.add_key()  # the ring holds another key now
    assert client.get("/models").status_code == 200
    house.clock.now += FRESH_SECONDS
    told(client.get("/models"), 401)


@pytest.mark.parametrize(
    ("told_as", "status"), [("Bearer {}", 200), ("Basic {}", 401), ("{}", 401), ("Bearer x{}", 401)]
)
def test_a_key_may_come_as_a_bearer_token(house: House, told_as: str, status: int) -> None:
    client = caller(house.app(*house.routers()["training_trigger"]))
    answer = client.get("/models", headers={"Authorization": told_as.format(house.add_key())})
    assert answer.status_code == status


def test_a_broken_key_ring_is_503(house: House) -> None:
    client = house.client("training_trigger")
    house.artifacts.put(KEY_RING, b"{")
    assert told(client.get("/models"), 503)["code"] == "unavailable"


def test_a_broken_key_ring_leaves_health_up(house: House) -> None:
    house.artifacts.put(KEY_RING, b"{")
    assert caller(house.app(*house.routers()["inference"])).get("/health").status_code == 200


def test_an_unknown_path_is_404(house: House) -> None:
    error = told(house.client("inference").get("/nowhere"), 404)
    assert error["code"] == "not_found"
    assert "/nowhere" in error["message"]


def test_a_wrong_method_is_405_and_names_the_right_ones(house: House) -> None:
    answer = house.client("training_trigger").put("/train")
    assert told(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "POST"


def test_no_answer_leads_out_of_the_stage(house: House) -> None:
    """A redirect would name /train, and behind the gateway that is not /v1/train."""
    told(house.client("training_trigger").post("/train/", json={"model": "wine"}), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "NOT A NAME"}, "model"),
        ({"model": 7}, "model"),
        ({}, "model"),
        ({"model": "wine", "more": 1}, "more"),
        ([], None),
        ("text", None),
    ],
)
def test_a_malformed_body_is_422_and_names_the_field(house: House, body: Any, field: str | None) -> None:
    error = told(house.client("training_trigger").post("/train", json=body), 422)
    assert (error["code"], error.get("field")) == ("invalid", field)


@pytest.mark.parametrize("content", [b"", b"{", b'{"model": }', b"\xff\xfe"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_body_that_is_no_json_is_422(house: House, content: bytes, kind: str) -> None:
    client = house.client("training_trigger")
    error = told(client.post("/train", content=content, headers={"content-type": kind}), 422)
    assert error["code"] == "invalid"
    assert not (error.get("field") or "").isdigit(), "a position in the body is not a field"


def test_what_was_sent_is_told_back_in_short(house: House) -> None:
    error = told(house.client("training_trigger").post("/train", json={"model": "X" * 5000}), 422)
    assert len(error["message"]) < 300


def explode() -> None:
    raise ValueError("the password is swordfish")


def test_what_breaks_is_a_bare_500_with_its_id(house: House) -> None:
    error = told(caller(house.app(router_of("/breaks", explode)), house.add_key()).get("/breaks"), 500)
    assert error["code"] == "internal"
    assert "swordfish" not in error["message"]


def test_what_breaks_is_logged_with_its_stack_and_id(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    app = house.app(router_of("/breaks", explode))
    answer = caller(app, house.add_key()).get("/breaks")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    broke = next(line for line in lines if line["message"] == "broke")
    assert broke["correlation_id"] == answer.json()["error"]["request_id"]
    assert "swordfish" in broke["exception"]
    assert [line["status"] for line in lines if line["message"] == "answered"] == [500]


def test_each_answer_is_logged_with_what_it_took(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    answer = caller(house.app(*house.routers()["inference"])).get("/health")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    line = next(each for each in lines if each["message"] == "answered")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/health", 200)
    assert line["correlation_id"] == answer.headers["x-request-id"]
    assert line["ms"] >= 0


def test_a_key_is_never_logged(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    secret = house.add_key()
    caller(house.app(*house.routers()["training_trigger"]), secret).get("/models")
    assert secret not in capsys.readouterr().out


def test_two_requests_have_two_ids(house: House) -> None:
    client = house.client("inference")
    assert client.get("/health").headers["x-request-id"] != client.get("/health").headers["x-request-id"]


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/breaks"])
def test_the_gateways_request_id_is_ours(house: House, path: str) -> None:
    app = house.app(*house.routers()["inference"], router_of("/breaks", explode))
    event = proxy_event("GET", path, **{"x-api-key": house.add_key()})
    answer = Mangum(app, lifespan="off")(event, None)  # type: ignore[arg-type]
    assert answer["headers"]["x-request-id"] == "gateway-1"
    if answer["statusCode"] != 200:
        assert json.loads(answer["body"])["error"]["request_id"] == "gateway-1"


def test_a_header_of_the_caller_does_not_become_the_id(house: House) -> None:
    answer = house.client("inference").get("/health", headers={"x-request-id": "mine"})
    assert answer.headers["x-request-id"] != "mine"


def test_calls_at_the_same_time_are_logged_under_their_own_ids(capsys: pytest.CaptureFixture[str]) -> None:
    """Given uvicorn, which has many calls at once, when one ends while another waits, then neither has its id."""
    house, routes, both = House(), APIRouter(), asyncio.Barrier(2)

    @routes.get("/console/wait")
    async def wait() -> None:
        await both.wait()

    async def ask_twice() -> list[str]:
        async with AsyncClient(transport=ASGITransport(house.app(routes)), base_url="http://test") as client:
            answers = await asyncio.gather(*(client.get("/console/wait") for _ in range(2)))
        return [answer.headers["x-request-id"] for answer in answers]

    ids = asyncio.run(ask_twice())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["correlation_id"] for line in lines if line["message"] == "answered") == sorted(ids)
