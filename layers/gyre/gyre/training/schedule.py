"""Trainings that are due by the clock: `retrain.every_hours` of each model's spec."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gyre.errors import GyreError
from gyre.objects import ObjectStore
from gyre.spec.versions import models, spec_of
from gyre.training.start import start_by_request
from gyre.workflow import Workflow


@dataclass
class Due:
    """What was due now: runs by model, and why others did not begin."""

    runs: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def start_due(now: datetime, data: ObjectStore, artifacts: ObjectStore, workflow: Workflow) -> Due:
    """Starts what is due, on the newest data. Hours are counted from 1970 on, and a run is named by the hours it is
    for: however often the clock asks, it begins once. A model that cannot be trained holds up no other."""
    due = Due()
    for model in models(artifacts):
        try:
            every = spec_of(model, artifacts).spec.retrain.every_hours
            if every is not None:
                run = scheduled_run(model, every, now)
                due.runs[model] = start_by_request(model, None, None, data, workflow, run=run).run
        except GyreError as error:
            due.faults[model] = error.message
    return due


def scheduled_run(model: str, every_hours: float, now: datetime) -> str:
    """What the run of these hours is called."""
    seconds = every_hours * 3600
    began = datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)
    return f"train_{began:%Y%m%dT%H%M%S}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"
