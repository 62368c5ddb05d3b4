"""The load that proves that the journal holds each call exactly once, as anybody can run it; a smaller one."""

import os
import re
import subprocess
import sys

import pytest

from cli.client import GyreClient
from infra.deploy.target import ROOT

pytestmark = pytest.mark.timeout(600)


def test_each_call_is_in_the_journal_exactly_once(gyre: GyreClient) -> None:
    """Given messages that are doubled and in no order, when those who take them are killed at random moments, then the
    table holds every call once, and all rows of each."""
    assert gyre.record.endpoint_url, "it kills processes of the emulator"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "exactly-once", "--calls", "2000", "--duplicates", "0.2", "--kills", "6",
         "--pause", "2", "--minutes", "8"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=590,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(("layers/gyre", "infra/emulator", "."))},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    assert re.search(r"^exactly once: 2,000 calls in [0-9,]+ lines: none missing", done.stdout, re.MULTILINE)
    killed = re.search(r"^killed: (\d+) environments, (\d+) of them in a call", done.stdout, re.MULTILINE)
    assert killed and int(killed[1]) >= int(killed[2]) >= 1, done.stdout
    known = re.search(r"; ([0-9,]+) calls came that it had already", done.stdout)
    assert known and int(known[1].replace(",", "")) > 0, "no double reached the journal"
