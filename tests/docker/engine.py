"""Finds a Docker engine for the tests, or installs and starts one where that is allowed; else says why there is none.

    python -m tests.docker.engine start|stop|status

An engine that already runs is used as it is and never stopped. Ours keeps its data in .build/docker, so that images
built once are there the next time; its processes, containers, bridge and packet filter rules are gone after `stop`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.docker import traces

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".build" / "docker"
# Sockets must have short paths (108 bytes), and a clone may lie deep: the run folder is in the temporary one.
RUN = Path(tempfile.gettempdir()) / f"gyre-docker-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
STATE = RUN / "engine.json"
SOCKET = f"unix://{RUN}/docker.sock"


class NoEngine(Exception):
    """Why there is no Docker engine here: the text that a skipped test shows."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answered."""

    client: str
    host: str | None  # what DOCKER_HOST must say; None where the client finds its engine alone
    origin: str

    def environment(self) -> dict[str, str]:
        """The variables with which docker, compose and SAM CLI reach this engine."""
        return {**os.environ, **({"DOCKER_HOST": self.host} if self.host else {})}

    def docker(self, *arguments: str, limit: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One docker command; its output in the error when it fails."""
        command = [self.client, *arguments]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=limit)
        if check and done.returncode:
            output = (done.stdout + done.stderr)[-3000:]
            raise RuntimeError(f"docker {' '.join(arguments)} ended with {done.returncode}:\n{output}")
        return done

    def has_image(self, image: str) -> bool:
        return self.docker("image", "inspect", image, check=False).returncode == 0


def running() -> Engine | None:
    """The engine that answers now: ours if it was started, else the one the environment names."""
    client = shutil.which("docker")
    if not client:
        return None
    ours = [(SOCKET, "started by tests.docker.engine")] if STATE.exists() else []
    for host, origin in (*ours, (None, "already running")):
        engine = Engine(client, host, origin)
        try:
            if engine.docker("info", "--format", "{{.ServerVersion}}", limit=20, check=False).returncode == 0:
                return engine
        except subprocess.TimeoutExpired:
            continue
    return None


def refusal() -> str | None:
    """Why this session may not install and start an engine of its own; None when it may."""
    if os.environ.get("GYRE_DOCKER") == "off":
        return "GYRE_DOCKER=off"
    if os.environ.get("GYRE_DOCKER") != "install" and os.environ.get("CI") != "true":
        return "no Docker engine is running (GYRE_DOCKER=install lets root on Debian install and start one)"
    if os.geteuid() != 0:
        return "no Docker engine is running, and only root can install and start one"
    if not shutil.which("dockerd") and not (Path("/etc/debian_version").exists() and shutil.which("apt-get")):
        return "no Docker engine is running, and one can be installed on Debian only"
    return None


def apt_install(*packages: str) -> None:
    """Debian packages, without the services that they would start."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    for command in (["apt-get", "update"], install):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=300)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NoEngine(f"`{' '.join(command)}` failed: {reason}")


def start() -> Engine:
    """The engine that runs, or a new one; NoEngine with the reason where neither is possible."""
    found = running()
    if found:
        return found
    reason = refusal()
    if reason:
        raise NoEngine(reason)
    if STATE.exists():  # an earlier one of ours died
        stop()
    if not (shutil.which("dockerd") and shutil.which("docker")):
        apt_install("docker.io")
        found = running()
        if found:  # Debian started it, as a service
            return found
    RUN.mkdir(mode=0o700, exist_ok=True)
    DATA.mkdir(parents=True, exist_ok=True)
    before = None if traces.seen() else traces.forward_policies()
    command = ["dockerd", "--host", SOCKET, "--data-root", str(DATA), "--exec-root", str(RUN / "exec")]
    command += ["--pidfile", str(RUN / "docker.pid")]
    with (RUN / "log").open("w") as log:
        # A session of its own: the engine outlives the command that starts it, and a Ctrl-C in the tests.
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    STATE.write_text(json.dumps({"pid": daemon.pid, "before": before}))
    if not wait_until(lambda: daemon.poll() is not None or running() is not None, 60) or daemon.poll() is not None:
        last = "; ".join((RUN / "log").read_text().strip().splitlines()[-2:])
        stop()
        raise NoEngine(f"dockerd did not start: {last[-400:]}")
    engine = running()
    assert engine, "it answered a moment ago"
    return engine


def stop() -> None:
    """Ends the engine we started, with everything in it but its images; nothing where there is none."""
    if not STATE.exists():
        return
    state = json.loads(STATE.read_text())
    daemon: int = state["pid"]
    if is_ours(daemon):
        remove_containers()
        os.kill(daemon, signal.SIGTERM)
        if not wait_until(lambda: not is_ours(daemon), 60):
            os.kill(daemon, signal.SIGKILL)
            wait_until(lambda: not is_ours(daemon), 10)
    for orphan in ours():  # dockerd ends its containerd; a killed one cannot
        os.kill(orphan, signal.SIGKILL)
    if state["before"] is not None and not others():
        traces.remove(state["before"])
    traces.unmount_below(RUN)
    shutil.rmtree(RUN, ignore_errors=True)


def remove_containers() -> None:
    engine = running()
    if engine and engine.host == SOCKET:
        containers = engine.docker("ps", "--all", "--quiet", check=False).stdout.split()
        if containers:
            engine.docker("rm", "--force", "--volumes", *containers, check=False)
        engine.docker("network", "prune", "--force", check=False)


def ours() -> list[int]:
    """Processes that carry our run folder in their command line: dockerd, containerd and its shims."""
    return [process for process in processes() if is_ours(process)]


def others() -> bool:
    """True when another engine runs on this machine, say that of a second clone: it uses the same bridge and rules."""
    return any(Path(words_of(process)[0]).name == "dockerd" for process in processes())


def is_ours(process: int) -> bool:
    """True for a living process of our engine; a pid that was given to another program is not."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, os.WNOHANG)  # reaps our own child, or it stays a zombie for as long as we live
    program, *words = words_of(process)
    return Path(program).name.startswith(("dockerd", "containerd")) and any(str(RUN) in word for word in words)


def processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def words_of(process: int) -> list[str]:
    """Its command line; one empty word when it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return [""]


def wait_until(condition: Callable[[], bool], limit: float) -> bool:
    """Asks ten times a second; False when the limit is over."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine for a test session: one that ran before it keeps running, one that it started is stopped."""
    found = running()
    if found:
        yield found
        return
    started = start()
    try:
        yield started
    finally:
        stop()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["start", "stop", "status"])
    command = parser.parse_args(arguments).command
    if command == "stop":
        stop()
        return 0
    try:
        found = start() if command == "start" else running()
    except NoEngine as reason:
        print(f"docker: no engine: {reason}")
        return 1
    if not found:
        print(f"docker: no engine: {refusal() or 'none is running; `start` would start one'}")
        return 1
    print(f"docker: {found.origin}" + (f", DOCKER_HOST={found.host}" if found.host else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
