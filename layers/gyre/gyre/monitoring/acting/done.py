"""What was done about a look: a notice, a training."""

from gyre.errors import NotFound
from gyre.monitoring.found import Found
from gyre.objects import ObjectStore


class Done(Found):
    """One step; a retry of it says the same again."""

    action: str
    """In a word, for programs."""
    sentence: str
    """For people."""
    run: str | None = None
    """The training that was started."""


STEPS = ("notice", "retrain")


def keep_done(model: str, run: str, step: str, done: Done, data: ObjectStore) -> None:
    data.write(_key(model, run, step), done.dump(), content_type="application/json")


def done_about(model: str, run: str, data: ObjectStore) -> dict[str, Done]:
    """By step, as far as they were taken."""
    found = {}
    for step in STEPS:
        try:
            found[step] = Done.read(data.read(_key(model, run, step)).content)
        except NotFound:
            continue
    return found


def _key(model: str, run: str, step: str) -> str:
    return f"monitoring/{model}/runs/{run}/{step}.json"
