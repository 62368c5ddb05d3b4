"""What tests of MLflow stand on: S3 over HTTP, and MLflow's own commands as processes, each ended by its id."""

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from gyre.aws import clients
from gyre.aws.mlflow_store import register

REPOSITORY = Path(__file__).resolve().parents[2]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def s3_over_http(asked: list[str] | None = None) -> Iterator[Any]:
    """moto, one request at a time: it compares and swaps in two steps, which S3 does in one. Tells what it is asked."""
    app, turn = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def one_at_a_time(environ: Any, start: Any) -> Any:
        with turn:
            if asked is not None:
                asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}")
            return app(environ, start)

    server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "NO_PROXY": "127.0.0.1",
        }.items():
            environment.setenv(name, value)
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)
        clients.client.cache_clear()
        register()
        yield boto3.client("s3")
    clients.client.cache_clear()
    server.shutdown()


@dataclass(frozen=True)
class Command:
    """`mlflow server` or `mlflow ui`, listening on a port of its own."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, folder: Path, command: str, *arguments: str) -> Self:
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        given = [command, *arguments, "--host", "127.0.0.1", "--port", port, "--workers", "1"]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "layers" / "gyre")}
        environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # a second process, for GenAI jobs
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *given], cwd=folder, env=environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        return cls(f"http://127.0.0.1:{port}", process, folder / "log")

    def wait(self) -> None:
        """Until it answers; what it said if it ends instead."""
        pause = threading.Event()
        for _ in range(900):
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                pause.wait(0.1)
        raise AssertionError(self.log.read_text())

    def ask(self, path: str, body: dict[str, Any]) -> Any:
        """An answer of its REST API."""
        url, content = f"{self.url}/api/2.0/mlflow/{path}", json.dumps(body).encode()
        request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def page(self) -> str:
        with urllib.request.urlopen(f"{self.url}/", timeout=30) as answer:
            return str(answer.read(), "utf-8")

    def stop(self) -> None:
        os.killpg(self.process.pid, 15)
        self.process.wait(20)
