"""A run of any state machine as JSON."""

from dataclasses import asdict
from typing import Any

from fastapi.encoders import jsonable_encoder

from gyre.workflow import Run


def run_answer(run: Run) -> dict[str, Any]:
    """`name` is told as `run`, the word the rest of the API uses."""
    told = asdict(run)
    answer: dict[str, Any] = jsonable_encoder({"run": told.pop("name"), **told}, exclude_none=True)
    return answer
