"""Each side's server as a process of its own, in the environment that is its."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.error import URLError
from urllib.request import urlopen

from bench.serving.load import Target
from bench.serving.models import CANDIDATES, KEY, Sent

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
TOP = 5
_START_SECONDS = 120


def peer_environment() -> Path:
    """MLServer's interpreter; built when it is first asked for."""
    subprocess.run([sys.executable, ROOT / "infra/environments.py", "peer"], check=True)
    return ROOT / ".venv/peer/bin"


@contextmanager
def gyre(place: Path) -> Iterator[str]:
    """The function's own app under uvicorn; its bucket is a folder, its queue a file."""
    port = free_port()
    told = {"BENCH_MODELS": str(place)}
    with _serving(_uvicorn("bench.serving.ours:compose", port), told, f"http://127.0.0.1:{port}/health") as url:
        yield url.removesuffix("/health")


@contextmanager
def scikit(place: Path) -> Iterator[str]:
    port = free_port()
    told = {"PYTHONPATH": str(PEERS), "BENCH_MODELS": str(place), "BENCH_SERVED": ",".join(CANDIDATES)}
    with _serving(_uvicorn("scikit:compose", port), told, f"http://127.0.0.1:{port}/docs") as url:
        yield url.removesuffix("/docs")


@contextmanager
def mlserver(place: Path) -> Iterator[str]:
    """Without workers beside it, which only pays where there are many cores."""
    port, folder = free_port(), place / "mlserver"
    folder.mkdir()
    told = {"parallel_workers": 0, "host": "127.0.0.1", "http_port": port, "grpc_port": free_port()}
    told |= {"metrics_endpoint": None, "debug": False}
    (folder / "settings.json").write_text(json.dumps(told))
    for name in CANDIDATES:
        uri = str(place / f"{name}.pipeline.joblib")
        for runtime, kind in (("mlserver_sklearn.SKLearnModel", "plain"), ("explained.ExplainedModel", "explained")):
            (folder / f"{name}_{kind}").mkdir()
            settings = {"name": f"{name}_{kind}", "implementation": runtime, "parameters": {"uri": uri}}
            (folder / f"{name}_{kind}" / "model-settings.json").write_text(json.dumps(settings))
    ready = f"http://127.0.0.1:{port}/v2/health/ready"
    with _serving(
        [peer_environment() / "mlserver", "start", folder], {"PYTHONPATH": f"{PEERS}{os.pathsep}{ROOT}"}, ready
    ) as url:
        yield url.removesuffix("/v2/health/ready")


SIDES = {"Gyre": gyre, "scikit-learn": scikit, "MLServer": mlserver}


def target(side: str, url: str, model: str, rows: Sequence[Sent], *, explained: bool) -> Target:
    """What this side is asked, in its own words."""
    match side:
        case "Gyre":
            more: dict[str, Any] = {"explain": {"top": TOP}} if explained else {}
            asked: list[Any] = [{"model": model, "rows": [{"features": row.features}], **more} for row in rows]
            path = "/inference"
        case "scikit-learn":
            asked = [{"features": row.features, "top": TOP if explained else 0} for row in rows]
            path = f"/predict/{model}"
        case _:
            asked = [_v2_body(row, explained) for row in rows]
            path = f"/v2/models/{model}_{'explained' if explained else 'plain'}/infer"
    return Target(url + path, [json.dumps(each).encode() for each in asked], {"x-api-key": KEY})


def probabilities(side: str, answer: Any, classes: Sequence[str]) -> Mapping[str, float]:
    """By class, out of this side's answer: all must say the same."""
    if side == "MLServer":
        return dict(zip(classes, answer["outputs"][0]["data"], strict=True))
    found: Mapping[str, float] = (answer["predictions"][0] if side == "Gyre" else answer)["probabilities"]
    return found


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _v2_body(row: Sent, explained: bool) -> Any:
    """A frame of one row, as MLServer's own codec for pandas reads it."""
    inputs = [
        {"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [value], "parameters": {"content_type": "str"}}
        if isinstance(value, str)
        else {"name": name, "shape": [1, 1], "datatype": "FP64", "data": [float(value)]}
        for name, value in row.features.items()
    ]
    asked = {"parameters": {"content_type": "pd"}, "inputs": inputs}
    return asked if explained else {**asked, "outputs": [{"name": "predict_proba"}]}


def _uvicorn(app: str, port: int) -> list[str | Path]:
    command = [sys.executable, "-m", "uvicorn", "--factory", app, "--host", "127.0.0.1", "--port", str(port)]
    return [*command, "--log-level", "warning", "--no-access-log"]


@contextmanager
def _serving(command: Sequence[str | Path], more: Mapping[str, str], ready: str) -> Iterator[str]:
    """Until the block ends; it begins when the server is ready."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more}
    with TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait(process, ready, output)
            yield ready
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], ready: str, output: IO[str]) -> None:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(ready, timeout=5):
                return
        except (URLError, ConnectionError):
            time.sleep(0.1)  # there is nothing to listen to before it listens
    output.seek(0)
    raise RuntimeError(f"{ready} did not answer: {output.read()[-3000:]}")
