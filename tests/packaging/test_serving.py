"""The inference function as it is built, asked once as Lambda asks it. Skipped where it is not built."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.directory import DirectoryBucket
from bench.serving.aws import local_aws
from bench.serving.cold import event
from bench.serving.models import let_in, release
from infra.packaging.workshop import Workshop
from tests.unit.training.models import compiled

SHOP = Workshop()
PATH = [SHOP.folder(SHOP.part(name)) for name in ("inference", "gyre", "runtime", "serving")]
PATH = [PATH[0], *(folder / "python" for folder in PATH[1:])]
ROW = {"age": 30, "pay": 20.5, "on": True, "mood": "good", "size": "m", "town": "x"}

# What a model is trained with. Of shap there is one compiled file, which no import statement finds.
SCIENCE = {
    "pandas", "sklearn", "scipy", "numba", "llvmlite", "mlflow", "joblib", "shap", "onnx", "skl2onnx", "nannyml",
    "deltalake", "pyarrow", "optuna", "fairlearn", "matplotlib",
}  # fmt: skip

# The hook stands before anything is imported: whoever reads a pickle of an object looks its class up.
PROBE = """
import json, sys
told, events, *path = sys.argv[1:]
unpickled = []
sys.addaudithook(lambda name, values: unpickled.append(list(map(str, values))) if name == "pickle.find_class" else None)
sys.path[:0] = path
import types, app
context = types.SimpleNamespace(aws_request_id="one")
answers = [app.handler(each, context) for each in json.loads(events)]
modules = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
found = {"answers": answers, "modules": modules, "unpickled": list(unpickled)}
import pickle
pickle.loads(pickle.dumps(types.SimpleNamespace()))
open(told, "w").write(json.dumps({**found, "seen": unpickled}))
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a fresh process says of itself after one prediction with its reasons, one without, and a refused one."""
    for folder in PATH:
        if not folder.is_dir():
            pytest.skip(f"{folder} is not built: make package")
    place = tmp_path_factory.mktemp("serving")
    artifacts = DirectoryBucket(place / "artifacts")
    let_in(artifacts)
    release("m", compiled("boosting", "multiclass", "mixed").parts, artifacts)
    (place / "data").mkdir()
    events = [
        event("/predict/m", ROW, {"top": "3"}),
        event("/predict/m", ROW),
        event("/predict/m", {**ROW, "age": "old"}),
    ]
    with local_aws(place) as aws:
        url = f"http://127.0.0.1:{aws.server_port}"
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": str(place), "LANG": "en_US.UTF-8", "TZ": ":UTC",
            "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "inference",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": url,
            "GYRE_ENVIRONMENT": "test", "GYRE_ARTIFACT_BUCKET": "artifacts", "GYRE_DATA_BUCKET": "data",
            "GYRE_JOURNAL_QUEUE": f"{url}/0/journal", "GYRE_SHADOW_QUEUE": f"{url}/0/shadow",
        }  # fmt: skip
        told = place / "told.json"
        command: list[str | Path] = [SHOP.function_python, "-I", "-B", "-c", PROBE, told, json.dumps(events), *PATH]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr[-3000:]
        return {**json.loads(told.read_text()), "messages": aws.messages}


def test_it_answers_and_says_why(asked: dict[str, Any]) -> None:
    """Given the built function alone, when it is asked, then it predicts, explains, refuses, and records all three."""
    explained, plain, refused = asked["answers"]
    answer = json.loads(explained["body"])
    assert explained["statusCode"] == plain["statusCode"] == 200
    assert len(answer["explanation"]) == 3
    assert answer["prediction"] in ("low", "middle", "high")
    assert json.loads(plain["body"])["probabilities"] == answer["probabilities"]
    assert refused["statusCode"] == 422
    assert asked["messages"] == 3


def test_nothing_that_a_model_is_trained_with_is_imported(asked: dict[str, Any]) -> None:
    found = {name.partition(".")[0] for name in asked["modules"]} & SCIENCE
    assert not found


def test_no_pickle_is_read(asked: dict[str, Any]) -> None:
    """A pickle of anything but plain values asks for a class: a model's cannot but."""
    assert asked["unpickled"] == []
    assert asked["seen"] == [["types", "SimpleNamespace"]], "and one that is read does not go by unseen"


def test_nothing_from_outside_the_function_and_its_layers(asked: dict[str, Any]) -> None:
    """The interpreter's own library aside: what is at hand on this machine may not be on Lambda."""
    files = {name: file for name, file in asked["modules"].items() if file}
    assert any(file.startswith(str(PATH[1])) for file in files.values())
    assert not {name: file for name, file in files.items() if "site-packages" in file}


def test_of_shap_the_layer_holds_its_kernel_alone() -> None:
    kernel = PATH[-1] / "shap"
    if not kernel.is_dir():
        pytest.skip("the serving layer is not built: make package")
    assert [path.name.partition(".")[0] for path in kernel.iterdir()] == ["_cext"]
