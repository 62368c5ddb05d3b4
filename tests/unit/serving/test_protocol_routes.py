"""/v2: what clients of the Open Inference Protocol send and get."""

import json
import struct
from typing import Any

import numpy as np
import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mangum import Mangum
from starlette.testclient import TestClient

from gyre import __version__
from gyre.http.answering import Desk
from gyre.http.routes import protocol
from gyre.registry.moves import retire
from gyre.serving.answer import Serving
from gyre.serving.protocol_tensors import DATATYPES
from gyre.telemetry import logger
from tests.unit.parts import caller, proxy_event
from tests.unit.registry.house import ANNA
from tests.unit.serving.house import ROW, Serve
from tests.unit.training.models import compiled

CLASSES = ["high", "low", "middle"]
COLUMNS = {"age": "FP64", "pay": "FP64", "on": "BOOL", "mood": "BYTES", "size": "BYTES", "town": "BYTES"}
HEADER = "Inference-Header-Content-Length"


class Speaking(Serve):
    """A deployment whose models speak the protocol, too."""

    def speaker(self) -> TestClient:
        desk = Desk(Serving(self.shelf), self.outlet, self.shadows, logger("protocol-test"))
        return caller(self.house.app(protocol.router(desk, self.shelf, self.house.artifacts)), self.key)


@pytest.fixture
def serve() -> Speaking:
    made = Speaking()
    made.promote(1)
    return made


@pytest.fixture
def client(serve: Speaking) -> TestClient:
    return serve.speaker()


def tensor(name: str, *values: Any, datatype: str | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(values)], "datatype": datatype or COLUMNS[name], "data": list(values), **more}


def tensors(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [tensor(name, *(row.get(name) for row in rows)) for name in COLUMNS]


def sent(inputs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"inputs": inputs, **more}


def outputs(answer: Response) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["outputs"]}


def refused(answer: Response, status: int = 422) -> dict[str, Any]:
    """What is told, after checking that a client of the protocol can print it."""
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    assert {"error", "code", "request_id"} <= told.keys() <= {"error", "code", "request_id", "field", "details"}
    assert isinstance(told["error"], str) and told["error"]
    assert told["request_id"] == answer.headers["x-request-id"]
    return told


def packed(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(each)) + each for each in texts)


def as_bytes(inputs: list[dict[str, Any]], **more: Any) -> tuple[bytes, dict[str, str]]:
    """The same request with its data behind the JSON, and its headers."""
    blob, heads = b"", []
    for each in inputs:
        kind = (
            np.uint8
            if each["datatype"] == "BOOL"
            else f"<f{each['datatype'][2:3]}"
            if "FP" in each["datatype"]
            else "<i8"
        )
        values = [np.nan if value is None else value for value in each["data"]]
        content = (
            packed(*(b"" if value is None else value.encode() for value in each["data"]))
            if each["datatype"] == "BYTES"
            else np.array(values)
            .astype({"FP64": "<f8", "FP32": "<f4", "FP16": "<f2"}.get(each["datatype"], kind))
            .tobytes()
        )
        heads.append(
            {**{k: v for k, v in each.items() if k != "data"}, "parameters": {"binary_data_size": len(content)}}
        )
        blob += content
    told = json.dumps({"inputs": heads, **more}).encode()
    return told + blob, {HEADER: str(len(told)), "content-type": "application/octet-stream"}


# --- what a client learns first ---------------------------------------------------------------------------------------


def test_the_server_tells_what_it_is(client: TestClient) -> None:
    assert client.get("/v2").json() == {"name": "gyre", "version": __version__, "extensions": ["binary_tensor_data"]}
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}


def test_without_a_release_it_is_alive_and_not_ready() -> None:
    client = Speaking().speaker()
    assert client.get("/v2/health/live").status_code == 200
    assert refused(client.get("/v2/health/ready"), 503)["code"] == "not_ready"
    assert client.post("/v2/repository/index").json() == []


def test_a_model_tells_its_inputs_and_outputs(serve: Speaking, client: TestClient) -> None:
    # given: a version that serves, one that does not, one that is retired
    serve.register(2, compiled("linear", "multiclass", "mixed"))
    serve.register(3, compiled("linear", "multiclass", "mixed"))
    retire("m", 3, serve.house.artifacts, ANNA)
    serve.shelf = serve.fresh_shelf()
    # when
    told = serve.speaker().get("/v2/models/m").json()
    # then
    assert (told["name"], told["versions"], told["platform"]) == ("m", ["1", "2"], "onnx_onnxv1")
    assert told["inputs"] == [{"name": n, "datatype": d, "shape": [-1]} for n, d in COLUMNS.items()]
    assert told["outputs"] == [
        {"name": "prediction", "datatype": "BYTES", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, 3]},
        {"name": "confidence", "datatype": "FP64", "shape": [-1]},
        {"name": "contributions", "datatype": "FP64", "shape": [-1, 6]},
        {"name": "base_value", "datatype": "FP64", "shape": [-1]},
        {"name": "classes", "datatype": "BYTES", "shape": [3]},
        {"name": "features", "datatype": "BYTES", "shape": [6]},
    ]
    assert client.get("/v2/models/m/versions/2").json()["inputs"] == told["inputs"]


def test_a_regression_has_no_classes() -> None:
    serve = Speaking()
    serve.promote(1, compiled("linear", "regression", "numbers"))
    told = {each["name"]: each["datatype"] for each in serve.speaker().get("/v2/models/m").json()["outputs"]}
    assert told == {"prediction": "FP64", "contributions": "FP64", "base_value": "FP64", "features": "BYTES"}


@pytest.mark.parametrize("path", ["", "/versions/1", "/versions/production"])
def test_a_model_is_ready(client: TestClient, path: str) -> None:
    assert client.get(f"/v2/models/m{path}/ready").json() == {"name": "m", "ready": True}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("other", 404),
        ("m/versions/9", 404),
        ("m/versions/nine", 422),
        ("Not a name", 422),
        ("m/versions/challenger", 404),
    ],
)
def test_what_is_not_there_is_not_ready(client: TestClient, path: str, status: int) -> None:
    for more in ("", "/ready"):
        refused(client.get(f"/v2/models/{path}{more}"), status)
    refused(client.post(f"/v2/models/{path}/infer", json=sent(tensors(ROW))), status)


def test_a_retired_version_is_not_ready(serve: Speaking, client: TestClient) -> None:
    serve.register(2, compiled("linear", "multiclass", "mixed"))
    retire("m", 2, serve.house.artifacts, ANNA)
    serve.shelf = serve.fresh_shelf()
    assert refused(serve.speaker().get("/v2/models/m/versions/2/ready"), 409)["code"] == "conflict"


def test_the_index_tells_every_model(serve: Speaking, client: TestClient) -> None:
    serve.house.artifacts.put("releases/broken.json", b"{}")
    told = client.post("/v2/repository/index").json()
    assert told[1] == {"name": "m", "version": "1", "state": "READY", "reason": ""}
    assert (told[0]["name"], told[0]["state"]) == ("broken", "UNAVAILABLE") and told[0]["reason"]


# --- predictions ------------------------------------------------------------------------------------------------------


def test_rows_are_answered_as_inference_answers_them(serve: Speaking, client: TestClient) -> None:
    # given
    rows = [ROW, {**ROW, "mood": "bad", "age": None, "on": False}, {}]
    wanted = serve.ask(*rows).json()["predictions"]
    # when
    answer = client.post("/v2/models/m/infer", json=sent(tensors(*rows), id="call-1"))
    # then
    told, found = answer.json(), outputs(answer)
    assert (told["model_name"], told["model_version"], told["id"]) == ("m", "1", "call-1")
    assert list(found) == ["prediction", "probabilities", "confidence"]
    assert found["prediction"] == {
        "name": "prediction", "datatype": "BYTES", "shape": [3], "data": [row["prediction"] for row in wanted]
    }  # fmt: skip
    assert found["probabilities"]["shape"] == [3, 3]
    assert found["probabilities"]["data"] == [share for row in wanted for share in row["probabilities"].values()]
    assert found["confidence"]["data"] == [row["confidence"] for row in wanted]


def test_a_call_is_recorded_like_any_other(serve: Speaking, client: TestClient) -> None:
    answer = client.post("/v2/models/m/versions/1/infer", json=sent(tensors(ROW)))
    record = serve.outlet.one()
    assert answer.json()["parameters"] == {"event_id": record.event_id, "version": "1"}
    assert "id" not in answer.json()
    assert (record.model, record.asked, record.status) == ("m", "1", 200)
    assert [row.features for row in record.rows] == [ROW]


def test_what_is_refused_is_recorded_too(serve: Speaking, client: TestClient) -> None:
    refused(client.post("/v2/models/m/infer", json=sent(tensors({**ROW, "size": "xxl"}))))
    record = serve.outlet.one()
    assert record.status == 422 and record.model == "m"
    refused(client.post("/v2/models/m/infer", content=b"no"))
    assert serve.outlet.one().status == 422


def test_reasons_are_told_to_those_who_ask(serve: Speaking, client: TestClient) -> None:
    # given
    asked = [{"name": each} for each in ("contributions", "base_value", "features", "classes", "prediction")]
    (wanted,) = serve.ask(ROW, explain={"top": 100}).json()["predictions"]
    # when
    found = outputs(client.post("/v2/models/m/infer", json=sent(tensors(ROW), outputs=asked)))
    # then
    assert list(found) == [each["name"] for each in asked]
    assert found["classes"]["data"] == CLASSES
    assert found["base_value"]["data"] == [wanted["base_value"]]
    assert found["contributions"]["shape"] == [1, 6]
    assert dict(zip(found["features"]["data"], found["contributions"]["data"], strict=True)) == {
        each["feature"]: each["contribution"] for each in wanted["explanation"]
    }


def test_all_numbers_may_come_as_one_matrix() -> None:
    # given
    serve = Speaking()
    serve.promote(1, compiled("boosting", "binary", "numbers"))
    client = serve.speaker()
    rows = [[30.0, 20.5], [None, 80.0], [61.0, None]]
    columns = [tensor(name, *(row[at] for row in rows)) for at, name in enumerate(("age", "pay"))]
    wanted = outputs(client.post("/v2/models/m/infer", json=sent(columns)))
    # when
    for data in (rows, [each for row in rows for each in row]):
        matrix = {"name": "input-0", "shape": [3, 2], "datatype": "FP64", "data": data}
        assert outputs(client.post("/v2/models/m/infer", json=sent([matrix]))) == wanted
    told = refused(
        client.post("/v2/models/m/infer", json=sent([{**matrix, "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}]))
    )
    # then
    assert told["field"] == "inputs.input-0" and "takes 2: age, pay" in told["error"]


def test_a_matrix_is_no_way_to_send_words(client: TestClient) -> None:
    matrix = {"name": "input-0", "shape": [1, 6], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6]}
    assert "mood is no number" in refused(client.post("/v2/models/m/infer", json=sent([matrix])))["error"]


def test_a_column_may_have_two_dimensions(client: TestClient) -> None:
    flat = outputs(client.post("/v2/models/m/infer", json=sent(tensors(ROW, ROW))))
    deep = [{**each, "shape": [2, 1], "data": [[value] for value in each["data"]]} for each in tensors(ROW, ROW)]
    assert outputs(client.post("/v2/models/m/infer", json=sent(deep))) == flat


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT8", "INT64", "UINT16", "UINT64"])
def test_numbers_come_in_many_types(client: TestClient, datatype: str) -> None:
    inputs = [*tensors({**ROW, "pay": 20})[2:], *(tensor(name, 20, datatype=datatype) for name in ("age", "pay"))]
    usual = outputs(client.post("/v2/models/m/infer", json=sent(tensors({**ROW, "age": 20, "pay": 20}))))
    assert outputs(client.post("/v2/models/m/infer", json=sent(inputs))) == usual


@pytest.mark.parametrize(
    ("datatype", "value"), [("INT64", 1), ("FP32", 1.0), ("UINT8", 1), ("BOOL", 1), ("BOOL", True)]
)
def test_a_truth_may_be_one_or_nothing(client: TestClient, datatype: str, value: Any) -> None:
    inputs = [each for each in tensors(ROW) if each["name"] != "on"]
    usual = outputs(client.post("/v2/models/m/infer", json=sent(tensors(ROW))))
    found = client.post("/v2/models/m/infer", json=sent([*inputs, tensor("on", value, datatype=datatype)]))
    assert outputs(found) == usual


def test_rows_that_went_to_two_releases_are_told_together(serve: Speaking) -> None:
    # given: every call of half of the keys meets the challenger; a call has one key
    serve.trial(2, 0.5)
    client = serve.speaker()
    versions = set()
    for _ in range(20):
        answer = client.post("/v2/models/m/infer", json=sent(tensors(ROW, ROW)))
        versions.add(answer.json()["model_version"])
        assert outputs(answer)["probabilities"]["shape"] == [2, 3]
    assert versions == {"1", "2"}


# --- as bytes ---------------------------------------------------------------------------------------------------------


def test_inputs_may_come_as_bytes(client: TestClient) -> None:
    rows = [ROW, {**ROW, "mood": "größer", "age": None, "on": False, "town": None}]
    content, headers = as_bytes(tensors(*rows), id="b")
    answer = client.post("/v2/models/m/infer", content=content, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    assert outputs(answer) == outputs(client.post("/v2/models/m/infer", json=sent(tensors(*rows))))


def test_bytes_and_json_may_come_together(client: TestClient) -> None:
    inputs = tensors(ROW)
    content = json.dumps(
        {"inputs": [*inputs[1:], {**inputs[0], "parameters": {"binary_data_size": 8}, "data": None}]}
    ).encode()
    answer = client.post(
        "/v2/models/m/infer", content=content + struct.pack("<d", ROW["age"]), headers={HEADER: str(len(content))}
    )
    assert outputs(answer) == outputs(client.post("/v2/models/m/infer", json=sent(inputs)))


def taken_apart(answer: Response) -> dict[str, Any]:
    """The outputs of an answer in bytes, as lists."""
    length = int(answer.headers[HEADER])
    told, blob = json.loads(answer.content[:length]), answer.content[length:]
    found, at = {}, 0
    for each in told["outputs"]:
        if "data" in each:
            found[each["name"]] = each["data"]
            continue
        content = blob[at : at + each["parameters"]["binary_data_size"]]
        at += len(content)
        if each["datatype"] == "BYTES":
            texts, start = [], 0
            while start < len(content):
                (size,) = struct.unpack_from("<I", content, start)
                texts.append(content[start + 4 : start + 4 + size].decode())
                start += 4 + size
            found[each["name"]] = texts
        else:
            assert each["datatype"] == "FP64"
            found[each["name"]] = np.frombuffer(content, "<f8").tolist()
    assert at == len(blob)
    return found


def test_outputs_are_told_as_bytes_if_they_are_wanted_so(client: TestClient) -> None:
    rows = [ROW, {}]
    usual = {
        name: each["data"]
        for name, each in outputs(client.post("/v2/models/m/infer", json=sent(tensors(*rows)))).items()
    }
    # when
    every = client.post("/v2/models/m/infer", json=sent(tensors(*rows), parameters={"binary_data_output": True}))
    some = client.post(
        "/v2/models/m/infer",
        json=sent(
            tensors(*rows),
            outputs=[
                {"name": "prediction", "parameters": {"binary_data": True}},
                {"name": "probabilities", "parameters": {"binary_data": False}},
            ],
            parameters={"binary_data_output": True},
        ),
    )
    # then
    assert every.headers["content-type"] == some.headers["content-type"] == "application/octet-stream"
    assert taken_apart(every) == usual
    assert taken_apart(some) == {name: usual[name] for name in ("prediction", "probabilities")}
    assert "data" in json.loads(some.content[: int(some.headers[HEADER])])["outputs"][1]


def test_through_the_gateway_bytes_come_and_go(serve: Speaking) -> None:
    # given
    app = Mangum(serve.speaker().app, lifespan="off")  # type: ignore[arg-type]
    content, headers = as_bytes(tensors(ROW), parameters={"binary_data_output": True})

    def call(**more: str) -> dict[str, Any]:
        event = proxy_event("POST", "/v2/models/m/infer", content, **headers, **more, **{"x-api-key": serve.key})
        return app(event, None)  # type: ignore[arg-type, no-any-return]

    # then: only who says that bytes are welcome is given them by the gateway
    assert call()["isBase64Encoded"] is False
    assert json.loads(call()["body"])["outputs"][0]["data"]
    assert call(accept="application/octet-stream")["isBase64Encoded"] is True
    # and: bytes that were handed on as text are refused with the reason
    as_text = proxy_event(
        "POST", "/v2/models/m/infer", content.decode("utf-8", "replace")[:-9], **{**headers, "x-api-key": serve.key}
    )
    assert app(as_text, None)["statusCode"] == 422  # type: ignore[arg-type]


# --- what is off ------------------------------------------------------------------------------------------------------

AGE = tensors(ROW)[0]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"shape": [2]}, "inputs.age"),
        ({"shape": [-1]}, "inputs.age"),
        ({"shape": [0], "data": []}, "inputs.age"),
        ({"shape": [10**9]}, "inputs.age"),
        ({"shape": [10**30]}, "inputs.age"),
        ({"shape": [1, 2], "data": [1, 2]}, "inputs.age"),
        ({"shape": [1, 1, 1]}, "inputs.age"),
        ({"shape": []}, "inputs.age"),
        ({"shape": "1"}, "inputs.age"),
        ({"shape": [True]}, "inputs.age"),
        ({"shape": [1.0]}, "inputs.age"),
        ({"shape": None}, "inputs.age"),
        ({"datatype": "BYTES", "data": ["30"]}, "inputs.age"),
        ({"datatype": "FP8"}, "inputs.age"),
        ({"datatype": None}, "inputs.age"),
        ({"datatype": ["FP64"]}, "inputs.age"),
        ({"datatype": "BOOL", "data": [True]}, "inputs.age"),
        ({"datatype": "INT8", "data": [128]}, "inputs.age"),
        ({"datatype": "UINT8", "data": [-1]}, "inputs.age"),
        ({"datatype": "INT64", "data": [1.5]}, "inputs.age"),
        ({"data": None}, "inputs.age"),
        ({"data": 30}, "inputs.age"),
        ({"data": {}}, "inputs.age"),
        ({"data": ["30"]}, "inputs.age"),
        ({"data": [[30]]}, "inputs.age"),
        ({"data": [True]}, "inputs.age"),
        ({"data": []}, "inputs.age"),
        ({"parameters": []}, "parameters"),
        ({"parameters": {"binary_data_size": 8}}, "inputs.age"),
        ({"parameters": {"binary_data_size": 8}, "data": None}, "inputs.age"),
        ({"name": "aeg"}, "inputs.aeg"),
        ({"name": "pay"}, "inputs.pay"),
        ({"name": ""}, "inputs"),
        ({"name": 7}, "inputs"),
    ],
)
def test_an_input_that_is_off_is_named(client: TestClient, changed: dict[str, Any], field: str) -> None:
    told = refused(client.post("/v2/models/m/infer", json=sent([{**AGE, **changed}, *tensors(ROW)[1:]])))
    assert told["field"] == field
    assert told["code"] == "invalid"


def test_what_was_sent_is_not_told_back(client: TestClient, serve: Speaking) -> None:
    # given: it may be of a personal column, and refusals are recorded
    inputs = [*tensors(ROW)[1:], tensor("age", "Anna Smith")]
    # when
    told = refused(client.post("/v2/models/m/infer", json=sent(inputs)))
    # then
    assert told["error"] == "Input age: value 0 is no FP64, but text."
    assert "Anna" not in serve.outlet.one().model_dump_json()


def test_a_misspelt_input_is_told_what_may_be_meant(client: TestClient) -> None:
    assert (
        "Is age meant?"
        in refused(client.post("/v2/models/m/infer", json=sent([tensor("agee", 1, datatype="FP64")])))["error"]
    )


def test_an_input_that_is_missing_is_named(client: TestClient) -> None:
    assert refused(client.post("/v2/models/m/infer", json=sent(tensors(ROW)[:-1])))["field"] == "inputs.town"


def test_a_value_that_breaks_a_rule_is_named_with_its_row(client: TestClient) -> None:
    told = refused(client.post("/v2/models/m/infer", json=sent(tensors(ROW, {**ROW, "size": "xxl"}))))
    assert told["field"] == "rows[1].size" and told["details"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"inputs": []}', b'{"inputs": {}}', b'{"inputs": [[]]}',
        b'{"inputs": [null]}', b"[" * 100_000, b'{"id": 7, "inputs": []}', b'{"inputs": [], "parameters": 3}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused(client: TestClient, body: bytes) -> None:
    refused(client.post("/v2/models/m/infer", content=body))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([{"name": "odds"}], "has no output odds"),
        ([{"name": "prediction"}, {"name": "prediction"}], "a name of its own"),
        ([{"name": "prediction", "parameters": {"classification": 3}}], "probabilities instead"),
        ([{}], "a name of its own"),
        (["prediction"], "a name of its own"),
        ({}, "must be a list"),
    ],
)
def test_an_output_that_is_off_is_named(client: TestClient, asked: Any, told: str) -> None:
    assert told in refused(client.post("/v2/models/m/infer", json=sent(tensors(ROW), outputs=asked)))["error"]


@pytest.mark.parametrize("length", ["", "0", "-1", "many", "9" * 30, "100000", "1.5", "²"])
def test_a_length_of_the_json_that_is_off_is_refused(client: TestClient, length: str) -> None:
    content, headers = as_bytes(tensors(ROW))
    told = refused(client.post("/v2/models/m/infer", content=content, headers={**headers, HEADER: length.encode()}))
    assert told["field"] == HEADER


@pytest.mark.parametrize("much", [1, 7, 20, 35])
def test_bytes_that_were_cut_short_are_refused(client: TestClient, much: int) -> None:
    content, headers = as_bytes(tensors(ROW))
    assert refused(client.post("/v2/models/m/infer", content=content[:-much], headers=headers))["field"].startswith(
        "inputs."
    )


def test_bytes_that_no_input_takes_are_refused(client: TestClient) -> None:
    content, headers = as_bytes(tensors(ROW))
    assert (
        "1 bytes more" in refused(client.post("/v2/models/m/infer", content=content + b"x", headers=headers))["error"]
    )


@pytest.mark.parametrize(
    ("name", "datatype", "content"),
    [
        ("age", "FP64", struct.pack("<d", float("inf"))),
        ("age", "FP64", b"\0" * 7),
        ("age", "FP32", b"\0" * 8),
        ("on", "BOOL", b"\2"),
        ("mood", "BYTES", b"\xff\xff\xff\xff"),
        ("mood", "BYTES", packed(b"\xff\xfe")),
        ("mood", "BYTES", packed(b"a", b"b")),
        ("mood", "BYTES", b""),
        ("mood", "BYTES", packed(b"a") + b"\0"),
    ],
)
def test_bytes_that_are_no_values_are_refused(client: TestClient, name: str, datatype: str, content: bytes) -> None:
    inputs = [each for each in tensors(ROW) if each["name"] != name]
    parameters = {"binary_data_size": len(content)}
    told = json.dumps(
        {"inputs": [*inputs, {"name": name, "shape": [1], "datatype": datatype, "parameters": parameters}]}
    ).encode()
    answer = client.post("/v2/models/m/infer", content=told + content, headers={HEADER: str(len(told))})
    assert refused(answer)["field"] == f"inputs.{name}"


def test_other_content_is_refused(client: TestClient) -> None:
    refused(client.post("/v2/models/m/infer", content=b"a=b", headers={"content-type": "text/csv"}), 415)
    refused(client.post("/v2/models/m/infer", content=b"", headers={"content-encoding": "gzip"}), 415)


def test_too_much_is_refused(client: TestClient) -> None:
    assert refused(client.post("/v2/models/m/infer", content=b" " * 6_000_001), 413)["code"] == "too_large"


def test_an_answer_that_cannot_be_recorded_is_not_given(serve: Speaking, client: TestClient) -> None:
    serve.outlet.down = True
    assert refused(client.post("/v2/models/m/infer", json=sent(tensors(ROW))), 503)["code"] == "unavailable"


# --- whatever comes ---------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "data", "shape"]), inner),
    max_leaves=6,
)
sizes = st.sampled_from([0, 1, 2, 3, -1, 10**9, 2**63, 10**30])
odd_tensors = st.fixed_dictionaries(
    {
        "name": st.sampled_from([*COLUMNS, "y", "input-0", "aeg"]) | anything,
        "shape": st.lists(sizes, max_size=3) | anything,
        "datatype": st.sampled_from(DATATYPES) | anything,
    },
    optional={
        "data": st.lists(st.integers(-300, 300) | st.floats() | st.text(max_size=3) | st.booleans(), max_size=4)
        | anything,
        "parameters": st.fixed_dictionaries({"binary_data_size": sizes | anything}) | anything,
    },
)
requests = st.fixed_dictionaries(
    {"inputs": st.lists(odd_tensors | st.sampled_from(tensors(ROW)), max_size=8) | anything},
    optional={
        "id": st.text(max_size=5) | anything,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["prediction", "x"])}), max_size=2)
        | anything,
        "parameters": st.fixed_dictionaries({"binary_data_output": anything}) | anything,
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=requests, blob=st.binary(max_size=40), length=st.none() | st.integers(-1, 1_000), right=st.booleans())
def test_whatever_is_sent_is_answered_or_refused(
    client: TestClient, told: dict[str, Any], blob: bytes, length: int | None, right: bool
) -> None:
    # given
    content = json.dumps(told).encode("utf-8", "replace")
    headers = {HEADER: str(len(content) if right else length)} if length is not None else {}
    # when
    answer = client.post("/v2/models/m/infer", content=content + (blob if headers else b""), headers=headers)
    # then
    if answer.status_code != 200:
        refused(answer)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_thing_that_is_off_is_a_422(client: TestClient, data: st.DataObject) -> None:
    # given: a right request, and one part of one tensor that is changed into a wrong one
    inputs = tensors(ROW, ROW)
    at = data.draw(st.integers(0, len(inputs) - 1))
    change = data.draw(
        st.sampled_from(["shape", "datatype", "data"]).flatmap(
            lambda part: st.tuples(
                st.just(part),
                {
                    "shape": st.lists(st.integers(), max_size=3).filter(lambda each: each not in ([2], [2, 1])),
                    "datatype": st.text(max_size=6).filter(lambda each: each not in DATATYPES),
                    "data": st.lists(st.none(), max_size=9).filter(lambda each: len(each) != 2),
                }[part],
            )
        )
    )
    inputs[at] = {**inputs[at], change[0]: change[1]}
    # then
    told = refused(client.post("/v2/models/m/infer", json=sent(inputs)))
    assert told["field"] == f"inputs.{inputs[at]['name']}"
