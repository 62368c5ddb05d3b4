"""From the erasure's tasks: blanks a person's rows in PostgreSQL. It stands where the database can be reached."""

from functools import cache, partial
from typing import Any

from gyre.aws.secrets import read_secret
from gyre.postgres.sink import PostgresSink
from gyre.settings import SinkErasureSettings
from gyre.telemetry import logger


@cache
def parts() -> tuple[PostgresSink, Any]:
    settings = SinkErasureSettings.read()
    log = logger("sink_erasure", settings.log_level, environment=settings.environment)
    return PostgresSink(partial(read_secret, settings.sink_secret)), log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    sink, log = parts()
    erased = sink.erase(event["pseudonyms"]) if event["pseudonyms"] else 0
    log.info("erased", extra={"rows": erased})
    return {"erased": erased}
