"""A PostgreSQL of a test's own, by Debian's package: its data in a temporary folder, on a free port of this machine."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection, identifier, literal

from gyre.postgres.database import Rows

PLACES = "/usr/lib/postgresql"
# initdb and postgres refuse root.
UNPRIVILEGED = ("postgres", "nobody")
SECONDS = 30.0


class NoPostgres(Exception):
    """Why there is none here."""


class Server:
    """One cluster, which can be stopped and started again."""

    def __init__(self, home: Path, programs: Path) -> None:
        self.port, self.password = _free_port(), uuid4().hex
        self._home, self._programs = home, programs
        self._process: subprocess.Popen[bytes] | None = None
        self._user = next((name for name in UNPRIVILEGED if _known(name)), None) if os.geteuid() == 0 else None
        if os.geteuid() == 0 and self._user is None:
            raise NoPostgres(f"PostgreSQL does not run as root, and there is no user {' or '.join(UNPRIVILEGED)}")

    def make(self) -> None:
        """The cluster, with passwords as they are by default, and a certificate."""
        if self._user:
            shutil.chown(self._home, self._user)
        secret = self._home / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # in a folder that nobody else enters
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "-N",
                  "-E", "UTF8", "--locale=C")  # fmt: skip
        with open(f"{self._data}/postgresql.conf", "a") as config:
            config.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\nfsync = off\n"
                "deadlock_timeout = 50ms\nmax_connections = 40\nshared_buffers = 32MB\n"
            )

    def start(self) -> None:
        """Returns when it answers."""
        log = open(self._home / "log", "ab")  # noqa: SIM115  # the server's, as long as it runs
        self._process = subprocess.Popen([*self._as_user(), self._programs / "postgres", "-D", self._data],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip
        log.close()
        until = time.monotonic() + SECONDS
        while True:
            try:
                self.ask("select 1")
                return
            except (InterfaceError, DatabaseError) as error:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"PostgreSQL does not start: {self.log()}") from error
                time.sleep(0.02)

    def stop(self) -> None:
        """At once, whoever is connected: they are told, and nothing that was committed is lost."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(SECONDS)
            self._process = None

    def log(self) -> str:
        return (self._home / "log").read_text(errors="replace")[-3000:]

    def configure(self, name: str, value: str) -> None:
        """A setting, in force for whoever connects from now on."""
        self.ask(f"alter system set {identifier(name)} = {literal(value)}")
        self.ask("select pg_reload_conf()")
        until = time.monotonic() + SECONDS
        while self.ask("select setting from pg_settings where name = :name", name=name) != [[value]]:
            assert time.monotonic() < until, f"{name} is not {value}"
            time.sleep(0.02)

    def place(self, name: str, content: bytes) -> str:
        """A file that the server may read, and nobody else."""
        path = self._home / name
        path.write_bytes(content)
        path.chmod(0o600)
        if self._user:
            shutil.chown(path, self._user, self._user if self._user == "postgres" else None)
        return str(path)

    def database(self, owner: str = "postgres") -> str:
        """A new one."""
        name = f"gyre_{uuid4().hex[:8]}"
        self.ask(f"create database {identifier(name)} owner {identifier(owner)}")
        return name

    def secret(self, database: str, **other: Any) -> str:
        """As Secrets Manager would hold it."""
        return json.dumps({"host": "127.0.0.1", "port": self.port, "dbname": database, "username": "postgres",
                           "password": self.password, **other})  # fmt: skip

    def connect(self, database: str = "postgres") -> Connection:
        return Connection("postgres", "127.0.0.1", database, self.port, self.password, ssl_context=False, timeout=30)

    def ask(self, sql: str, database: str = "postgres", **values: Any) -> Rows:
        """One statement, over a connection of its own."""
        with self.connect(database) as connection:
            rows: Rows | None = connection.run(sql, **values)
        return rows or []

    @property
    def _data(self) -> str:
        return str(self._home / "data")

    def _as_user(self) -> list[str]:
        """It ends with us, however we end."""
        switched = ["--reuid", self._user, "--regid", str(pwd.getpwnam(self._user).pw_gid), "--clear-groups"]
        return ["setpriv", *(switched if self._user else ()), "--pdeathsig", "INT", "--"]  # type: ignore[list-item]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([*self._as_user(), self._programs / program, *arguments], cwd=self._home,
                              capture_output=True, text=True, timeout=120)  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr[-2000:]}")


@contextmanager
def running() -> Iterator[Server]:
    """A server that is started, and gone afterwards; `NoPostgres` where the package is missing."""
    server = shutil.which("postgres")
    found = [Path(server).resolve().parent] if server else []
    found += sorted(Path(PLACES).glob("*/bin"), key=lambda each: float(each.parent.name), reverse=True)
    programs = next((each for each in found if (each / "initdb").exists()), None)
    if programs is None or not shutil.which("setpriv"):
        raise NoPostgres("there is no PostgreSQL here: `apt-get install postgresql` brings it")
    home = Path(tempfile.mkdtemp(prefix="gyre-postgres-"))
    made = Server(home, programs)
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running_or_skipped() -> Iterator[Server]:
    """The same for a test, which is skipped where the package is missing: on a machine of CI it must not be."""
    try:
        with running() as made:
            yield made
    except NoPostgres as reason:
        if "CI" in os.environ:
            pytest.fail(str(reason))
        pytest.skip(str(reason))


def _known(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
