"""How the code is laid out, and what a cold start pays for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.facts import ROOT

HANDLERS = sorted((ROOT / "functions").glob("*/*.py"))
MODULES = sorted(path for top in ("layers", "functions", "infra", "cli") for path in (ROOT / top).rglob("*.py"))
SCIENCE = {"pandas", "sklearn", "scipy", "shap", "mlflow", "joblib", "nannyml", "pyarrow", "optuna", "cloudpickle"}
LAKE = {"deltalake", "arro3"}
# Composes the app as the first call does, and tells what that loaded.
PROBE = """
import json, sys
sys.path[:0] = sys.argv[1:]
import app
getattr(app, "compose", lambda: None)()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(function: str) -> set[str]:
    """The top-level packages in a fresh process after a function's first call began."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GYRE_", "PYTHON"))},
        "GYRE_ENVIRONMENT": "local",
        "GYRE_ARTIFACT_BUCKET": "artifacts",
        "GYRE_DATA_BUCKET": "data",
        "GYRE_TRAINING_STATE_MACHINE": "training",
        "GYRE_BATCH_STATE_MACHINE": "batch",
        "GYRE_TRAIN_TASKS": "train-tasks",
        "GYRE_JOURNAL_QUEUE": "https://queues.example/journal",
        "GYRE_SHADOW_QUEUE": "https://queues.example/shadow",
        "GYRE_JOURNAL_DEAD_LETTERS": "journal-dead-letters",
        "GYRE_JOURNAL_TRIES": "3",
        "GYRE_ERASURE_MACHINE": "erasure",
        "GYRE_ERASURE_TASKS": "erasure-tasks",
        # Nobody listens there: what is asked while it starts is asked in vain, at once.
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "GYRE_MONITORING_STATE_MACHINE": "monitoring",
    }
    path = [str(ROOT / "functions" / function), str(ROOT / "layers/gyre")]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *path], env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_handler_fits_on_a_screen(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 60


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 300


@pytest.mark.parametrize("function", ["inference", "training_trigger"])
def test_the_request_path_loads_no_science(function: str) -> None:
    found = loaded(function)
    assert "fastapi" in found
    assert found & (SCIENCE | LAKE) == set()


@pytest.mark.parametrize("function", ["prediction_log", "drift"])
def test_what_asks_the_journal_loads_the_lake_and_no_science(function: str) -> None:
    found = loaded(function)
    assert found & SCIENCE == set()
    assert found >= LAKE


def test_a_science_task_loads_what_it_needs_when_it_needs_it() -> None:
    assert loaded("science") & SCIENCE == set()
