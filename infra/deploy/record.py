"""`.gyre/stack.json`: where the stack is and the key to it, for people, tests and the CLI."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.deploy import DeployError
from infra.deploy.target import ROOT


def record_path() -> Path:
    """One record per working tree, unless GYRE_STACK names another: benchmarks and tests keep theirs apart."""
    return Path(os.environ.get("GYRE_STACK") or ROOT / ".gyre" / "stack.json")


@dataclass(frozen=True)
class StackRecord:
    """One deployment."""

    environment: str
    stack: str
    region: str
    endpoint_url: str | None
    api_url: str
    api_key: str
    data_bucket: str
    artifact_bucket: str
    journal_queue_url: str
    journal_dead_letters_url: str
    notices_topic: str
    training_state_machine: str
    monitoring_state_machine: str
    version: str
    commit: str


def environment_path(environment: str) -> Path:
    """Beside the current record, one per environment: deploying to the emulator must not lose production's key."""
    current = record_path()
    return current.with_name(f"{current.stem}.{environment}.json")


def write_record(record: StackRecord) -> None:
    """Makes it the current one, and keeps it under its environment's name."""
    for path in (environment_path(record.environment), record_path()):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        # For its owner's eyes alone: it holds the key.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(json.dumps(asdict(record), indent=2) + "\n")
        draft.replace(path)


def read_record(path: Path | None = None) -> StackRecord:
    """The record, or what to do about a missing or stale one."""
    path = path or record_path()
    try:
        return StackRecord(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise DeployError(f"{path.name} does not exist: run `make up deploy`") from None
    except (ValueError, TypeError) as error:
        raise DeployError(f"{path.name} is not a record of this version ({error}): run `make deploy`") from None
