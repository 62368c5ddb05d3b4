"""Those who take the messages, and what happens to them: more of them than the emulator has by itself, and
killed at random."""

import itertools
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.client import GyreClient
from gyre_emulator.environments import environments

LOG = "journal/predictions/_delta_log/"
_BATCH = 100
# A call may wait for a fresh environment; botocore would make it again.
_PATIENT = Config(read_timeout=660, retries={"total_max_attempts": 1})


def function_of(gyre: GyreClient) -> str:
    return f"{gyre.record.stack}-prediction-log"


@contextmanager
def beside(*jobs: Callable[[threading.Event], None]) -> Iterator[None]:
    """Runs these until the end; what breaks one of them is raised then."""
    ended, broken = threading.Event(), list[BaseException]()

    def run(job: Callable[[threading.Event], None]) -> None:
        try:
            job(ended)
        except BaseException as error:  # noqa: BLE001  # raised below
            broken.append(error)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        ended.set()
        for each in threads:
            each.join(200)
    if broken:
        raise broken[0]


class Poller:
    """What Lambda's own pollers do on AWS, where up to three of them are at work; the emulator has one for a queue."""

    def __init__(self, gyre: GyreClient) -> None:
        self._gyre, self._sqs = gyre, gyre.aws("sqs")
        self._functions = gyre.aws("lambda", _PATIENT)
        self.batches = 0

    def __call__(self, ended: threading.Event) -> None:
        while not ended.is_set():
            if messages := self._received():
                self._hand_over(messages)
            else:
                ended.wait(0.5)

    def _received(self) -> list[dict[str, Any]]:
        found = list[dict[str, Any]]()
        while len(found) < _BATCH:
            more = self._sqs.receive_message(
                QueueUrl=self._gyre.record.journal_queue_url,
                MaxNumberOfMessages=10,
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
            found += more
            if len(more) < 10:
                break
        return found

    def _hand_over(self, messages: list[dict[str, Any]]) -> None:
        told = [
            {
                "messageId": each["MessageId"], "receiptHandle": each["ReceiptHandle"], "body": each["Body"],
                "attributes": each["Attributes"], "eventSource": "aws:sqs", "eventSourceARN": "of the bench",
            }
            for each in messages
        ]  # fmt: skip
        try:
            answer = self._functions.invoke(
                FunctionName=function_of(self._gyre), Payload=json.dumps({"Records": told}).encode()
            )
        except (ClientError, BotoCoreError):
            return  # the messages appear again, as they do on AWS
        if "FunctionError" in answer:
            return
        self.batches += 1
        failed = {each["itemIdentifier"] for each in json.loads(answer["Payload"].read())["batchItemFailures"]}
        taken = [each for each in messages if each["MessageId"] not in failed]
        for part in itertools.batched(taken, 10):
            entries = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(part)]
            self._sqs.delete_message_batch(QueueUrl=self._gyre.record.journal_queue_url, Entries=entries)


class Upkeep:
    """Puts the table's files together meanwhile, as the clock does on AWS, only more often: it commits, too."""

    def __init__(self, gyre: GyreClient, every: float) -> None:
        self._functions, self._name, self._every = gyre.aws("lambda", _PATIENT), f"{gyre.record.stack}-upkeep", every
        self.done = 0

    def __call__(self, ended: threading.Event) -> None:
        while not ended.wait(self._every):
            answer = self._functions.invoke(FunctionName=self._name, Payload=b"{}")
            self.done += "FunctionError" not in answer


class Killer:
    """Ends environments of the journal's function: every other time the moment a commit appears, when whoever made it
    has not answered yet; else at any moment."""

    def __init__(self, gyre: GyreClient, kills: int, seed: int, pause: float) -> None:
        self._gyre, self._s3, self._kills, self._pause = gyre, gyre.aws("s3"), kills, pause
        self._chance = random.Random(seed)
        self._last = self._newest("")
        self.killed = 0

    def __call__(self, ended: threading.Event) -> None:
        for turn in itertools.count():
            if ended.wait(self._chance.uniform(0.2, 2 * self._pause)) or self.killed >= self._kills:
                return
            found = environments(function=function_of(self._gyre))
            if turn % 2 == 0 and not self._committed(ended):
                continue
            left = self._kills - self.killed
            chosen = found if turn % 2 == 0 else self._chance.sample(found, min(1, len(found)))
            self.killed += sum(each.kill() for each in chosen[:left])

    def _committed(self, ended: threading.Event) -> bool:
        """Waits for the next commit."""
        self._last, until = self._newest(self._last), time.monotonic() + 20
        while not ended.is_set() and time.monotonic() < until:
            if (now := self._newest(self._last)) != self._last:
                self._last = now
                return True
            ended.wait(0.02)
        return False

    def _newest(self, after: str) -> str:
        found, pages = after, self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._gyre.record.data_bucket, Prefix=LOG, StartAfter=after):
            keys = [each["Key"] for each in page.get("Contents", ()) if re.search(r"/\d{20}\.json$", each["Key"])]
            found = max([found, *keys])
        return found


def logged(gyre: GyreClient, since: float) -> Counter[str]:
    """What the function's log says of its calls since then: how often one ended, how often between its append and its
    answer, and what the batches held."""
    logs, group, found = gyre.aws("logs"), f"/aws/lambda/{function_of(gyre)}", Counter[str]()
    streams = [
        each["logStreamName"]
        for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group)
        for each in page["logStreams"]
    ]
    for stream in streams:
        appended = False
        for line in _lines(logs, group, stream, int(since * 1000)):
            if line.startswith("START "):
                appended = False
            elif line.startswith("REPORT ") and "Status: " in line:
                found["timed_out" if "Status: timeout" in line else "ended"] += 1
                found["ended_after_append"] += appended
            elif line.startswith("{") and (told := json.loads(line)).get("message") == "appended":
                appended = appended or told["records"] > 0
                found.update({name: told[name] for name in ("records", "known", "refused", "dead_letters")})
                found["appends"] += told["records"] > 0
    return found


def _lines(logs: Any, group: str, stream: str, since: int) -> Iterator[str]:
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(
            logGroupName=group, logStreamName=stream, startTime=since, startFromHead=True, **token
        )
        for each in page["events"]:
            yield from each["message"].splitlines()
        if not page["events"] or page["nextForwardToken"] == token.get("nextToken"):
            return
        token = {"nextToken": page["nextForwardToken"]}
