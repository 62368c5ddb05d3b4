"""MLflow's schema in the file against the one that this MLflow knows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.script import ScriptDirectory
from mlflow.store.db import utils
from mlflow.version import VERSION

from gyre.aws.mlflow_store import files
from gyre.aws.mlflow_store.address import Address
from gyre.aws.mlflow_store.database import Database
from gyre.aws.mlflow_store.remote import S3File
from gyre.errors import Invalid, NotFound


@cache
def newest() -> str:
    """The schema that this MLflow writes; reading its migrations takes a moment."""
    return str(utils._get_latest_schema_revision())


def _known() -> set[str]:
    scripts = ScriptDirectory.from_config(utils._get_alembic_config(""))
    return {each.revision for each in scripts.walk_revisions()}


def check(path: Path, where: str) -> None:
    """MLflow would raise some older schemas by the way and fail on others in the middle: neither happens unasked."""
    found = files.revision(path)
    if found == newest():
        return
    if found is None:
        raise Invalid(f"{where} is a SQLite file and not MLflow's. Nothing was changed. Name another key.")
    if found in _known():
        raise Invalid(
            f"{where} was written by an older MLflow (schema {found}; {VERSION} writes {newest()}). When all who use it"
            " have the new one: `python -m gyre.aws.mlflow_store upgrade s3+sqlite://…`."
        )
    raise Invalid(
        f"{where} has schema {found}, which MLflow {VERSION} does not know: a newer one wrote it. Install that here."
    )


def upgrade(uri: str) -> tuple[str, str]:
    """Raises the file to our schema in one write; in a versioned bucket the version before it is the backup."""
    address = Address.parse(uri)
    database = Database(address, S3File(address.bucket, address.key), _ours)

    def migrate() -> str:
        path, _ = database.place()
        before = files.revision(path)
        if before is None:
            raise NotFound(f"{address} does not exist: there is nothing to upgrade. The first use of a store makes it.")
        if before != newest():
            engine = utils.create_sqlalchemy_engine(f"sqlite:///{path}")
            utils._upgrade_db(engine)
            engine.dispose()
        return before

    return database.write(address.habits, migrate), newest()


def _ours(path: Path, where: str) -> None:
    """An older schema passes here and nowhere else."""
    if files.revision(path) not in _known():
        check(path, where)
