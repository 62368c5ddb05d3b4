"""From a candidate to a bundle, on rows in memory."""

from typing import Any

import numpy as np
import pytest

from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictor
from gyre.errors import Invalid
from gyre.training.fitting import Candidate
from gyre.training.making import fair_weights, latency, make
from gyre.training.rows import PartRows
from tests.fakes.objects import MemoryBucket
from tests.unit.training.models import declared, rows, target

LINEAR = Candidate("linear", {"C": 0.5})
PROTECTED = "age: {type: number}, pay: {type: number}, mood: {type: category, protected: true, feature: false}"


def part(task: str, seed: int, count: int, *names: str) -> PartRows:
    found = rows(seed, count)
    return PartRows({name: found[name] for name in names}, target(found, task))


def made(features: str, task: str = "binary", training: str = "{}", count: int = 200) -> tuple[Any, MemoryBucket]:
    names = [each.partition(":")[0].strip() for each in features.split("}, ")]
    spec, store = declared(task, features, training), MemoryBucket()
    return make(spec, part(task, 1, count, *names), part(task, 2, 80, *names), LINEAR, store), store


def test_the_bundle_lies_where_it_is_told_to_lie() -> None:
    found, store = made(PROTECTED)
    assert found.bundle.key == f"bundles/m/{found.bundle.hash}/"
    bundle = read_bundle(store, found.bundle.key, found.bundle.hash)
    assert bundle.manifest.parameters == {"C": 0.5}
    assert found.bundle.size == sum(each.size for each in store.list(found.bundle.key))
    assert found.latency_ms > 0
    assert (found.unweighed, found.proof.rows) == (None, 80)


def test_the_same_again_is_the_same_bundle() -> None:
    first, second = (made(PROTECTED, training="{reweigh: true}")[0] for _ in range(2))
    assert (first.bundle, first.unweighed) == (second.bundle, second.unweighed)
    assert first.bundle.hash != first.unweighed.hash


def test_reweighing_leaves_the_model_without_it_as_it_is() -> None:
    weighed, store = made(PROTECTED, training="{reweigh: true}")
    plain, _ = made(PROTECTED)
    one, other = (
        read_bundle(store, each.key, each.hash) for each in (weighed.unweighed, weighed.bundle)
    )  # fmt: skip
    columns = part("binary", 3, 50, "age", "pay").columns
    again = read_bundle(*_stored(made(PROTECTED)))
    assert np.array_equal(_yes(one, columns), _yes(again, columns))
    assert not np.array_equal(_yes(one, columns), _yes(other, columns))
    assert plain.bundle.hash == weighed.unweighed.hash


def _stored(told: tuple[Any, MemoryBucket]) -> tuple[MemoryBucket, str, str]:
    return told[1], told[0].bundle.key, told[0].bundle.hash


def _yes(bundle: Any, columns: Any) -> Any:
    found = Predictor(bundle).predict(columns).probabilities
    assert found is not None
    return found[:, 1]


def test_without_reweighing_rows_have_no_weights() -> None:
    rows_ = part("binary", 1, 40, "age", "pay", "mood")
    assert fair_weights(declared("binary", PROTECTED), rows_) is None
    weights = fair_weights(declared("binary", PROTECTED, "{reweigh: true}"), rows_)
    assert weights is not None
    assert weights.mean() == pytest.approx(1)


def test_nothing_is_made_without_rows_to_prove_it_on() -> None:
    spec, store = declared("binary", PROTECTED), MemoryBucket()
    train = part("binary", 1, 100, "age", "pay", "mood")
    with pytest.raises(Invalid, match="test part of m has no rows"):
        make(spec, train, train.chosen(np.zeros(100, dtype=bool)), LINEAR, store)
    assert list(store.list("")) == []


def test_one_row_is_enough_to_prove_it_on() -> None:
    spec, store = declared("binary", PROTECTED), MemoryBucket()
    train = part("binary", 1, 100, "age", "pay", "mood")
    assert make(spec, train, train.chosen(np.array([3])), LINEAR, store).proof.rows == 1


def test_the_manifest_is_written_last() -> None:
    """A bundle is whole once its manifest is there."""
    written: list[str] = []

    class Told(MemoryBucket):
        def put(self, key: str, content: bytes) -> str:
            written.append(key.rsplit("/", 1)[-1])
            return super().put(key, content)

    train = part("binary", 1, 100, "age", "pay", "mood")
    make(declared("binary", PROTECTED), train, train, LINEAR, Told())
    assert written[-1] == "manifest.json" and written.count("manifest.json") == 1


def test_the_time_of_one_prediction_is_measured_on_one_row() -> None:
    asked: list[int] = []

    class Watched:
        def explain(self, columns: Any) -> None:
            asked.append(len(columns["age"]))

    assert latency(Watched(), {"age": np.arange(4.0)}) >= 0  # type: ignore[arg-type]
    assert asked == [1] * 5
