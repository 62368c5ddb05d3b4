"""A run of any state machine as JSON."""

from dataclasses import asdict
from typing import Any

from fastapi.encoders import jsonable_encoder

from gyre.objects import ObjectStore
from gyre.run_folder import RunFolder
from gyre.workflow import Run


def run_answer(run: Run, artifacts: ObjectStore | None = None) -> dict[str, Any]:
    """`name` is told as `run`, the word the rest of the API uses. With the artifacts, `found` holds what each step of
    a training answered so far."""
    told = asdict(run)
    answer: dict[str, Any] = {"run": told.pop("name"), **told}
    model = run.input.get("model")
    if artifacts is not None and isinstance(model, str):
        answer["found"] = _found(RunFolder(artifacts, model, run.name)) or None
    encoded: dict[str, Any] = jsonable_encoder(answer, exclude_none=True)
    return encoded


def _found(folder: RunFolder) -> dict[str, Any]:
    names = folder.names("steps/")
    return {name.removesuffix(".json"): folder.read_json(f"steps/{name}")["answer"] for name in names}
