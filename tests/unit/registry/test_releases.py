import json
import os
import subprocess
import sys

import pytest

from gyre.errors import Invalid, NotFound, Unavailable
from gyre.registry.moves import promote, retire, rollback
from gyre.registry.releases import (
    Release,
    any_release,
    history,
    move_key,
    pointer,
    pointer_key,
    releases,
    resolve,
)  # fmt: skip
from tests.fakes.objects import MemoryBucket
from tests.unit.registry.house import ANNA, BEN, registered, released

# --- which models serve -----------------------------------------------------------------------------------------------


def test_every_model_that_serves_is_told_by_name() -> None:
    artifacts = released(3, 3)
    registered("beer", 1, artifacts)
    promote("beer", 1, artifacts, ANNA)
    artifacts.put("releases/", b"")
    artifacts.put("releases/notes.txt", b"not a pointer")
    artifacts.put("releases/Wine.json", b"the name of no model")
    artifacts.put("releases/old/wine.json", b"{}")
    assert releases(artifacts) == (Release("beer", 1), Release("wine", 3))


def test_without_a_pointer_there_is_none() -> None:
    assert releases(MemoryBucket()) == ()
    assert not any_release(MemoryBucket())


def test_a_model_on_trial_alone_does_not_serve_yet() -> None:
    artifacts = released(2)
    promote("wine", 1, artifacts, ANNA, alias="challenger")
    retire("wine", 2, artifacts, ANNA)
    assert releases(artifacts) == ()
    assert not any_release(artifacts)
    assert pointer("wine", artifacts).version("production") is None


def test_a_broken_pointer_hides_no_other_model() -> None:
    artifacts = released(1, 1)
    artifacts.put("releases/beer.json", b"{")
    beer, wine = releases(artifacts)
    assert wine == Release("wine", 1)
    assert beer.version is None and "releases/beer.json" in str(beer.fault)
    assert any_release(artifacts)
    with pytest.raises(Unavailable, match=r"releases/beer\.json"):
        pointer("beer", artifacts)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"model": "beer"},
        {"revision": 7},
        {"revision": "1"},
        {"aliases": {"production": {"version": 1}}},
        {"aliases": {"produktion": None}},
        {"last": None},
        {"surprise": 1},
    ],
)
def test_what_is_no_pointer_is_not_believed(change: dict[str, object]) -> None:
    artifacts = released(1, 1)
    told = json.loads(artifacts.read(pointer_key("wine")).content)
    artifacts.put(pointer_key("wine"), json.dumps(told | change).encode())
    with pytest.raises(Unavailable, match=r"releases/wine\.json.*put back"):
        pointer("wine", artifacts)


def test_the_pointer_holds_all_that_serving_needs() -> None:
    artifacts = released(2, 1, 2)
    found, record = pointer("wine", artifacts), registered("wine", 2, artifacts)
    assert found.aliases["production"].model_dump() == {"version": 2, "bundle": vars(record.bundle)}
    assert [each.version for each in found.earlier] == [1]


def test_nothing_scientific_is_needed_to_move_a_pointer() -> None:
    code = "import sys, gyre.registry.moves, gyre.registry.approval; sys.exit('numpy' in sys.modules)"
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=path).returncode == 0


# --- history ----------------------------------------------------------------------------------------------------------


def test_the_history_tells_who_moved_what_the_newest_first() -> None:
    artifacts = released(2, 1, 2)
    rollback("wine", artifacts, BEN)
    told = [(each.revision, each.action, each.version, each.before, each.actor) for each in history("wine", artifacts)]
    assert told == [(3, "rollback", 1, 2, "ben"), (2, "promote", 2, 1, "anna"), (1, "promote", 1, None, "anna")]


def test_what_never_moved_has_no_history() -> None:
    assert list(history("wine", released(1))) == []


@pytest.mark.parametrize("content", [None, b"{", b'{"revision": 1}'])
def test_a_history_with_a_gap_does_not_look_whole(content: bytes | None) -> None:
    artifacts = released(3, 1, 2, 3)
    key = move_key("wine", 1)
    if content is None:
        del artifacts._versions[key]
    else:
        artifacts.put(key, content)
    told = history("wine", artifacts)
    assert [next(told).revision, next(told).revision] == [3, 2]
    with pytest.raises(Unavailable, match=key):
        next(told)


def test_a_move_under_another_number_is_told() -> None:
    artifacts = released(3, 1, 2, 3)
    artifacts.put(move_key("wine", 1), artifacts.read(move_key("wine", 2)).content)
    with pytest.raises(Unavailable, match="holds the move 2"):
        list(history("wine", artifacts))


# --- what is meant ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "version"),
    [("1", 1), ("v3", 3), ("V2", 2), (" 002 ", 2), ("latest", 4), ("production", 2), ("Champion", 2),
     ("challenger", 3)],
)  # fmt: skip
def test_a_version_has_many_names(wanted: str, version: int) -> None:
    artifacts = released(4, 1, 2)
    promote("wine", 3, artifacts, ANNA, alias="challenger")
    assert resolve("wine", wanted, artifacts) == version


@pytest.mark.parametrize("wanted", ["", "v", "newest", "1.5", "-1", "٣", "v1\n2", "9" * 40, "production;", "../1"])
def test_what_is_no_name_of_a_version_is_invalid(wanted: str) -> None:
    with pytest.raises(Invalid, match="latest, production") as refused:
        resolve("wine", wanted, released(1, 1))
    assert refused.value.field == "version"


@pytest.mark.parametrize("wanted", ["0", "v0", "2", "challenger"])
def test_a_version_that_is_not_there_is_not_found(wanted: str) -> None:
    with pytest.raises(NotFound):
        resolve("wine", wanted, released(1, 1))


@pytest.mark.parametrize("wanted", ["1", "latest", "production"])
def test_of_a_model_without_versions_nothing_is_found(wanted: str) -> None:
    with pytest.raises(NotFound):
        resolve("wine", wanted, MemoryBucket())


def test_the_latest_is_the_newest_that_is_not_retired() -> None:
    artifacts = released(3, 1)
    retire("wine", 3, artifacts, ANNA)
    assert resolve("wine", "latest", artifacts) == 2
    assert resolve("wine", "3", artifacts) == 3
    rest = released(1)
    retire("wine", 1, rest, ANNA)
    with pytest.raises(NotFound, match="retired"):
        resolve("wine", "latest", rest)
