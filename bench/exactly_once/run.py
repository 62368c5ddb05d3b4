"""python -m bench exactly-once: calls go to the journal of the deployed local stack through its queue, doubled and in
no order, while those who take them are killed; then the table is counted."""

import argparse
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from deltalake import DeltaTable

from bench.exactly_once.calls import Load, make_load
from bench.exactly_once.consumers import Killer, Poller, Upkeep, beside, logged
from bench.exactly_once.count import Counted, count
from bench.measure import keep
from cli.client import Answer, GyreClient
from gyre.aws.delta import storage_options
from gyre.aws.direct import DirectBucket, DirectQueue
from gyre.aws.queue import SqsOutlet
from gyre.errors import Unavailable
from gyre_emulator import control
from infra.deploy.record import read_record

MODELS = 3
_TRIES, _ROUNDS = 8, 5


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    gyre = GyreClient(read_record())
    if gyre.record.endpoint_url != control.address():
        sys.exit("exactly-once: it kills processes of the emulator, and the stack of stack.json is not on it")
    _reach(gyre)
    began, models = datetime.now(UTC), [f"load-{uuid.uuid4().hex[:8]}" for _ in range(MODELS)]
    load = make_load(models, options.calls, options.duplicates, began, options.seed)
    print(f"exactly-once: {len(load.calls):,} calls in {load.messages:,} messages, seed {options.seed}", flush=True)
    pollers = [Poller(gyre) for _ in range(options.pollers)]
    killer = Killer(gyre, options.kills, options.seed, options.pause)
    run = _Run(gyre, load, options.senders, time.monotonic() + options.minutes * 60)
    upkeep = Upkeep(gyre, options.upkeep)
    with beside(*pollers, killer, upkeep):
        sending = run.send(load.first)
        run.drain("the first wave")
        run.send(load.late)
        run.drain("the late doubles")
        replayed = run.replay(models)
    seconds = time.monotonic() - run.began
    counted = count(_table(gyre), load.expected)
    figures = _figures(gyre, load, run.again, began) | {
        "killed": killer.killed, "upkeeps": upkeep.done, "replayed": replayed, "seconds": seconds,
        "sent_per_second": len(load.first) / sending, "messages_per_second": load.messages / seconds,
        "missing": len(counted.missing), "doubled": len(counted.doubled), "torn": len(counted.torn),
    }  # fmt: skip
    _tell(figures, counted)
    if options.keep:
        keep("exactly_once", {}, {"deltalake": version("deltalake")}, figures)
    return 0 if counted.is_right else 1


class _Run:
    """One load on its way."""

    def __init__(self, gyre: GyreClient, load: Load, senders: int, until: float) -> None:
        self._gyre, self._load, self._senders, self._until = gyre, load, senders, until
        self._sqs, self.began, self.again = gyre.aws("sqs"), time.monotonic(), 0
        self._data = DirectBucket(gyre.record.data_bucket)

    def send(self, numbers: Sequence[int]) -> float:
        """Through the real outlet, by several at once; tells how long it took."""
        began, next_one, lock = time.monotonic(), iter(numbers), threading.Lock()

        def job(_: threading.Event) -> None:
            outlet = SqsOutlet(DirectQueue(self._gyre.record.journal_queue_url), self._data)
            while True:
                with lock:
                    number = next(next_one, None)
                if number is None:
                    return
                self._put(outlet, number)

        with beside(*[job] * self._senders):
            pass
        return time.monotonic() - began

    def _put(self, outlet: SqsOutlet, number: int) -> None:
        """What was perhaps not taken is sent again, as a caller would: one more double."""
        for turn in range(_TRIES):
            try:
                outlet.put(self._load.calls[number].record())
                break
            except Unavailable:
                if turn == _TRIES - 1:
                    raise
                self.again += 1

    def drain(self, what: str) -> None:
        """Until nothing waits in the queue and nothing is under way, nor among what the queue gave up."""
        empty, shown = 0, 0.0
        while empty < 3:
            waiting, under_way = self._depth()
            empty = empty + 1 if waiting + under_way == 0 else 0
            if time.monotonic() > self._until:
                sys.exit(f"exactly-once: {waiting:,} wait and {under_way:,} are under way: --minutes gives more time")
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                print(f"  {what}: {waiting:,} wait, {under_way:,} are under way", flush=True)
            time.sleep(0.5)

    def _depth(self) -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed",
                 "ApproximateNumberOfMessagesNotVisible"]  # fmt: skip
        waiting = under_way = 0
        for url in (self._gyre.record.journal_queue_url, self._gyre.record.journal_dead_letters_url):
            told = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            waiting += int(told[names[0]]) + int(told[names[1]])
            under_way += int(told[names[2]])
        return waiting, under_way

    def replay(self, models: Sequence[str]) -> int:
        """A message whose takers were killed each time is a dead letter: sent again until there are none."""
        replayed = 0
        for _ in range(_ROUNDS):
            found = [each["id"] for model in models for each in _letters(self._gyre, model)]
            if not found:
                break
            print(f"  {len(found):,} dead letters are replayed", flush=True)
            for at in range(0, len(found), 100):
                replayed += self._gyre.replay(found[at : at + 100])["replayed"]
            self.drain("the dead letters")
        return replayed


def _letters(gyre: GyreClient, model: str) -> Iterator[Answer]:
    cursor = None
    while True:
        page = gyre.dead_letters(model=model, limit=1000, cursor=cursor)
        yield from page["dead_letters"]
        cursor = page["cursor"]
        if cursor is None:
            return


def _figures(gyre: GyreClient, load: Load, again: int, began: datetime) -> dict[str, float]:
    """What was sent, and what the function's log and the table's say of how it was taken."""
    told = logged(gyre, began.timestamp())
    return {
        "calls": len(load.calls), "messages": load.messages + again, "doubles": load.messages + again - len(load.calls),
        "ended_in_a_call": told["ended"], "timed_out": told["timed_out"],
        "ended_after_append": told["ended_after_append"], "known_already": told["known"],
        "dead_letters": told["dead_letters"], "appends": _commits(gyre, began),
    }  # fmt: skip


def _tell(figures: Mapping[str, float], counted: Counted) -> None:
    told = {name: f"{figure:,.0f}" for name, figure in figures.items()}
    for line in (
        "sent: {messages} messages of {calls} calls ({doubles} doubles), {sent_per_second} a second",
        "killed: {killed} environments, {ended_in_a_call} of them in a call ({timed_out} more ran out of time), "
        "{ended_after_append} of these between append and answer",
        "journal: {appends} appends, files put together {upkeeps} times; {known_already} calls came that it had "
        "already, {dead_letters} became dead letters, {replayed} were replayed",
        "taken in {seconds} s: {messages_per_second} messages a second",
    ):
        print(line.format_map(told))
    print(f"{'exactly once' if counted.is_right else 'NOT exactly once'}: {counted}")


def _commits(gyre: GyreClient, since: datetime) -> int:
    """Appends to the table since then."""
    history = _table(gyre).history()
    return sum(each["operation"] == "WRITE" and each["timestamp"] >= since.timestamp() * 1000 for each in history)


def _table(gyre: GyreClient) -> DeltaTable:
    uri = f"s3://{gyre.record.data_bucket}/journal/predictions"
    return DeltaTable(uri, storage_options=storage_options(uri))


def _reach(gyre: GyreClient) -> None:
    """The adapters find the emulator as a function would: by the environment."""
    os.environ.update({
        "AWS_ENDPOINT_URL": gyre.record.endpoint_url or "", "AWS_REGION": gyre.record.region,
        "AWS_DEFAULT_REGION": gyre.record.region, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
    })  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench exactly-once", description=__doc__)
    add: Callable[..., object] = parser.add_argument
    add("--calls", type=int, default=20_000)
    add("--duplicates", type=float, default=0.1, help="of the calls: so many are sent once more")
    add("--kills", type=int, default=20, help="environments of the journal's function that are killed meanwhile")
    add("--pause", type=float, default=4.0, help="seconds between two kills, about")
    add("--senders", type=int, default=4)
    add("--pollers", type=int, default=2, help="who take messages beside the emulator's own mapping, which is one")
    add("--upkeep", type=float, default=20.0, help="seconds between two times that the table's files are put together")
    add("--minutes", type=float, default=30, help="after which it is given up")
    add("--seed", type=int, default=int(time.time()), help="the same one makes the same load")
    add("--keep", action="store_true", help="write bench/results/exactly_once.json")
    return parser
