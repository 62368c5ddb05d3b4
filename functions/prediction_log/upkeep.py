"""By the clock: keeps the tables of the journal and of looks small and quick, and removes what is older than a model
keeps."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from gyre.aws.labels import DeltaLabels
from gyre.aws.lake import DeltaJournal
from gyre.aws.looks import DeltaLooks
from gyre.aws.s3 import S3Bucket
from gyre.aws.upkeep import DeltaUpkeep
from gyre.errors import Unavailable
from gyre.journal.upkeep import Upkeep, tidy
from gyre.settings import UpkeepSettings
from gyre.telemetry import logger


@cache
def parts() -> tuple[dict[str, Upkeep], S3Bucket, Any]:
    settings = UpkeepSettings.read()
    data, uri = S3Bucket(settings.data_bucket), f"s3://{settings.data_bucket}/journal"
    tables: dict[str, Upkeep] = {
        "predictions": DeltaUpkeep(DeltaJournal(uri).table, data, "journal/predictions/"),
        "labels": DeltaUpkeep(DeltaLabels(uri).table, data, "journal/labels/"),
        "looks": DeltaUpkeep(DeltaLooks(uri).table, data, "journal/looks/"),
    }
    log = logger("upkeep", settings.log_level, environment=settings.environment)
    return tables, S3Bucket(settings.artifact_bucket), log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What could not be done fails the call, after everything else was: an alarm watches for that."""
    tables, artifacts, log = parts()
    done = vars(tidy(tables, datetime.now(UTC), artifacts))
    log.info("tidied", extra=done)
    if done["faults"]:
        raise Unavailable("; ".join(f"{table}: {why}" for table, why in done["faults"].items()))
    return done
