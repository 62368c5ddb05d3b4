"""Moving a release pointer: promote, roll back, withdraw, retire, restore. Each move is whole and in the history, or it
is not made.

A mover first keeps the pointer's last move under `moves/`, where it is written the same however often it is written,
and then replaces the pointer if nobody else has (If-Match). A mover that dies in between has changed nothing."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gyre.bundle.ref import MANIFEST, BundleRef
from gyre.errors import Conflict, Invalid, NotFound
from gyre.objects import ObjectStore
from gyre.registry.releases import (
    MOST_EARLIER,
    MOVES,
    Action,
    Alias,
    Move,
    Pointer,
    Released,
    Traffic,
    move_at,
    move_key,
    no_release,
    pointer_if_any,
    pointer_key,
)
from gyre.registry.version import ModelVersion, model_version

NOTHING_YET = 0
"""As `expected`: nothing was production when the caller looked."""
_MOST_WORDS = 2_000


@dataclass(frozen=True)
class Mover:
    """Who moves a pointer, and what is to be remembered of it."""

    actor: str
    run: str | None = None
    reason: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Next:
    """What a pointer becomes, and what the move is about."""

    action: Action
    version: int | None
    alias: Alias | None
    before: int | None
    changes: Mapping[str, Any]
    traffic: Traffic | None = None
    """What the move says about shares."""


def promote(
    model: str, version: int, artifacts: ObjectStore, by: Mover, *,
    alias: Alias = "production", expected: int | None = None,
) -> Pointer:  # fmt: skip
    """Lets an alias point to a version. What it points to already is answered without a move. `expected` is what was
    production when the caller judged; a `Conflict` if it is no longer."""
    if alias == "champion":
        raise Invalid("The champion moves with production: promote to production.", field="alias")
    wanted = model_version(model, version, artifacts)

    def change(now: Pointer | None) -> Next | Pointer:
        if now and now.version(alias) == version:
            return now
        _as_expected(model, now, expected)
        released = releasable(wanted, now, artifacts)
        before = now.version(alias) if now else None
        if alias == "challenger":
            aliases = {**(now.aliases if now else {}), "challenger": released}
            return Next("promote", version, alias, before, {"aliases": aliases})
        former = now.aliases.get("production") if now else None
        earlier = (*(now.earlier if now else ()), *([former] if former else []))
        return Next("promote", version, alias, before, _production(now, released, earlier[-MOST_EARLIER:]))

    return move(model, artifacts, by, change)


def rollback(model: str, artifacts: ObjectStore, by: Mover, *, expected: int | None = None) -> Pointer:
    """Back to the newest former production release that is not retired and whole; again, and it is one further. What is
    left behind stays promotable, and no rollback leads to it. `expected` is what was production when the caller looked:
    with it, a call that is repeated because its answer was lost goes no further."""

    def change(now: Pointer | None) -> Next:
        if now is None:
            raise no_release(model)
        _as_expected(model, now, expected)
        passed = []
        for at, each in reversed(list(enumerate(now.earlier))):
            if each.version == now.version("production"):
                continue
            if each.version in now.retired:
                passed.append(f"version {each.version} is retired")
            elif fault := _fault(each.bundle, artifacts):
                passed.append(f"version {each.version} is not whole ({fault.rstrip('.')})")
            else:
                before = now.version("production")
                return Next("rollback", each.version, "production", before, _production(now, each, now.earlier[:at]))
        why = f"{'; '.join(passed)}." if passed else "nothing else was production before."
        raise Conflict(f"There is nothing to roll {model} back to: {why} Promote a version instead.", field="model")

    return move(model, artifacts, by, change)


def withdraw(
    model: str, artifacts: ObjectStore, by: Mover, *, alias: Alias = "challenger", expected: int | None = None
) -> Pointer:  # fmt: skip
    """Takes the challenger off trial, and what it got goes back to production. `expected` is the challenger that the
    caller judged; a `Conflict` if it is another one by now."""
    if alias != "challenger":
        raise Conflict(f"{alias} cannot be withdrawn: promote another version, or roll back.", field="alias")

    def change(now: Pointer | None) -> Next:
        if now is None or (before := now.version(alias)) is None:
            raise Conflict(f"{model} has no challenger to withdraw.", field="alias")
        if expected not in (None, before):
            told = f"Version {expected} of {model} is on trial no more, version {before} is: judge again."
            raise Conflict(told, field="expected")
        aliases = {name: each for name, each in now.aliases.items() if name != alias}
        return Next("withdraw", None, alias, before, {"aliases": aliases})

    return move(model, artifacts, by, change)


def retire(model: str, version: int, artifacts: ObjectStore, by: Mover) -> Pointer:
    """A version that shall not serve any more. None that an alias points to."""
    model_version(model, version, artifacts)

    def change(now: Pointer | None) -> Next | Pointer:
        retired = now.retired if now else ()
        if now and version in retired:
            return now
        if serving := [name for name, each in (now.aliases if now else {}).items() if each.version == version]:
            raise Conflict(
                f"Version {version} of {model} is {' and '.join(sorted(serving))}: promote another one, roll back or "
                "withdraw it before it is retired.",
                field="version",
            )
        return Next("retire", version, None, None, {"retired": tuple(sorted((*retired, version)))})

    return move(model, artifacts, by, change)


def restore(model: str, version: int, artifacts: ObjectStore, by: Mover) -> Pointer:
    """A retired version may serve again."""
    model_version(model, version, artifacts)

    def change(now: Pointer | None) -> Next:
        if now is None or version not in now.retired:
            raise Conflict(f"Version {version} of {model} is not retired.", field="version")
        left = tuple(each for each in now.retired if each != version)
        return Next("restore", version, None, None, {"retired": left})

    return move(model, artifacts, by, change)


def releasable(wanted: ModelVersion, now: Pointer | None, artifacts: ObjectStore) -> Released:
    """What an alias may point to: not retired, whole, and not what serves already."""
    told = f"Version {wanted.version} of {wanted.model}"
    if now and wanted.version in now.retired:
        raise Conflict(f"{told} is retired: restore it first.", field="version")
    if now and now.version("production") == wanted.version:
        raise Conflict(f"{told} is production already.", field="version")
    if fault := _fault(wanted.bundle, artifacts):
        raise Invalid(f"{told} cannot be released: {fault} Train it anew.", field="version")
    return Released(version=wanted.version, bundle=wanted.bundle)


def _production(now: Pointer | None, released: Released, earlier: tuple[Released, ...]) -> dict[str, Any]:
    """The champion moves along; what was on trial and won is not on trial any more."""
    kept = now.aliases if now else {}
    trial = {name: each for name, each in kept.items() if name == "challenger" and each.version != released.version}
    return {"aliases": {"production": released, "champion": released, **trial}, "earlier": earlier}


def _as_expected(model: str, now: Pointer | None, expected: int | None) -> None:
    found = (now.version("production") if now else None) or NOTHING_YET
    if expected is None or found == expected:
        return
    judged = f"version {expected}" if expected else "no release"
    there = f"version {found}" if found else "nothing"
    since = f" since {now.last.at}, by {now.last.actor}" if now and now.last.alias == "production" else ""
    raise Conflict(
        f"This was judged against {judged} of {model}, and production is {there} now{since}: judge again.",
        field="expected",
    )


def move(
    model: str, artifacts: ObjectStore, by: Mover, change: Callable[[Pointer | None], Next | Pointer]
) -> Pointer:  # fmt: skip
    """One whole move: `change` says what the pointer becomes, or answers it as it is, and then nothing moves."""
    stored = pointer_if_any(model, artifacts)
    now, etag = stored or (None, None)
    wanted = change(now)
    if isinstance(wanted, Pointer):
        return wanted
    revision = now.revision + 1 if now else 1
    last = Move(
        revision=revision, action=wanted.action, alias=wanted.alias, version=wanted.version, before=wanted.before,
        share=wanted.traffic.share if wanted.traffic else None,
        shadow=wanted.traffic.shadow if wanted.traffic else None,
        actor=said(by.actor, "actor"), at=datetime.now(UTC).isoformat(timespec="microseconds"), run=by.run,
        reason=by.reason and said(by.reason, "reason"), comment=by.comment and said(by.comment, "comment"),
    )  # fmt: skip
    if now is not None:
        _keep(model, now.last, artifacts)
    elif any(artifacts.list(f"{MOVES}{model}/")) and pointer_if_any(model, artifacts) is None:
        raise Conflict(
            f"{model} was released before, and {pointer_key(model)} is gone: put back its newest version in the bucket."
        )
    base = now or Pointer(model=model, revision=revision, last=last)
    made = base.model_copy(update={**wanted.changes, "revision": revision, "last": last})
    if "traffic" not in wanted.changes and made.version("challenger") != base.version("challenger"):
        made = made.model_copy(update={"traffic": None})  # shares were given to the one that is gone
    try:
        artifacts.write(
            pointer_key(model), made.dump(), content_type="application/json", replaces=etag, new=now is None
        )
    except (Conflict, NotFound):  # S3 calls it missing where it was to be replaced
        _lost(model, made, artifacts)
    return made


def _lost(model: str, made: Pointer, artifacts: ObjectStore) -> None:
    """A write that S3 took although its answer was lost is repeated by boto3, and refused then: so look who it was."""
    stored = pointer_if_any(model, artifacts)
    if stored and stored[0] == made:
        return
    faster = stored[0].last if stored else None
    told = f"{faster.actor} did it at {faster.at} ({faster.action} {faster.version or ''})" if faster else "it is gone"
    raise Conflict(f"Somebody else moved the releases of {model} at the same time: {told}. Look, then try again.")


def _keep(model: str, last: Move, artifacts: ObjectStore) -> None:
    """Into the history. What lies there is the same, or the pointer was put back to an older state by hand."""
    key = move_key(model, last.revision)
    content = last.model_dump_json(indent=1, exclude_none=True).encode()
    try:
        artifacts.write(key, content, content_type="application/json", new=True)
    except Conflict:
        if move_at(model, last.revision, artifacts) != last:
            raise Conflict(
                f"{key} tells another move than {pointer_key(model)}, which seems to have been put back to an older "
                "state: put back its newest version in the bucket."
            ) from None


def _fault(bundle: BundleRef, artifacts: ObjectStore) -> str | None:
    """Why this bundle cannot serve: its manifest is not what was registered, or a part is not there. The parts' own
    hashes are checked by whoever loads it."""
    key = f"{bundle.key}{MANIFEST}"
    try:
        manifest = artifacts.read(key).content
    except NotFound:
        return f"{key} is missing."
    if (found := hashlib.sha256(manifest).hexdigest()) != bundle.hash:
        return f"the SHA-256 of {key} is {found}, and {bundle.hash} was registered."
    for name, part in json.loads(manifest)["parts"].items():
        try:
            size = artifacts.size(bundle.key + name)
        except NotFound:
            return f"{bundle.key}{name} is missing."
        if size != part["size"]:
            return f"{bundle.key}{name} has {size:,} bytes, and the manifest says {part['size']:,}."
    return None


def said(told: str, field: str) -> str:
    """What a person wrote, to be kept: it may hold half a character, which no JSON reader takes back."""
    if len(told) > _MOST_WORDS:
        raise Invalid(f"{field}: {len(told):,} characters, and {_MOST_WORDS:,} are the most.", field=field)
    return told.encode("utf-8", "replace").decode()
