"""What Gyre needs of Step Functions: start a run by name once, tell how far it came, go on with one that failed."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from gyre.errors import Conflict, Invalid

RunStatus = Literal["running", "succeeded", "failed", "timed_out", "stopped"]
StepStatus = Literal["running", "succeeded", "failed"]

# How the names of runs over whole files begin; all others are of the machine that trains.
BATCH_RUN = "batch_"
# Anchored for FastAPI; `$` alone would let a line feed through, so our own checks use fullmatch.
RUN_PATTERN = r"^[A-Za-z0-9_-]{1,80}$"


@dataclass(frozen=True)
class Step:
    """One state of the machine, as far as this run entered it; all its visits together, for a search has many."""

    name: str
    status: StepStatus
    started_at: datetime
    ended_at: datetime | None = None
    cause: str | None = None
    """Why it failed, or why its last visit that failed did."""
    visits: int = 1
    failed: int = 0
    """How many of the visits failed in the end."""


@dataclass(frozen=True)
class Run:
    """One run of a workflow."""

    name: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None = None
    cause: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] | None = None
    steps: tuple[Step, ...] = ()
    attempt: int = 1
    """How often it was begun: 2 after it was resumed once."""


class Workflow(Protocol):
    """One state machine."""

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        """Starts a run; one of that name that was started before is left alone: the same event never runs twice."""

    def show(self, name: str) -> Run:
        """The run with its steps, or `NotFound`. Of one that was resumed, its last attempt."""

    def resume(self, name: str) -> Run:
        """Begins the run again with what it was started with; steps that succeeded are not done anew. `Conflict` if it
        goes on still, or ended well."""

    def answer(self, token: str, told: Mapping[str, Any]) -> None:
        """Tells a run that waits for a person what the person said; `Conflict` if it waits no longer."""


@dataclass(frozen=True)
class Workflows:
    """Several state machines as one: a run's name begins with its kind, and says so which of them it is of."""

    usual: Workflow
    by_kind: Mapping[str, Workflow]
    """By the beginning of the names."""

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        self._of(name).start(name, payload)

    def show(self, name: str) -> Run:
        return self._of(name).show(name)

    def resume(self, name: str) -> Run:
        return self._of(name).resume(name)

    def answer(self, token: str, told: Mapping[str, Any]) -> None:
        self.usual.answer(token, told)  # nothing but a training asks a person

    def _of(self, name: str) -> Workflow:
        return next((each for kind, each in self.by_kind.items() if name.startswith(kind)), self.usual)


# So often a run may be begun again.
MOST_ATTEMPTS = 9


def attempt_name(name: str, attempt: int) -> str:
    """What Step Functions knows an attempt by; its run keeps its name."""
    return name if attempt == 1 else f"{name}_again{attempt}"


def checked_resumable(run: Run) -> Run:
    """The run, if there is something to go on with."""
    if run.status == "running":
        raise Conflict(f"{run.name} goes on still: GET /runs/{run.name} shows how far it came.", field="run")
    if run.status == "succeeded":
        raise Conflict(f"{run.name} ended well, so there is nothing to resume: start a new run.", field="run")
    if run.attempt >= MOST_ATTEMPTS:
        raise Conflict(f"{run.name} failed {run.attempt} times: start a new run.", field="run")
    if not re.fullmatch(RUN_PATTERN, attempt_name(run.name, run.attempt + 1)):
        raise Conflict(f"The name {run.name} is too long to be begun again: start a new run.", field="run")
    return run


def fresh_run_name(kind: str) -> str:
    """A name for a run that a person starts: `train_…`, `monitor_…`."""
    return f"{kind}_{datetime.now(UTC).strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(4)}"


def checked_run_name(name: str) -> str:
    """The name, if it can be one of ours; it becomes part of an ARN, so nothing else may pass."""
    if not re.fullmatch(RUN_PATTERN, name):
        raise Invalid(
            f"{name[:100]!r} is not the name of a run: letters, digits, - and _ only, 80 at most.", field="run"
        )
    return name
