"""The import of NannyML, in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(program: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NML_")}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:gyre", "-c", program], capture_output=True, text=True, timeout=90,
        env={**environment, "PYTHONPATH": str(ROOT / "layers/gyre"), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_without_xgboost_it_comes_with_a_stand_in_and_says_nothing_to_anybody() -> None:
    # when: every call that would reach the network ends the process
    told = run("""
import socket, sys
def caught(*_, **__):
    raise SystemExit("it called home")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = caught
sys.modules["xgboost"] = None
from gyre.monitoring.analysis.nanny import NoLearner, nannyml
nml = nannyml()
import flaml, numpy as np, os, threading
from gyre.monitoring.analysis.univariate import measured
value, = measured("wasserstein", True, np.arange(100.0), np.arange(100.0) + 3, ())
print(nml is nannyml(), flaml.AutoML is NoLearner, os.environ["NML_DISABLE_USAGE_LOGGING"], round(value, 6))
print(threading.active_count())
try:
    flaml.AutoML(time_budget=1)
except NotImplementedError as problem:
    print(problem)
""").splitlines()

    # then
    assert told[0] == "True True 1 3.0"
    assert told[1] == "1"
    assert "xgboost is left out" in told[2]


def test_a_learner_that_is_there_stays() -> None:
    told = run("""
import warnings
warnings.simplefilter("ignore")
import flaml
flaml.AutoML = mine = type("AutoML", (), {})
warnings.resetwarnings()
from gyre.monitoring.analysis.nanny import nannyml
nannyml()
from nannyml.performance_estimation.direct_loss_estimation import metrics
print(flaml.AutoML is mine, metrics.AutoML is mine)
""")
    assert told == "True True\n"


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    told = run("""
import sys
import gyre.monitoring.analysis.nanny, gyre.monitoring.analysis.univariate, gyre.monitoring.analysis.multivariate
print(sorted({"nannyml", "pandas", "flaml", "sklearn"} & set(sys.modules)))
""")
    assert told == "[]\n"
