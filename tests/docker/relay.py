"""Lets containers reach what listens on this machine's loopback address, through a port on the engine's own bridge."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.docker.engine import Engine

CHUNK = 64 * 1024
ADDRESSING = "{{json .IPAM.Config}}"


@contextmanager
def endpoint_for_containers(engine: Engine, endpoint: str | None, image: str) -> Iterator[str | None]:
    """An address of `endpoint` that works in containers: `sam local invoke` leaves them on the bridge, whatever
    `--docker-network host` says, and there loopback is their own."""
    if endpoint is None:
        yield None
        return
    port = urlsplit(endpoint).port or 80
    gateway = gateway_of(json.loads(engine.docker("network", "inspect", "bridge", "--format", ADDRESSING).stdout))
    try:
        listener = socket.create_server((gateway, 0))
    except OSError:
        # Docker Desktop: the bridge is in its virtual machine, which passes this name on to our loopback. The number
        # behind it, because S3 clients would put the bucket in front of a name.
        script = "import socket; print(socket.gethostbyname('host.docker.internal'))"
        address = engine.docker("run", "--rm", "--entrypoint", "python3", image, "-c", script).stdout.strip()
        yield f"http://{address}:{port}"
        return
    with listener:
        threading.Thread(target=accept, args=(listener, port), daemon=True).start()
        try:
            yield f"http://{gateway}:{listener.getsockname()[1]}"
        finally:
            # A blocked accept() outlives close() on Linux; a shutdown wakes it.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def gateway_of(ranges: list[dict[str, str]]) -> str:
    """This machine's address on the bridge; a new engine tells only the subnet, whose first one it is."""
    for each in ranges:
        network = ipaddress.ip_network(each["Subnet"])
        if network.version == 4:
            return each.get("Gateway") or str(network[1])
    raise RuntimeError(f"the engine's bridge has no IPv4 addresses: {ranges}")


def accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        try:
            target = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            caller.close()
            continue
        target.settimeout(None)
        for source, sink in ((caller, target), (target, caller)):
            threading.Thread(target=copy, args=(source, sink), daemon=True).start()


def copy(source: socket.socket, sink: socket.socket) -> None:
    """One direction, until its sender is done; the other may go on."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
