"""python -m cli.demo: one example through the whole deployed stack, each step shown as it happens."""

import json
import sys
import time
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
PICTURE = ROOT / ".gyre" / "demo-explanation.svg"


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


def predict(gyre: GyreClient) -> None:
    """The release answers, and each call lands in the journal."""
    table = EXAMPLE.generate(CALLS, 7).drop(columns=[EXAMPLE.target])
    people = json.loads(table.to_json(orient="records"))
    with step(f"ask for {CALLS} predictions with their reasons: POST /predict/{MODEL}"):
        asked, answers = datetime.now(UTC), [gyre.post(f"/predict/{MODEL}?top=3", person) for person in people]
        first = answers[0]
        why = ", ".join(f"{each['feature']} {each['value']}" for each in first["explanation"])
        say(f"    the first: {first['prediction']} ({first['confidence']:.0%}), because of {why}")
        PICTURE.write_text(gyre.post(f"/predict/{MODEL}/explanation.svg", people[0]))
        say(f"    as a picture: {PICTURE.relative_to(ROOT)}")
    with step("each of them went over a queue into the Delta journal: GET /predictions"):
        events = {each["event_id"] for each in answers}

        def landed() -> int:
            found = gyre.get("/predictions", model=MODEL, limit=1000)["predictions"]
            return len(events & {each["event_id"] for each in found})

        gyre.until(lambda: landed() == CALLS, f"{CALLS} records in the journal")
        took = (datetime.now(UTC) - asked).total_seconds()
        say(f"    {landed()} of {CALLS} records found, {took:.1f} s after the first call")


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
        predict(gyre)
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
