"""A `Workflow` in memory; held to the same contract as Step Functions."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gyre.errors import Conflict, NotFound
from gyre.workflow import Run, RunStatus, checked_resumable, checked_run_name


class MemoryWorkflow:
    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.waiting: set[str] = set()
        self.answers: list[tuple[str, dict[str, Any]]] = []

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        if checked_run_name(name) not in self.runs:
            self.runs[name] = Run(name, "running", datetime.now(UTC), input=dict(payload))

    def show(self, name: str) -> Run:
        if checked_run_name(name) not in self.runs:
            raise NotFound(f"the run {name} does not exist.")
        return self.runs[name]

    def resume(self, name: str) -> Run:
        last = checked_resumable(self.show(name))
        self.runs[name] = Run(name, "running", datetime.now(UTC), input=last.input, attempt=last.attempt + 1)
        return self.runs[name]

    def answer(self, token: str, told: Mapping[str, Any]) -> None:
        if token not in self.waiting:
            raise Conflict("The run waits no longer: it ended, or somebody answered before.")
        self.waiting.remove(token)
        self.answers.append((token, dict(told)))

    def end(self, name: str, status: RunStatus) -> None:
        """As a run ends by itself."""
        self.runs[name] = replace(self.show(name), status=status, ended_at=datetime.now(UTC))
