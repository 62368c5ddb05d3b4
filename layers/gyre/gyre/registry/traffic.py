"""Giving a challenger a share of the calls, of its own or in the shadow of production."""

from datetime import UTC, datetime

from gyre.errors import Conflict, GyreError, Invalid
from gyre.objects import ObjectStore
from gyre.registry.moves import Mover, Next, move, releasable
from gyre.registry.releases import Pointer, Traffic, current, pointers
from gyre.registry.version import model_version


def send_traffic(
    model: str, version: int, share: float, shadow: float, artifacts: ObjectStore, by: Mover
) -> Pointer:  # fmt: skip
    """Makes a version the challenger, if it is not, and sets what it gets: in one move, so that no share is ever given
    to another version than the one that was meant. Nothing of both leaves it on trial without calls. What is so already
    is answered without a move."""
    for name, value in (("share", share), ("shadow", shadow)):
        if not 0 <= value <= 1:  # also what is no number
            raise Invalid(f"{name}: {value} is no share, which lies between 0 and 1.", field=name)
    wanted = model_version(model, version, artifacts)

    def change(now: Pointer | None) -> Next | Pointer:
        asked = Traffic(share=share, shadow=shadow, since=datetime.now(UTC))
        before = now.version("challenger") if now else None
        if now and before == version and _shares(now.traffic) == (share, shadow):
            return now
        if (share or shadow) and (now is None or now.version("production") is None):
            raise Conflict(
                f"{model} has no production release to be compared with: POST /models/{model}/promote releases one.",
                field="challenger",
            )
        released = releasable(wanted, now, artifacts)
        aliases = {**(now.aliases if now else {}), "challenger": released}
        changes = {"aliases": aliases, "traffic": asked if share or shadow else None}
        return Next("traffic", version, "challenger", before, changes, asked)

    return move(model, artifacts, by, change)


def on_trial(artifacts: ObjectStore) -> tuple[list[Pointer], dict[str, str]]:
    """The models whose challenger gets something; and why a pointer could not be read, which hides no other model."""
    found: list[Pointer] = []
    faults: dict[str, str] = {}
    for model in pointers(artifacts):
        try:
            now = current(model, artifacts)
        except GyreError as error:
            faults[model] = error.message
            continue
        if now and now.traffic and now.version("challenger"):
            found.append(now)
    return found, faults


def _shares(traffic: Traffic | None) -> tuple[float, float]:
    return (traffic.share, traffic.shadow) if traffic else (0, 0)
