"""/models/{model}/versions and the moves of releases."""

import json
from typing import Any

import pytest
from httpx import Response

from gyre.errors import NotFound, TooManyRequests, Unavailable
from gyre.http.routes import releases, versions
from gyre.registry.approval import ask, pending
from gyre.registry.gates import Judgement, Verdict, keep_judgement
from gyre.registry.mirror import mirror
from gyre.registry.moves import promote
from gyre.registry.releases import history, pointer, pointer_key
from gyre.registry.version import model_version
from gyre.run_folder import RunFolder
from gyre.workflow import RunStatus
from tests.fakes.tracking import MemoryTracking
from tests.unit.parts import House, caller, told
from tests.unit.registry.house import ANNA, Meddled, registered, released

PASSED = Verdict("baseline", "f1_macro", 0.8, "above 0.2", True, "f1_macro is above")
FAILED = Verdict("metrics", "f1_macro", 0.8, "at least 0.9", False, "f1_macro is 0.8, below 0.9")


@pytest.fixture
def house() -> House:
    """Three versions; the second serves, the first did before."""
    return House(artifacts=released(3, 1, 2))


def get(house: House, path: str) -> Response:
    return house.client("training_trigger").get(f"/models/wine{path}")


def post(house: House, path: str, body: Any = None) -> Response:
    return house.client("training_trigger").post(f"/models/wine{path}", json=body)


def folder(house: House, version: int) -> RunFolder:
    return RunFolder(house.artifacts, "wine", model_version("wine", version, house.artifacts).run)


def serves(house: House) -> int | None:
    return pointer("wine", house.artifacts).version("production")


# --- versions ---------------------------------------------------------------------------------------------------------


def test_versions_are_told_newest_first_with_where_they_stand(house: House) -> None:
    keep_judgement(Judgement((PASSED, FAILED)), folder(house, 3))
    keep_judgement(Judgement((PASSED,)), folder(house, 2))
    answer = get(house, "/versions").json()
    assert [(each["version"], each["aliases"], each["retired"], each["gates"]) for each in answer["versions"]] == [
        (3, [], False, "failed"), (2, ["production", "champion"], False, "passed"), (1, [], False, None),
    ]  # fmt: skip
    assert answer["before"] is None
    first = answer["versions"][0]
    assert (first["run"], first["metric"], first["value"], first["dataset"]) == ("train-3", "f1_macro", 0.8, 3)


def test_versions_are_told_page_by_page_each_once() -> None:
    house, seen, before = House(artifacts=released(7)), [], ""
    while True:
        page = get(house, f"/versions?limit=3{before}").json()
        seen += [each["version"] for each in page["versions"]]
        if page["before"] is None:
            break
        before = f"&before={page['before']}"
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_page_that_ends_with_the_last_version_leads_nowhere() -> None:
    house = House(artifacts=released(3))
    assert get(house, "/versions?limit=3").json()["before"] is None
    assert get(house, "/versions?before=1").json() == {"versions": [], "before": None}
    assert get(house, f"/versions?before={10**30}").json()["versions"] != []


def test_a_model_without_versions_has_none() -> None:
    assert get(House(), "/versions").json() == {"versions": [], "before": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "before=0", "before=-1"])
def test_what_is_no_page_is_422(house: House, query: str) -> None:
    assert told(get(house, f"/versions?{query}"), 422)["field"] == query.partition("=")[0]


def test_a_version_is_told_whole(house: House) -> None:
    keep_judgement(Judgement((PASSED, FAILED)), folder(house, 3))
    for name in ("roc.svg", "confusion_matrix.png"):
        folder(house, 3).write(f"plots/{name}", b"x")
    house.workflow.start("train-3", {})
    ask("wine", 3, "train-3", "token-3", house.artifacts, against=2)
    answer = get(house, "/versions/3")
    found = answer.json()
    assert (found["version"], found["parameters"], found["gates"]) == (3, {"max_iter": 100}, "failed")
    assert [each["because"] for each in found["judgement"]["verdicts"]] == [PASSED.because, FAILED.because]
    assert (found["waits_for_approval"], found["plots"]) == (True, ["roc.svg"])
    assert "token-3" not in answer.text
    bare = get(house, "/versions/1").json()
    assert (bare["judgement"], bare["gates"], bare["waits_for_approval"], bare["plots"]) == (None, None, False, [])


@pytest.mark.parametrize("rest", ["", "/card", "/card?form=json", "/evaluation", "/plots/roc.svg"])
@pytest.mark.parametrize("version", [4, 10**9, 10**30])
def test_a_version_that_nobody_made_is_404(house: House, version: int, rest: str) -> None:
    error = told(get(house, f"/versions/{version}{rest}"), 404)
    assert error["field"] == "version"
    assert "GET /models/wine/versions" in error["message"]


@pytest.mark.parametrize("rest", ["", "/card", "/evaluation", "/plots/roc.svg"])
@pytest.mark.parametrize("version", ["0", "-1", "x", "1.5", "latest", "%00", "1" * 5_000])
def test_what_is_no_number_of_a_version_is_422(house: House, version: str, rest: str) -> None:
    assert told(get(house, f"/versions/{version}{rest}"), 422)["field"] == "version"


@pytest.mark.parametrize(
    ("rest", "what"),
    [
        ("/card", "model card"),
        ("/card?form=json", "model card"),
        ("/evaluation", "evaluation"),
        ("/plots/a.svg", "a.svg"),
    ],
)
def test_what_a_run_has_not_made_yet_is_404_in_words(house: House, rest: str, what: str) -> None:
    error = told(get(house, f"/versions/1{rest}"), 404)
    assert error["code"] == "not_found"
    assert "ersion 1 of wine" in error["message"] and what in error["message"]
    assert "/runs/train-1" in error["message"]


def test_the_card_is_a_page_that_runs_nothing_or_json(house: House) -> None:
    folder(house, 2).write("card.html", b"<!doctype html><img src='data:image/png;base64,AA=='>")
    folder(house, 2).write("card.json", b'{"model": "wine"}')
    page = get(house, "/versions/2/card")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert get(house, "/versions/2/card?form=json").json() == {"model": "wine"}
    assert told(get(house, "/versions/2/card?form=pdf"), 422)["field"] == "form"


def test_the_evaluation_comes_with_the_fairness_if_there_is_any(house: House) -> None:
    folder(house, 2).write_json("evaluation.json", {"rows": 200})
    assert get(house, "/versions/2/evaluation").json() == {"rows": 200, "fairness": None}
    folder(house, 2).write_json("fairness.json", {"after": {}})
    assert get(house, "/versions/2/evaluation").json() == {"rows": 200, "fairness": {"after": {}}}


def test_a_picture_comes_as_it_was_drawn_and_runs_nothing(house: House) -> None:
    content = "<svg>süß</svg>".encode()
    folder(house, 2).write("plots/roc.svg", content)
    answer = get(house, "/versions/2/plots/roc.svg")
    assert (answer.content, answer.headers["content-type"]) == (content, "image/svg+xml")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "name",
    [
        "../evaluation.json", "..%2Fevaluation.json", "%2e%2e%2fevaluation.json", "..%5Croc.svg", "%2e%2e", "roc",
        "roc.", ".svg", "roc.svg%0A", "roc.svg%00", "roc.svg.html", "roc.png", "roc.html", "a/roc.svg", "Roc.svg",
        "r%C3%B6c.svg", "roc.SVG", "%20roc.svg", "a" * 81 + ".svg", "%252e%252e.svg",
    ],
)  # fmt: skip
def test_a_hostile_name_of_a_picture_reads_nothing(house: House, name: str) -> None:
    """Given that all these files are there."""
    for key in (
        "evaluation.json",
        "plots/../evaluation.json",
        "plots/roc.html",
        "plots/roc",
        "plots/roc.png",
        "plots/a/roc.svg",
    ):
        folder(house, 2).write(key, b'{"secret": 1}')
    answer = get(house, f"/versions/2/plots/{name}")
    assert answer.status_code in (404, 422)
    assert "secret" not in answer.text
    told(answer, answer.status_code)


# --- what serves ------------------------------------------------------------------------------------------------------


def test_the_release_tells_whether_mlflow_knows(house: House) -> None:
    assert get(house, "/release").json()["mirrored"] is False
    mirror("wine", _tracking(house), house.artifacts)
    found = get(house, "/release").json()
    assert (found["mirrored"], found["revision"]) == (True, 2)
    assert {alias: each["version"] for alias, each in found["aliases"].items()} == {"production": 2, "champion": 2}
    post(house, "/promote", {"version": 3})
    assert get(house, "/release").json()["mirrored"] is False


def test_without_a_release_it_says_how_to_make_one() -> None:
    for rest in ("/release",):
        error = told(get(House(artifacts=released(1)), rest), 404)
        assert "POST /models/wine/promote" in error["message"]


def test_a_pointer_that_cannot_be_read_is_503(house: House) -> None:
    house.artifacts.put(pointer_key("wine"), b"{")
    for rest in ("/release", "/history", "/versions"):
        assert told(get(house, rest), 503)["code"] == "unavailable"
    for path, body in (("/promote", {"version": 1}), ("/rollback", None), ("/mirror", None), ("/withdraw", None),
                       ("/traffic", {"challenger": 1, "share": 0.1})):  # fmt: skip
        assert told(post(house, path, body), 503)["code"] == "unavailable"


def test_the_history_is_told_newest_first_with_who_and_why(house: House) -> None:
    post(house, "/rollback", {"comment": "it was wrong — ✗"})
    moves = get(house, "/history").json()["moves"]
    assert [(each["action"], each["version"], each["actor"]) for each in moves] == [
        ("rollback", 1, "admin-1"), ("promote", 2, "anna"), ("promote", 1, "anna"),
    ]  # fmt: skip
    assert moves[0]["comment"] == "it was wrong — ✗"
    assert len(get(house, "/history?limit=1").json()["moves"]) == 1
    assert get(House(), "/history").json() == {"moves": []}


# --- moves ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [3, "3", "v3", "latest", " V3 "])
def test_a_version_is_promoted_and_mlflow_told(house: House, version: int | str) -> None:
    answer = post(house, "/promote", {"version": version, "comment": "better"})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["model"], found["action"], found["version"], found["before"]) == ("wine", "promote", 3, 2)
    assert (found["actor"], found["comment"], found["mirror"]) == ("admin-1", "better", "sent")
    assert serves(house) == 3
    assert [(task, told_["model"]) for task, told_ in house.errands.sent] == [("mirror", "wine")]


def test_a_promotion_told_again_moves_nothing(house: House) -> None:
    first, second = (post(house, "/promote", {"version": 3}).json() for _ in range(2))
    assert first == second
    assert pointer("wine", house.artifacts).revision == 3


def test_of_two_promotions_at_once_one_is_409() -> None:
    """Given somebody who is faster by a moment."""
    artifacts = Meddled()
    for version in (1, 2):
        registered("wine", version, artifacts)
    house = House(artifacts=artifacts)
    artifacts.before(pointer_key("wine"), lambda: _promoted(artifacts))
    error = told(post(house, "/promote", {"version": 2}), 409)
    assert error["code"] == "conflict" and "anna" in error["message"]
    assert [each.version for each in history("wine", artifacts)] == [1]
    assert house.errands.sent == []  # nothing moved by us, so nothing to tell


@pytest.mark.parametrize("version", [4, "v4", "0", 10**8])
def test_a_version_that_nobody_made_is_not_promoted(house: House, version: int | str) -> None:
    assert told(post(house, "/promote", {"version": version}), 404)["field"] == "version"
    assert (serves(house), house.errands.sent) == (2, [])


@pytest.mark.parametrize(
    "body",
    [
        None, {}, [], "3", {"version": None}, {"version": True}, {"version": 1.5}, {"version": [1]}, {"version": ""},
        {"version": "newest"}, {"version": -1}, {"version": "../1"}, {"version": "\uff11"}, {"version": 10**30},
        {"version": 3, "alias": "champion"}, {"version": 3, "alias": "x"}, {"version": 3, "more": 1},
        {"version": 3, "comment": "x" * 2_001}, {"version": 3, "comment": 1},
    ],
)  # fmt: skip
def test_what_is_no_promotion_is_422(house: House, body: Any) -> None:
    assert told(post(house, "/promote", body), 422)["code"] == "invalid"
    assert (serves(house), house.errands.sent) == (2, [])


def test_a_body_that_is_no_json_is_422(house: House) -> None:
    client = house.client("training_trigger")
    for path in ("promote", "rollback", "versions/1/approve"):
        answer = client.post(f"/models/wine/{path}", content=b"{", headers={"content-type": "application/json"})
        assert told(answer, 422)["code"] == "invalid"


def test_a_bundle_that_is_not_whole_is_not_promoted(house: House) -> None:
    bundle = model_version("wine", 3, house.artifacts).bundle
    del house.artifacts._versions[f"{bundle.key}model.onnx"]
    error = told(post(house, "/promote", {"version": 3}), 422)
    assert error["field"] == "version" and "model.onnx" in error["message"]
    assert serves(house) == 2


def test_a_challenger_is_put_on_trial_promoted_or_taken_off(house: House) -> None:
    assert post(house, "/promote", {"version": 3, "alias": "challenger"}).json()["alias"] == "challenger"
    assert serves(house) == 2
    assert post(house, "/withdraw").json()["action"] == "withdraw"
    assert told(post(house, "/withdraw"), 409)["field"] == "alias"
    assert told(post(house, "/promote", {"version": "challenger"}), 404)["field"] == "version"
    post(house, "/promote", {"version": 3, "alias": "challenger"})
    assert post(house, "/promote", {"version": "challenger"}).json()["version"] == 3
    assert pointer("wine", house.artifacts).version("challenger") is None


# --- traffic ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [3, "3", "v3", "latest"])
def test_a_version_goes_on_trial_with_its_shares(house: House, version: int | str) -> None:
    found = post(house, "/traffic", {"challenger": version, "share": 0.1, "shadow": True, "comment": "try it"}).json()
    assert (found["action"], found["alias"], found["version"], found["share"], found["shadow"]) == (
        "traffic", "challenger", 3, 0.1, 1.0,
    )  # fmt: skip
    assert (found["actor"], found["comment"], found["mirror"]) == ("admin-1", "try it", "sent")
    release = get(house, "/release").json()
    assert (release["traffic"]["share"], release["aliases"]["challenger"]["version"], serves(house)) == (0.1, 3, 2)
    assert [task for task, _ in house.errands.sent] == ["mirror"]


def test_the_shares_of_what_is_on_trial_are_changed_and_taken_back(house: House) -> None:
    assert told(post(house, "/traffic", {"share": 0.5}), 404)["field"] == "version"
    post(house, "/promote", {"version": 3, "alias": "challenger"})
    bodies = ({"share": 0.5}, {"share": 1}, {"shadow": 0.25})
    assert [post(house, "/traffic", body).json()["share"] for body in bodies] == [0.5, 1, 0]
    assert post(house, "/traffic", {"shadow": False}).json()["shadow"] == 0
    assert "traffic" not in get(house, "/release").json()
    assert pointer("wine", house.artifacts).version("challenger") == 3
    moves = [(each["action"], each.get("share"), each.get("shadow")) for each in get(house, "/history").json()["moves"]]
    assert moves[:4] == [("traffic", 0, 0), ("traffic", 0, 0.25), ("traffic", 1, 0), ("traffic", 0.5, 0)]


def test_the_same_shares_are_answered_and_no_move(house: House) -> None:
    body = {"challenger": 3, "share": 0.1, "shadow": 1}
    first, second = post(house, "/traffic", body).json(), post(house, "/traffic", body).json()
    assert first["revision"] == second["revision"] == 3


@pytest.mark.parametrize(
    "body",
    [
        None, {}, [], {"challenger": 3}, {"challenger": 3, "share": None}, {"challenger": 3, "share": -0.1},
        {"challenger": 3, "share": 1.1}, {"challenger": 3, "share": "0.1"}, {"challenger": 3, "share": True},
        {"challenger": 3, "shadow": "yes"}, {"challenger": 3, "shadow": 2}, {"challenger": None, "share": 0.1},
        {"challenger": True, "share": 0.1}, {"challenger": "x", "share": 0.1}, {"challenger": 3, "share": [0.1]},
        {"challenger": 3, "share": 0.1, "more": 1}, {"challenger": 3, "share": 0.1, "comment": "x" * 2_001},
    ],
)  # fmt: skip
def test_what_is_no_traffic_is_422(house: House, body: Any) -> None:
    assert told(post(house, "/traffic", body), 422)["code"] == "invalid"
    assert (pointer("wine", house.artifacts).revision, house.errands.sent) == (2, [])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_what_is_no_number_is_no_share(house: House, number: str) -> None:
    content = f'{{"challenger": 3, "share": {number}}}'
    headers = {"content-type": "application/json"}
    answer = house.client("training_trigger").post("/models/wine/traffic", content=content, headers=headers)
    assert told(answer, 422)["code"] == "invalid"
    assert pointer("wine", house.artifacts).traffic is None


def test_production_is_not_on_trial(house: House) -> None:
    assert "production already" in told(post(house, "/traffic", {"challenger": 2, "share": 0.1}), 409)["message"]
    assert told(post(house, "/traffic", {"challenger": 9, "share": 0.1}), 404)["field"] == "version"
    post(house, "/versions/1/retire")
    assert told(post(house, "/traffic", {"challenger": 1, "share": 0.1}), 409)["field"] == "version"
    never = House(artifacts=released(1))
    assert "no production" in told(post(never, "/traffic", {"challenger": 1, "share": 0.1}), 409)["message"]


def test_versions_tell_what_they_get(house: House) -> None:
    post(house, "/traffic", {"challenger": 3, "share": 0.1})
    assert [each["traffic"] for each in get(house, "/versions").json()["versions"]] == [
        {"share": 0.1, "shadow": 0}, None, None,
    ]  # fmt: skip
    assert get(house, "/versions/3").json()["traffic"] == {"share": 0.1, "shadow": 0}
    post(house, "/withdraw")
    assert get(house, "/versions/3").json()["traffic"] is None


# --- back -------------------------------------------------------------------------------------------------------------


def test_rolled_back_as_often_as_there_is_something_before(house: House) -> None:
    post(house, "/promote", {"version": 3})
    assert [post(house, "/rollback").json()["version"] for _ in range(2)] == [2, 1]
    assert told(post(house, "/rollback"), 409)["field"] == "model"
    assert (serves(house), len(house.errands.sent)) == (1, 3)


def test_a_rollback_that_is_sent_again_goes_no_further(house: House) -> None:
    post(house, "/promote", {"version": 3})
    assert post(house, "/rollback", {"expected": 3}).json()["version"] == 2
    assert "judge" in told(post(house, "/rollback", {"expected": 3}), 409)["message"]
    assert serves(house) == 2


def test_what_was_never_released_is_not_rolled_back() -> None:
    assert told(post(House(artifacts=released(1)), "/rollback"), 404)["field"] == "model"
    assert told(post(House(), "/withdraw"), 409)["code"] == "conflict"


def test_what_serves_is_not_retired(house: House) -> None:
    error = told(post(house, "/versions/2/retire"), 409)
    assert "production" in error["message"]
    assert told(post(house, "/versions/9/retire"), 404)["field"] == "version"
    assert house.errands.sent == []


def test_what_is_retired_serves_no_more_until_it_is_restored(house: House) -> None:
    assert post(house, "/versions/1/retire", {"comment": "unfair"}).json()["action"] == "retire"
    assert get(house, "/versions/1").json()["retired"] is True
    assert told(post(house, "/promote", {"version": 1}), 409)["field"] == "version"
    assert "retired" in told(post(house, "/rollback"), 409)["message"]
    assert post(house, "/versions/1/restore").json()["action"] == "restore"
    assert told(post(house, "/versions/1/restore"), 409)["field"] == "version"
    assert post(house, "/rollback").json()["version"] == 1


def test_comments_that_hold_half_a_character_are_kept_all_the_same(house: House) -> None:
    content = b'{"version": 3, "comment": "\\ud83d"}'
    client = house.client("training_trigger")
    answer = client.post("/models/wine/promote", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 422)
    assert get(house, "/history").status_code == 200


# --- MLflow -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [Unavailable("Lambda is away."), TooManyRequests("slow"), NotFound("no function")])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/promote", {"version": 3}),
        ("/rollback", None),
        ("/versions/1/retire", None),
        ("/versions/3/retire", None),
        ("/traffic", {"challenger": 3, "shadow": 1}),
    ],
)
def test_a_move_is_made_although_nobody_tells_mlflow(house: House, failure: Any, path: str, body: Any) -> None:
    house.errands.failure = failure
    answer = post(house, path, body)
    assert answer.status_code == 200
    assert answer.json()["mirror"].startswith("lags: ")
    assert failure.message in answer.json()["mirror"] and "POST /models/wine/mirror" in answer.json()["mirror"]
    assert pointer("wine", house.artifacts).revision == 3
    house.errands.failure = None
    again = post(house, "/mirror")
    assert (again.status_code, again.json()) == (202, {"model": "wine", "revision": 3, "mirror": "sent"})
    assert [task for task, _ in house.errands.sent] == ["mirror"]


def test_a_repair_that_cannot_be_sent_is_an_error(house: House) -> None:
    house.errands.failure = Unavailable("Lambda is away.")
    assert told(post(house, "/mirror"), 503)["code"] == "unavailable"
    assert told(post(House(artifacts=released(1)), "/mirror"), 404)["field"] == "model"


# --- approval ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(house: House) -> House:
    """The run of version 3 waits."""
    house.workflow.start("train-3", {})
    ask("wine", 3, "train-3", "token-3", house.artifacts, against=2)
    house.workflow.waiting.add("token-3")
    return house


@pytest.mark.parametrize("status", ["succeeded", "failed", "timed_out", "stopped"])
def test_a_run_that_ended_waits_no_longer(asked: House, status: RunStatus) -> None:
    """A week is over, or somebody stopped it: nothing is written down as decided that nobody heard."""
    asked.workflow.end("train-3", status)
    assert get(asked, "/versions/3").json()["waits_for_approval"] is False
    assert "no longer waits" in told(post(asked, "/versions/3/approve"), 409)["message"]
    assert asked.workflow.answers == []
    assert pending("wine", 3, asked.artifacts).decided is None


@pytest.mark.parametrize(
    ("body", "approved", "comment"),
    [
        (None, True, ""), ({}, True, ""), ({"approved": True, "comment": "good"}, True, "good"),
        ({"approved": False, "comment": "too soon"}, False, "too soon"),
    ],
)  # fmt: skip
def test_the_run_hears_what_a_person_says(asked: House, body: Any, approved: bool, comment: str) -> None:
    answer = post(asked, "/versions/3/approve", body)
    assert answer.status_code == 200
    assert asked.workflow.answers == [("token-3", {"approved": approved, "actor": "admin-1", "comment": comment})]
    found = answer.json()
    assert (found["decided"]["outcome"], found["decided"]["heard"]) == ("approved" if approved else "rejected", True)
    assert found["status_url"] == "/runs/train-3"
    assert "token" not in answer.text
    assert serves(asked) == 2  # the run promotes, after it has heard
    assert get(asked, "/versions/3").json()["waits_for_approval"] is False


def test_a_person_decides_once(asked: House) -> None:
    post(asked, "/versions/3/approve", {"approved": False, "comment": "too soon"})
    for body in ({"approved": True}, {"approved": False}):
        error = told(post(asked, "/versions/3/approve", body), 409)
        assert "admin-1" in error["message"] and "too soon" in error["message"]
    assert len(asked.workflow.answers) == 1


def test_what_does_not_wait_is_not_approved(house: House) -> None:
    assert told(post(house, "/versions/1/approve"), 404)["field"] == "version"
    assert told(post(house, "/versions/99/approve"), 404)["field"] == "version"
    assert house.workflow.answers == []


def test_a_run_that_waits_no_longer_is_409_and_releases_nothing(asked: House) -> None:
    asked.workflow.waiting.clear()
    error = told(post(asked, "/versions/3/approve"), 409)
    assert "waits no longer" in error["message"]
    assert serves(asked) == 2


def test_who_decided_says_it_again_if_telling_the_run_failed(asked: House) -> None:
    """Given Step Functions that does not answer the first time."""
    answering = asked.workflow.answer

    def away(token: str, told: Any) -> None:
        raise Unavailable("Step Functions is away.")

    asked.workflow.answer = away  # type: ignore[method-assign]
    told(post(asked, "/versions/3/approve"), 503)
    asked.workflow.answer = answering  # type: ignore[method-assign]
    assert told(post(asked, "/versions/3/approve", {"approved": False}), 409)["field"] == "version"
    assert post(asked, "/versions/3/approve").json()["decided"]["heard"] is True
    assert [told_["approved"] for _, told_ in asked.workflow.answers] == [True]


@pytest.mark.parametrize("body", [{"approved": "maybe"}, {"approved": None}, {"more": 1}, [], {"comment": "x" * 2_001}])
def test_what_is_no_answer_of_a_person_is_422(asked: House, body: Any) -> None:
    assert told(post(asked, "/versions/3/approve", body), 422)["code"] == "invalid"
    assert asked.workflow.answers == []


# --- who may ----------------------------------------------------------------------------------------------------------


def test_no_route_answers_without_an_admins_key(house: House) -> None:
    routers = [versions.router(house.artifacts, house.workflow), releases.router(house.artifacts, house.errands)]
    before = json.dumps({each.key: each.size for each in house.artifacts.list("")})
    for secret, status in ((None, 401), ("gyre_wrong", 401), (house.add_key("train"), 403)):
        client = caller(house.app(*routers), secret)
        for route in (route for router in routers for route in router.routes):
            path = route.path.format(model="wine", version="3", name="roc.svg")  # type: ignore[attr-defined]
            for method in route.methods:  # type: ignore[attr-defined]
                assert client.request(method, path, json={"version": 3}).status_code == status, (method, path)
    house.artifacts._versions.pop("access/keys.json")
    assert json.dumps({each.key: each.size for each in house.artifacts.list("")}) == before


def _tracking(house: House) -> MemoryTracking:
    """An MLflow that numbered the versions of the house."""
    from tests.unit.registry.test_mirror import tracked

    return tracked("wine", 3)


def _promoted(artifacts: Meddled) -> None:
    """The first version, by somebody else."""
    promote("wine", 1, artifacts, ANNA)
