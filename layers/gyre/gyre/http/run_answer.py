"""A run of any state machine as JSON."""

from dataclasses import asdict
from typing import Any

from fastapi.encoders import jsonable_encoder

from gyre.datasets.batch_file import done_ranges
from gyre.objects import ObjectStore
from gyre.run_folder import RunFolder
from gyre.workflow import Run


def run_answer(run: Run, artifacts: ObjectStore | None = None, data: ObjectStore | None = None) -> dict[str, Any]:
    """`name` is told as `run`, the word the rest of the API uses. With the artifacts, `found` holds what each step of
    a training or a batch answered so far; with the data, also how many ranges of a file are done."""
    told = asdict(run)
    answer: dict[str, Any] = {"run": told.pop("name"), **told}
    model = run.input.get("model")
    if artifacts is not None and isinstance(model, str):
        found = _found(RunFolder(artifacts, model, run.name))
        if data is not None and "manifest" in (plan := found.get("plan", {})):
            found["predict"] = {"ranges": plan["ranges"], "done": done_ranges(plan["manifest"], data)}
        answer["found"] = found or None
    encoded: dict[str, Any] = jsonable_encoder(answer, exclude_none=True)
    return encoded


def _found(folder: RunFolder) -> dict[str, Any]:
    names = folder.names("steps/")
    return {name.removesuffix(".json"): folder.read_json(f"steps/{name}")["answer"] for name in names}
