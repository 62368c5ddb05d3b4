"""python -m cli.demo: the whole circle on the deployed stack, each step shown as it happens."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from cli.client import CallFailed, GyreClient, TookTooLong
from cli.demo_words import OUT, kept, say, step
from cli.demo_world import ROWS, WATCHED, fresh_names, later, people, spec_of
from cli.following import follow
from examples.catalogue import EXAMPLES
from infra.deploy import DeployError
from infra.deploy.record import read_record

_CALL = 200
_SECONDS = 300


@dataclass(frozen=True)
class Demo:
    """One run of it, with models of its own: what an earlier run left would be another world."""

    gyre: GyreClient
    names: Mapping[str, str]
    """Of each example's model."""

    @property
    def model(self) -> str:
        """The one that is watched."""
        return self.names[WATCHED]

    def train(self) -> None:
        """All at once: an upload starts a training by itself."""
        gyre, runs = self.gyre, {}
        with step(f"declare {', '.join(self.names.values())}, and upload made-up rows; an upload starts its training"):
            for example, model in self.names.items():
                gyre.declare(spec_of(example, model).encode())
                table = EXAMPLES[example].generate(ROWS[example], 1).to_csv(index=False).encode()
                runs[model] = gyre.run_of_upload(*gyre.upload(model, "rows.csv", table))
        for model, run in runs.items():
            with step(f"follow {model} through the training state machine: GET /runs/{run}"):
                self._followed(run)
                found = gyre.run(run)["found"]
                version = found["register"]["version"]
                if model == self.model:
                    page = gyre.get(f"/models/{model}/datasets/{found['ingest']['version']}/report")
                    say(f"    what the ingest found: {kept('data.html', page)}")
                    say(f"    the card of version {version}: {kept('card.html', gyre.card(model, version, 'html'))}")
                if gyre.version(model, version)["waits_for_approval"]:
                    gyre.approve(model, version, comment="the demo is a person, for once")
                    gyre.until(lambda: self._serves(model) is not None, f"a release of {model}", _SECONDS)  # noqa: B023
                    say("    a person has to approve releases of this model, and did")
                say(f"    version {self._serves(model)} serves")

    def explain(self) -> None:
        with step("ask each of them about one row, and why: POST /predict/{model}?top=3"):
            for example, model in self.names.items():
                (row,) = people(EXAMPLES[example], EXAMPLES[example].generate(1, 7))[0]
                told = self.gyre.post(f"/predict/{model}?top=3", row)
                why = ", ".join(f"{each['feature']} {str(each['value'])[:40]}" for each in told["explanation"])
                say(f"    {model}: {told['prediction']} ({told['confidence']:.0%}), because of {why}")
                if example == WATCHED:
                    picture = self.gyre.post(f"/predict/{model}/explanation.svg", row)
                    say(f"    as a picture: {kept('explanation.svg', picture)}")

    def watch(self) -> None:
        with step(f"{self.model} is asked, and later told the truth: POST /inference, POST /feedback"):
            say(f"    {self._called(later(600, changed=False)):,} predictions are in the journal, all with a label")
        with step("look at them: POST /monitoring/run"):
            self._looked()

    def change(self) -> str | None:
        """The training that it led to."""
        since = datetime.now(UTC)
        with step("the world changes: other scales, and doctors draw the lines between the classes elsewhere"):
            say(f"    {self._called(later(1_500, changed=True)):,} more predictions, all with a label")
        with step("look again: drift and decay are found, told, and a training is started by the policy in model.yaml"):
            found = self._looked(since)
            for each in found["done"].values():
                say(f"    {each['sentence']}")
            run: str | None = found["done"]["retrain"]["run"]
            return run

    def retrain(self, run: str) -> None:
        with step(f"follow that training; its model is held against the one that serves: GET /runs/{run}"):
            before = self._serves(self.model)
            self._followed(run)
            gates, after = self.gyre.run(run)["found"]["gates"], self._serves(self.model)
            verdict = f"version {after} serves now" if after != before else f"version {before} goes on serving"
            say(f"    {gates['because']} {verdict}.")

    def _called(self, table: pd.DataFrame) -> int:
        """Predictions in the journal, each with what turned out to be true."""
        gyre, model, labels = self.gyre, self.model, []
        rows, truths = people(EXAMPLES[WATCHED], table)
        before = gyre.get(f"/stats/{model}")["answered"]
        for first in range(0, len(rows), _CALL):
            part = [{"id": each["id"], "features": each} for each in rows[first : first + _CALL]]
            answer = gyre.post("/inference", {"model": model, "rows": part, "partial": True})
            answered = {each["id"] for each in answer["predictions"] if "error" not in each}
            said = zip(part, truths[first : first + _CALL], strict=True)
            labels += [
                {"model": model, "id": row["id"], "label": label} for row, label in said if row["id"] in answered
            ]
        whole = before + len(labels)
        gyre.until(lambda: gyre.get(f"/stats/{model}")["answered"] >= whole, "the journal", _SECONDS)
        for first in range(0, len(labels), 1_000):
            gyre.post("/feedback", {"labels": labels[first : first + 1_000]})
        return len(labels)

    def _looked(self, since: datetime | None = None) -> dict[str, Any]:
        begun = self.gyre.monitor(self.model, since=since.isoformat() if since else None)
        for told in self.gyre.follow(begun["status_url"], _SECONDS):
            steps = [each["name"] for each in told.get("steps", ()) if each["status"] == "running"]
            say(f"    {told['status']}: {', '.join(steps)}" if steps else f"    {told['status']}")
        found: dict[str, Any] = self.gyre.look(self.model, begun["run"])
        level = found["verdict"]["level"]
        say(f"    verdict on {self.model}: {level}")
        for each in found["verdict"]["findings"][:4]:
            say(f"      {each['text']}")
        page = self.gyre.report(self.model, begun["run"])
        say(f"    the report: {kept(f'look-{level}.html'.replace(' ', '-'), page)}")
        return found

    def _followed(self, run: str) -> None:
        if follow(self.gyre, run) != 0:
            raise TookTooLong(f"the run {run} did not succeed: GET /runs/{run} tells all of it")

    def _serves(self, model: str) -> int | None:
        try:
            found: int | None = self.gyre.release(model)["aliases"].get("production", {}).get("version")
        except CallFailed as error:
            if error.status != 404:
                raise
            return None  # nothing was released yet
        return found


def ending(gyre: GyreClient) -> None:
    url = gyre.record.api_url
    say()
    print(f"""Gyre runs. Look around:
  {url}/            the front page
  {url}/docs        every route
  {OUT}/        reports, a model card, an explanation
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
        demo = Demo(gyre, fresh_names({each["model"] for each in gyre.get("/models")["models"]}))
        demo.train()
        demo.explain()
        demo.watch()
        if (run := demo.change()) is not None:
            demo.retrain(run)
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
