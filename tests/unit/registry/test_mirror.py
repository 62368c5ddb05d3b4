"""MLflow hears what serves, once it has moved."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from gyre.errors import NotFound, Unavailable
from gyre.registry.gates import Judgement, Verdict, keep_judgement
from gyre.registry.mirror import mirror, mirrored
from gyre.registry.moves import promote, retire, rollback, withdraw
from gyre.registry.releases import pointer
from gyre.registry.tracking import STAGE, Registration, TrackedTraining
from gyre.registry.version import model_version
from gyre.run_folder import RunFolder
from tests.fakes.objects import MemoryBucket
from tests.fakes.tracking import MemoryTracking
from tests.unit.registry.house import ANNA, registered, released

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def tracked(model: str, count: int) -> MemoryTracking:
    """So many versions, as training registers them."""
    made = MemoryTracking()
    for number in range(1, count + 1):
        run = f"train-{number}"
        told = TrackedTraining(model=model, run=run, started=NOW, ended=NOW, parameters={}, figures={})
        registration = Registration(
            model=model, run=run, tracked=made.record(told), source=f"s3://a/{number}/", reference="s3://d/x",
            dataset=1, spec=1, commit="c0ffee", bundle="0" * 64, estimator="linear",
        )  # fmt: skip
        assert made.register(registration) == number
    return made


def stages(tracking: MemoryTracking) -> dict[int, str]:
    return {number: each.tags[STAGE] for number, each in tracking.versions["wine"].items()}


def judged(artifacts: MemoryBucket, version: int, *, passed: bool) -> None:
    run = model_version("wine", version, artifacts).run
    verdict = Verdict("metrics", "f1_macro", 0.8, "at least 0.9", passed, "words")
    keep_judgement(Judgement((verdict,)), RunFolder(artifacts, "wine", run))


def test_aliases_and_stages_follow_the_pointer() -> None:
    artifacts, tracking = released(6, 1, 2, 3), tracked("wine", 6)
    promote("wine", 4, artifacts, ANNA, alias="challenger")
    retire("wine", 1, artifacts, ANNA)
    judged(artifacts, 5, passed=False)
    judged(artifacts, 6, passed=True)
    told = mirror("wine", tracking, artifacts)
    assert tracking.mirrored("wine") == {"production": 3, "champion": 3, "challenger": 4} == told.aliases
    assert stages(tracking) == {
        1: "retired", 2: "archived", 3: "production", 4: "challenger", 5: "rejected", 6: "candidate",
    }  # fmt: skip
    assert mirrored("wine", artifacts) == told.revision == pointer("wine", artifacts).revision


def test_before_anything_serves_versions_are_candidates() -> None:
    artifacts, tracking = released(2), tracked("wine", 2)
    judged(artifacts, 2, passed=False)
    told = mirror("wine", tracking, artifacts)
    assert (told.revision, told.aliases, stages(tracking)) == (0, {}, {1: "candidate", 2: "rejected"})


def test_a_model_that_nobody_knows_is_told_as_it_is() -> None:
    assert mirror("wine", MemoryTracking(), MemoryBucket()).stages == {}


def test_telling_it_again_changes_nothing() -> None:
    artifacts, tracking = released(2, 1, 2), tracked("wine", 2)
    first = mirror("wine", tracking, artifacts)
    before = dict(tracking.versions["wine"])
    assert mirror("wine", tracking, artifacts) == first
    assert tracking.versions["wine"] == before


def test_an_alias_that_was_taken_away_goes() -> None:
    artifacts, tracking = released(2, 1), tracked("wine", 2)
    promote("wine", 2, artifacts, ANNA, alias="challenger")
    mirror("wine", tracking, artifacts)
    withdraw("wine", artifacts, ANNA)
    mirror("wine", tracking, artifacts)
    assert tracking.mirrored("wine") == {"production": 1, "champion": 1}
    assert stages(tracking)[2] == "candidate"


def test_after_a_rollback_the_one_left_behind_is_a_candidate_again() -> None:
    artifacts, tracking = released(2, 1, 2), tracked("wine", 2)
    mirror("wine", tracking, artifacts)
    rollback("wine", artifacts, ANNA)
    mirror("wine", tracking, artifacts)
    assert (tracking.mirrored("wine")["production"], stages(tracking)) == (1, {1: "production", 2: "candidate"})


class Moving(MemoryTracking):
    """Somebody promotes while MLflow is told."""

    def __init__(self, inner: MemoryTracking, artifacts: MemoryBucket, *versions: int) -> None:
        super().__init__(runs=inner.runs, versions=inner.versions)
        self.artifacts, self.left, self.told = artifacts, list(versions), 0

    def mirror(self, model: str, aliases: Mapping[str, int | None], stages: Mapping[int, str]) -> bool:
        self.told += 1
        found = super().mirror(model, aliases, stages)
        if self.left:
            promote(model, self.left.pop(0), self.artifacts, ANNA)
        return found


def test_what_moved_meanwhile_is_told_too() -> None:
    artifacts = released(3, 1)
    tracking = Moving(tracked("wine", 3), artifacts, 2, 3)
    told = mirror("wine", tracking, artifacts)
    assert (tracking.told, tracking.mirrored("wine")["production"]) == (3, 3)
    assert mirrored("wine", artifacts) == told.revision == 3


def test_who_is_slower_never_has_the_last_word() -> None:
    """Given two that tell at once, and the slower one holds an older picture."""
    artifacts, inner = released(2, 1), tracked("wine", 2)

    class Slow(Moving):
        def mirror(self, model: str, aliases: Mapping[str, int | None], stages: Mapping[int, str]) -> bool:
            if self.left:
                promote(model, self.left.pop(0), self.artifacts, ANNA)
                mirror(model, self, artifacts)
            return MemoryTracking.mirror(self, model, aliases, stages)

    slow = Slow(inner, artifacts, 2)
    mirror("wine", slow, artifacts)
    assert (slow.mirrored("wine")["production"], mirrored("wine", artifacts)) == (2, 2)


class Down(MemoryTracking):
    def mirror(self, model: str, aliases: Mapping[str, int | None], stages: Mapping[int, str]) -> Any:
        raise Unavailable("MLflow is away.")


def test_what_could_not_be_told_lags_until_it_is_repaired() -> None:
    artifacts, tracking = released(2, 1), tracked("wine", 2)
    mirror("wine", tracking, artifacts)
    promote("wine", 2, artifacts, ANNA)
    with pytest.raises(Unavailable):
        mirror("wine", Down(), artifacts)
    assert mirrored("wine", artifacts) == 1 < pointer("wine", artifacts).revision
    mirror("wine", tracking, artifacts)
    assert mirrored("wine", artifacts) == 2


def test_what_serves_and_mlflow_lost_is_an_error_and_nothing_is_said_to_be_told() -> None:
    artifacts = released(2, 1, 2)
    with pytest.raises(NotFound, match="version 2"):
        mirror("wine", tracked("wine", 1), artifacts)
    assert mirrored("wine", artifacts) is None


def test_a_version_that_somebody_deleted_in_mlflow_holds_no_other_up() -> None:
    artifacts, tracking = released(3, 1, 2), tracked("wine", 3)
    tracking.delete("wine", 1)
    tracking.delete("wine", 3)
    told = mirror("wine", tracking, artifacts)
    assert (told.aliases["production"], stages(tracking)) == (2, {2: "production"})
    assert mirrored("wine", artifacts) == told.revision == pointer("wine", artifacts).revision


def test_other_models_are_left_alone() -> None:
    artifacts, tracking = released(1, 1), tracked("wine", 1)
    registered("beer", 1, artifacts)
    promote("beer", 1, artifacts, ANNA)
    mirror("wine", tracking, artifacts)
    assert tracking.mirrored("beer") == {}
    assert mirrored("beer", artifacts) is None
