"""`sam build`, as a deployment to AWS calls it, gives the same bytes as our own build."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.packaging.archive import digest_of
from infra.packaging.template import layers, load
from infra.packaging.workshop import ROOT, Workshop


@pytest.mark.timeout(300)
def test_a_function_and_its_layers(tmp_path: Path) -> None:
    """Image functions need a Docker engine: tests/docker builds their image."""
    done = subprocess.run(
        [str(ROOT / ".venv/sam/bin/sam"), "build", "PredictionLogFunction", "--build-dir", str(tmp_path / "built")],
        cwd=ROOT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", "__SAM_CLI_APP_DIR": str(tmp_path / "app")},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    shop = Workshop()
    places = {found.logical_id: found.folder for found in layers(load(shop.template))}
    parts = {name: shop.part_at(places[name]) for name in ("GyreLayer", "RuntimeLayer", "LakeLayer")}
    parts["PredictionLogFunction"] = shop.part("prediction_log")
    for name, part in parts.items():
        assert part is not None
        assert digest_of(tmp_path / "built" / name) == digest_of(shop.folder(part)), name
