"""The files of a bundle: a manifest that names the SHA-256 of every part. Its own is the bundle's hash."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gyre.bundle.arrays import load_arrays
from gyre.bundle.ref import MANIFEST, REFERENCE, BundleRef
from gyre.bundle.scores import Scores, scores_of
from gyre.errors import Invalid, NotFound
from gyre.features.compute import Array
from gyre.features.inputs import Layout, layout
from gyre.objects import ObjectStore
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Bound, Estimator

Class = bool | int | str
ScoreUnit = Literal["log_odds", "probability", "value"]

MODEL, EXPLAIN = "model.onnx", "explain.npz"
_TYPES = {MANIFEST: "application/json", REFERENCE: "application/json"}
_SERVED: dict[str, Any] = {
    **dict.fromkeys(("model", "description", "task", "target", "id", "time", "group", "columns"), True),
    "read": {"missing"},
    "release": {"cache_seconds", "serve_unlogged"},
}


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Part(_Facts):
    """One file of a bundle."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: int


class Manifest(_Facts):
    """What is in a bundle, and all that serving knows about its model besides the parts."""

    format: Literal[1] = 1
    spec: dict[str, Any]
    features: tuple[str, ...]
    numbers: tuple[str, ...]
    words: tuple[str, ...]
    """The columns of the graph's two inputs."""
    width: int
    """How many transformed columns the estimator sees."""
    classes: tuple[Class, ...]
    """In the order of the probabilities; none for a regression."""
    estimator: Estimator
    parameters: dict[str, Bound]
    seed: int
    score: ScoreUnit
    """What contributions are measured in. They are of the score before any calibration."""
    calibration: Literal["none", "sigmoid", "isotonic"]
    versions: dict[str, str]
    parts: dict[str, Part]

    def dump(self) -> bytes:
        """The same bytes whenever it says the same."""
        return canonical(self.model_dump(mode="json"))


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and is what it must be."""

    hash: str
    manifest: Manifest
    layout: Layout
    model: bytes
    scores: Scores
    origin: Array
    """Of each transformed column, the place of its feature in `manifest.features`."""
    names: tuple[str, ...]
    """What each transformed column is, in words."""
    reference: Mapping[str, Any]


def canonical(told: Any) -> bytes:
    """JSON with one way to write everything. Keys stay in their order: that of a spec's columns means something."""
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def served(spec: ModelSpec) -> ModelSpec:
    """What serving has to know of a spec. Derived columns that are no features go: they may need what no caller of a
    prediction sends, such as the target."""
    told = spec.model_dump(mode="json", include=_SERVED, exclude_none=True)
    derived = {name: each for name, each in spec.derived.items() if each.feature}
    told["derived"] = {name: each.model_dump(mode="json", exclude_none=True) for name, each in derived.items()}
    return ModelSpec.model_validate_json(json.dumps(told), strict=True)


def told_spec(spec: ModelSpec) -> dict[str, Any]:
    """As a manifest holds it: with what is a default today, because a bundle must mean the same tomorrow."""
    told: dict[str, Any] = served(spec).model_dump(mode="json", include={**_SERVED, "derived": True}, exclude_none=True)
    return told


def with_parts(manifest: Manifest, parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """All files of a bundle: the parts, and the manifest that names them."""
    named = {name: Part(sha256=_sha256(parts[name]), size=len(parts[name])) for name in sorted(parts)}
    return {**parts, MANIFEST: manifest.model_copy(update={"parts": named}).dump()}


def bundle_hash(parts: Mapping[str, bytes]) -> str:
    """The name of exactly this bundle."""
    return _sha256(parts[MANIFEST])


def write_bundle(parts: Mapping[str, bytes], store: ObjectStore, prefix: str) -> BundleRef:
    """Writes a bundle below the prefix, in a folder named by its hash; the manifest last, so that it is whole once
    its manifest is there. Writing it again changes nothing."""
    ref = BundleRef(f"{prefix.rstrip('/')}/{bundle_hash(parts)}/", bundle_hash(parts), sum(map(len, parts.values())))
    for name in sorted(parts, key=lambda each: (each == MANIFEST, each)):
        store.write(ref.key + name, parts[name], content_type=_TYPES.get(name, "application/octet-stream"))
    return ref


def read_bundle(store: ObjectStore, key: str, expected: str) -> Bundle:
    """The bundle that has this hash, or `Invalid`: no byte of it is used before it is known to be right."""
    folder = f"{key.rstrip('/')}/"
    told = _read(store, folder + MANIFEST)
    if _sha256(told) != expected:
        raise Invalid(
            f"{folder}{MANIFEST} is not what was released: its SHA-256 is {_sha256(told)}, and {expected} was "
            "promoted. Promote a release whose bundle is whole."
        )
    named = read_manifest(told).parts
    with ThreadPoolExecutor(len(named)) as beside:  # a read is mostly a wait
        parts = dict(zip(named, beside.map(lambda name: _read(store, folder + name), named), strict=True))
    return open_bundle({**parts, MANIFEST: told})


def open_bundle(parts: Mapping[str, bytes]) -> Bundle:
    """A bundle from its files, every one checked against the manifest."""
    manifest = read_manifest(parts[MANIFEST])
    for name, part in manifest.parts.items():
        if (found := _sha256(parts[name])) != part.sha256:
            raise Invalid(
                f"The bundle's {name} is not what training wrote: its SHA-256 is {found}, and the manifest says "
                f"{part.sha256}. Promote a release whose bundle is whole."
            )
    spec = _spec(manifest)
    wanted = layout(spec)
    told = tuple(each.name for each in wanted.numbers), tuple(each.name for each in wanted.words)
    if (spec.features, *told) != (manifest.features, manifest.numbers, manifest.words):
        raise Invalid("This Gyre gives a model other inputs than the one that compiled the bundle: train it anew.")
    arrays = load_arrays(parts[EXPLAIN])
    origin, names = _columns(arrays, manifest)
    scores = scores_of(arrays, manifest.width)
    count = len(manifest.classes)
    if scores.scores != (count if count > 2 else 1):
        raise Invalid(f"The bundle has {scores.scores} scores for {count} classes.")
    reference = json.loads(parts[REFERENCE])
    return Bundle(bundle_hash(parts), manifest, wanted, parts[MODEL], scores, origin, names, reference)


def read_manifest(content: bytes) -> Manifest:
    """The manifest, or `Invalid` with what is wrong with it."""
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Invalid(f"The bundle's manifest cannot be read: {place}: {first['msg']}") from None
    if manifest.parts.keys() != {MODEL, EXPLAIN, REFERENCE}:
        raise Invalid(f"The bundle's manifest names other parts than {MODEL}, {EXPLAIN} and {REFERENCE}.")
    return manifest


def _spec(manifest: Manifest) -> ModelSpec:
    try:
        return ModelSpec.model_validate_json(json.dumps(manifest.spec), strict=True)
    except ValidationError as error:
        raise Invalid(f"The bundle was compiled by a Gyre with other rules: train it anew. {error}") from None


def _columns(arrays: Mapping[str, Array], manifest: Manifest) -> tuple[Array, tuple[str, ...]]:
    """What the transformed columns are. Their names are JSON in an array of bytes: numpy's own texts all take as much
    room as the longest."""
    origin, names = arrays.get("origin"), arrays.get("names")
    if origin is None or names is None or origin.dtype != np.int32 or origin.ndim != 1 or names.dtype != np.uint8:
        raise Invalid("The bundle does not say what its transformed columns are.")
    told = tuple(json.loads(names.tobytes()))
    if not len(origin) == len(told) == manifest.width or not ((origin >= 0) & (origin < len(manifest.features))).all():
        raise Invalid("The bundle's transformed columns and features do not agree.")
    return origin, told


def _read(store: ObjectStore, key: str) -> bytes:
    try:
        return store.read(key).content
    except NotFound:
        raise NotFound(f"{key} is missing: the bundle is not whole. Promote another release, or train anew.") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
