"""Which version of a model serves: one pointer object per model (moved by moves.py), and every move that made it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from gyre.bundle.ref import BundleRef
from gyre.errors import Invalid, NotFound, Unavailable
from gyre.objects import ObjectStore
from gyre.registry.version import model_version, version_numbers
from gyre.spec.base import MODEL_PATTERN

POINTERS = "releases/"
MOVES = "moves/"
MOST_EARLIER = 50
_POINTER = re.compile(rf"{POINTERS}({MODEL_PATTERN[1:-1]})\.json")
_NUMBER = re.compile(r"v?([0-9]{1,9})")
_PROMOTE = "POST /models/{}/promote releases one of its versions."

Alias = Literal["production", "champion", "challenger"]
ALIASES: tuple[Alias, ...] = ("production", "champion", "challenger")
Action = Literal["promote", "rollback", "withdraw", "traffic", "retire", "restore"]
Number = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Released(_Kept):
    """A version with its bundle: all that serving needs to load it."""

    version: Number
    bundle: BundleRef


class Traffic(_Kept):
    """What the challenger gets to see; there is none without a challenger."""

    share: Share
    """Of the rows: those that it answers in the place of production."""
    shadow: Share
    """Of the calls: those that it is asked as well, off the caller's path."""
    since: AwareDatetime | None = None
    """When these shares were set: what came before says nothing about them."""


class Move(_Kept):
    """One change of a pointer, and who made it."""

    revision: Number
    """Of the pointer that it made."""
    action: Action
    alias: Alias | None = None
    """The one that points elsewhere now; the champion moves with production."""
    version: int | None = None
    """Where it points now, or which one was retired or restored."""
    before: int | None = None
    """Where it pointed before."""
    share: Share | None = None
    """Of the rows, for the challenger from now on."""
    shadow: Share | None = None
    """Of the calls."""
    actor: str
    at: str
    run: str | None = None
    reason: str | None = None
    comment: str | None = None


class Pointer(_Kept):
    """What is released of a model."""

    format: Literal[1] = 1
    model: str
    revision: Number
    aliases: dict[Alias, Released] = Field(default_factory=dict)
    earlier: tuple[Released, ...] = ()
    """What was production before, the newest last: where a rollback leads."""
    traffic: Traffic | None = None
    """What the challenger gets; None: nothing."""
    retired: tuple[int, ...] = ()
    last: Move
    """The move that made this revision; those before it lie under `moves/`."""

    def version(self, alias: Alias) -> int | None:
        """Where an alias points."""
        released = self.aliases.get(alias)
        return released.version if released else None

    def dump(self) -> bytes:
        """As it is kept."""
        return self.model_dump_json(indent=1, exclude_none=True).encode()


@dataclass(frozen=True)
class Release:
    """What serves for a model; its version is unknown if the pointer cannot be read, which `fault` tells."""

    model: str
    version: int | None
    fault: str | None = None


def releases(artifacts: ObjectStore) -> tuple[Release, ...]:
    """Every model that has a production release, by name. A broken pointer is told, and hides no other model."""
    found = (_release(model, artifacts) for model in pointers(artifacts))
    return tuple(each for each in found if each.version or each.fault)


def any_release(artifacts: ObjectStore) -> bool:
    """Whether there is anything to predict with: the first model that serves is enough."""
    return any(_release(model, artifacts).version for model in pointers(artifacts))


def pointer(model: str, artifacts: ObjectStore) -> Pointer:
    """What is released of a model; `NotFound` if nothing ever was, `Unavailable` if that cannot be read."""
    found = current(model, artifacts)
    if found is None:
        raise no_release(model)
    return found


def current(model: str, artifacts: ObjectStore) -> Pointer | None:
    """The same, for those who can go on without one."""
    found = pointer_if_any(model, artifacts)
    return found[0] if found else None


def production(model: str, artifacts: ObjectStore) -> int | None:
    """The version that serves, if one does."""
    now = current(model, artifacts)
    return now.version("production") if now else None


def no_release(model: str) -> NotFound:
    """What to hear of a model that nobody ever released."""
    return NotFound(f"{model} has no release yet: {_PROMOTE.format(model)}", field="model")


def pointer_if_any(model: str, artifacts: ObjectStore) -> tuple[Pointer, str] | None:
    """The pointer with the ETag that a move of it replaces."""
    try:
        stored = artifacts.read(pointer_key(model))
    except NotFound:
        return None
    found = _parsed(model, stored.content)
    if isinstance(found, str):
        raise Unavailable(found)
    return found, stored.etag


def history(model: str, artifacts: ObjectStore) -> Iterator[Move]:
    """Every move, the newest first, read as they are asked for; none if there was none."""
    now = current(model, artifacts)
    if now is None:
        return
    yield now.last
    for revision in range(now.revision - 1, 0, -1):
        yield move_at(model, revision, artifacts)


def move_at(model: str, revision: int, artifacts: ObjectStore) -> Move:
    """One former move, or `Unavailable` if it is gone: a history with a gap must not look whole."""
    key = move_key(model, revision)
    try:
        found = Move.model_validate_json(artifacts.read(key).content)
    except NotFound:
        raise Unavailable(
            f"{key} is missing: the history of {model} is not whole. Put it back in the bucket."
        ) from None
    except ValidationError:
        raise Unavailable(f"{key} is not a move: put back its former version in the bucket.") from None
    if found.revision != revision:
        raise Unavailable(f"{key} holds the move {found.revision}: put back its former version in the bucket.")
    return found


def resolve(model: str, wanted: str, artifacts: ObjectStore) -> int:
    """The number of the version that is meant: `3`, `v3`, `production`, `champion`, `challenger`, or `latest`, the
    newest that is not retired."""
    asked = wanted.strip().lower()
    if (number := numbered(asked)) is not None:
        model_version(model, number, artifacts)
        return number
    match asked:
        case "latest":
            return _latest(model, artifacts)
        case "production" | "champion" | "challenger":  # ALIASES, as mypy reads them
            if (version := pointer(model, artifacts).version(asked)) is None:
                raise NotFound(f"{model} has no {asked} now: {_PROMOTE.format(model)}", field="version")
            return version
    raise Invalid(
        f"{wanted[:100]!r} is no version: write its number, latest, production, champion or challenger.",
        field="version",
    )


def numbered(wanted: str) -> int | None:
    """The version that is named by its number, `3` or `v3`; whether it is there is another question."""
    number = _NUMBER.fullmatch(wanted.strip().lower())
    return int(number[1]) if number else None


def pointer_key(model: str) -> str:
    return f"{POINTERS}{model}.json"


def move_key(model: str, revision: int) -> str:
    return f"{MOVES}{model}/{revision:08}.json"


def _latest(model: str, artifacts: ObjectStore) -> int:
    now = current(model, artifacts)
    retired = set(now.retired) if now else set()
    numbers = version_numbers(model, artifacts)
    if left := [each for each in numbers if each not in retired]:
        return left[-1]
    why = f"all {len(numbers)} versions of {model} are retired" if numbers else f"{model} has no version yet"
    raise NotFound(f"There is no latest version, for {why}: POST /train makes one.", field="version")


def pointers(artifacts: ObjectStore) -> Iterator[str]:
    """Models by the keys alone. What else lies there, such as a console's marker of a folder, is not ours."""
    return (told[1] for each in artifacts.list(POINTERS) if (told := _POINTER.fullmatch(each.key)))


def _release(model: str, artifacts: ObjectStore) -> Release:
    try:
        found = _parsed(model, artifacts.read(pointer_key(model)).content)
    except NotFound:  # removed since it was listed
        return Release(model, None)
    return Release(model, None, found) if isinstance(found, str) else Release(model, found.version("production"))


def _parsed(model: str, content: bytes) -> Pointer | str:
    """The pointer, or what is wrong with it."""
    mend = "put back its former version in the bucket."
    try:
        found = Pointer.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        return f"{pointer_key(model)} is not a release pointer ({place}: {first['msg']}): {mend}"
    if found.model != model or found.last.revision != found.revision:
        return f"{pointer_key(model)} is that of {found.model}, or its last move is not its own: {mend}"
    return found
