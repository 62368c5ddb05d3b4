"""What is kept in memory, and how a promotion gets there."""

from threading import Event
from typing import Any

import pytest

from gyre.bundle.predict import Predictor
from gyre.errors import Conflict, NotFound, Unavailable
from gyre.registry.moves import promote, retire, rollback
from gyre.serving import shelf as shelf_module
from gyre.serving.shelf import Shelf
from tests.unit.registry.house import ANNA, registered
from tests.unit.serving.house import ROW, Serve
from tests.unit.training.models import compiled

LINEAR, BOOSTING = ("linear", "multiclass", "mixed"), ("boosting", "multiclass", "mixed")


@pytest.fixture
def serve() -> Serve:
    made = Serve()
    made.promote(1, compiled(*BOOSTING))
    return made


def served(serve: Serve, shelf: Shelf | None = None) -> int:
    """Who answers now."""
    shelf = shelf or serve.shelf
    return shelf.production("m", shelf.pointer("m"))[0].version


def looked(serve: Serve) -> None:
    """Waits for the look beside the calls."""
    look = serve.shelf._known["m"].look
    assert look is not None
    look.result()


def test_a_model_that_nobody_released_is_not_there() -> None:
    with pytest.raises(NotFound, match="no release yet"):
        Serve().shelf.pointer("m")


def test_a_bundle_is_read_once(serve: Serve) -> None:
    first = serve.shelf.production("m", serve.shelf.pointer("m"))[0]
    second = serve.shelf.production("m", serve.shelf.pointer("m"))[0]
    assert first.predictor is second.predictor and isinstance(first.predictor, Predictor)


def test_within_its_seconds_nothing_is_looked_up(serve: Serve) -> None:
    served(serve)
    serve.promote(2, compiled(*LINEAR))
    serve.house.clock.now += 4.9
    assert served(serve) == 1 and serve.shelf._known["m"].look is None


def test_a_promotion_arrives_beside_the_calls(serve: Serve) -> None:
    # Given a warm environment and a promotion
    served(serve)
    serve.promote(2, compiled(*LINEAR))
    # When the next call comes after the seconds of the cache
    serve.house.clock.now += 5
    serve.shelf.pointer("m")
    looked(serve)
    # Then it did not wait, and the new release is whole in memory
    assert served(serve) == 2


def test_who_slept_long_looks_before_it_answers(serve: Serve) -> None:
    served(serve)
    serve.promote(2, compiled(*LINEAR))
    serve.house.clock.now += 3600
    assert served(serve) == 2


def test_a_look_that_an_environment_slept_over_is_not_news(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a look that S3 answered just before a freeze, and a promotion meanwhile, when a call comes an hour later,
    then the new release answers."""
    served(serve)
    read, thawed, real = Event(), Event(), shelf_module.pointer_if_any

    def frozen(*asked: Any) -> Any:
        found = real(*asked)
        read.set()
        assert thawed.wait(20)
        return found

    monkeypatch.setattr(shelf_module, "pointer_if_any", frozen)
    serve.house.clock.now += 5
    serve.shelf.pointer("m")
    assert read.wait(20)
    serve.promote(2, compiled(*LINEAR))
    serve.house.clock.now += 3600
    thawed.set()
    assert served(serve) == 2


def test_a_clock_that_was_set_back_is_no_reason_never_to_look(serve: Serve) -> None:
    served(serve)
    serve.promote(2, compiled(*LINEAR))
    serve.house.clock.now -= 3600
    assert served(serve) == 2


def test_a_rollback_arrives_too(serve: Serve) -> None:
    serve.promote(2, compiled(*LINEAR))
    assert served(serve) == 2
    rollback("m", serve.house.artifacts, ANNA)
    serve.house.clock.now += 3600
    assert served(serve) == 1


@pytest.mark.parametrize("part", ["model.onnx", "manifest.json", "explain.npz"])
def test_a_corrupted_bundle_is_refused_and_the_former_release_goes_on(serve: Serve, part: str) -> None:
    # Given a warm environment, and a promotion whose bundle is damaged afterwards
    served(serve)
    made = serve.promote(2, compiled(*LINEAR))
    content = serve.house.artifacts.read(made.bundle.key + part).content
    serve.house.artifacts.put(made.bundle.key + part, content[:-1] + bytes([content[-1] ^ 1]))
    serve.house.clock.now += 3600
    # Then it answers as before, and so does a new environment, which says why
    assert served(serve) == 1
    assert serve.ask(ROW).json()["version"] == 1
    fresh = serve.fresh_shelf()
    loaded, fault = fresh.production("m", fresh.pointer("m"))
    assert loaded.version == 1 and fault is not None and "SHA-256" in fault
    serve.shelf = serve.fresh_shelf()
    serve.outlet.records.clear()
    assert serve.ask(ROW).json()["version"] == 1
    refused, answered = serve.outlet.one().served
    assert (refused.version, answered.version, answered.fault) == (2, 1, None) and "SHA-256" in str(refused.fault)


def test_who_slept_over_two_promotions_answers_by_the_right_former_release(serve: Serve) -> None:
    # Given an environment that knows version 1, and meanwhile 2 and a damaged 3 were promoted
    served(serve)
    serve.promote(2, compiled(*LINEAR))
    made = serve.promote(3, compiled("random_forest", "multiclass", "mixed"))
    serve.house.artifacts.put(made.bundle.key + "model.onnx", b"")
    serve.house.clock.now += 3600
    # Then it does not go on with what it knew
    assert served(serve) == 2


def test_when_no_release_is_whole_that_is_told(serve: Serve) -> None:
    ref = serve.shelf.pointer("m").aliases["production"].bundle
    serve.house.artifacts.put(ref.key + "model.onnx", b"")
    assert serve.ask(ROW).status_code == 503
    with pytest.raises(Unavailable, match="No former release"):
        served(serve)


def test_a_bundle_that_was_mended_serves_again(serve: Serve) -> None:
    ref = serve.shelf.pointer("m").aliases["production"].bundle
    whole = serve.house.artifacts.read(ref.key + "model.onnx").content
    serve.house.artifacts.put(ref.key + "model.onnx", b"")
    with pytest.raises(Unavailable):
        served(serve)
    serve.house.artifacts.put(ref.key + "model.onnx", whole)
    with pytest.raises(Unavailable):  # it is not read anew by every call
        served(serve)
    serve.house.clock.now += 31
    assert served(serve) == 1


def test_a_pointer_that_cannot_be_read_leaves_what_serves(serve: Serve) -> None:
    served(serve)
    serve.house.artifacts.put("releases/m.json", b"{")
    serve.house.clock.now += 3600
    assert served(serve) == 1


def test_any_version_serves_on_request(serve: Serve) -> None:
    serve.promote(2, compiled(*LINEAR))
    serve.register(3, compiled(*BOOSTING))
    for wanted, version in (("1", 1), ("v2", 2), ("3", 3), ("latest", 3), ("production", 2), ("champion", 2)):
        assert serve.ask(ROW, release=wanted).json()["version"] == version


def test_a_retired_version_serves_nobody(serve: Serve) -> None:
    serve.promote(2, compiled(*LINEAR))
    retire("m", 1, serve.house.artifacts, ANNA)
    serve.house.clock.now += 3600
    assert serve.ask(ROW, release=1).status_code == 409
    pointer = serve.shelf.pointer("m")
    with pytest.raises(Conflict, match="restore"):
        serve.shelf.named("m", "1", pointer)


def test_what_is_preloaded_waits_for_nobody(serve: Serve) -> None:
    shelf = serve.fresh_shelf()
    shelf.preload()
    assert [each[0].bundle.manifest.estimator for each in shelf._bundles.values()] == ["boosting"]


def test_a_broken_model_hinders_no_start(serve: Serve) -> None:
    registered("broken", 1, serve.house.artifacts)
    promote("broken", 1, serve.house.artifacts, ANNA)
    shelf = serve.fresh_shelf()
    shelf.preload()
    assert shelf.production("m", shelf.pointer("m"))[0].version == 1


def test_old_bundles_are_forgotten_and_those_in_use_are_not(serve: Serve) -> None:
    estimators = ("linear", "boosting", "random_forest", "extra_trees", "naive_bayes")
    kinds = [(each, "multiclass", "mixed", c) for each in estimators for c in ("none", "sigmoid")]
    for number, kind in enumerate(kinds, start=2):
        serve.register(number, compiled(*kind))
        assert serve.ask(ROW, release=number).status_code == 200
    assert served(serve) == 1
    assert len(serve.shelf._bundles) <= 9
    assert serve.shelf.pointer("m").aliases["production"].bundle.hash in serve.shelf._bundles
