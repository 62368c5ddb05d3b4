"""Data as a team brings it: declared once, uploaded, versioned, and told where it came from."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from deltalake import DeltaTable

from cli.client import CallFailed, GyreClient
from examples.catalogue import EXAMPLES
from tests.e2e.conftest import Notices, last

SPEC = """\
model: {model}
task: binary
target: bought
id: customer
columns:
  customer: {{type: text, unique: true, required: true}}
  age: {{type: number, range: [0, 120], required: true, actions: {{range: clip}}}}
  colour: {{type: category, values: [red, green]}}
  bought: {{type: boolean, required: true}}
quality: {{rejected: 0.4}}
training: {{on_upload: false, estimators: [linear], search: {{candidates: 1, rounds: 1, folds: 2}}}}
"""
HEADER = "customer,age,colour,bought\n"


def rows(count: int, first: int = 0) -> str:
    return "".join(f"c{n},{20 + n % 60},{'red' if n % 3 else 'green'},{n % 2}\n" for n in range(first, first + count))


def table(count: int = 60, first: int = 0) -> bytes:
    return (HEADER + rows(count, first)).encode()


Declare = Callable[..., str]


@pytest.fixture
def declared(gyre: GyreClient) -> Declare:
    """Declares a model that nobody used before; returns its name."""

    def declare(text: str = SPEC) -> str:
        model = f"test-{uuid.uuid4().hex[:8]}"
        gyre.declare(text.format(model=model).encode())
        return model

    return declare


def take_in(gyre: GyreClient, model: str, name: str, content: bytes) -> dict[str, Any]:
    """Uploads a file and follows its run to the end."""
    return last(gyre, f"/runs/{gyre.run_of_upload(*gyre.upload(model, name, content))}")


def report(gyre: GyreClient, run: str) -> dict[str, Any]:
    told: dict[str, Any] = gyre.get(f"/runs/{run}/report", form="json")
    return told


def delta(gyre: GyreClient, model: str, name: str, version: int | None = None) -> DeltaTable:
    """A table as any other engine opens it."""
    options = {
        "AWS_ENDPOINT_URL": str(gyre.record.endpoint_url), "AWS_ALLOW_HTTP": "true", "AWS_REGION": gyre.record.region,
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
    }  # fmt: skip
    return DeltaTable(
        f"s3://{gyre.record.data_bucket}/datasets/{model}/{name}", version=version, storage_options=options
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_becomes_dataset_versions(gyre: GyreClient, name: str) -> None:
    """Given an example, when it is uploaded, again, and anew, then versions 1, 1 and 2; 1 still reads."""
    example, model = EXAMPLES[name], f"test-{uuid.uuid4().hex[:8]}"
    text = example.spec.read_text().replace(f"model: {name}\n", f"model: {model}\n")
    gyre.declare(text.replace("\ntraining:\n", "\ntraining:\n  on_upload: false\n").encode())
    first = example.generate(800, 1).to_csv(index=False).encode()
    told = take_in(gyre, model, "first.csv", first)
    assert told["status"] == "succeeded", told
    assert [(step["name"], step["status"]) for step in told["steps"]] == [
        ("Ingest", "succeeded"), ("Split", "succeeded"),
    ]  # fmt: skip
    one = gyre.get(f"/models/{model}/datasets/1")
    assert one["rows"]["read"] == 800 == one["rows"]["accepted"] + one["rows"]["rejected"] + one["rows"]["filtered"]
    assert one["rows"]["accepted"] > 760
    found = gyre.get(f"/models/{model}/datasets/1/report", form="json")
    assert (found["outcome"], found["dataset_version"]) == ("accepted", 1)
    assert {column["name"] for column in found["columns"]} > {example.target}
    page = gyre.get(f"/models/{model}/datasets/1/report")
    assert page.startswith("<!doctype html>") and len(page) < 200_000

    again = take_in(gyre, model, "the-same.csv", first)
    assert again["output"]["data"]["version"] == 1
    second = take_in(gyre, model, "second.parquet", example.generate(600, 2).to_parquet())
    assert second["status"] == "succeeded", second["steps"]
    assert second["output"]["data"]["version"] == 2
    listed = gyre.get(f"/models/{model}/datasets")["datasets"]
    assert [(each["version"], each["upload"].rsplit("/", 1)[-1]) for each in listed] == [
        (2, "second.parquet"), (1, "first.csv"),
    ]  # fmt: skip
    accepted = [each["rows"]["accepted"] for each in reversed(listed)]
    assert delta(gyre, model, "processed", 1).count() == accepted[0] == one["total_rows"]
    assert delta(gyre, model, "processed", 2).count() == sum(accepted) == listed[0]["total_rows"]
    assert delta(gyre, model, "raw").count() == 1400


def test_rejected_rows_are_kept_with_their_reasons(gyre: GyreClient, declared: Declare) -> None:
    model = declared()
    bad = "c1,200,red,1\nc90,old,red,1\nc91,33,blue,0\nc92,,green,1\nc93,50,red\n"
    told = take_in(gyre, model, "some.csv", table() + bad.encode())
    assert told["status"] == "succeeded", told
    data = told["output"]["data"]
    assert (data["rows"], data["rejected"]) == (60, 5)
    codes = {(each["code"], each["column"]): each["count"] for each in report(gyre, told["run"])["findings"]}
    assert codes == {
        ("range", "age"): 1, ("type", "age"): 1, ("values", "colour"): 1, ("required", "age"): 1, ("ragged", None): 1,
        ("unique", "customer"): 1,
    }  # fmt: skip
    kept = delta(gyre, model, "quarantine").to_pyarrow_table().to_pylist()
    reasons = {each["_gyre_row"]: each["codes"] for each in kept}
    assert reasons == {
        61: ["unique:customer"], 62: ["type:age"], 63: ["values:colour"], 64: ["required:age"], 65: ["ragged"],
    }  # fmt: skip
    assert json.loads(next(each["record"] for each in kept if each["_gyre_row"] == 62))["age"] == "old"


def wide(columns: int) -> bytes:
    return (",".join(f"c{n}" for n in range(columns)) + "\n" + ",".join("1" for _ in range(columns)) + "\n").encode()


BAD: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "empty"),
    "header.csv": (HEADER.encode(), "no rows"),
    "delimiter.csv": (table().replace(b",", b"^"), "lacks"),
    "ragged.csv": ((HEADER + "c1,20\n" * 60).encode(), "rejected"),
    "mixed.csv": ((HEADER + "".join(f"c{n},{'x' * (n % 2)}{n},red,1\n" for n in range(60))).encode(), "type of age"),
    "infinite.csv": (
        (HEADER + "".join(f"c{n},{'inf' if n % 2 else 'nan'},red,1\n" for n in range(60))).encode(),
        "age",
    ),
    "twice.csv": (b"age,age,customer,bought\n1,2,c,1\n", "more than one column named 'age'"),
    "wide.csv": (wide(10_000), "10,000 columns"),
    "unknown.csv": (table().replace(b"red", b"mauve"), "values of colour"),
    "encoding.csv": (table() + b"c99,3,r\x81\xff\xfed,1\x00\n", "encoding"),
    "table.xlsx": (b"PK\x03\x04", "unknown ending"),
    "workbook.csv": (b"PK\x03\x04" + b"\x00" * 100, "Excel"),
    "broken.parquet": (b"PAR1nothing", "Parquet"),
    "broken.csv.gz": (b"\x1f\x8b no", "gzip"),
}


@pytest.fixture(scope="module")
def bad_runs(gyre: GyreClient) -> dict[str, str]:
    """All bad files at once, so that their runs wait for each other and not we for each of them."""
    model = f"test-{uuid.uuid4().hex[:8]}"
    gyre.declare(SPEC.format(model=model).encode())
    uploads = {name: gyre.upload(model, name, content) for name, (content, _) in BAD.items()}
    return {name: gyre.run_of_upload(*upload) for name, upload in uploads.items()}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_upload_ends_in_a_notice(gyre: GyreClient, notices: Notices, bad_runs: dict[str, str], name: str) -> None:
    """Given an unusable file, then its run fails with the reason, a notice tells it, and nothing of it is a dataset."""
    run, why = bad_runs[name], BAD[name][1]
    told = last(gyre, f"/runs/{run}")
    assert told["status"] == "failed"
    step = next(step for step in told["steps"] if step["name"] == "Ingest")
    assert why in step["cause"], step["cause"]
    gyre.until(lambda: notices.about(run) is not None, f"a notice about {run}")
    notice = notices.about(run)
    assert notice is not None
    assert (notice["kind"], notice["step"]) == ("training_failed", "Ingest")
    assert notice["error"] in ("Invalid", "TooLarge")
    found = report(gyre, run)
    assert found["outcome"] == "refused"
    assert why in found["reason"]
    key, version = told["input"]["upload"]["key"], told["input"]["upload"]["version"]
    kept = gyre.aws("s3").get_object(Bucket=gyre.record.data_bucket, Key=key, VersionId=version)
    assert kept["Body"].read() == BAD[name][0]
    assert gyre.get(f"/models/{told['input']['model']}/datasets")["datasets"] == []


def test_an_upload_that_is_gone_before_it_is_read_is_told(
    gyre: GyreClient, declared: Declare, notices: Notices
) -> None:
    """The event came, and the file was deleted before the run read it."""
    model, s3, run = declared(), gyre.aws("s3"), f"upload-gone-{uuid.uuid4().hex[:8]}"
    bucket, key = gyre.record.data_bucket, f"kept/{model}/gone.csv"
    version = s3.put_object(Bucket=bucket, Key=key, Body=table())["VersionId"]
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    upload = {"key": f"inbox/{model}/gone.csv", "version": version}
    payload = {"run": run, "model": model, "upload": upload, "dataset": None, "fetch": None}
    flow = gyre.aws("stepfunctions")
    flow.start_execution(stateMachineArn=gyre.record.training_state_machine, name=run, input=json.dumps(payload))
    assert last(gyre, f"/runs/{run}")["status"] == "failed"
    gyre.until(lambda: notices.about(run) is not None, f"a notice about {run}")
    notice = notices.about(run)
    assert notice is not None and notice["error"] == "NotFound"
    assert "does not exist" in report(gyre, run)["reason"]


def test_a_model_needs_one_yaml_file_and_one_upload(gyre: GyreClient, notices: Notices) -> None:
    """Given both dropped into the inbox, the data first, then there is a model with a dataset version."""
    model = f"test-{uuid.uuid4().hex[:8]}"
    key, version = gyre.upload(model, "rows.csv", table())
    gyre.upload(model, "model.yaml", SPEC.format(model=model).encode())
    told = last(gyre, f"/runs/{gyre.run_of_upload(key, version)}")
    assert (told["status"], told["output"]["data"]["version"]) == ("succeeded", 1)
    assert gyre.get(f"/models/{model}/spec") == SPEC.format(model=model)
    assert {"model": model, "spec_version": 1, "dataset": 1, "version": None} in gyre.get("/models")["models"]


@pytest.mark.timeout(240)
def test_a_faulty_model_yaml_is_told_with_its_lines(gyre: GyreClient, notices: Notices) -> None:
    model = f"test-{uuid.uuid4().hex[:8]}"
    text = SPEC.format(model=model).replace("task: binary", "task: guess").replace("quality:", "qualities:")
    with pytest.raises(CallFailed) as refused:
        gyre.declare(text.encode())
    assert refused.value.status == 422
    assert [(each["line"], each["field"]) for each in refused.value.error["details"]] == [
        (2, "task"),
        (10, "qualities"),
    ]
    gyre.upload(model, "model.yaml", text.encode())

    def heard() -> bool:
        return (
            notices.first(lambda notice: model in json.dumps(notice) and "qualities" in json.dumps(notice)) is not None
        )

    gyre.until(heard, "a notice about model.yaml", 200)
    assert gyre.send("GET", f"/models/{model}").status_code == 404


def test_an_upload_for_a_model_that_nobody_declared_is_told(gyre: GyreClient, notices: Notices) -> None:
    told = take_in(gyre, f"test-{uuid.uuid4().hex[:8]}", "rows.csv", table())
    assert told["status"] == "failed"
    gyre.until(lambda: notices.about(told["run"]) is not None, "a notice")
    notice = notices.about(told["run"])
    assert notice is not None and "model.yaml" in notice["cause"]


def test_two_uploads_at_once_both_land(gyre: GyreClient, declared: Declare) -> None:
    model = declared()
    uploads = [gyre.upload(model, f"{n}.csv", table(50, 100 * n)) for n in range(4)]
    runs = [last(gyre, f"/runs/{gyre.run_of_upload(*upload)}") for upload in uploads]
    assert [each["status"] for each in runs] == ["succeeded"] * 4
    assert sorted(each["output"]["data"]["version"] for each in runs) == [1, 2, 3, 4]
    assert gyre.get(f"/models/{model}/datasets/4")["total_rows"] == 200


def test_a_run_may_pin_an_older_version(gyre: GyreClient, declared: Declare) -> None:
    model = declared()
    for n in range(2):
        assert take_in(gyre, model, f"{n}.csv", table(50, 100 * n))["status"] == "succeeded"
    newest = last(gyre, gyre.post("/train", {"model": model})["status_url"])
    pinned = last(gyre, gyre.post("/train", {"model": model, "dataset": 1})["status_url"])
    assert [(each["output"]["data"]["version"], each["output"]["data"]["total_rows"]) for each in (newest, pinned)] == [
        (2, 100), (1, 50),
    ]  # fmt: skip
    assert sum(pinned["output"]["split"]["rows"].values()) == 50
    lineage = gyre.get(f"/models/{model}/lineage", dataset=1)
    assert lineage["dataset"]["upload"] == f"inbox/{model}/0.csv"
    assert [split["key"] for split in lineage["splits"]] == [pinned["output"]["split"]["key"]]
    assert gyre.get(f"/models/{model}/lineage")["dataset"]["version"] == 2
    assert gyre.send("POST", "/train", json={"model": model, "dataset": 9}).status_code == 404
    assert gyre.send("POST", "/train", json={"model": f"{model}-none"}).status_code == 404


def test_a_column_that_nobody_declared_is_taken_note_of(gyre: GyreClient, declared: Declare, notices: Notices) -> None:
    model = declared()
    more = "\n".join(f"{line},x" if n else f"{line},shoe_size" for n, line in enumerate(table().decode().splitlines()))
    told = take_in(gyre, model, "more.csv", more.encode())
    assert told["status"] == "succeeded"
    gyre.until(lambda: notices.about(told["run"]) is not None, "a notice")
    notice = notices.about(told["run"])
    assert notice is not None and notice["kind"] == "data_alerts"
    assert "shoe_size" in notice["alerts"][0]
    assert "shoe_size" in [field.name for field in delta(gyre, model, "raw").schema().fields]


def test_files_come_through_the_api(gyre: GyreClient, declared: Declare) -> None:
    """A small one as the body, a larger one at a signed address."""
    model = declared()
    answer = gyre.send("PUT", f"/models/{model}/uploads/a.csv", content=table(50))
    assert answer.status_code == 202, answer.text
    gyre.until(lambda: gyre.send("GET", answer.json()["status_url"]).status_code == 200, "its run")
    assert last(gyre, answer.json()["status_url"])["output"]["data"]["version"] == 1
    address = gyre.post(f"/models/{model}/uploads", {"name": "b.csv"})
    put = httpx.put(address["put_url"], content=table(50, 100), trust_env=False)
    assert put.status_code == 200, put.text
    told = last(gyre, f"/runs/{gyre.run_of_upload(address['upload'], put.headers['x-amz-version-id'])}")
    assert told["output"]["data"]["version"] == 2


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A host that serves one file, and sends on to one that nobody may ask."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = table() if self.path == "/rows.csv" else b""
            self.send_response(200 if content else 302)
            if not content:
                self.send_header("Location", "http://169.254.169.254/secrets.csv")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_file_is_fetched_from_an_allowed_host(gyre: GyreClient, declared: Declare, elsewhere: str) -> None:
    model = declared()
    told = last(gyre, gyre.post(f"/models/{model}/uploads", {"url": f"{elsewhere}/rows.csv"})["status_url"])
    assert told["status"] == "succeeded", told
    assert [step["name"] for step in told["steps"]] == ["Fetch", "Ingest", "Split"]
    assert gyre.get(f"/models/{model}/datasets/1")["upload"].startswith(f"fetched/{model}/")
    sent_on = last(gyre, gyre.post(f"/models/{model}/uploads", {"url": f"{elsewhere}/other.csv"})["status_url"])
    assert sent_on["status"] == "failed"
    assert "169.254.169.254" in sent_on["steps"][0]["cause"]
    refused = gyre.send("POST", f"/models/{model}/uploads", json={"url": "http://169.254.169.254/rows.csv"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "url")
