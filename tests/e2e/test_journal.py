"""The journal of the deployed stack: found, asked in SQL, told the truth, kept small, and made to forget a person."""

import io
import json
import uuid
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from deltalake import DeltaTable

from cli.client import GyreClient
from examples.catalogue import EXAMPLES
from gyre.aws.delta import storage_options
from tests.e2e.test_serving import people
from tests.e2e.test_training import declare, last

pytestmark = pytest.mark.timeout(600)  # whatever other tests left in the buckets is read, too
ID = "id: {type: text, required: true, unique: true, length: 40}"


@dataclass
class Person:
    """Somebody whose rows are everywhere."""

    gyre: GyreClient
    model: str
    name: str
    http: httpx.Client
    event: str

    def feedback(self, body: Any) -> Any:
        answer = self.http.post("feedback", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def person(gyre: GyreClient) -> Iterator[Person]:
    """In two uploads, the second with a row that is refused beside; in predictions, and soon in labels and a file."""
    model, name = declare(gyre, "obesity", (ID, ID.replace("}", ", personal: true}"))), f"anna-{uuid.uuid4().hex[:12]}"
    for seed in (1, 2):
        table = EXAMPLES["obesity"].generate(600, seed)
        table.loc[7, "id"] = name
        if seed == 2:
            table.loc[9, ["id", "height_m"]] = [name, 175]
        run = gyre.run_of_upload(*gyre.upload(model, f"{seed}.csv", table.to_csv(index=False).encode()))
        assert last(gyre, f"/runs/{run}", 300)["status"] == "succeeded"
    headers = {"x-api-key": gyre.record.api_key}
    with httpx.Client(base_url=gyre.record.api_url.rstrip("/") + "/", headers=headers, timeout=60) as http:
        rows = [{"id": who, "features": each} for who, each in zip((name, "ben", None), people(3), strict=True)]
        rows[2]["features"] = {**rows[2]["features"], "id": name}
        answer = http.post("inference", json={"model": model, "rows": rows, "explain": {"top": 4}})
        assert answer.status_code == 200, answer.text
        found = Person(gyre, model, name, http, answer.json()["event_id"])
        gyre.until(lambda: http.get(f"predictions/{found.event}").status_code == 200, "the record", 60)
        yield found


def test_a_call_is_found_with_its_origin_its_reasons_and_no_name(person: Person) -> None:
    record = person.http.get(f"predictions/{person.event}").json()
    assert person.name not in json.dumps(record)
    first, ben, third = record["rows"]
    assert first["id"] == first["features"].get("id", first["id"]) == third["id"] == third["features"]["id"]
    assert first["id"].startswith("p1:") and ben["id"].startswith("p1:") and ben["id"] != first["id"]

    (origin,) = record["lineage"]
    assert origin["lost"] is None and origin["version"] == first["version"]
    upload = (
        person.gyre.aws("s3")
        .get_object(
            Bucket=person.gyre.record.data_bucket,
            Key=origin["dataset"]["upload"],
            VersionId=origin["dataset"]["upload_version"],
        )["Body"]
        .read()
    )
    assert person.name.encode() in upload
    assert person.gyre.get(f"/runs/{origin['run']}")["status"] == "succeeded"

    picture = person.http.get(f"predictions/{person.event}/explanation.svg", params={"row": 1})
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert ben["explanation"][0]["feature"] in picture.text


def test_pages_figures_and_sql_agree(person: Person) -> None:
    for _ in range(4):
        assert person.http.post(f"predict/{person.model}", json=people(2)).status_code == 200
    figures = f"stats/{person.model}"
    person.gyre.until(lambda: person.gyre.get(figures)["rows"] >= 11, "all rows in the journal", 60)
    told = person.gyre.get(figures)
    items, cursor = [], None
    while cursor is not None or not items:
        page = person.gyre.get("/predictions", model=person.model, limit=4, **({"cursor": cursor} if cursor else {}))
        items, cursor = items + page["predictions"], page["cursor"]
    assert len(items) == told["rows"] == told["answered"] == 11
    assert len({(each["event_id"], each["row"]) for each in items}) == 11
    asked = "select prediction, count(*) as n, avg(confidence) as sure from predictions where model = '{}' group by 1"
    found = person.gyre.post("/journal/sql", {"sql": asked.format(person.model)})
    assert {name: n for name, n, _ in found["rows"]} == told["predictions"]
    for name, n, _ in found["rows"]:
        assert len(person.gyre.get("/predictions", model=person.model, prediction=name)["predictions"]) == n
    refused = person.http.post("journal/sql", json={"sql": "delete from predictions"})
    assert refused.status_code == 422


def test_what_turned_out_to_be_true_is_kept_with_its_history(person: Person) -> None:
    first = person.feedback({"event_id": person.event, "row": 1, "label": "normal_weight"})
    assert (first["kept"], first["repeated"], first["unknown"]) == (1, 0, [])
    assert person.feedback({"event_id": person.event, "row": 1, "label": "normal_weight"})["repeated"] == 1
    assert person.feedback({"event_id": person.event, "row": 1, "label": "obesity_type_1"})["kept"] == 1
    assert person.feedback({"model": person.model, "id": person.name, "label": "obesity_type_2"})["kept"] == 1
    rows = person.gyre.get("/feedback", event_id=person.event)["rows"]
    (ben,) = [row for row in rows if row["row"] == 1]
    assert [each["label"] for each in ben["history"]] == ["normal_weight", "obesity_type_1"]

    key = f"feedback/{person.model}/late.csv"
    content = f"id,label\n{person.name},obesity_type_3\n{uuid.uuid4().hex},normal_weight\n"
    person.gyre.aws("s3").put_object(Bucket=person.gyre.record.data_bucket, Key=key, Body=content.encode())

    def labelled() -> bool:
        sql = f"select label from labels where model = '{person.model}' and source like '%late.csv%'"
        return len(person.gyre.post("/journal/sql", {"sql": sql})["rows"]) == 2

    person.gyre.until(labelled, "the labels of the file", 90)


def test_upkeep_leaves_what_there_is(person: Person) -> None:
    before = person.gyre.get("/predictions", model=person.model, limit=1000)["predictions"]
    answer = person.gyre.aws("lambda").invoke(FunctionName=f"{person.gyre.record.stack}-upkeep", Payload=b"{}")
    told = json.loads(answer["Payload"].read())
    assert told["faults"] == {} and told["compacted"]["predictions"] > 0
    assert person.gyre.get("/predictions", model=person.model, limit=1000)["predictions"] == before


def test_a_person_is_erased_from_every_object_and_every_version(person: Person, tmp_path: Any) -> None:
    table = EXAMPLES["obesity"].generate(30, 9).drop(columns=["level"])
    table.loc[3, "id"] = person.name
    table.to_csv(tmp_path / "people.csv", index=False)
    run = person.gyre.batch(person.model, tmp_path / "people.csv")
    assert last(person.gyre, f"/runs/{run}", 200)["status"] == "succeeded"
    hashed = person.http.get(f"predictions/{person.event}").json()["rows"][0]["id"]
    places = [f"{place}/{person.model}/" for place in ("inbox", "datasets", "batch")]
    assert sum(len(holding(person.gyre, person.name, prefix=place)) for place in places) > 4
    versions = {name: contents(person, name) for name in ("processed", "raw")}
    assert any(person.name in ids for ids in versions["processed"].values())

    asked = person.gyre.erase_subject(person.name)
    assert asked["state"] == "running"
    person.gyre.until(lambda: person.gyre.erasure(asked["erasure"])["state"] != "running", "the proof", 300)
    proof = person.gyre.erasure(asked["erasure"])
    assert proof["state"] == "proven", proof
    assert person.name not in json.dumps(proof)
    assert {each["version"] for each in proof["trained"]} == {1, 2}

    assert holding(person.gyre, person.name, hashed) == []
    for name, before in versions.items():
        after = contents(person, name)  # an erasure is a version of its own
        assert {version: after[version] for version in before} == {
            version: [each for each in ids if each != person.name] for version, ids in before.items()
        }
        assert not any(person.name in ids for ids in after.values())
    record = person.http.get(f"predictions/{person.event}").json()
    assert [row["fault"] and row["fault"]["code"] for row in record["rows"]] == ["erased", None, "erased"]
    assert person.gyre.get(f"stats/{person.model}")["erased"] == 3
    assert person.gyre.subject(person.name)["predictions"] == []


def contents(person: Person, name: str) -> dict[int, list[str]]:
    """The ids in every version of a table of the dataset."""
    endpoint = person.gyre.record.endpoint_url or ""
    options = {
        **storage_options("s3://x"), "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
    }  # fmt: skip
    uri = f"s3://{person.gyre.record.data_bucket}/datasets/{person.model}/{name}"
    newest = DeltaTable(uri, storage_options=options).version()
    found = {}
    for version in range(1, newest + 1):
        table = DeltaTable(uri, version=version, storage_options=options)
        found[version] = sorted(pd.Series(table.to_pyarrow_table(columns=["id"])["id"].to_pylist()).dropna())
    return found


def holding(gyre: GyreClient, *texts: str, prefix: str = "") -> list[str]:
    """Every version of every object in which one of these stands, as bytes, unpacked, or in a cell."""
    s3 = gyre.aws("s3")
    every = [
        (bucket, each["Key"], each["VersionId"])
        for bucket in (gyre.record.data_bucket, gyre.record.artifact_bucket)
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for each in page.get("Versions", ())
    ]

    def found(bucket: str, key: str, version: str) -> str | None:
        try:
            content = _plain(s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read())
        except ClientError as error:  # swept by the upkeep's clock since it was listed
            if error.response["Error"]["Code"] not in ("NoSuchVersion", "NoSuchKey"):
                raise
            return None
        return f"{key} {version}" if any(text in key or text.encode() in content for text in texts) else None

    with ThreadPoolExecutor(8) as pool:
        return [each for each in pool.map(lambda one: found(*one), every) if each]


def _plain(content: bytes) -> bytes:
    if content[:2] == b"\x1f\x8b":
        content = content + _unpacked(content)
    elif content[:4] == b"PAR1":
        content = content + _cells(content)
    return content


# Both as far as it goes: other tests drop files that are broken, or that only begin like what they are not.
def _cells(content: bytes) -> bytes:
    try:
        return json.dumps(pq.read_table(io.BytesIO(content)).to_pylist(), default=str).encode()
    except pa.ArrowInvalid:
        return b""


def _unpacked(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(content)
    except zlib.error:
        return b""
