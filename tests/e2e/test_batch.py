"""Whole files on the deployed stack: put into the bucket, followed over HTTP, taken away with their answers."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cli.client import GyreClient
from examples.catalogue import EXAMPLES
from gyre.datasets.batch_file import run_of_batch
from tests.e2e.conftest import Notices, last
from tests.e2e.test_training import bring, declare

pytestmark = pytest.mark.timeout(600)
EXAMPLE = EXAMPLES["obesity"]
ROWS = 25_000


@pytest.fixture(scope="module")
def model(gyre: GyreClient) -> str:
    """A model that serves."""
    made = declare(gyre, "obesity")
    told = bring(gyre, made, "obesity", 1500, 1)
    assert told["status"] == "succeeded", told
    return made


def put(gyre: GyreClient, model: str, name: str, content: bytes) -> str:
    """As anybody with access to the bucket puts a file there; returns the run that it starts."""
    key = f"batch/{model}/in/{name}"
    told = gyre.aws("s3").put_object(Bucket=gyre.record.data_bucket, Key=key, Body=content)
    run = run_of_batch(key, told["VersionId"])
    gyre.until(lambda: gyre.send("GET", f"runs/{run}").status_code == 200, f"{key} starts a run", 60)
    return run


def out(gyre: GyreClient, model: str, name: str) -> bytes:
    key = f"batch/{model}/out/{name}"
    return bytes(gyre.aws("s3").get_object(Bucket=gyre.record.data_bucket, Key=key)["Body"].read())


def people(rows: int, seed: int) -> pd.DataFrame:
    """With some rows that no model can answer."""
    table = EXAMPLE.generate(rows, seed)
    return table.assign(height_m=table["height_m"].where(np.arange(rows) % 500 != 7, 99.0))


def records(gyre: GyreClient, model: str, run: str) -> list[dict[str, Any]]:
    """What the journal holds of a run so far."""
    found = gyre.get("/predictions", model=model, limit=1000)["predictions"]
    events = {each["event_id"] for each in found if each["correlation_id"] == run}
    return [gyre.get(f"/predictions/{each}") for each in sorted(events)]


def test_a_large_file_comes_back_whole_and_in_order(gyre: GyreClient, model: str, tmp_path: Path) -> None:
    """Given a file of three ranges, followed as the command follows it."""
    table = people(ROWS, 11)
    file = tmp_path / "people.csv"
    table.to_csv(file, index=False)
    run = gyre.batch(model, file)
    told = last(gyre, f"/runs/{run}", 300)
    assert told["status"] == "succeeded", told
    assert {step["name"]: step["status"] for step in told["steps"]} == dict.fromkeys(
        ("Plan", "Predict all", "Join"), "succeeded"
    )
    assert told["found"]["predict"] == {
        "ranges": told["found"]["plan"]["ranges"],
        "done": told["found"]["plan"]["ranges"],
    }
    assert told["found"]["plan"]["ranges"] >= 2
    result = gyre.result(run)
    answers = pd.read_csv(io.BytesIO(b"".join(gyre.blocks(result["get_url"]))))
    assert answers["id"].tolist() == table["id"].tolist()
    summary = result["summary"]
    assert (summary["rows"], summary["version"], summary["run"]) == (ROWS, 1, run)
    refused = answers["error"].notna()
    assert summary["refused"]["rows"] == int(refused.sum()) >= ROWS // 500
    assert answers.loc[answers["height_m"] == 99.0, "error"].str.contains("range:height_m").all()
    assert answers.loc[~refused, "prediction"].value_counts().to_dict() == {
        name: count for name, count in summary["classes"].items() if count
    }
    shares = answers.loc[~refused, [name for name in answers if name.startswith("probability_")]]
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)


def test_a_file_is_answered_like_calls_and_stands_in_the_journal(gyre: GyreClient, model: str) -> None:
    """Given rows that are asked both ways."""
    table = EXAMPLE.generate(40, 12)
    run = put(gyre, model, "explain/journal.csv", table.to_csv(index=False).encode())
    told = last(gyre, f"/runs/{run}", 200)
    assert told["status"] == "succeeded", told
    found = list(csv.DictReader(io.StringIO(out(gyre, model, "explain/journal.csv").decode())))
    rows = [
        {"features": {name: _plain(value) for name, value in row.items() if name not in ("id", "level")}}
        for row in table.to_dict("records")
    ]
    answer = gyre.post("inference", {"model": model, "rows": rows, "explain": {"top": 5}, "partial": True})
    same = 0
    for mine, theirs in zip(found, answer["predictions"], strict=True):
        if not mine["error"] and not theirs.get("error"):
            same += 1
            assert mine["prediction"] == theirs["prediction"]
            assert float(mine["confidence"]) == pytest.approx(theirs["confidence"], abs=1e-6)
            named = [each["feature"] for each in json.loads(mine["explanation"])]
            assert named[0] == theirs["explanation"][0]["feature"]
    assert same > 30
    gyre.until(lambda: len(records(gyre, model, run)) == 1, "the journal holds the file", 60)
    (record,) = records(gyre, model, run)
    assert (record["kind"], len(record["rows"]), record["asked"]) == ("batch", 40, "production")


def _plain(value: Any) -> Any:
    """As JSON tells it."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.parquet", "v1/2026-11/a.csv"])
def test_each_format_comes_back_as_it_went(gyre: GyreClient, model: str, name: str) -> None:
    table = EXAMPLE.generate(300, 13)
    if name.endswith(".parquet"):
        sink = io.BytesIO()
        table.to_parquet(sink, index=False)
        content = sink.getvalue()
    elif name.endswith(".gz"):
        content = gzip.compress(table.to_json(orient="records", lines=True).encode())
    else:
        content = table.to_csv(index=False).encode()
    told = last(gyre, f"/runs/{put(gyre, model, name, content)}", 200)
    assert told["status"] == "succeeded", told
    got = out(gyre, model, name)
    if name.endswith(".parquet"):
        ids = pq.read_table(io.BytesIO(got)).column("id").to_pylist()
    elif name.endswith(".gz"):
        ids = [json.loads(line)["id"] for line in gzip.decompress(got).decode().splitlines()]
    else:
        ids = [row["id"] for row in csv.DictReader(io.StringIO(got.decode()))]
    assert ids == table["id"].tolist()
    summary = json.loads(out(gyre, model, f"{name}.summary.json"))
    assert (summary["rows"], summary["version"]) == (300, 1)


def test_a_file_that_cannot_be_predicted_ends_in_a_notice(gyre: GyreClient, model: str, notices: Notices) -> None:
    run = put(gyre, model, "wrong.csv", b"age,gender\n30,female\n")
    assert last(gyre, f"/runs/{run}")["status"] == "failed"
    gyre.until(lambda: notices.about(run) is not None, "the notice of the failure", 60)
    notice = notices.about(run)
    assert notice is not None
    assert (notice["kind"], notice["step"], notice["error"]) == ("batch_failed", "Plan", "Invalid")
    assert "The file lacks" in notice["cause"]
    assert gyre.send("GET", f"runs/{run}/result").status_code == 409


def test_a_file_that_came_before_the_model_is_answered_when_its_run_goes_on(gyre: GyreClient, notices: Notices) -> None:
    """Given a model that is declared and was never trained."""
    model = declare(gyre, "obesity")
    assert gyre.send("POST", f"models/{model}/batch", json={"name": "a.csv"}).status_code == 404
    table = EXAMPLE.generate(50, 14)
    run = put(gyre, model, "early.csv", table.to_csv(index=False).encode())
    assert last(gyre, f"/runs/{run}")["status"] == "failed"
    gyre.until(lambda: notices.about(run) is not None, "the notice of the failure", 60)
    assert "has no release yet" in (notices.about(run) or {})["cause"]
    assert bring(gyre, model, "obesity", 1500, 1)["status"] == "succeeded"
    attempt = gyre.resume(run)["attempt"]
    *_, told = gyre.follow(f"/runs/{run}", 200, attempt=attempt)
    assert (told["status"], told["attempt"]) == ("succeeded", 2), told
    assert len(out(gyre, model, "early.csv").splitlines()) == 51


def test_a_signed_address_needs_no_key_and_ends_at_its_object(gyre: GyreClient, model: str) -> None:
    made = gyre.post(f"models/{model}/batch", {"name": "signed.csv"})
    other = made["put_url"].replace("signed.csv", "other.csv")
    with httpx.Client(timeout=30, trust_env=False) as bare:
        content = EXAMPLE.generate(5, 15).to_csv(index=False).encode()
        came = bare.put(made["put_url"], content=content)
        assert came.status_code == 200
        if gyre.record.endpoint_url is None:  # the emulator checks no signature
            assert bare.put(other, content=content).status_code == 403
    run = run_of_batch(made["file"], came.headers["x-amz-version-id"])
    gyre.until(lambda: gyre.send("GET", f"runs/{run}").status_code == 200, "the file starts a run", 60)
    assert last(gyre, f"/runs/{run}", 200)["status"] == "succeeded"
