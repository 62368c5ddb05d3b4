"""MLflow's picture of what serves: aliases and stages, written after each move of a pointer, repaired on request."""

import json
from dataclasses import asdict, dataclass, field

from gyre.errors import NotFound
from gyre.objects import ObjectStore
from gyre.registry.gates import read_judgement
from gyre.registry.releases import ALIASES, Pointer, current
from gyre.registry.tracking import Tracking
from gyre.registry.version import model_version, version_numbers
from gyre.run_folder import RunFolder

MIRRORS = "mirrors/"


@dataclass(frozen=True)
class Mirrored:
    """What MLflow was told last. It lags if the pointer has moved on since."""

    revision: int
    aliases: dict[str, int] = field(default_factory=dict)
    stages: dict[int, str] = field(default_factory=dict)


def mirror(model: str, tracking: Tracking, artifacts: ObjectStore) -> Mirrored:
    """Tells MLflow all of it; doing it again changes nothing. What moved meanwhile is told, too."""
    while True:
        found = _picture(model, artifacts)
        tracking.mirror(model, {alias: found.aliases.get(alias) for alias in ALIASES}, found.stages)
        content = json.dumps(asdict(found)).encode()
        artifacts.write(f"{MIRRORS}{model}.json", content, content_type="application/json")
        if _revision(current(model, artifacts)) == found.revision:
            return found


def mirrored(model: str, artifacts: ObjectStore) -> int | None:
    """The revision that MLflow knows; None before the first."""
    try:
        return int(json.loads(artifacts.read(f"{MIRRORS}{model}.json").content)["revision"])
    except NotFound:
        return None


def _picture(model: str, artifacts: ObjectStore) -> Mirrored:
    now = current(model, artifacts)
    aliases: dict[str, int] = {} if now is None else {alias: release.version for alias, release in now.aliases.items()}
    stages = {number: _stage(model, number, now, artifacts) for number in version_numbers(model, artifacts)}
    return Mirrored(_revision(now), aliases, stages)


def _stage(model: str, number: int, now: Pointer | None, artifacts: ObjectStore) -> str:
    if now is not None:
        if number in now.retired:
            return "retired"
        held = next((alias for alias in ALIASES if now.version(alias) == number), None)
        if held is not None:
            return held
        if any(release.version == number for release in now.earlier):
            return "archived"
    made = model_version(model, number, artifacts)
    judged = read_judgement(RunFolder(artifacts, model, made.run))
    return "candidate" if judged is None or judged.passed else "rejected"


def _revision(now: Pointer | None) -> int:
    return 0 if now is None else now.revision
