"""Looks as objects: each as a whole under its model, and of the watching ones the newest at a place of its own."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import ValidationError

from gyre.errors import Conflict, NotFound, Unavailable
from gyre.monitoring.found import Look
from gyre.objects import ObjectStore

JSON = "application/json"
_FOLDERS = {"watch": "looks", "compare": "compares"}
_MOMENT = "%Y%m%dT%H%M%S%f"
_LETTERS = 21  # of such a moment
# Each time somebody else was faster; so many looks at one model never end at once.
_TRIES = 20


def keep_look(look: Look, data: ObjectStore, *, is_latest: bool = True) -> str:
    """Keeps a look, and says where. A watching one becomes the latest, unless a newer one is that already; done again
    it changes nothing."""
    key = look_key(look)
    content = look.dump()
    data.write(key, content, content_type=JSON)
    if look.kind == "watch" and is_latest:
        change(latest_key(look.model), data, lambda kept: None if _stays(kept, look) else content)
    return key


def latest_look(model: str, data: ObjectStore) -> Look:
    """What the newest look at a model found; `NotFound` if nobody ever looked."""
    try:
        content = data.read(latest_key(model)).content
    except NotFound:
        raise NotFound(
            f"Nobody has looked at {model} yet: POST /monitoring/run starts a look.", field="model"
        ) from None
    return _read(latest_key(model), content)


def latest_looks(models: Iterable[str], data: ObjectStore) -> list[Look]:
    """The newest look at each of them, as far as there is one. One that cannot be read hides no other: the next look
    takes its place."""
    found = []
    for model in models:
        try:
            content = data.read(latest_key(model)).content
        except NotFound:
            continue
        if look := _look(content):
            found.append(look)
    return found


def latest_at(model: str, data: ObjectStore) -> datetime | None:
    """When the newest look was; None if nobody looked, or nobody can read what was found."""
    try:
        look = _look(data.read(latest_key(model)).content)
    except NotFound:
        return None
    return None if look is None else look.at


def look_of(model: str, run: str, data: ObjectStore) -> Look:
    """What one run found; of a run that told it twice, what it told last."""
    for folder in _FOLDERS.values():
        prefix = f"monitoring/{model}/{folder}/"
        # The moment has one length, so that a run whose name ends like another's is not taken for it.
        keys = [each.key for each in data.list(prefix) if each.key[len(prefix) + _LETTERS :] == f"-{run}.json"]
        if keys:
            return _read(keys[-1], data.read(keys[-1]).content)
    raise NotFound(f"{run} is no look at {model} that has ended.", field="run")


def keep_report(look: Look, page: bytes, data: ObjectStore) -> str:
    """Keeps the page about a look, and says where."""
    key = report_key(look.model, look.run)
    data.write(key, page, content_type="text/html; charset=utf-8")
    return key


def report_of(model: str, run: str, data: ObjectStore) -> bytes:
    """The page about a look."""
    try:
        return data.read(report_key(model, run)).content
    except NotFound:
        raise NotFound(f"There is no report of {run} about {model}, or not yet.", field="run") from None


def look_key(look: Look) -> str:
    """Those of a model lie in the order of time."""
    return f"monitoring/{look.model}/{_FOLDERS[look.kind]}/{look.at.astimezone(UTC):{_MOMENT}}-{look.run}.json"


def latest_key(model: str) -> str:
    return f"monitoring/{model}/latest.json"


def report_key(model: str, run: str) -> str:
    """Where the page about a look lies."""
    return f"monitoring/{model}/reports/{run}.html"


def change(key: str, data: ObjectStore, wanted: Callable[[bytes | None], bytes | None]) -> None:
    """Moves an object from what it is to what is `wanted` of it: whoever else moves it meanwhile, nothing of theirs is
    lost. `wanted` is asked anew each time somebody else was faster, and says None to leave it as it is."""
    for _ in range(_TRIES):
        etag, there = None, None
        with suppress(NotFound):
            stored = data.read(key)
            etag, there = stored.etag, stored.content
        content = wanted(there)
        # A write that S3 took although its answer was lost is refused when it is repeated, and found here then.
        if content is None or content == there:
            return
        try:
            data.write(key, content, content_type=JSON, replaces=etag, new=etag is None)
        except (Conflict, NotFound):  # S3 calls it missing where it was to be replaced
            continue
        return
    raise Unavailable(f"{key} is moved by too many at once: try again.")


def _stays(kept: bytes | None, look: Look) -> bool:
    """Whether what is kept is newer. What cannot be read is not: it must not hold up those who watch."""
    there = None if kept is None else _look(kept)
    return there is not None and (there.at, there.run) > (look.at, look.run)


def _look(content: bytes) -> Look | None:
    try:
        return Look.read(content)
    except ValidationError:
        return None


def _read(key: str, content: bytes) -> Look:
    found = _look(content)
    if found is None:
        raise Unavailable(f"{key} is no look that this Gyre reads: POST /monitoring/run starts a new one.")
    return found
