"""What trimming left of the science image, called as the tasks call it. Skipped where the image is not built."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.packaging.workshop import Workshop

SHOP = Workshop()
IMAGE = SHOP.folder(SHOP.part("science"))

SETUP = """
import io, os, sys, tempfile, warnings
sys.path.insert(0, {image!r})
warnings.simplefilter("ignore")
folder = tempfile.mkdtemp(dir={scratch!r})
import numpy as np
random = np.random.default_rng(0)
"""

CALLS = {
    "scikit-learn, shap, skl2onnx, onnxruntime, skops": """
import onnxruntime, shap, skops.io
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from skl2onnx import to_onnx
X, y = load_iris(return_X_y=True)
X = X.astype("float32")
forest = RandomForestClassifier(5, random_state=0).fit(X, y)
HistGradientBoostingClassifier(max_iter=3).fit(X, y)
assert shap.TreeExplainer(forest).shap_values(X[:2]).shape == (2, 4, 3)
graph = to_onnx(forest, X[:1], options={"zipmap": False}).SerializeToString()
session = onnxruntime.InferenceSession(graph)
labels, chances = session.run(None, {session.get_inputs()[0].name: X})
assert (labels == forest.predict(X)).all() and abs(chances - forest.predict_proba(X)).max() < 1e-5
packed = skops.io.dumps(forest)
assert (skops.io.loads(packed, trusted=skops.io.get_untrusted_types(data=packed)).predict(X) == labels).all()
""",
    "pandas, deltalake": """
import pandas as pd
from deltalake import DeltaTable, QueryBuilder, write_deltalake
frame = pd.read_csv(io.StringIO("a,b\\n1,x\\n2,y"))
frame.to_parquet(folder + "/f.parquet")
assert pd.read_parquet(folder + "/f.parquet").equals(frame)
write_deltalake(folder + "/table", frame)
table = DeltaTable(folder + "/table")
table.delete("a = 1")
rows = QueryBuilder().register("t", table).execute("select a from t").read_all()
assert rows.num_rows == 1
""",
    "mlflow": """
import mlflow
from mlflow import MlflowClient
mlflow.set_tracking_uri(f"sqlite:///{folder}/store.db")
mlflow.set_experiment("smoke")
with mlflow.start_run():
    mlflow.log_metric("accuracy", 1.0)
client = MlflowClient()
client.create_registered_model("m")
client.create_model_version("m", "s3://bucket/key")
client.set_registered_model_alias("m", "production", "1")
assert client.get_model_version_by_alias("m", "production").version
""",
    "nannyml": """
import types
try:
    import flaml
    flaml.AutoML
except (ImportError, AttributeError):  # gyre's adapter puts the same stand-in there
    sys.modules["flaml"] = types.ModuleType("flaml")
    sys.modules["flaml"].AutoML = None
import nannyml, pandas as pd
n = 1000
chance = random.random(n)
frame = pd.DataFrame({"a": random.normal(size=n), "c": random.choice(["x", "y"], n), "chance": chance,
                      "said": (chance > 0.5).astype(int), "was": (random.random(n) < chance).astype(int)})
drift = nannyml.UnivariateDriftCalculator(column_names=["a", "c"], treat_as_categorical=["c"], chunk_size=250)
assert len(drift.fit(frame).calculate(frame).to_df()) > 0
nannyml.CBPE(metrics=["f1"], y_pred_proba="chance", y_pred="said", y_true="was",
             problem_type="classification_binary", chunk_size=250).fit(frame).estimate(frame)
""",
    "optuna, fairlearn, statsmodels": """
import optuna, statsmodels.api
from fairlearn.metrics import demographic_parity_difference
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study()
study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
demographic_parity_difference([0, 1], [0, 1], sensitive_features=["a", "b"])
""",
    "metadata": """
from importlib.metadata import entry_points, version
assert version("mlflow") and version("scikit-learn") and entry_points(group="mlflow.tracking_store") is not None
import boto3, fastapi, mangum, yaml, aws_lambda_powertools
for service in ("s3", "sqs", "sns", "stepfunctions", "cloudwatch"):
    boto3.client(service, region_name="eu-west-1")
""",
}


@pytest.mark.skipif(not SHOP.stamp("science") or not IMAGE.is_dir(), reason="the science image is not built")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", CALLS)
def test_the_trimmed_image_still_does_its_work(name: str, tmp_path: Path) -> None:
    program = SETUP.format(image=str(IMAGE), scratch=str(tmp_path)) + CALLS[name]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "NML_DISABLE_USAGE_LOGGING": "1"}

    done = subprocess.run(
        [SHOP.function_python, "-I", "-B", "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr[-2000:]
