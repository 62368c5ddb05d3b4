"""docs/serving.md says what the code does."""

import json
import re
from datetime import timedelta

from gyre.aws.queue import MOST_BYTES as MESSAGE
from gyre.http.access import FRESH_SECONDS
from gyre.http.answering import MOST_BYTES
from gyre.http.errors import STATUS
from gyre.http.routes.inference import InferenceIn
from gyre.journal.cost import cost
from gyre.journal.metrics import metrics_of
from gyre.journal.record import JournalRecord
from gyre.serving.question import MOST_ROWS
from gyre.serving.shelf import OVERDUE
from gyre.spec.policy import Release
from tests.fakes.objects import EPOCH
from tests.infra.facts import ROOT
from tests.unit.serving.house import ROW, Serve

PAGE = (ROOT / "docs/serving.md").read_text()


def table(heading: str) -> list[str]:
    """The first cells of the table below a heading."""
    part = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip() for line in part.splitlines() if line.startswith("| ")][2:]


def test_the_call_it_shows_can_be_sent() -> None:
    (body,) = re.findall(r"-d '(\{.*?\n\})'", PAGE, re.DOTALL)
    asked = InferenceIn.model_validate_json(body)
    fields = [cell.strip("`").replace("rows[].", "") for cell in table("A call")]
    assert set(fields) == {*InferenceIn.model_fields, "id", "features"} - {"rows"}
    assert asked.explain


def test_the_answer_it_shows_is_one() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    serve = Serve()
    serve.promote(1)
    told, answer = json.loads(shown), serve.ask(ROW, explain=True).json()
    assert told.keys() == answer.keys()
    assert told["predictions"][0].keys() == answer["predictions"][0].keys()
    assert told["predictions"][0]["explanation"][0].keys() == answer["predictions"][0]["explanation"][0].keys()


def test_its_statuses_are_those_of_our_errors() -> None:
    told = {int(each) for cell in table("Rows are checked as uploads are") for each in cell.split(",")}
    assert told <= set(STATUS.values())
    assert told >= {401, 404, 409, 413, 415, 422, 503}


def test_its_parts_are_those_of_the_header() -> None:
    serve = Serve()
    serve.promote(1)
    client = serve.client()
    parts: set[str] = set()
    for path in ("/predict/m", "/predict/m?top=3"):
        parts |= {each.split(";")[0] for each in client.post(path, json=ROW).headers["server-timing"].split(", ")}
    assert {name.strip("` ") for cell in table("Times") for name in cell.split(",")} == parts


def test_its_limits_are_those_of_the_code() -> None:
    assert f"more than {MOST_BYTES:,} bytes" in PAGE and f"more than {MOST_ROWS:,} rows" in PAGE
    assert f"above {MESSAGE:,} bytes" in PAGE
    assert f"`release.cache_seconds` ({Release().cache_seconds:g})" in PAGE and OVERDUE == 4 and "four times" in PAGE
    assert timedelta(seconds=FRESH_SECONDS) == timedelta(seconds=10) and "every ten seconds" in PAGE


def test_its_metrics_are_those_that_are_told() -> None:
    record = JournalRecord(
        event_id="event-0001", model="m", at=EPOCH, status=200, duration_ms=1, caller="a", correlation_id="c",
        times={"load": 1, "predict": 1, "explain": 1}, memory_mb=1769,
    )  # fmt: skip
    assert cost(record)
    told = {each.name for each in metrics_of([record], EPOCH)}
    part = PAGE.partition("CloudWatch (namespace")[2].partition("by model")[0]
    assert set(re.findall(r"`([A-Z][A-Za-z]+)`", part)) - {"Gyre"} == told
