"""`make demo` is the first thing that a stranger runs: what it does after the deployment must hold."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from cli.client import GyreClient
from infra.packaging.workshop import ROOT


def run_demo(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.demo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "layers/gyre:infra/emulator:.", **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.mark.timeout(300)
def test_the_demo_goes_through_and_ends_in_links(gyre: GyreClient) -> None:
    done = run_demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1,987 rows" in done.stdout and "13 rejected" in done.stdout
    assert "train 1,391" in done.stdout
    assert "a person has to approve releases of this model, and did" in done.stdout
    said = re.findall(r"verdict on obesity\S*: (.*)", done.stdout)
    assert said == ["ok", "alert"]
    assert "The training " in done.stdout
    assert done.stdout.count(" serves now.") + done.stdout.count(" goes on serving.") == 1
    assert f"{gyre.record.api_url}/docs" in done.stdout
    assert gyre.record.api_key not in done.stdout


def test_without_a_stack_it_says_what_to_do(tmp_path: Path) -> None:
    done = run_demo(GYRE_STACK=f"{tmp_path}/none.json")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == ["demo: none.json does not exist: run `make up deploy`"]


def test_with_a_stale_record_it_says_what_to_do(gyre: GyreClient, tmp_path: Path) -> None:
    """Given a record of a stack that is gone, when the demo runs, then one line tells it, and no stack trace."""
    record = tmp_path / "stack.json"
    nowhere = "http://127.0.0.1:9"
    record.write_text(json.dumps({**asdict(gyre.record), "endpoint_url": nowhere, "api_url": f"{nowhere}/v1"}))
    done = run_demo(GYRE_STACK=str(record))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "make up deploy" in line
