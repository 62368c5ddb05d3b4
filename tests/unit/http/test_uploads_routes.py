"""/models/{model}/uploads: files that come as a body, to a signed address, or from elsewhere."""

import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Response

from gyre.datasets.receive import MOST_BYTES
from gyre.http.lambda_entry import Handler, http_handler
from gyre.training.start import run_of_upload
from tests.unit.parts import NOT_WISHED, House, proxy_event, told

BYTES = bytes(range(256)) * 4
# Names that are none of ours, as they stand in a path.
NO_NAMES = [
    "..", "../x.csv", "..%2Fx.csv", "%2e%2e%2fx.csv", "%252e%252e%252fx.csv", "..%5Cx.csv", "/x.csv", "a/b.csv",
    "a%2Fb.csv", "a%5Cb.csv", ".csv", ".hidden.csv", "-x.csv", "%20x.csv", "a%00.csv", "a%0A.csv", "a%0D%0A.csv",
    "a.csv%0A", "a%7F.csv", "%C3%BC.csv", "a%E2%80%AE.csv", "a%F0%9F%8D%B7.csv", "a*.csv", "a%3Fb.csv", "a%23b.csv",
    "a&b.csv", "a'b.csv", "a%22b.csv", "<b>.csv", "a" * 300 + ".csv", "a" * 197 + ".csv",
]  # fmt: skip
WRONG_ENDINGS = ["a", "a.", "csv", "a.xlsx", "a.csv.exe", "a.csv.zip", "a.gz", "a.parquet.gz", "a.yaml", "model.yml"]
GOOD_NAMES = [
    "a.csv", "A.CSV", "a.tsv", "a.txt", "a.jsonl", "a.ndjson", "a.parquet", "a.csv.gz", "a.jsonl.gz", "_1 (2)+b-c.csv",
    "a..csv", "a.csv.csv", "a" * 196 + ".csv",
]  # fmt: skip


@pytest.fixture
def house() -> House:
    return House()


def put(house: House, name: str, content: bytes, model: str = "wine") -> Response:
    return house.client("training_trigger").put(f"/models/{model}/uploads/{name}", content=content)


def announce(house: House, model: str = "wine", **body: Any) -> Response:
    return house.client("training_trigger").post(f"/models/{model}/uploads", json=body)


def keys(house: House) -> list[str]:
    return [each.key for each in house.data.list("")]


# --- as the body ------------------------------------------------------------------------------------------------------


def test_a_body_becomes_an_upload_byte_for_byte(house: House) -> None:
    answer = put(house, "a.csv", BYTES)
    assert answer.status_code == 202
    assert keys(house) == [answer.json()["upload"]] == ["inbox/wine/a.csv"]
    assert house.data.read("inbox/wine/a.csv").content == BYTES


def test_it_tells_the_run_that_its_arrival_will_start(house: House) -> None:
    """The bucket's event names the object's version, and so does the run; here is no second way to start it."""
    answers = [put(house, "a.csv", content).json() for content in (b"a\n1\n", b"a\n2\n")]
    runs = [run_of_upload("inbox/wine/a.csv", version) for version in ("v1", "v2")]
    assert [house.data.read("inbox/wine/a.csv", version).content for version in ("v1", "v2")] == [b"a\n1\n", b"a\n2\n"]
    assert [each["run"] for each in answers] == runs
    assert answers[0]["status_url"] == f"/runs/{runs[0]}"
    assert house.workflow.runs == {}


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_names_of_files_that_can_be_read_are_taken(house: House, name: str) -> None:
    assert put(house, quote(name), b"x").json()["upload"] == f"inbox/wine/{name}"
    assert keys(house) == [f"inbox/wine/{name}"]


@pytest.mark.parametrize("name", WRONG_ENDINGS)
def test_an_ending_that_cannot_be_read_is_422_and_names_those_that_can(house: House, name: str) -> None:
    error = told(put(house, name, b"x"), 422)
    assert error["field"] == "name"
    assert ".parquet" in error["message"]
    assert keys(house) == []


def gateway(house: House) -> Handler:
    """As Lambda calls it: no client between that tidies paths."""
    return http_handler(lambda: house.app(*house.routers()["training_trigger"]))


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_name_leads_out_of_the_inbox(house: House, name: str) -> None:
    """Some are another path and 404, the others are no name and 422; what a browser would tidy arrives as it is."""
    event = proxy_event("PUT", f"/models/wine/uploads/{name}", b"x", **{"x-api-key": house.add_key()})
    answer = gateway(house)(event, None)
    assert answer["statusCode"] in (404, 422), answer["body"]
    assert json.loads(answer["body"])["error"]["code"] in ("not_found", "invalid")
    assert keys(house) == []


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_name_in_a_body_leads_out_of_the_inbox(house: House, name: str) -> None:
    error = told(announce(house, name=name), 422)
    assert error["field"] == "name"
    assert len(error["message"]) < 300


@pytest.mark.parametrize("content", [BYTES, gzip.compress(b"a\n1\n"), b"\x00", "ä€\n".encode("cp1252"), b"PAR1"])
def test_binary_files_survive_the_gateway(house: House, content: bytes) -> None:
    headers = {"x-api-key": house.add_key(), "content-type": "application/octet-stream"}
    event = proxy_event("PUT", "/models/wine/uploads/a.csv.gz", content, **headers)
    assert gateway(house)(event, None)["statusCode"] == 202
    assert house.data.read("inbox/wine/a.csv.gz").content == content


def test_text_survives_the_gateway_too(house: House) -> None:
    event = proxy_event("PUT", "/models/wine/uploads/a.csv", "Größe\r\n1 €\r\n", **{"x-api-key": house.add_key()})
    assert gateway(house)(event, None)["statusCode"] == 202
    assert house.data.read("inbox/wine/a.csv").content == "Größe\r\n1 €\r\n".encode()


@pytest.mark.parametrize("content", [b"", None])
def test_nothing_is_no_file(house: House, content: bytes | None) -> None:
    event = proxy_event("PUT", "/models/wine/uploads/a.csv", content, **{"x-api-key": house.add_key()})
    answer = gateway(house)(event, None)
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["error"]["field"] == "body"
    assert keys(house) == []


def test_as_much_as_a_request_carries_is_taken_and_not_a_byte_more(house: House) -> None:
    assert put(house, "a.csv", b"x" * MOST_BYTES).status_code == 202
    error = told(put(house, "b.csv", b"x" * (MOST_BYTES + 1)), 413)
    assert error["code"] == "too_large"
    assert "POST /models/wine/uploads" in error["message"]
    assert keys(house) == ["inbox/wine/a.csv"]


@pytest.mark.parametrize("model", ["Wine", "%2e%2e", "w" * 64, "wine%0A"])
def test_what_is_no_models_name_is_422(house: House, model: str) -> None:
    assert told(put(house, "a.csv", b"x", model), 422)["field"] == "model"
    assert told(announce(house, model, name="a.csv"), 422)["field"] == "model"
    assert keys(house) == []


# --- to a signed address ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_gives_an_address_in_a_folder_of_its_own(house: House, name: str) -> None:
    first, second = (announce(house, name=name) for _ in range(2))
    assert first.status_code == 202
    told_ = first.json()
    inbox, model, folder, file = told_["upload"].split("/")
    assert (inbox, model, file, len(folder)) == ("inbox", "wine", name, 12)
    assert told_["put_url"] == f"memory://{told_['upload']}?for={told_['seconds']}"
    assert 60 <= told_["seconds"] <= 3600
    assert second.json()["upload"] != told_["upload"]
    assert keys(house) == []


@pytest.mark.parametrize("name", WRONG_ENDINGS)
def test_no_address_is_given_for_what_cannot_be_read(house: House, name: str) -> None:
    assert told(announce(house, name=name), 422)["field"] == "name"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"name": None, "url": None}, "url"),
        ({"name": "a.csv", "url": "https://files.example/a.csv"}, "url"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"url": ""}, "url"),
        ({"url": "https://files.example/" + "a" * 2_000 + ".csv"}, "url"),
        ({"name": "a.csv", "more": 1}, "more"),
    ],
)
def test_a_request_says_one_of_name_and_url(house: House, body: dict[str, Any], field: str) -> None:
    assert told(announce(house, **body), 422)["field"] == field
    assert house.workflow.runs == {}


# --- from elsewhere ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://files.example/a.csv", "a.csv"),
        ("http://files.example/folder/b.parquet?token=1#part", "b.parquet"),
        ("https://FILES.Example:8443/a.csv", "a.csv"),
        ("HTTPS://files.example/two%20words.csv", "two words.csv"),
    ],
)
def test_a_file_on_an_allowed_host_is_fetched_by_a_run(house: House, url: str, name: str) -> None:
    answer = announce(house, url=url)
    assert answer.status_code == 202
    run = answer.json()["run"]
    assert answer.json() == {"run": run, "status_url": f"/runs/{run}"}
    assert house.workflow.runs[run].input == {
        "run": run, "model": "wine", "upload": None, "dataset": None, "fetch": {"url": url, "name": name},
        **NOT_WISHED,
    }  # fmt: skip


def test_a_host_that_is_not_allowed_is_told_with_those_that_are(house: House) -> None:
    error = told(announce(house, url="https://elsewhere.example/a.csv"), 422)
    assert error["field"] == "url"
    assert "elsewhere.example" in error["message"]
    assert "allowed: files.example" in error["message"]
    assert house.workflow.runs == {}
