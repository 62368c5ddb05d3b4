"""A bundle is read only if every byte of it is the one that training wrote."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from gyre.bundle.arrays import dump_arrays, load_arrays
from gyre.bundle.format import (
    EXPLAIN,
    MANIFEST,
    MODEL,
    bundle_hash,
    open_bundle,
    read_bundle,
    read_manifest,
    with_parts,
    write_bundle,
)
from gyre.errors import Invalid, NotFound
from gyre.features.inputs import layout
from tests.fakes.objects import MemoryBucket
from tests.unit.training.models import compiled

TREES = ("boosting", "multiclass", "mixed")


@pytest.mark.parametrize("kind", [TREES, ("linear", "binary", "text"), ("naive_bayes", "multiclass", "mixed")])
def test_what_was_written_is_read(kind: tuple[str, str, str]) -> None:
    made, bucket = compiled(*kind), MemoryBucket()
    ref = write_bundle(made.parts, bucket, "bundles/m")
    assert ref.key == f"bundles/m/{ref.hash}/"
    assert ref.size == sum(each.size for each in bucket.list("bundles/m"))
    found = read_bundle(bucket, ref.key, ref.hash)
    assert found.hash == ref.hash == bundle_hash(made.parts)
    assert found.manifest == made.bundle.manifest
    assert found.layout == layout(found.layout.spec)
    assert found.manifest.classes == (("no", "yes") if kind[1] == "binary" else ("high", "low", "middle"))
    assert len(found.names) == found.manifest.width == len(found.origin)


@pytest.mark.parametrize("part", ["model.onnx", "explain.npz", "reference.json", "manifest.json"])
def test_a_part_that_was_changed_is_refused(part: str) -> None:
    # Given a bundle in which one bit of one part is another
    made, bucket = compiled(*TREES), MemoryBucket()
    ref = write_bundle(made.parts, bucket, "bundles/m")
    content = bytearray(made.parts[part])
    content[len(content) // 2] ^= 1
    bucket.put(ref.key + part, bytes(content))
    # Then it is not read
    with pytest.raises(Invalid, match=f"{part} is not what .* SHA-256"):
        read_bundle(bucket, ref.key, ref.hash)


def test_another_bundle_in_its_place_is_refused() -> None:
    first, other, bucket = compiled(*TREES), compiled("linear", "binary", "text"), MemoryBucket()
    ref = write_bundle(first.parts, bucket, "bundles/m")
    for name, content in other.parts.items():
        bucket.put(ref.key + name, content)
    with pytest.raises(Invalid, match="is not what was released"):
        read_bundle(bucket, ref.key, ref.hash)


def test_a_part_that_is_gone() -> None:
    bucket = MemoryBucket()
    ref = write_bundle({MANIFEST: compiled(*TREES).parts[MANIFEST]}, bucket, "bundles/m")
    with pytest.raises(NotFound, match="missing: the bundle is not whole"):
        read_bundle(bucket, ref.key, ref.hash)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda told: told.update(format=2), "format"),
        (lambda told: told.update(odd=1), "odd"),
        (lambda told: told["parts"].pop(MODEL), "names other parts"),
    ],
)
def test_a_manifest_that_is_none(change: Callable[[dict[str, object]], object], words: str) -> None:
    told = json.loads(compiled(*TREES).parts[MANIFEST])
    change(told)
    with pytest.raises(Invalid, match=words):
        read_manifest(json.dumps(told).encode())


def test_inputs_that_this_gyre_would_make_otherwise() -> None:
    made = compiled(*TREES)
    manifest = made.bundle.manifest.model_copy(update={"numbers": made.bundle.manifest.numbers[::-1]})
    with pytest.raises(Invalid, match="train it anew"):
        open_bundle(with_parts(manifest, {name: made.parts[name] for name in manifest.parts}))


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("left", lambda each: each.astype(np.int64), "left is int64 with 1 axes, and int32"),
        ("thresholds", lambda each: each[:, None], "thresholds is float32 with 2 axes"),
        ("left", lambda each: np.where(each > 0, 0, each).astype(np.int32), "where children stand"),
        ("right", lambda each: np.where(each > 0, 10**6, each).astype(np.int32), "where children stand"),
        ("right", lambda each: np.full_like(each, -1), "which nodes are leaves"),
        ("features", lambda each: each + 999, "which columns there are"),
        ("values", lambda each: each * np.nan, "its numbers"),
        ("values", lambda each: each[:-1], "how many nodes there are"),
        ("weights", lambda each: each * 0, "its weights"),
        ("starts", lambda each: each[:-1], "where trees begin"),
        ("starts", lambda each: each[::-1].copy(), "where trees begin"),
        ("base", lambda each: each[:2], "how many scores there are|2 scores for 3 classes"),
        ("base", None, "base is not in it"),
        ("origin", lambda each: each + 99, "do not agree"),
        ("names", lambda each: each.astype(np.int64), "does not say what its transformed columns are"),
    ],
)
def test_arrays_that_would_end_the_process_are_refused(
    name: str, spoil: Callable[[np.ndarray], np.ndarray] | None, words: str
) -> None:
    # Given a bundle whose hashes are right and one of whose arrays is not
    made = compiled(*TREES)
    arrays = load_arrays(made.parts[EXPLAIN])
    if spoil is None:
        del arrays[name]
    else:
        arrays[name] = spoil(arrays[name])
    parts = {each: made.parts[each] for each in made.bundle.manifest.parts} | {EXPLAIN: dump_arrays(arrays)}
    # Then it is refused before the kernel sees it
    with pytest.raises(Invalid, match=words):
        open_bundle(with_parts(made.bundle.manifest, parts))


def test_nothing_is_unpickled() -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        dump_arrays({"odd": np.array([object()])})
    with pytest.raises(Invalid, match="cannot be read"):
        load_arrays(b"\x80\x04no arrays")


def test_the_same_arrays_are_the_same_bytes() -> None:
    assert dump_arrays({"a": np.arange(9), "b": np.zeros(2)}) == dump_arrays({"b": np.zeros(2), "a": np.arange(9)})
