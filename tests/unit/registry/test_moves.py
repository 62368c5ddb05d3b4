"""Promote, roll back, withdraw, retire, restore: what moves, who is refused, and that nothing is lost on the way."""

from collections.abc import Callable

import pytest

from gyre.errors import Conflict, GyreError, Invalid, NotFound, Unavailable
from gyre.registry.moves import Mover, promote, restore, retire, rollback, withdraw
from gyre.registry.releases import MOST_EARLIER, Pointer, history, move_key, pointer, pointer_key
from gyre.registry.version import model_version
from tests.fakes.objects import MemoryBucket
from tests.unit.registry.house import ANNA, BEN, Died, Meddled, Unanswered, registered, released


def serves(artifacts: MemoryBucket) -> dict[str, int]:
    return {alias: each.version for alias, each in pointer("wine", artifacts).aliases.items()}


def earlier(artifacts: MemoryBucket) -> list[int]:
    return [each.version for each in pointer("wine", artifacts).earlier]


def bundle_key(version: int, artifacts: MemoryBucket) -> str:
    return model_version("wine", version, artifacts).bundle.key


def content(artifacts: MemoryBucket) -> dict[str, bytes]:
    return {each.key: artifacts.read(each.key).content for each in artifacts.list("")}


def refused(artifacts: MemoryBucket, move: Callable[[], object], error: type[GyreError], says: str) -> None:
    """It says so and has changed nothing."""
    before = content(artifacts)
    with pytest.raises(error, match=says):
        move()
    assert content(artifacts) == before


# --- promote ----------------------------------------------------------------------------------------------------------


def test_the_first_release() -> None:
    artifacts = released(1)
    found = promote("wine", 1, artifacts, Mover("anna", run="train-1", reason="gates", comment="süß"))
    assert serves(artifacts) == {"production": 1, "champion": 1}
    assert found == pointer("wine", artifacts)
    assert (found.revision, found.earlier, found.retired) == (1, (), ())
    assert found.last.model_dump(exclude={"at"}) == {
        "revision": 1, "action": "promote", "alias": "production", "version": 1, "before": None, "share": None,
        "shadow": None, "actor": "anna", "run": "train-1", "reason": "gates", "comment": "süß",
    }  # fmt: skip


def test_the_next_release_remembers_the_former_one() -> None:
    artifacts = released(3, 1, 3)
    assert serves(artifacts) == {"production": 3, "champion": 3}
    assert earlier(artifacts) == [1]
    assert pointer("wine", artifacts).last.before == 1


def test_what_is_production_already_is_no_move() -> None:
    artifacts = released(2, 1, 2)
    before = content(artifacts)
    assert promote("wine", 2, artifacts, BEN, expected=1).last.actor == "anna"
    assert content(artifacts) == before


def test_a_challenger_changes_nothing_that_serves() -> None:
    artifacts = released(3, 1)
    promote("wine", 2, artifacts, ANNA, alias="challenger")
    promote("wine", 3, artifacts, ANNA, alias="challenger")
    assert serves(artifacts) == {"production": 1, "champion": 1, "challenger": 3}
    assert earlier(artifacts) == []
    assert promote("wine", 3, artifacts, BEN, alias="challenger").revision == 3


def test_a_challenger_that_wins_is_on_trial_no_more() -> None:
    artifacts = released(3, 1)
    promote("wine", 2, artifacts, ANNA, alias="challenger")
    promote("wine", 3, artifacts, ANNA)
    assert serves(artifacts) == {"production": 3, "champion": 3, "challenger": 2}
    promote("wine", 2, artifacts, ANNA)
    assert serves(artifacts) == {"production": 2, "champion": 2}


def test_production_cannot_challenge_itself() -> None:
    artifacts = released(1, 1)
    refused(artifacts, lambda: promote("wine", 1, artifacts, ANNA, alias="challenger"), Conflict, "production already")


def test_the_champion_is_not_moved_alone() -> None:
    artifacts = released(2, 1)
    refused(artifacts, lambda: promote("wine", 2, artifacts, ANNA, alias="champion"), Invalid, "with production")


def test_a_version_that_does_not_exist_cannot_be_promoted() -> None:
    artifacts = released(1, 1)
    refused(artifacts, lambda: promote("wine", 2, artifacts, ANNA), NotFound, "no version 2")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda bucket, key: bucket._versions.pop(f"{key}manifest.json"), "manifest.json is missing"),
        (lambda bucket, key: bucket.put(f"{key}manifest.json", b"{}"), "SHA-256"),
        (lambda bucket, key: bucket._versions.pop(f"{key}model.onnx"), "model.onnx is missing"),
        (lambda bucket, key: bucket.put(f"{key}model.onnx", b"half"), "4 bytes"),
    ],
)
def test_a_bundle_that_is_not_whole_cannot_be_promoted(harm: Callable[..., object], says: str) -> None:
    artifacts = released(2, 1)
    harm(artifacts, bundle_key(2, artifacts))
    refused(artifacts, lambda: promote("wine", 2, artifacts, ANNA), Invalid, says)


def test_former_releases_are_remembered_up_to_a_limit() -> None:
    artifacts = released(2)
    for at in range(MOST_EARLIER + 5):
        promote("wine", 1 + at % 2, artifacts, ANNA)
    assert len(earlier(artifacts)) == MOST_EARLIER
    assert pointer("wine", artifacts).version("production") != earlier(artifacts)[-1]


# --- what the caller judged against -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("promoted", "expected"), [((), 0), ((1,), 1), ((1, 2), 2), ((1, 2), None)])
def test_what_was_judged_against_what_still_serves_is_promoted(promoted: tuple[int, ...], expected: int | None) -> None:
    artifacts = released(3, *promoted)
    assert promote("wine", 3, artifacts, ANNA, expected=expected).version("production") == 3


@pytest.mark.parametrize(("promoted", "expected"), [((), 1), ((1,), 0), ((1, 2), 1)])
def test_what_was_judged_against_another_must_be_judged_again(promoted: tuple[int, ...], expected: int) -> None:
    artifacts = released(3, *promoted)
    refused(artifacts, lambda: promote("wine", 3, artifacts, BEN, expected=expected), Conflict, "judge again")


def test_who_came_first_is_told() -> None:
    artifacts = released(3, 1, 2)
    with pytest.raises(Conflict, match=r"against version 1 of wine, and production is version 2 now.*by anna"):
        promote("wine", 3, artifacts, BEN, expected=1)


def test_a_rollback_that_is_repeated_goes_no_further() -> None:
    artifacts = released(3, 1, 2, 3)
    rollback("wine", artifacts, ANNA, expected=3)
    refused(artifacts, lambda: rollback("wine", artifacts, ANNA, expected=3), Conflict, "production is version 2")


# --- roll back --------------------------------------------------------------------------------------------------------


def test_a_rollback_and_one_more() -> None:
    artifacts = released(3, 1, 2, 3)
    bundles = {version: model_version("wine", version, artifacts).bundle.hash for version in (1, 2)}
    for version in (2, 1):
        found = rollback("wine", artifacts, BEN)
        assert found.version("production") == found.version("champion") == version
        assert found.aliases["production"].bundle.hash == bundles[version]
    refused(artifacts, lambda: rollback("wine", artifacts, BEN), Conflict, "nothing else was production")


def test_what_was_left_behind_is_promotable_and_no_rollback_leads_to_it() -> None:
    artifacts = released(3, 1, 2)
    rollback("wine", artifacts, BEN)
    assert earlier(artifacts) == []
    promote("wine", 2, artifacts, ANNA)
    assert rollback("wine", artifacts, BEN).version("production") == 1


def test_a_rollback_passes_over_what_is_retired_or_not_whole() -> None:
    artifacts = released(4, 1, 2, 3, 4)
    retire("wine", 3, artifacts, ANNA)
    artifacts.put(f"{bundle_key(2, artifacts)}manifest.json", b"{}")
    assert rollback("wine", artifacts, BEN).version("production") == 1
    assert earlier(artifacts) == []


def test_a_rollback_never_leads_to_what_serves() -> None:
    artifacts = released(2, 1, 2, 1)
    retire("wine", 2, artifacts, ANNA)
    refused(artifacts, lambda: rollback("wine", artifacts, BEN), Conflict, "version 2 is retired")


def test_a_rollback_to_what_is_on_trial_ends_the_trial() -> None:
    artifacts = released(2, 1, 2)
    promote("wine", 1, artifacts, ANNA, alias="challenger")
    rollback("wine", artifacts, BEN)
    assert serves(artifacts) == {"production": 1, "champion": 1}


def test_without_a_former_release_there_is_no_way_back() -> None:
    artifacts = released(2)
    refused(artifacts, lambda: rollback("wine", artifacts, ANNA), NotFound, "no release yet")
    promote("wine", 1, artifacts, ANNA, alias="challenger")
    refused(artifacts, lambda: rollback("wine", artifacts, ANNA), Conflict, "nothing else was production")


# --- withdraw, retire, restore ----------------------------------------------------------------------------------------


def test_a_challenger_is_withdrawn() -> None:
    artifacts = released(2, 1)
    promote("wine", 2, artifacts, ANNA, alias="challenger")
    found = withdraw("wine", artifacts, BEN)
    assert (found.last.action, found.last.version, found.last.before) == ("withdraw", None, 2)
    assert serves(artifacts) == {"production": 1, "champion": 1}
    refused(artifacts, lambda: withdraw("wine", artifacts, BEN), Conflict, "no challenger")


def test_a_challenger_that_was_replaced_is_not_withdrawn_for_the_former_one() -> None:
    artifacts = released(3, 1)
    promote("wine", 2, artifacts, ANNA, alias="challenger")
    promote("wine", 3, artifacts, ANNA, alias="challenger")
    refused(artifacts, lambda: withdraw("wine", artifacts, BEN, expected=2), Conflict, "version 3 is: judge again")
    assert withdraw("wine", artifacts, BEN, expected=3).last.before == 3


def test_production_cannot_be_withdrawn() -> None:
    artifacts = released(1, 1)
    for alias in ("production", "champion"):
        refused(artifacts, lambda alias=alias: withdraw("wine", artifacts, ANNA, alias=alias), Conflict, "roll back")
    refused(artifacts, lambda: withdraw("beer", artifacts, ANNA), Conflict, "no challenger")


def test_what_is_retired_is_not_promoted_until_it_is_restored() -> None:
    artifacts = released(3, 1)
    assert retire("wine", 2, artifacts, ANNA).retired == (2,)
    for alias in ("production", "challenger"):
        refused(artifacts, lambda alias=alias: promote("wine", 2, artifacts, ANNA, alias=alias), Conflict, "restore it")
    assert retire("wine", 2, artifacts, BEN).last.actor == "anna"
    assert restore("wine", 2, artifacts, ANNA).retired == ()
    assert promote("wine", 2, artifacts, ANNA).version("production") == 2


def test_what_serves_cannot_be_retired() -> None:
    artifacts = released(2, 1)
    promote("wine", 2, artifacts, ANNA, alias="challenger")
    refused(artifacts, lambda: retire("wine", 1, artifacts, ANNA), Conflict, "is champion and production")
    refused(artifacts, lambda: retire("wine", 2, artifacts, ANNA), Conflict, "is challenger")


def test_a_model_that_never_served_can_have_retired_versions() -> None:
    artifacts = released(1)
    refused(artifacts, lambda: restore("wine", 1, artifacts, ANNA), Conflict, "not retired")
    retire("wine", 1, artifacts, ANNA)
    refused(artifacts, lambda: promote("wine", 1, artifacts, ANNA), Conflict, "restore it")


@pytest.mark.parametrize("move", [retire, restore])
def test_a_version_that_does_not_exist_is_neither_retired_nor_restored(move: Callable[..., Pointer]) -> None:
    artifacts = released(1, 1)
    refused(artifacts, lambda: move("wine", 2, artifacts, ANNA), NotFound, "no version 2")


# --- two at once, deaths, lost answers --------------------------------------------------------------------------------


def meddled(*promoted: int) -> Meddled:
    artifacts = Meddled()
    for version in (1, 2, 3):
        registered("wine", version, artifacts)
    for version in promoted:
        promote("wine", version, artifacts, ANNA)
    return artifacts


@pytest.mark.parametrize("promoted", [(), (1,)])
@pytest.mark.parametrize("prefix", ["releases/", "moves/"])
def test_of_two_promotes_at_once_one_is_told_of_the_other(promoted: tuple[int, ...], prefix: str) -> None:
    artifacts = meddled(*promoted)
    artifacts.before(prefix if promoted else "releases/", lambda: promote("wine", 2, artifacts, BEN) and None)
    with pytest.raises(Conflict, match=r"ben did it at .*\(promote 2\)"):
        promote("wine", 3, artifacts, ANNA)
    assert [each.version for each in history("wine", artifacts)] == [2, *promoted]
    assert serves(artifacts) == {"production": 2, "champion": 2}


def test_a_mover_that_dies_half_way_has_changed_nothing() -> None:
    artifacts = meddled(1)

    def dies() -> None:
        raise Died

    artifacts.before("releases/", dies)
    with pytest.raises(Died):
        promote("wine", 2, artifacts, ANNA)
    assert artifacts.read(move_key("wine", 1))
    assert serves(artifacts) == {"production": 1, "champion": 1}
    assert [each.revision for each in history("wine", artifacts)] == [1]
    promote("wine", 3, artifacts, BEN)
    assert [(each.revision, each.version) for each in history("wine", artifacts)] == [(2, 3), (1, 1)]


@pytest.mark.parametrize("count", [0, 1])
def test_a_move_whose_answer_was_lost_was_made(count: int) -> None:
    artifacts = Unanswered()
    for version in (1, 2):
        registered("wine", version, artifacts)  # answered by reading what is there
    for version in range(1, count + 2):
        assert promote("wine", version, artifacts, ANNA).version("production") == version
    assert len(list(history("wine", artifacts))) == count + 1


def test_a_pointer_that_was_put_back_too_far_is_found_out() -> None:
    artifacts = released(3, 1)
    old = artifacts.read(pointer_key("wine")).content
    promote("wine", 2, artifacts, ANNA)
    promote("wine", 3, artifacts, ANNA)
    artifacts.put(pointer_key("wine"), old)
    promote("wine", 3, artifacts, BEN)  # the second move once more, and not the one that is kept
    refused(artifacts, lambda: promote("wine", 1, artifacts, BEN), Conflict, "older state")


def test_a_pointer_that_is_gone_is_not_begun_anew() -> None:
    artifacts = released(2, 1, 2)
    del artifacts._versions[pointer_key("wine")]
    refused(artifacts, lambda: promote("wine", 1, artifacts, ANNA), Conflict, "put back its newest version")


def test_a_broken_pointer_is_not_written_over() -> None:
    artifacts = released(1, 1)
    artifacts.put(pointer_key("wine"), b"{}")
    refused(artifacts, lambda: promote("wine", 1, artifacts, ANNA), Unavailable, "releases/wine.json")


def test_what_people_write_never_breaks_the_pointer() -> None:
    artifacts = released(3)
    found = promote("wine", 1, artifacts, Mover("anna", reason="half: \ud83d", comment='"\x00\u2028{'))
    assert pointer("wine", artifacts) == found
    assert found.last.reason == "half: ?"
    refused(artifacts, lambda: promote("wine", 2, artifacts, Mover("a", comment="x" * 2_001)), Invalid, "2,000")
