"""Bundles whose hashes are right and whose content is not, opened and asked. What a compiled kernel does with wrong
arrays may end the process, so this runs in one of its own: python -m tests.unit.serving.broken_bundles <folder>"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gyre.bundle.arrays import dump_arrays, load_arrays
from gyre.bundle.format import EXPLAIN, MODEL, REFERENCE, read_manifest, with_parts, write_bundle
from gyre.bundle.ref import MANIFEST
from gyre.errors import Unavailable
from gyre.registry.releases import Released
from gyre.serving.predicted import predicted
from gyre.serving.shelf import Shelf
from gyre.telemetry import TimeSplit, logger
from tests.fakes.objects import MemoryBucket

Parts = Mapping[str, bytes]
ROWS: list[dict[str, Any]] = [
    {},
    {"age": 30, "pay": 20.5, "on": True, "mood": "good", "size": "m", "town": "x"},
    {"age": -1e9},
]
FLIPS = 150
# Trees whose every index is a possible one: the kernel would walk them for hours, or deeper than there is room.
FOREST = "forest: "


def every(parts: Parts) -> Iterator[tuple[str, Parts]]:
    """A name and the files of each broken bundle."""
    arrays = load_arrays(parts[EXPLAIN])
    for name, array in arrays.items():
        for how, wrong in wrong_arrays(array):
            yield f"{name}: {how}", rebuilt(parts, **{EXPLAIN: dump_arrays({**arrays, name: wrong})})
        yield f"{name}: gone", rebuilt(parts, **{EXPLAIN: dump_arrays({k: v for k, v in arrays.items() if k != name})})
    draw = np.random.default_rng(11)
    for number in range(FLIPS):
        name = sorted(arrays)[number % len(arrays)]
        yield (
            f"{name}: flip {number}",
            rebuilt(parts, **{EXPLAIN: dump_arrays({**arrays, name: flipped(arrays[name], draw)})}),
        )
    if "left" in arrays:
        for how, wrong_trees in wrong_forests(arrays):
            yield f"{FOREST}{how}", rebuilt(parts, **{EXPLAIN: dump_arrays(wrong_trees)})
    for name in (MODEL, EXPLAIN, REFERENCE):
        content = parts[name]
        for number in range(12):
            at = int(draw.integers(len(content)))
            mended = content[:at] + bytes([content[at] ^ (1 << int(draw.integers(8)))]) + content[at + 1 :]
            yield f"{name}: bit {number}", rebuilt(parts, **{name: mended})
        for size in (0, 1, len(content) // 2, len(content) - 1):
            yield f"{name}: cut to {size}", rebuilt(parts, **{name: content[:size]})
    manifest = json.loads(parts[MANIFEST])
    for how, change in {
        "format": {"format": 2}, "field": {"more": 1}, "width": {"width": manifest["width"] + 1},
        "no width": {"width": 0},
        "classes": {"classes": [*manifest["classes"], "another"]}, "no classes": {"classes": []},
        "features": {"features": manifest["features"][:-1]}, "spec": {"spec": {}}, "parts": {"parts": {}},
        "size": {"width": 10**12},
    }.items():  # fmt: skip
        yield f"manifest: {how}", {**parts, MANIFEST: json.dumps(manifest | change).encode()}
    yield "manifest: no JSON", {**parts, MANIFEST: b"{"}


def wrong_arrays(array: Any) -> Iterator[tuple[str, Any]]:
    yield "other type", array.astype(np.float16 if array.dtype != np.float16 else np.int8)
    yield "text", array.astype("U8")
    yield "complex", array.astype(np.complex128)
    yield "one axis more", array[..., None]
    if not array.size:
        return
    yield "no axis", array.ravel()[0]
    yield "none", array[:0]
    yield "one less", array[:-1]
    yield "one more", np.concatenate([array, array[-1:]])
    yield "backwards", array[::-1]
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        for value in (-1, -2, 0, 1, len(array) - 1, len(array), limits.max, limits.min):
            if limits.min <= value <= limits.max:
                yield f"all {value}", np.full_like(array, value)
                for at in (0, len(array) // 2, len(array) - 1):
                    changed = array.copy()
                    changed[at] = value
                    yield f"{value} at {at}", changed
    if array.dtype.kind == "f":
        for number in (np.nan, np.inf, -np.inf, 0.0, -1.0, np.finfo(array.dtype).max):
            yield f"all {number}", np.full_like(array, number)


def wrong_forests(arrays: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Trees that are none, each index of which is a possible one."""
    for nodes in (60, 3_001):
        inner = np.arange(nodes) < nodes - 1
        both = np.where(inner, np.arange(nodes) + 1, -1).astype(np.int32)
        yield f"{nodes} nodes whose children are the same", {**arrays, **_one_tree(arrays, both, both)}
    nodes = 6_001  # a chain: every second node is a leaf
    at = np.arange(nodes)
    inner = (at % 2 == 0) & (at < nodes - 1)
    left, right = (np.where(inner, at + step, -1).astype(np.int32) for step in (1, 2))
    yield "a tree of 3,000 levels", {**arrays, **_one_tree(arrays, left, right)}


def _one_tree(arrays: Mapping[str, Any], left: Any, right: Any) -> dict[str, Any]:
    """The same trees but one, which is this."""
    rest = int(arrays["starts"][1])
    count = len(left)

    def longer(array: Any, first: Any) -> Any:
        return np.concatenate([np.resize(first, (count, *array.shape[1:])).astype(array.dtype), array[rest:]])

    starts = np.concatenate([[0], arrays["starts"][1:] - rest + count]).astype(np.int64)
    one = {name: longer(arrays[name], arrays[name][:1]) for name in ("missing_left", "thresholds", "weights", "values")}
    features = longer(arrays["features"], [0])
    return {**one, "features": features, "left": longer(arrays["left"], left), "right": longer(arrays["right"], right),
            "starts": starts}  # fmt: skip


def flipped(array: Any, draw: np.random.Generator) -> Any:
    content = bytearray(array.tobytes())
    if not content:
        return array
    for _ in range(int(draw.integers(1, 4))):
        content[int(draw.integers(len(content)))] ^= 1 << int(draw.integers(8))
    return np.frombuffer(bytes(content), array.dtype).reshape(array.shape)


def rebuilt(parts: Parts, **changed: bytes) -> Parts:
    """The bundle with other parts and a manifest that names them: its hashes are right."""
    whole = {name: content for name, content in {**parts, **changed}.items() if name != MANIFEST}
    return with_parts(read_manifest(parts[MANIFEST]), whole)


def outcome(parts: Parts) -> str:
    """answered, or refused; anything else is raised."""
    bucket = MemoryBucket()
    ref = write_bundle(parts, bucket, "bundles/m")
    shelf = Shelf(bucket, logger("broken", level="CRITICAL"))
    try:
        loaded = shelf.release(Released(version=1, bundle=ref))
    except Unavailable:
        return "refused"
    for top in (None, 3):
        predicted(loaded, [None] * len(ROWS), loaded.check.check(ROWS).columns, top, TimeSplit())
    return "answered"


def main(folder: Path) -> None:
    found: Counter[str] = Counter()
    for kind in sorted(folder.iterdir()):
        parts = {each.name: each.read_bytes() for each in kind.iterdir()}
        assert outcome(parts) == "answered", kind.name
        for name, broken in every(parts):
            print(f"{kind.name}: {name}", file=sys.stderr, flush=True)  # the last line names what ended the process
            found[how := outcome(broken)] += 1
            assert how == "refused" or not name.startswith(FOREST)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
