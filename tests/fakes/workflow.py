"""A `Workflow` in memory; held to the same contract as Step Functions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gyre.errors import NotFound
from gyre.workflow import Run, checked_run_name


class MemoryWorkflow:
    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        if checked_run_name(name) not in self.runs:
            self.runs[name] = Run(name, "running", datetime.now(UTC), input=dict(payload))

    def show(self, name: str) -> Run:
        if checked_run_name(name) not in self.runs:
            raise NotFound(f"the run {name} does not exist.")
        return self.runs[name]
