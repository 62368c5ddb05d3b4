"""python -m cli.demo: one example through the whole deployed stack, each step shown as it happens."""

import json
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from cli.client import CallFailed, GyreClient, TookTooLong
from cli.following import follow
from examples.catalogue import EXAMPLES
from infra.deploy import DeployError
from infra.deploy.record import read_record
from infra.deploy.target import ROOT

MODEL = "obesity"
ROWS = 2_000
CALLS = 40
EXAMPLE = EXAMPLES[MODEL]
REPORT, CARD = ROOT / ".gyre" / "demo-report.html", ROOT / ".gyre" / "demo-card.html"


def say(line: str = "") -> None:
    print(f"demo: {line}" if line else "", flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    started = time.monotonic()
    say(f"{what} …")
    yield
    say(f"    done in {time.monotonic() - started:.1f} s")


def declare(gyre: GyreClient) -> None:
    with step(f"declare the model: POST /models with examples/{MODEL}/model.yaml"):
        declared = gyre.declare(EXAMPLE.spec.read_bytes())
        say(f"    {MODEL}, spec version {declared['spec_version']}, {len(declared['features'])} features")


def train(gyre: GyreClient) -> None:
    with step(f"upload {ROWS:,} made-up people to the inbox; the upload itself starts the training state machine"):
        table = EXAMPLE.generate(ROWS, 1).to_csv(index=False)
        run = gyre.run_of_upload(*gyre.upload(MODEL, "people.csv", table.encode()))
        if follow(gyre, run) != 0:
            raise TookTooLong(f"the run {run} did not succeed: make test tells more, GET /runs/{run} all of it")
        found = gyre.run(run)["found"]
        data, version = found["ingest"]["version"], found["register"]["version"]
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(gyre.get(f"/models/{MODEL}/datasets/{data}/report"))
        CARD.write_text(gyre.get(f"/models/{MODEL}/versions/{version}/card"))
        say(f"    what the ingest found: {REPORT.relative_to(ROOT)}")
        say(f"    the card of version {version}: {CARD.relative_to(ROOT)}")


def journal(gyre: GyreClient) -> None:
    """Serving writes these records once a model has a release; until then the demo plays its part."""
    batch = uuid.uuid4().hex[:8]
    with step(f"put {CALLS} prediction records on the queue; they become rows of the Delta journal"):
        queue = gyre.aws("sqs")
        for first in range(0, CALLS, 10):
            entries = [
                {"Id": str(number), "MessageBody": json.dumps(record(f"demo-{batch}-{number:04}"))}
                for number in range(first, min(first + 10, CALLS))
            ]
            queue.send_message_batch(QueueUrl=gyre.record.journal_queue_url, Entries=entries)

        def landed() -> int:
            found = gyre.get("/predictions", model=MODEL, limit=1000)["predictions"]
            return sum(each["event_id"].startswith(f"demo-{batch}-") for each in found)

        gyre.until(lambda: landed() == CALLS, f"{CALLS} records in the journal")
        say(f"    {landed()} of {CALLS} records found through GET /predictions")


def record(event_id: str) -> dict[str, object]:
    moment = datetime.now(UTC).isoformat()
    return {
        "shape": 1, "event_id": event_id, "model": MODEL, "at": moment, "status": 200, "duration_ms": 1.0,
        "caller": "demo", "correlation_id": event_id,
    }  # fmt: skip


def monitor(gyre: GyreClient) -> None:
    with step("look at the newest window of the journal: POST /monitoring/run"):
        started = gyre.post("/monitoring/run")
        for told in gyre.follow(started["status_url"]):
            say(f"    run {started['run']}: {told['status']}")
        finding = gyre.get(f"/monitoring/{MODEL}")
        say(f"    verdict on {MODEL}: {finding['verdict']} ({finding['because']})")


def ending(gyre: GyreClient) -> None:
    url = gyre.record.api_url
    say()
    print(f"""Gyre runs. Look around:
  {url}/            the front page
  {url}/docs        every route
  .gyre/stack.json  addresses, buckets and the admin key

Next:
  curl -H "x-api-key: $(python3 -c 'import json; print(json.load(open(".gyre/stack.json"))["api_key"])')" {url}/metrics
  make test         every test, against this stack
  make deploy       after a change
  make down         stop; nothing stays running""")


def main() -> int:
    started = time.monotonic()
    try:
        record = read_record()
        if not record.endpoint_url:
            raise DeployError(
                f"it would put made-up calls into the journal of {record.environment}; deploy locally first"
            )
        gyre = GyreClient(record)
        declare(gyre)
        train(gyre)
        journal(gyre)
        monitor(gyre)
    except (DeployError, CallFailed, TookTooLong) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except (httpx.TransportError, ClientError, BotoCoreError) as error:
        print(f"demo: the stack does not answer ({error}): run `make up deploy`, then `make demo`", file=sys.stderr)
        return 1
    say(f"all of it in {time.monotonic() - started:.1f} s")
    ending(gyre)
    return 0


if __name__ == "__main__":
    sys.exit(main())
