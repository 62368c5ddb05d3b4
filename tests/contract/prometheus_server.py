"""A Prometheus of a test's own, by Debian's package: with our configuration, its data in a temporary folder."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECONDS = 30.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server:
    """One Prometheus, asked over its API."""

    def __init__(self, port: int, log: Path, process: subprocess.Popen[bytes]) -> None:
        self._port, self._log, self._process = port, log, process

    def ask(self, path: str, **query: str) -> Any:
        url = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with _OPENER.open(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def figures(self, query: str) -> dict[frozenset[tuple[str, str]], float]:
        """What a query finds now, by labels."""
        found = self.ask("query", query=query)["result"]
        return {frozenset(each["metric"].items()): float(each["value"][1]) for each in found}

    def until[Found](self, what: str, look: Callable[[], Found | None]) -> Found:
        """What is found at last; nothing is waited for that is there."""
        end = time.monotonic() + SECONDS
        while True:
            try:
                if (found := look()) is not None:
                    return found
            except (urllib.error.URLError, ConnectionError) as error:
                if self._process.poll() is not None:
                    raise AssertionError(f"Prometheus ended: {self.log()}") from error
            assert time.monotonic() < end, f"{what}: not within {SECONDS:g} s. {self.log()}"
            time.sleep(0.05)

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


def program(name: str) -> str:
    """`prometheus` or `promtool`; the test is skipped without, but not on a machine of CI."""
    found = shutil.which(name)
    if found is None:
        told = f"there is no {name} here: `apt-get install prometheus` brings it"
        if "CI" in os.environ:
            pytest.fail(told)
        pytest.skip(told)
    return found


@contextmanager
def running(config: Path, home: Path) -> Iterator[Server]:
    """Ready to be asked; it ends with us, however we end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", program("prometheus"), f"--config.file={config}",
             f"--storage.tsdb.path={home / 'data'}", f"--web.listen-address=127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    server = Server(port, log, process)
    try:
        server.until("Prometheus is up", lambda: server.ask("status/buildinfo"))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(SECONDS)
