"""What Gyre needs of Step Functions: start a run by name once, and tell how far it came."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from gyre.errors import Invalid

RunStatus = Literal["running", "succeeded", "failed", "timed_out", "stopped"]
StepStatus = Literal["running", "succeeded", "failed"]

# Anchored for FastAPI; `$` alone would let a line feed through, so our own checks use fullmatch.
RUN_PATTERN = r"^[A-Za-z0-9_-]{1,80}$"


@dataclass(frozen=True)
class Step:
    """One state of the machine, as far as this run entered it."""

    name: str
    status: StepStatus
    started_at: datetime
    ended_at: datetime | None = None
    cause: str | None = None


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


class Workflow(Protocol):
    """One state machine."""

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        """Starts a run; one of that name that was started before is left alone: the same event never runs twice."""

    def show(self, name: str) -> Run:
        """The run with its steps, or `NotFound`."""


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
