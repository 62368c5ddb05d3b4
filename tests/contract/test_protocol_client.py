"""An existing client of the Open Inference Protocol, NVIDIA's tritonclient, talks to the real app over HTTP."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import uvicorn
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from gyre.http.answering import Desk
from gyre.http.routes import front, inference, protocol
from gyre.serving.answer import Serving
from gyre.telemetry import logger
from tests.unit.serving.house import ROW, Serve
from tests.unit.training.models import compiled

CLASSES = ["high", "low", "middle"]
ROWS = [ROW, {**ROW, "age": None, "on": False, "mood": "größer"}]


@dataclass
class Server:
    """The app of functions/inference under uvicorn."""

    serve: Serve
    port: int

    @property
    def headers(self) -> dict[str, str]:
        return {"x-api-key": self.serve.key}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    serve = Serve()
    serve.promote(1)
    serve.promote(1, compiled("boosting", "binary", "numbers"), "pets")
    log = logger("client-test")
    desk = Desk(Serving(serve.shelf), serve.outlet, serve.shadows, log)
    artifacts = serve.house.artifacts
    app = serve.house.app(
        front.router("local", "c0ffee", artifacts),
        inference.router(desk),
        protocol.router(desk, serve.shelf, artifacts),
    )
    runs = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=runs.run, kwargs={"sockets": [listening]})
        thread.start()
        yield Server(serve, listening.getsockname()[1])
        runs.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def client(server: Server) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(f"127.0.0.1:{server.port}") as made:
        yield made


def column(name: str, dtype: Any, datatype: str, *, binary: bool) -> InferInput:
    """As the client's own users write it; bytes know no null, which is NaN of numbers and an empty text."""
    values = [row[name] for row in ROWS]
    if datatype == "FP64":
        values = [np.nan if value is None else value for value in values]
    found = InferInput(name, [len(ROWS)], datatype)
    found.set_data_from_numpy(np.array(values, dtype=dtype), binary_data=binary)
    return found


def columns(*, binary: bool) -> list[InferInput]:
    return [
        *(column(name, np.float64, "FP64", binary=binary) for name in ("age", "pay")),
        column("on", np.bool_, "BOOL", binary=binary),
        *(column(name, np.object_, "BYTES", binary=binary) for name in ("mood", "size", "town")),
    ]


def expected(server: Server) -> list[dict[str, Any]]:
    """What /inference answers."""
    answer: list[dict[str, Any]] = server.serve.ask(*ROWS, explain={"top": 100}).json()["predictions"]
    return answer


def test_it_learns_what_is_there(server: Server, client: InferenceServerClient) -> None:
    assert client.is_server_live(headers=server.headers)
    assert client.is_server_ready(headers=server.headers)
    assert client.is_model_ready("m", headers=server.headers)
    assert client.is_model_ready("m", "1", headers=server.headers)
    assert not client.is_model_ready("m", "2", headers=server.headers)
    assert not client.is_model_ready("nobody", headers=server.headers)
    assert client.get_server_metadata(headers=server.headers)["name"] == "gyre"
    index = client.get_model_repository_index(headers=server.headers)
    assert [(each["name"], each["version"], each["state"]) for each in index] == [
        ("m", "1", "READY"),
        ("pets", "1", "READY"),
    ]


def test_it_calls_a_model_by_nothing_but_its_metadata(server: Server, client: InferenceServerClient) -> None:
    # given
    told = client.get_model_metadata("m", headers=server.headers)
    dtypes = {"FP64": np.float64, "BOOL": np.bool_, "BYTES": np.object_}
    inputs = [column(each["name"], dtypes[each["datatype"]], each["datatype"], binary=True) for each in told["inputs"]]
    wanted = [InferRequestedOutput(each["name"]) for each in told["outputs"]]
    # when
    result = client.infer("m", inputs, told["versions"][0], outputs=wanted, headers=server.headers)
    # then
    for each in told["outputs"]:
        found = result.as_numpy(each["name"])
        sizes = [len(ROWS) if size == -1 else size for size in each["shape"]]
        assert list(found.shape) == sizes, each["name"]


@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("binary_in", [True, False])
def test_it_predicts(server: Server, client: InferenceServerClient, binary_in: bool, binary_out: bool) -> None:
    # given
    names = ("prediction", "probabilities", "confidence", "contributions", "base_value", "features")
    wanted = [InferRequestedOutput(name, binary_data=binary_out) for name in names]
    # when
    result = client.infer(
        "m", columns(binary=binary_in), outputs=wanted, request_id="call-7", headers=dict(server.headers)
    )
    # then
    answers = expected(server)
    told = result.get_response()
    assert (told["id"], told["model_name"], told["model_version"]) == ("call-7", "m", "1")
    labels = [each.decode() if isinstance(each, bytes) else each for each in result.as_numpy("prediction")]
    assert labels == [each["prediction"] for each in answers]
    shares = [[each["probabilities"][name] for name in CLASSES] for each in answers]
    assert np.array_equal(result.as_numpy("probabilities"), shares)
    assert np.array_equal(result.as_numpy("confidence"), [each["confidence"] for each in answers])
    assert np.array_equal(result.as_numpy("base_value"), [each["base_value"] for each in answers])
    features = [each.decode() if isinstance(each, bytes) else each for each in result.as_numpy("features")]
    why = [{each["feature"]: each["contribution"] for each in answer["explanation"]} for answer in answers]
    assert np.array_equal(result.as_numpy("contributions"), [[each[name] for name in features] for each in why])


def test_without_asking_for_outputs_it_gets_the_usual_ones_in_bytes(
    server: Server, client: InferenceServerClient
) -> None:
    result = client.infer("m", columns(binary=True), headers=dict(server.headers))
    told = result.get_response()["outputs"]
    assert [each["name"] for each in told] == ["prediction", "probabilities", "confidence"]
    assert all("binary_data_size" in each["parameters"] for each in told)
    assert result.as_numpy("probabilities").shape == (2, 3)
    assert result.as_numpy("contributions") is None


@pytest.mark.parametrize(("dtype", "datatype"), [(np.float32, "FP32"), (np.float16, "FP16"), (np.int32, "INT32")])
def test_it_sends_one_matrix_of_numbers(
    server: Server, client: InferenceServerClient, dtype: Any, datatype: str
) -> None:
    matrix = InferInput("input-0", [3, 2], datatype)
    matrix.set_data_from_numpy(np.array([[30, 20], [61, 80], [2, 4]], dtype=dtype))
    result = client.infer("pets", [matrix], headers=dict(server.headers))
    assert result.as_numpy("probabilities").shape == (3, 2)
    assert np.allclose(result.as_numpy("probabilities").sum(axis=1), 1)


def test_it_prints_an_error(server: Server, client: InferenceServerClient) -> None:
    # when
    with pytest.raises(InferenceServerException) as caught:
        client.infer("m", columns(binary=True)[1:], headers=dict(server.headers))
    # then
    assert str(caught.value) == "[422] Input age: it is missing, and m needs it; send null where a value is."


def test_it_prints_that_a_model_is_not_there(server: Server, client: InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match=r"\[404\] nobody has no release yet"):
        client.infer("nobody", columns(binary=False), headers=dict(server.headers))


def test_each_of_its_calls_is_recorded(server: Server, client: InferenceServerClient) -> None:
    server.serve.outlet.records.clear()
    result = client.infer("m", columns(binary=True), headers=dict(server.headers))
    record = server.serve.outlet.one()
    assert result.get_response()["parameters"]["event_id"] == record.event_id
    assert [row.features["age"] for row in record.rows] == [30, None]
