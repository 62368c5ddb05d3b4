"""`gyre model promote`, `rollback`, `approve` …: what moves a release, and what is said of it."""

import re

import pytest

from gyre.errors import Unavailable
from gyre.registry.moves import Mover, promote
from gyre.registry.releases import pointer
from tests.unit.cli.stack import RUN, SPEC, Stack

Out = pytest.CaptureFixture[str]
MOMENT = r"20\d\d-\d\d-\d\d \d\d:\d\d"


@pytest.fixture
def wine(stack: Stack) -> Stack:
    """Three versions, none of which serves."""
    stack.client().declare(SPEC)
    for version in (1, 2, 3):
        stack.register(version)
    return stack


def said(stack: Stack, capsys: Out, *arguments: str, status: int = 0) -> str:
    """What a command prints, the moment of it left out."""
    assert stack.call("model", *arguments) == status
    out, errors = capsys.readouterr()
    return re.sub(MOMENT, "NOW", errors if status else out)


def serves(stack: Stack) -> int | None:
    return pointer("wine", stack.house.artifacts).version("production")


def test_promote_and_roll_back(wine: Stack, capsys: Out) -> None:
    first = said(wine, capsys, "promote", "wine", "1")
    assert first == "wine: version 1 is production (admin-1, NOW UTC)\n"
    second = said(wine, capsys, "promote", "wine", "latest", "--comment", "the newest")
    assert second == "wine: version 3 is production, before it version 1 (admin-1, NOW UTC)\n"
    assert serves(wine) == 3
    assert pointer("wine", wine.house.artifacts).last.comment == "the newest"
    back = said(wine, capsys, "rollback", "wine", "--comment", "odd answers")
    assert back == "wine: version 1 is production again, before it version 3 (admin-1, NOW UTC)\n"
    assert serves(wine) == 1
    assert pointer("wine", wine.house.artifacts).last.comment == "odd answers"
    assert "There is nothing to roll wine back to" in said(wine, capsys, "rollback", "wine", status=1)
    assert serves(wine) == 1


def test_a_promotion_that_changes_nothing_says_so(wine: Stack, capsys: Out) -> None:
    """The API answers with the last move, which was about another version."""
    said(wine, capsys, "promote", "wine", "1")
    said(wine, capsys, "retire", "wine", "2")
    assert said(wine, capsys, "promote", "wine", "1") == "wine: 1 is production already, nothing moved\n"


def test_a_challenger_comes_and_goes(wine: Stack, capsys: Out) -> None:
    said(wine, capsys, "promote", "wine", "1")
    on_trial = said(wine, capsys, "promote", "wine", "2", "--challenger")
    assert on_trial == "wine: version 2 is challenger (admin-1, NOW UTC)\n"
    assert serves(wine) == 1
    assert said(wine, capsys, "withdraw", "wine") == "wine: version 2 is no longer on trial (admin-1, NOW UTC)\n"
    assert "no challenger to withdraw" in said(wine, capsys, "withdraw", "wine", status=1)
    said(wine, capsys, "promote", "wine", "2", "--challenger")
    said(wine, capsys, "promote", "wine", "challenger")
    assert serves(wine) == 2


def test_a_version_goes_on_trial_with_shares(wine: Stack, capsys: Out) -> None:
    said(wine, capsys, "promote", "wine", "1")
    told = said(wine, capsys, "traffic", "wine", "--challenger", "2", "--share", "0.1", "--shadow", "1")
    gets = "10 % of the rows and 100 % of the calls in the shadow"
    assert told == f"wine: version 2 is on trial and gets {gets} (admin-1, NOW UTC)\n"
    found = pointer("wine", wine.house.artifacts)
    assert found.traffic is not None
    assert (found.version("challenger"), found.traffic.share, found.traffic.shadow, serves(wine)) == (2, 0.1, 1, 1)
    assert "gets 25 % of the rows (" in said(wine, capsys, "traffic", "wine", "--share", "0.25", "--comment", "more")
    shown = said(wine, capsys, "show", "wine")
    assert "challenger  version 2, gets 25 % of the rows\n" in shown
    kept = said(wine, capsys, "history", "wine")
    assert "traffic: 10 % of the rows and 100 % of the calls in the shadow" in kept and "more" in kept
    assert "gets no calls (" in said(wine, capsys, "traffic", "wine", "--share", "0")
    assert "challenger  version 2, gets no calls\n" in said(wine, capsys, "show", "wine")


def test_shares_that_are_so_already_move_nothing(wine: Stack, capsys: Out) -> None:
    said(wine, capsys, "promote", "wine", "1")
    said(wine, capsys, "traffic", "wine", "--challenger", "2", "--share", "0.1")
    said(wine, capsys, "retire", "wine", "3")
    again = said(wine, capsys, "traffic", "wine", "--share", "0.1")
    assert again == "wine: challenger gets that already, nothing moved\n"


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan", "inf", "x", "10%"])
def test_what_is_no_share_is_refused_before_anything_is_sent(wine: Stack, capsys: Out, share: str) -> None:
    with pytest.raises(SystemExit) as caught:
        wine.call("model", "traffic", "wine", f"--share={share}")
    assert caught.value.code == 2 and "is no share" in capsys.readouterr().err
    assert [path for _, path, _ in wine.asked if "traffic" in path] == []


def test_a_retired_version_is_restored(wine: Stack, capsys: Out) -> None:
    assert said(wine, capsys, "retire", "wine", "2") == "wine: version 2 is retired\n"
    assert said(wine, capsys, "retire", "wine", "v2") == "wine: version 2 is retired\n"
    assert "is retired: restore it first" in said(wine, capsys, "promote", "wine", "2", status=1)
    assert said(wine, capsys, "restore", "wine", "2") == "wine: version 2 may serve again (admin-1, NOW UTC)\n"
    assert "is not retired" in said(wine, capsys, "restore", "wine", "2", status=1)
    said(wine, capsys, "promote", "wine", "2")
    assert "Version 2 of wine is champion and production" in said(wine, capsys, "retire", "wine", "2", status=1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["promote", "wine", "9"], "wine has no version 9"),
        (["promote", "wine", "best"], "best"),
        (["promote", "beer", "1"], "beer has no version 1"),
        (["rollback", "wine"], "wine has no release yet"),
        (["withdraw", "wine"], "no challenger to withdraw"),
        (["retire", "wine", "9"], "wine has no version 9"),
        (["traffic", "wine"], "say --share, --shadow or both"),
        (["traffic", "wine", "--share", "0.1"], "wine has no release yet"),
        (["traffic", "wine", "--challenger", "1", "--share", "0.1"], "no production release"),
        (["comparison", "wine"], "wine has no release yet"),
        (["restore", "wine", "1"], "is not retired"),
        (["approve", "wine", "1"], "does not wait for approval"),
        (["mirror", "wine"], "wine has no release yet"),
        (["promote", "wine", "1", "--comment", "x" * 2001], "comment"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_moves_nothing(
    wine: Stack, capsys: Out, arguments: list[str], says: str
) -> None:
    told = said(wine, capsys, *arguments, status=1)
    assert told.startswith("gyre: ") and says in told and told.count("\n") == 1
    assert list(wine.house.artifacts.list("releases/")) == []


def test_somebody_faster_is_named(wine: Stack, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two who promote at once, when the other one is first, then this one hears who it was and moves nothing."""
    bucket = wine.house.artifacts
    write = bucket.write

    def late(key: str, *rest: object, **facts: object) -> object:
        if key.startswith("releases/"):
            monkeypatch.setattr(bucket, "write", write)
            promote("wine", 2, bucket, Mover("ben"))
        return write(key, *rest, **facts)  # type: ignore[arg-type]

    monkeypatch.setattr(bucket, "write", late)
    told = said(wine, capsys, "promote", "wine", "1", status=1)
    assert "Somebody else moved the releases of wine at the same time: ben did it" in told
    assert serves(wine) == 2


# --- approval ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decline", "outcome"), [([], "approved"), (["--decline"], "rejected")])
def test_a_version_that_waits_is_decided(wine: Stack, capsys: Out, decline: list[str], outcome: str) -> None:
    wine.ask(2)
    assert wine.call("model", "approve", "wine", "2", "--comment", "seen", *decline) == 0
    assert capsys.readouterr() == (
        f"wine: version 2 was {outcome} by admin-1\n", f"gyre: gyre run follow {RUN} shows how its run goes on\n",
    )  # fmt: skip
    said_ = {"approved": not decline, "actor": "admin-1", "comment": "seen"}
    assert wine.house.workflow.answers == [("token", said_)]
    assert f"was {outcome} by admin-1" in said(wine, capsys, "approve", "wine", "2", status=1)


def test_the_token_is_never_shown(wine: Stack, capsys: Out) -> None:
    wine.ask(2, token="tok-secret")
    told = wine.client().approve("wine", 2)
    assert "tok-secret" not in str(told)


# --- MLflow -----------------------------------------------------------------------------------------------------------


def test_a_move_is_made_even_where_mlflow_cannot_be_told(wine: Stack, capsys: Out) -> None:
    wine.house.errands.failure = Unavailable("the tasks are away.")
    assert wine.call("model", "promote", "wine", "1") == 0
    out, errors = capsys.readouterr()
    assert "version 1 is production" in out
    assert errors.splitlines() == [
        "gyre: MLflow lags: the tasks are away. POST /models/wine/mirror repeats it.",
        "gyre: gyre model mirror wine does that",
    ]
    assert serves(wine) == 1


def test_the_mirror_is_repaired(wine: Stack, capsys: Out) -> None:
    said(wine, capsys, "promote", "wine", "1")
    assert wine.call("model", "mirror", "wine") == 0
    assert capsys.readouterr() == (
        "wine: MLflow is being told of revision 1\n", "gyre: gyre model show wine says whether it still lags\n",
    )  # fmt: skip
    assert wine.house.errands.sent[-1] == ("mirror", {"run": "mirror-1", "model": "wine"})
