"""Calls over kept-alive connections: one after another for how long each takes, several at once for how many.

`python -m bench.serving.load URL CLIENTS SECONDS BODIES` counts in a process of its own, so that no client takes time
from the server's interpreter; the bodies are a file of JSON, a list of texts."""

import asyncio
import http.client
import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Target:
    """Where a side answers, and what it is sent."""

    url: str
    bodies: Sequence[bytes]
    headers: Mapping[str, str]


class Caller:
    """One connection that stays open."""

    def __init__(self, target: Target, first: int = 0) -> None:
        address = urlsplit(target.url)
        self._path = _path(target.url)
        at = first % len(target.bodies)
        self._bodies = cycle([*target.bodies[at:], *target.bodies[:at]])
        self._headers = {**JSON, **target.headers}
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    def ask(self, body: bytes) -> Any:
        """The answer to this body."""
        self._connection.request("POST", self._path, body, self._headers)
        with self._connection.getresponse() as answer:
            content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self._path} answered {answer.status}: {content[:2000].decode(errors='replace')}")
        return json.loads(content)

    def seconds(self, times: int) -> list[float]:
        """How long each of so many calls takes, from the request to the whole answer."""
        took = []
        for _ in range(times):
            body = next(self._bodies)
            started = time.perf_counter()
            self._connection.request("POST", self._path, body, self._headers)
            with self._connection.getresponse() as answer:
                content = answer.read()
            took.append(time.perf_counter() - started)
            if answer.status != 200:
                raise RuntimeError(f"{self._path} answered {answer.status}: {content[:2000].decode(errors='replace')}")
        return took

    def close(self) -> None:
        self._connection.close()


def per_second(target: Target, clients: int, seconds: float) -> float:
    """Answers for each second, to so many clients that ask again as soon as they are answered."""
    with TemporaryDirectory(prefix="gyre-bench-") as place:
        asked = Path(place, "asked.json")
        bodies = [body.decode() for body in target.bodies]
        asked.write_text(json.dumps({"url": target.url, "headers": dict(target.headers), "bodies": bodies}))
        command = [sys.executable, "-m", "bench.serving.load", str(asked), str(clients), str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return float(done.stdout)


def quantile(samples: Sequence[float], share: float) -> float:
    """The least sample that so large a share of them does not exceed."""
    return sorted(samples)[max(0, math.ceil(share * len(samples)) - 1)]


def _path(url: str) -> str:
    address = urlsplit(url)
    return f"{address.path}?{address.query}" if address.query else address.path


async def _count(target: Target, clients: int, seconds: float) -> float:
    until = time.perf_counter() + seconds
    started = time.perf_counter()
    asked = await asyncio.gather(*(_client(target, at, until) for at in range(clients)))
    return sum(asked) / (time.perf_counter() - started)


async def _client(target: Target, first: int, until: float) -> int:
    address = urlsplit(target.url)
    head = "".join(f"{name}: {value}\r\n" for name, value in {**JSON, **target.headers}.items())
    begin = f"POST {_path(target.url)} HTTP/1.1\r\nhost: {address.netloc}\r\n{head}"
    requests = [f"{begin}content-length: {len(body)}\r\n\r\n".encode() + body for body in target.bodies]
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    count = 0
    while time.perf_counter() < until:
        writer.write(requests[(first * 25 + count) % len(requests)])
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
        content = await reader.readexactly(length)
        if not answer.startswith(b"http/1.1 200"):
            raise RuntimeError(f"{target.url} answered {answer!r}: {content[:2000]!r}")
        count += 1
    writer.close()
    await writer.wait_closed()
    return count


def main(arguments: Sequence[str]) -> None:
    asked = json.loads(Path(arguments[0]).read_text())
    target = Target(asked["url"], [body.encode() for body in asked["bodies"]], asked["headers"])
    print(asyncio.run(_count(target, int(arguments[1]), float(arguments[2]))))


if __name__ == "__main__":
    main(sys.argv[1:])
