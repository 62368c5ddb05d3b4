"""How things stand: which release of each model serves and since when, when it was last trained, what waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from gyre.errors import Invalid, NotFound, NotReady, Unavailable
from gyre.journal.dead_letters import DeadLetters
from gyre.objects import ObjectStore
from gyre.registry.releases import history, releases
from gyre.registry.version import model_version, version_numbers
from gyre.spec.policy import Monitoring
from gyre.spec.versions import spec_of

# Behind so many shares of traffic and challengers nobody looks for the move that made a release.
_MOST_MOVES = 50
# Beyond so many it makes no difference how many they are.
_MOST_LETTERS = 1_000


@dataclass(frozen=True)
class Standing:
    """One model that serves."""

    model: str
    version: int
    """The release in production."""
    since: datetime | None
    """When production was moved to it; None where nobody can tell any more."""
    trained: datetime | None
    """When the newest version was made."""
    every: timedelta
    """How often it is to be looked at."""


def standings(artifacts: ObjectStore) -> list[Standing]:
    """Of every model with a release that can be read, by name."""
    return [_standing(each.model, each.version, artifacts) for each in releases(artifacts) if each.version is not None]


def letters(data: ObjectStore) -> int:
    """How many dead letters wait for a person."""
    return sum(1 for _ in islice(DeadLetters(data).infos(), _MOST_LETTERS))


def _standing(model: str, version: int, artifacts: ObjectStore) -> Standing:
    every = timedelta(hours=_policy(model, artifacts).every_hours)
    return Standing(model, version, _since(model, artifacts), _trained(model, artifacts), every)


def _since(model: str, artifacts: ObjectStore) -> datetime | None:
    try:
        moves = (move for move in islice(history(model, artifacts), _MOST_MOVES) if move.alias == "production")
        return next((datetime.fromisoformat(move.at) for move in moves), None)
    except Unavailable:  # a gap in one model's history takes nothing else away
        return None


def _trained(model: str, artifacts: ObjectStore) -> datetime | None:
    newest = max(version_numbers(model, artifacts), default=None)
    try:
        return None if newest is None else datetime.fromisoformat(model_version(model, newest, artifacts).at)
    except (NotFound, Unavailable):
        return None


def _policy(model: str, artifacts: ObjectStore) -> Monitoring:
    """As whoever looks takes it: where nobody can read what was declared, the usual."""
    try:
        return spec_of(model, artifacts).spec.monitoring
    except (Invalid, NotFound, NotReady):
        return Monitoring()
