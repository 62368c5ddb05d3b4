"""From the sink's queue into PostgreSQL: the journal never waits for it."""

from functools import cache, partial
from typing import Any

from gyre.aws.onward import SqsOnward
from gyre.aws.s3 import S3Bucket
from gyre.aws.secrets import read_secret
from gyre.errors import GyreError, Unavailable
from gyre.journal.from_queue import message_of
from gyre.journal.intake import portions
from gyre.journal.sink import Sink, pour, rest
from gyre.postgres.sink import PostgresSink
from gyre.settings import SinkSettings
from gyre.telemetry import logger


@cache
def parts() -> tuple[Sink, S3Bucket, SqsOnward, SqsOnward, Any]:
    settings = SinkSettings.read()
    sink = PostgresSink(partial(read_secret, settings.sink_secret))
    queues = SqsOnward(settings.sink_queue), SqsOnward(settings.sink_dead_letters)
    log = logger("sink", settings.log_level, environment=settings.environment)
    return sink, S3Bucket(settings.data_bucket), *queues, log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """SQS takes back what stands in `batchItemFailures`, and only that; where nothing was taken, the call fails as a
    whole, and an alarm hears of it."""
    sink, data, queue, dead_letters, log = parts()
    messages = {each["messageId"]: message_of(each, "") for each in event["Records"]}
    failed = []
    for portion in portions(list(messages.values())):
        poured = pour(portion, sink, data)
        reasons = {each.id: each.reason for each in poured.spoilt}
        # What can never be written waits for a person, and does not come back a thousand times.
        kept = dead_letters.send_with_reasons([messages[each] for each in reasons], reasons)
        for refused in (*poured.spoilt, *poured.postponed, *kept):
            log.warning("refused", extra={"message_id": refused.id, "reason": refused.reason})
        log.info("written", extra={"records": poured.written, "refused": len(portion) - poured.written})
        failed += [each.id for each in (*poured.postponed, *kept)]
    receipts = {each["receiptHandle"]: rest(messages[each["messageId"]].tries)
                for each in event["Records"] if each["messageId"] in failed}  # fmt: skip
    try:
        queue.put_off(receipts)
    except GyreError as error:  # they come back as the queue says, which is later
        log.warning("not put off", extra={"reason": error.message})
    if failed and len(failed) == len(messages):
        raise Unavailable(f"None of {len(failed)} records was taken; the lines before this one say why.")
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
