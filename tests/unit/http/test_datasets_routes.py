"""/models/{model}/datasets and /lineage: what became of the data."""

import json
from dataclasses import asdict

import pytest
from httpx import Response

from gyre.datasets.kept_split import KeptSplit, keep_split
from gyre.datasets.report import Report, report_key
from gyre.datasets.report_page import report_page
from gyre.http.routes.datasets import Form
from tests.unit.parts import House, dataset, told


@pytest.fixture
def house() -> House:
    return House()


def get(house: House, path: str) -> Response:
    return house.client("training_trigger").get(f"/models/wine{path}")


def numbers(answer: Response) -> tuple[list[int], int | None]:
    body = answer.json()
    return [each["version"] for each in body["datasets"]], body["before"]


# --- versions ---------------------------------------------------------------------------------------------------------


def test_the_newest_version_comes_first(house: House) -> None:
    for number in (1, 2, 5, 10):  # not every number is one
        house.add_version(number=number)
    house.add_version("beer", 11)
    assert numbers(get(house, "/datasets")) == ([10, 5, 2, 1], None)


def test_they_are_read_page_by_page(house: House) -> None:
    for number in range(1, 6):
        house.add_version(number=number)
    assert numbers(get(house, "/datasets?limit=2")) == ([5, 4], 4)
    assert numbers(get(house, "/datasets?limit=2&before=4")) == ([3, 2], 2)
    assert numbers(get(house, "/datasets?limit=2&before=2")) == ([1], None)
    assert numbers(get(house, "/datasets?before=1")) == ([], None)


@pytest.mark.parametrize(("limit", "before"), [(3, None), (2, 2), (1, 3)])
def test_a_page_that_is_just_full_promises_another_only_if_there_is_one(
    house: House, limit: int, before: int | None
) -> None:
    for number in range(1, 4):
        house.add_version(number=number)
    assert numbers(get(house, f"/datasets?limit={limit}"))[1] == before


def test_what_else_lies_among_the_records_is_no_version(house: House) -> None:
    house.add_version(number=1)
    house.data.put("datasets/wine/versions/", b"")
    house.data.put("datasets/wine/versions/notes.txt", b"mine")
    assert numbers(get(house, "/datasets")) == ([1], None)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=0", "before=-1", "before=x"])
def test_a_query_that_breaks_a_rule_is_422(house: House, query: str) -> None:
    assert told(get(house, f"/datasets?{query}"), 422)["field"] == query.partition("=")[0]


def test_without_data_the_list_is_empty(house: House) -> None:
    assert get(house, "/datasets").json() == {"datasets": [], "before": None}


def test_one_version_tells_where_it_came_from(house: House) -> None:
    made = house.add_version(number=7)
    found = get(house, "/datasets/7").json()
    assert found.pop("report_url") == "/models/wine/datasets/7/report"
    assert found == json.loads(json.dumps(asdict(made)))
    assert (found["upload"], found["rows"]["accepted"]) == ("inbox/wine/7.csv", 10)


@pytest.mark.parametrize("version", ["2", "9" * 30])
@pytest.mark.parametrize("rest", ["", "/report", "/report?form=json"])
def test_an_unknown_version_is_404(house: House, version: str, rest: str) -> None:
    house.add_version(number=1)
    assert told(get(house, f"/datasets/{version}{rest}"), 404)["field"] == "dataset"


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.5", "newest", "%2e%2e"])
def test_what_is_no_number_of_a_version_is_422(house: House, version: str) -> None:
    house.add_version(number=1)
    assert told(get(house, f"/datasets/{version}"), 422)["field"] == "version"


# --- reports ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def reported(house: House) -> Report:
    """Version 1 of wine with the report of its ingest."""
    made = house.add_version()
    report = Report("wine", made.run, "inbox/wine/<script>alert(1)</script>.csv", "accepted", made.at, 1.5, 100)
    house.data.put(report_key("wine", made.run, "json"), report.as_json())
    house.data.put(report_key("wine", made.run, "html"), report_page(report).encode())
    return report


def test_a_report_is_a_page_that_runs_nothing(house: House, reported: Report) -> None:
    answer = get(house, "/datasets/1/report")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert answer.content == report_page(reported).encode()
    assert "<script>alert" not in answer.text


def test_a_report_is_json_on_request(house: House, reported: Report) -> None:
    answer = get(house, "/datasets/1/report?form=json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == reported.as_json()
    assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize("form", ["xml", "HTML", ""])
def test_a_report_has_no_other_form(house: House, reported: Report, form: str) -> None:
    assert told(get(house, f"/datasets/1/report?form={form}"), 422)["field"] == "form"


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_report_that_is_gone_is_404(house: House, form: Form) -> None:
    made = house.add_version()
    error = told(get(house, f"/datasets/1/report?form={form}"), 404)
    assert error["field"] == "run"
    assert made.run in error["message"]


# --- lineage ----------------------------------------------------------------------------------------------------------


def split(version: int, key: str) -> KeptSplit:
    return KeptSplit(
        "wine", version, 1, f"{key}.parquet", "0" * 64, {"train": 7, "test": 2, "reference": 1}, 0, "stratified", 7
    )


def test_lineage_leads_from_the_upload_to_the_splits(house: House) -> None:
    for number in (1, 2):
        house.add_version(number=number)
    for name in ("00000001-b", "00000001-a", "00000002-c", "00000010-d"):
        key = f"datasets/wine/splits/{name}"
        keep_split(f"{key}.json", split(int(name[:8]), key), house.data)
        house.data.put(f"{key}.parquet", b"PAR1")
    found = get(house, "/lineage?dataset=1").json()
    assert found["dataset"] == json.loads(json.dumps(asdict(dataset())))
    assert [each["key"] for each in found["splits"]] == [
        "datasets/wine/splits/00000001-a.parquet",
        "datasets/wine/splits/00000001-b.parquet",
    ]
    assert found["splits"][0]["rows"] == {"train": 7, "test": 2, "reference": 1}
    newest = get(house, "/lineage").json()
    assert (newest["dataset"]["version"], len(newest["splits"])) == (2, 1)


def test_a_version_that_was_never_split_has_no_splits(house: House) -> None:
    house.add_version()
    assert get(house, "/lineage").json()["splits"] == []


def test_without_data_lineage_says_where_to_put_it(house: House) -> None:
    error = told(get(house, "/lineage"), 404)
    assert error["field"] == "model"
    assert "inbox/wine/" in error["message"]


def test_lineage_of_an_unknown_version_is_404(house: House) -> None:
    house.add_version()
    assert told(get(house, "/lineage?dataset=2"), 404)["field"] == "dataset"
    assert told(get(house, "/lineage?dataset=0"), 422)["field"] == "dataset"
