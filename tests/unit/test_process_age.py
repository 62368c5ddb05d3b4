"""How long an environment took to start, as its first answer tells it."""

import os
import subprocess
import sys
import time

import pytest

TICK = 0.05
TELLS = "import time; from gyre.telemetry import process_age; print(process_age() / 1000, time.time())"


@pytest.mark.skipif(not os.path.exists("/proc/uptime"), reason="told by Linux alone")
def test_a_process_knows_when_it_began() -> None:
    """Given imports that take a while, when it is asked for its age, then they are in it."""
    before = time.time()
    with subprocess.Popen(
        [sys.executable, "-c", TELLS], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as made:
        after = time.time()
        age, now = map(float, made.communicate()[0].split())
    assert now - after - TICK <= age <= now - before + TICK
