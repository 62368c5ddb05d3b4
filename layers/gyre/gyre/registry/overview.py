"""A model's versions as somebody looks at them: what each is, where it stands."""

from dataclasses import asdict, dataclass
from typing import Any

from gyre.objects import ObjectStore
from gyre.registry.gates import read_judgement
from gyre.registry.releases import Pointer, Traffic, current
from gyre.registry.version import ModelVersion, model_version, version_numbers
from gyre.run_folder import RunFolder

_IN_SHORT = ("model", "version", "run", "at", "dataset", "spec_version", "estimator", "metric")


@dataclass(frozen=True)
class Standing:
    """Where a version stands."""

    aliases: tuple[str, ...]
    retired: bool
    gates: str | None
    """passed or failed; None as long as nobody judged."""
    traffic: Traffic | None = None
    """What it gets as the challenger."""


def listed(
    model: str, artifacts: ObjectStore, *, limit: int, before: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    """The newest versions in short, and where to go on; only those below a number, if one is given."""
    numbers = [each for each in reversed(version_numbers(model, artifacts)) if before is None or each < before]
    now = current(model, artifacts)
    found = []
    for number in numbers[:limit]:
        made = model_version(model, number, artifacts)
        short = {name: getattr(made, name) for name in _IN_SHORT} | {"value": made.figures.get(made.metric)}
        found.append(short | _told(_standing(made, now, artifacts)))
    return found, numbers[limit - 1] if len(numbers) > limit else None


def whole(model: str, version: int, artifacts: ObjectStore) -> dict[str, Any]:
    """One version with all that is known of it: its record and every gate."""
    made = model_version(model, version, artifacts)
    folder = folder_of(made, artifacts)
    judged = read_judgement(folder)
    return {
        **asdict(made),
        **_told(_standing(made, current(model, artifacts), artifacts)),
        "judgement": judged and judged.to_json(),
        "plots": [name for name in folder.names("plots/") if name.endswith(".svg")],
    }


def folder_of(made: ModelVersion, artifacts: ObjectStore) -> RunFolder:
    """What the run of a version left."""
    return RunFolder(artifacts, made.model, made.run)


def _standing(made: ModelVersion, now: Pointer | None, artifacts: ObjectStore) -> Standing:
    judged = read_judgement(folder_of(made, artifacts))
    aliases = [] if now is None else [name for name, each in now.aliases.items() if each.version == made.version]
    gates = None if judged is None else "passed" if judged.passed else "failed"
    traffic = now.traffic if now and "challenger" in aliases else None
    return Standing(tuple(aliases), now is not None and made.version in now.retired, gates, traffic)


def _told(standing: Standing) -> dict[str, Any]:
    shares = standing.traffic and standing.traffic.model_dump(include={"share", "shadow"})
    told = {"aliases": list(standing.aliases), "retired": standing.retired, "gates": standing.gates}
    return told | {"traffic": shares}
