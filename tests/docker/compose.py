"""docker compose, whichever form of it this machine has."""

from __future__ import annotations

import shutil
import socket
import subprocess
from dataclasses import dataclass

from tests.docker.engine import ROOT, Engine, NoEngine, apt_install, refusal

FILE = ROOT / "localstack-compose.yml"


@dataclass(frozen=True)
class Compose:
    """One project of localstack-compose.yml, so that tests never touch the one that a developer runs."""

    engine: Engine
    command: tuple[str, ...]
    project: str
    settings: dict[str, str]

    def __call__(self, *arguments: str, limit: float) -> str:
        command = [*self.command, "--file", str(FILE), "--project-name", self.project, *arguments]
        environment = {**self.engine.environment(), **self.settings}
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=limit)
        if done.returncode:
            raise AssertionError(
                f"`{' '.join(command)}` ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
            )
        return done.stdout

    def containers(self) -> list[str]:
        """Ids of what this project has, running or not."""
        only = f"label=com.docker.compose.project={self.project}"
        return self.engine.docker("ps", "--all", "--quiet", "--filter", only).stdout.split()


def find(engine: Engine) -> tuple[str, ...]:
    """The plug-in, the older program of its own, or Debian's package of that."""
    if engine.docker("compose", "version", check=False).returncode == 0:
        return (engine.client, "compose")
    if not shutil.which("docker-compose"):
        reason = refusal()
        if reason:
            raise NoEngine(f"neither `docker compose` nor docker-compose is installed ({reason})")
        apt_install("docker-compose")
    return ("docker-compose",)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own_addresses() -> list[str]:
    """This machine's IPv4 addresses other than loopback: what a neighbour in the network would try."""
    told = subprocess.run(["hostname", "--all-ip-addresses"], capture_output=True, text=True, timeout=20).stdout
    return [address for address in told.split() if ":" not in address]


def accepts(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=3):
            return True
    except OSError:
        return False
