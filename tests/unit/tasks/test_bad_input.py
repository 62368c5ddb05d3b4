"""What cannot be trained on is told in words, by its step, and nothing is registered by half."""

from typing import Any

import numpy as np
import pytest

from gyre.datasets.version import version_numbers as dataset_numbers
from gyre.errors import NotFound
from gyre.evaluation.targets import LEAST_ROWS
from tests.unit.tasks.machine import Failed
from tests.unit.tasks.world import PETS, TOLERANT, World, pets, until_fitted


def refused(world: World, **wishes: Any) -> dict[str, Any]:
    """The notice of a run that fails, after which nothing is registered by half."""
    before = (world.versions(), world.serves(), len(world.tracking.runs), dict(world.tracking.versions))
    with pytest.raises(Failed):
        world.train("run-bad", **wishes)
    assert (world.versions(), world.serves(), len(world.tracking.runs), dict(world.tracking.versions)) == before
    assert world.machine.notices[-1]["kind"] == "training_failed"
    return world.machine.notices[-1]


def test_a_run_that_somebody_starts_by_hand_names_no_more_than_it_is_about(world: World) -> None:
    with pytest.raises(Failed, match="no dataset version 9"):
        world.machine.run({"run": "by-hand", "model": "pets", "dataset": 9})
    assert world.machine.notices[-1]["step"] == "Pin"


def test_one_class_alone_is_refused_when_it_is_split(empty: World) -> None:
    told = refused(empty, upload=empty.upload("pets", pets(100, 1, adopted=["yes"] * 100)))
    assert (told["step"], told["error"]) == ("Split", "Invalid")
    assert "the same 'adopted'" in told["cause"]


def test_a_target_without_a_value_anywhere_is_refused(empty: World) -> None:
    told = refused(empty, upload=empty.upload("pets", pets(100, 1, adopted=[""] * 100)))
    assert (told["step"], told["error"]) == ("Split", "Invalid")


def test_rows_without_a_target_are_left_out(empty: World) -> None:
    adopted = np.where(np.arange(300) % 3 == 0, "", np.where(np.arange(300) % 2, "yes", "no"))
    until_fitted(empty, upload=empty.upload("pets", pets(300, 1, adopted=adopted)))
    split = empty.step("run-1", "split")
    assert (sum(split["rows"].values()), split["left_out"]) == (200, 100)


@pytest.mark.parametrize("count", [2, 5, LEAST_ROWS])
def test_too_few_rows_are_refused_in_words(empty: World, count: int) -> None:
    adopted = ["yes", "no"] * (count // 2) + ["yes"] * (count % 2)
    told = refused(empty, upload=empty.upload("pets", pets(count, 1, adopted=adopted)))
    assert told["error"] == "Invalid"
    assert "rows" in told["cause"]


def test_fewer_rows_than_folds_make_fewer_folds(empty: World) -> None:
    empty.declare(PETS.replace("folds: 2", "folds: 20"))
    adopted = ["yes"] * 4 + ["no"] * 20
    until_fitted(empty, upload=empty.upload("pets", pets(24, 1, adopted=adopted)))
    told = empty.run("run-1").read_json("candidates/00001.json")["told"]
    assert "folds instead of 20" in " ".join(told)


def test_columns_that_tell_nothing_hold_nothing_up(empty: World) -> None:
    same = {"colour": ["red"] * 200, "age": [3] * 200, "sex": ["f"] * 200}
    empty.train("run-1", upload=empty.upload("pets", pets(200, 1, **same)))
    assert empty.versions() == [1]
    assert empty.step("run-1", "fairness")["measured"] is True
    assert empty.step("run-1", "fairness")["worst"] == {}


def test_a_column_that_the_rows_were_taken_in_without_is_told_at_once(world: World) -> None:
    """Given rows that were taken in before the column was declared."""
    world.declare(TOLERANT.replace("  age:", "  vaccinated: {type: boolean, required: true}\n  age:"))
    called = len(world.called)
    told = refused(world, dataset=1)
    assert (told["step"], told["error"]) == ("Split", "Invalid")
    assert "Version 1 of pets has no column vaccinated" in told["cause"]
    assert world.called[called:] == ["pin", "split"]


def test_a_target_that_the_rows_were_taken_in_without_is_told_at_once(world: World) -> None:
    world.declare(TOLERANT.replace("adopted", "rehomed"))
    told = refused(world, dataset=2)
    assert (told["step"], told["error"]) == ("Split", "Invalid")
    assert "rehomed" in told["cause"]


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ("age: {type: number}", "age: {type: category}", "age as number"),
        ("age: {type: number}", "age: {type: integer}", "age as number"),
        ("age: {type: number}", "age: {type: time}", "age as number"),
        ("colour: {type: category}", "colour: {type: number}", "colour as category or text"),
        ("adopted: {type: category}", "adopted: {type: boolean}", "adopted as category or text"),
    ],
)
def test_a_column_that_is_declared_as_something_else_now_is_told_at_once(
    world: World, before: str, now: str, says: str
) -> None:
    """Numbers that became categories would be learned, and met by no request; each text would be a true boolean."""
    world.declare(TOLERANT.replace(before, now))
    told = refused(world, dataset=1)
    assert (told["step"], told["error"]) == ("Split", "Invalid")
    assert f"Version 1 of pets holds {says}, and model.yaml declares" in told["cause"]


def test_a_dataset_or_spec_that_is_not_there_fails_by_its_step(world: World) -> None:
    assert refused(world, dataset=9)["step"] == "Pin"
    assert refused(world, dataset=1, spec=9)["step"] == "Pin"
    told = refused(world, dataset=1, base=9)
    assert (told["step"], told["error"]) == ("Propose", "NotFound")


def test_a_model_that_is_not_to_train_becomes_data_alone(empty: World) -> None:
    empty.declare(PETS.replace("training: {", "training: {on_upload: false, "))
    empty.train("run-1", upload=empty.upload("pets", pets(100, 1)))
    assert empty.machine.visited[-2:] == ["Train now", "Data alone"]
    assert dataset_numbers("pets", empty.data) == [1]
    with pytest.raises(NotFound):
        empty.version(1)
    assert until_fitted(empty, "run-2", dataset=1)
