"""MLflow's own SQLAlchemy stores, each method of which reads from or writes to the file in S3."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import sqlalchemy
from mlflow.environment_variables import MLFLOW_ENABLE_WORKSPACES
from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2 as codes
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

from gyre.aws import clients
from gyre.aws.mlflow_store import rules, schema
from gyre.aws.mlflow_store.address import Address, Habits
from gyre.aws.mlflow_store.database import Database
from gyre.aws.mlflow_store.engine import engine_of, local_uri
from gyre.aws.mlflow_store.remote import S3File
from gyre.errors import Conflict, GyreError, Invalid, NotFound, TooLarge, TooManyRequests

# What MLflow's commands say for an artifact root when nobody named one: a folder of the server's own machine.
UNSAID = {None, "", "mlflow-artifacts:/", "./mlruns"}

_CODES = {
    Conflict: codes.TEMPORARILY_UNAVAILABLE,
    Invalid: codes.INVALID_STATE,
    NotFound: codes.RESOURCE_DOES_NOT_EXIST,
    TooLarge: codes.RESOURCE_LIMIT_EXCEEDED,
    TooManyRequests: codes.REQUEST_LIMIT_EXCEEDED,
}


class _Open:
    """What this process has open: stores of one file share it, so that one may be called inside the other's write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._databases: dict[tuple[str, str], Database] = {}
        self._engines: dict[str, sqlalchemy.Engine] = {}

    def database(self, address: Address) -> Database:
        with self._lock:
            place = address.bucket, address.key
            if place not in self._databases:
                database = Database(address, S3File(*place), schema.check)
                self._engines[local_uri(database)] = engine_of(database)
                self._databases[place] = database
            return self._databases[place]

    def engine(self, uri: str) -> sqlalchemy.Engine:
        return self._engines[uri]

    def forked(self) -> None:
        self._lock = threading.Lock()
        clients.client.cache_clear()  # its sockets are the parent's
        for engine in self._engines.values():
            engine.dispose(close=False)
        for database in self._databases.values():
            database.start_anew()


_open = _Open()
os.register_at_fork(after_in_child=_open.forked)


class _InS3:
    """Comes before one of MLflow's stores among the bases; its methods are wrapped by `_stored`."""

    habits: Habits
    database: Database
    engine: sqlalchemy.Engine

    @classmethod
    def _get_or_create_engine(cls, db_uri: str) -> sqlalchemy.Engine:
        return _open.engine(db_uri)

    def _begin(self, uri: str, construct: Callable[[str, Address], None]) -> None:
        """MLflow's own start, which makes the tables when there are none, as one write."""
        with _told():
            if MLFLOW_ENABLE_WORKSPACES.get():
                raise Invalid(f"{uri}: workspaces need a server. Unset MLFLOW_ENABLE_WORKSPACES, or name a server.")
            address = Address.parse(uri)
            self.habits, self.database = address.habits, _open.database(address)
            self.database.write(self.habits, lambda: construct(local_uri(self.database), address))
            if self.engine is not _open.engine(local_uri(self.database)):
                raise Invalid("This MLflow opens its databases in a way that gyre.aws.mlflow_store does not know.")


def _stored[C: type](base: C) -> C:
    """A subclass whose methods go to S3 by their kind."""
    wrappers = {"read": _reads, "write": _writes}
    methods: dict[str, Any] = {}
    for name in dir(base):
        method = getattr(base, name)
        if (name.startswith("_") and name not in rules.PRIVATE) or not inspect.isfunction(method):
            continue
        if wrap := wrappers.get(rules.kind(name)):
            methods[name] = wrap(method)
    return type(base.__name__, (_InS3, base), {"__doc__": base.__doc__, **methods})  # type: ignore[return-value]


def _reads(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: _InS3, *args: Any, **named: Any) -> Any:
        with _told(), self.database.reading(self.habits):
            return method(self, *args, **named)

    return call


def _writes(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: _InS3, *args: Any, **named: Any) -> Any:
        # What can be read only once would be empty when the write is applied anew.
        args = tuple(_again(each) for each in args)
        named = {name: _again(each) for name, each in named.items()}
        with _told():
            return self.database.write(self.habits, lambda: method(self, *map(_own, args), **_owned(named)))

    return call


def _again(value: Any) -> Any:
    return list(value) if isinstance(value, Iterator) else value


def _own(value: Any) -> Any:
    """A list or dict that MLflow may add to, as it does, without the next try seeing it."""
    return value.copy() if type(value) in (list, dict, set) else value


def _owned(named: dict[str, Any]) -> dict[str, Any]:
    return {name: _own(each) for name, each in named.items()}


@contextmanager
def _told() -> Iterator[None]:
    """Our errors as MLflow's, which its server and clients know how to tell on."""
    try:
        yield
    except GyreError as error:
        code = _CODES.get(type(error), codes.TEMPORARILY_UNAVAILABLE)
        raise MlflowException(error.message, error_code=code) from error


class TrackingInS3(_stored(Tracking)):  # type: ignore[misc]
    """Experiments, runs, traces."""

    def __init__(self, uri: str, artifact_uri: str | None) -> None:
        start = super().__init__
        said = None if artifact_uri in UNSAID else artifact_uri
        self._begin(uri, lambda local, address: start(local, said or address.artifacts))


class RegistryInS3(_stored(Registry)):  # type: ignore[misc]
    """Registered models, versions, aliases."""

    def __init__(self, uri: str) -> None:
        start = super().__init__
        self._begin(uri, lambda local, _: start(local))


open_tracking: Callable[[str, str | None], TrackingInS3] = TrackingInS3
open_registry: Callable[[str], RegistryInS3] = RegistryInS3


def write_together[T](uri: str, work: Callable[[], T]) -> T:
    """See `gyre.aws.mlflow_store.together`."""
    with _told():
        address = Address.parse(uri)
        return _open.database(address).write(address.habits, work)
