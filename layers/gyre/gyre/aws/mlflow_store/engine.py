"""MLflow's SQLAlchemy engine, each connection of which opens the file that its thread is at."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy
from mlflow.store.db.utils import create_sqlalchemy_engine

from gyre.aws.mlflow_store.database import Database
from gyre.aws.mlflow_store.files import PAGE_BYTES


def local_uri(database: Database) -> str:
    """A file that cannot exist: whatever went past the engine would fail, and not write where nothing is put."""
    return f"sqlite:////dev/null/{database.address.bucket}/{database.address.key}"


def engine_of(database: Database) -> sqlalchemy.Engine:
    # MLflow's own, because it gives SQLite the functions that MLflow's searches call.
    engine: sqlalchemy.Engine = create_sqlalchemy_engine(local_uri(database))

    @sqlalchemy.event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, record: Any, _args: Any, _parameters: Any) -> sqlite3.Connection:
        path, writable = database.place()
        if record:
            record.info["place"] = path, writable
        if not writable:
            # Its content never changes: SQLite needs no locks, and refuses whatever would write.
            return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        connection = sqlite3.connect(path, check_same_thread=False)
        for pragma in (f"page_size={PAGE_BYTES}", "synchronous=OFF", "journal_mode=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    @sqlalchemy.event.listens_for(engine, "checkout")
    def still_there(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get("place") != database.place():
            raise sqlalchemy.exc.DisconnectionError("its file is no longer the one in use")

    return engine
