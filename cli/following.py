"""Follows a run to its end, and says how it ended."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from cli.progress import progress_on
from cli.run_facts import RunFacts, measured
from cli.text import as_json, figure, lasted, shown

if TYPE_CHECKING:
    from cli.client import GyreClient

INTERRUPTED = 130
# Of checks or classes in one line.
_MOST = 12
_ENDED = {"failed": "failed", "timed_out": "ran out of time", "stopped": "was stopped"}


def follow(gyre: "GyreClient", run: str, *, attempt: int | None = None, quiet: bool = False) -> int:
    """Shows the run until it ended or waits for a person; the exit status. `quiet`: its last answer alone, as JSON."""
    told = None
    try:
        with closing(progress_on(sys.stdout)) as progress:
            for told in gyre.looks(f"/runs/{run}", None, attempt=attempt):
                if not quiet:
                    progress.show(RunFacts(told).rows())
    except KeyboardInterrupt:
        print(f"gyre: {run} goes on without you; gyre run follow {run} shows it again", file=sys.stderr)
        return INTERRUPTED
    facts = RunFacts(told or {})
    if quiet:
        print(as_json(told))
    else:
        for line in summary(facts):
            print(line)
        sys.stdout.flush()  # before what goes to stderr
    if facts.status in ("running", "succeeded"):
        return 0
    for line in failure(facts):
        print(f"gyre: {line}", file=sys.stderr)
    return 1


def failure(facts: RunFacts) -> Iterator[str]:
    """Where and why it ended, and how it goes on."""
    step, cause = facts.failure
    at = f" at {step}" if step else ""
    yield shown(f"{facts.name} {_ENDED.get(facts.status, facts.status)}{at}: {cause}")
    yield f"gyre run resume {facts.name} goes on from there"


def summary(facts: RunFacts) -> Iterator[str]:
    """What the run made, and what was done with it."""
    yield from map(shown, _summary(facts))


def _summary(facts: RunFacts) -> Iterator[str]:
    model, version = facts.model, facts.version
    if judged := facts.found("evaluate_version"):
        yield (
            f"version {version} of {model} on {figure(judged.get('rows'))} rows ({judged.get('part')}) of dataset "
            f"version {judged.get('dataset')}: {measured(judged)}"
        )
        return
    if answered := facts.found("join"):
        yield from answers(answered)
        return
    if version is None:
        yield from _data_alone(facts)
        return
    evaluated = facts.found("evaluate")
    yield f"version {version} of {model}{f': {measured(evaluated)}' if evaluated else ''}"
    gates = facts.found("gates")
    if gates:
        yield f"gates: {gates.get('because')}"
    yield from _what_was_done(facts, gates.get("outcome"))
    if facts.lag:
        yield f"MLflow does not know yet what serves ({facts.lag}): gyre model mirror {model}"


def answers(told: Mapping[str, Any]) -> Iterator[str]:
    """What came of a file."""
    refused = told.get("refused") or {}
    yield (
        f"{figure(told.get('rows'))} rows of {told.get('model')}, {figure(told.get('predicted'))} answered by version "
        f"{told.get('version')} in {lasted(told.get('seconds'))}"
    )
    if refused.get("rows"):
        by = ", ".join(f"{check} {figure(rows)}" for check, rows in list(refused["by"].items())[:_MOST])
        yield f"{figure(refused['rows'])} refused, as their column error says: {by}"
    if values := told.get("values"):
        yield f"values: {figure(values['mean'])} in the mean, {figure(values['least'])} to {figure(values['most'])}"
    if classes := told.get("classes"):
        yield ", ".join(f"{name} {figure(rows)}" for name, rows in list(classes.items())[:_MOST])


def _data_alone(facts: RunFacts) -> Iterator[str]:
    data = facts.found("ingest") or facts.found("pin")
    if facts.status != "succeeded" or not data:
        return
    number, rejected = data.get("version"), data.get("rejected")
    yield (
        f"dataset version {number} of {facts.model}: {figure(data.get('rows'))} rows taken"
        f"{f', {figure(rejected)} rejected' if rejected else ''}"
    )
    how = f"gyre train {facts.model} --dataset {number}"
    yield f"nothing was trained, as training.on_upload in model.yaml says: {how} does"


def _what_was_done(facts: RunFacts, outcome: str | None) -> Iterator[str]:
    model, version = facts.model, facts.version
    if facts.waits:
        yield f"waits for approval: gyre model approve {model} {version} (--decline refuses it)"
    elif facts.status != "succeeded":
        return
    elif outcome == "reject":
        yield f"rejected: it does not serve; gyre model version {model} {version} shows every gate"
    elif (said := facts.output.get("approval") or {}).get("approved") is False:
        comment = f": {said['comment']}" if said.get("comment") else ""
        yield f"declined by {said.get('actor')}, it does not serve{comment}"
    elif released := facts.found("promote"):
        before = released.get("before")
        yield f"released: it serves now{f', and version {before} did before' if before not in (None, version) else ''}"


def overview(facts: RunFacts) -> dict[str, object]:
    """What a run is, in short."""
    asked, status = facts.told.get("input") or {}, facts.status
    upload = asked.get("upload") or asked.get("file") or {}
    works_on = (
        f"version {asked['evaluate'].get('version')}" if asked.get("evaluate")
        else f"dataset version {asked['dataset']}" if asked.get("dataset")
        else upload.get("key") or (asked.get("fetch") or {}).get("url")
    )  # fmt: skip
    return {"run": facts.name, "model": facts.model, "works on": works_on, "status": _status(facts, status)}


def _status(facts: RunFacts, status: str) -> str:
    attempt = int(facts.told.get("attempt", 1))
    told = "waits for approval" if facts.waits else "goes on" if status == "running" else _ENDED.get(status, status)
    return f"{told}{f', attempt {attempt}' if attempt > 1 else ''}"
