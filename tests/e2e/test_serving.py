"""Predictions of the deployed stack: asked over HTTP, found in the journal, moved by a promotion."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from cli.client import GyreClient
from examples.catalogue import EXAMPLES
from gyre.serving.rows import RowCheck
from gyre.spec.check import read_spec
from infra.deploy.target import ROOT
from tests.e2e.conftest import Notices
from tests.e2e.test_training import bring, declare

pytestmark = pytest.mark.timeout(400)
EXAMPLE = EXAMPLES["obesity"]


@dataclass
class Served:
    """A model with three versions, of which the first serves."""

    gyre: GyreClient
    model: str
    http: httpx.Client

    def ask(self, rows: list[dict[str, Any]], **more: Any) -> httpx.Response:
        return self.http.post("inference", json={"model": self.model, "rows": rows, **more})

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.http.post(path, json=body, **more)

    def record(self, event_id: str) -> dict[str, Any]:
        """What the journal holds of a call, once it does."""
        found: list[dict[str, Any]] = []

        def landed() -> bool:
            answer = self.http.get(f"predictions/{event_id}")
            found.append(answer.json())
            return answer.status_code == 200

        self.gyre.until(landed, f"the record {event_id}", 60)
        return found[-1]


def people(count: int, seed: int = 5) -> list[dict[str, Any]]:
    """Rows as a caller has them: features alone, and all of them right."""
    rows = some_wrong(count + count // 20 + 5, seed)
    refused = RowCheck(read_spec(EXAMPLE.spec.read_bytes())).check(rows).refused
    return [row for at, row in enumerate(rows) if at not in refused][:count]


def some_wrong(count: int, seed: int = 5) -> list[dict[str, Any]]:
    table = EXAMPLE.generate(count, seed).drop(columns=["id", "level"])
    told: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return told


@pytest.fixture(scope="module")
def served(gyre: GyreClient) -> Iterator[Served]:
    model = declare(gyre, "obesity")
    for seed in (1, 2, 3):  # the third is never loaded while it is whole
        assert bring(gyre, model, "obesity", 600, seed)["status"] == "succeeded"
    gyre.post(f"/models/{model}/promote", {"version": 1})
    headers = {"x-api-key": gyre.record.api_key}
    with httpx.Client(base_url=gyre.record.api_url.rstrip("/") + "/", headers=headers, timeout=60) as http:
        yield Served(gyre, model, http)


def version_of(served: Served) -> int:
    answer = served.ask([{"features": people(1)[0]}])
    assert answer.status_code == 200, answer.text
    version: int = answer.json()["version"]
    return version


def moved(served: Served, version: int) -> None:
    """Until warm functions have noticed."""
    served.gyre.until(lambda: version_of(served) == version, f"version {version} serves", 30)


def test_a_prediction_with_its_reasons_is_in_the_journal_as_it_was_answered(served: Served) -> None:
    rows = [{"id": f"person-{at}", "features": features} for at, features in enumerate(people(3))]
    answer = served.ask(rows, explain={"top": 3})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    record = served.record(told["event_id"])
    assert (record["status"], record["model"], record["correlation_id"]) == (
        200, served.model, answer.headers["x-request-id"],
    )  # fmt: skip
    assert (
        [row["id"] for row in record["rows"]] == [row["id"] for row in told["predictions"]] == [r["id"] for r in rows]
    )
    for asked, kept, given in zip(rows, record["rows"], told["predictions"], strict=True):
        assert kept["features"] == asked["features"]
        for name in ("prediction", "probabilities", "confidence", "base_value", "explanation", "version"):
            assert kept[name] == given[name]
    assert {"auth", "load", "check", "explain"} <= record["times"].keys()
    assert "total;dur=" in answer.headers["server-timing"]


def test_a_refused_call_is_in_the_journal_too(served: Served) -> None:
    before = newest(served)
    answer = served.ask([{"id": "x", "features": {"age": "old"}}])
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "rows[0].age"
    served.gyre.until(lambda: newest(served) != before, "the refused call in the journal", 60)
    record = served.http.get("predictions", params={"model": served.model, "limit": 1}).json()["predictions"][0]
    assert (record["status"], record["id"], record["error"]["field"]) == (422, "x", "age")
    assert served.record(record["event_id"])["error"]["field"] == "rows[0].age"


def newest(served: Served) -> str | None:
    found = served.http.get("predictions", params={"model": served.model, "limit": 1}).json()["predictions"]
    return found[0]["event_id"] if found else None


def test_one_object_a_list_and_a_picture(served: Served) -> None:
    one, two = people(2)
    first = served.post(f"predict/{served.model}", one).json()
    both = served.post(f"predict/{served.model}", [one, two], params={"top": 2}).json()
    assert both[0]["prediction"] == first["prediction"] and len(both[1]["explanation"]) == 2
    picture = served.post(f"predict/{served.model}/explanation.svg", one)
    assert picture.headers["content-type"].startswith("image/svg+xml") and picture.text.startswith("<svg")


def test_a_large_call_is_recorded_whole(served: Served) -> None:
    rows = [{"id": at, "features": features} for at, features in enumerate(some_wrong(1000))]
    answer = served.ask(rows, explain={"top": 16}, partial=True)  # some of a thousand people break a rule
    assert answer.status_code == 200
    record = served.record(answer.json()["event_id"])
    right = [row for row in record["rows"] if row["fault"] is None]
    assert len(record["rows"]) == 1000 and len(right) > 950 and all(len(row["explanation"]) == 16 for row in right)


def test_a_promotion_and_a_rollback_reach_warm_functions(served: Served) -> None:
    moved(served, 1)
    served.gyre.post(f"/models/{served.model}/promote", {"version": 2})
    moved(served, 2)
    served.gyre.post(f"/models/{served.model}/rollback")
    moved(served, 1)


def test_nobody_is_refused_while_a_promotion_happens(served: Served) -> None:
    moved(served, 1)
    statuses: Counter[int] = Counter()
    over = threading.Event()

    def calls() -> None:
        row = people(1)[0]
        while not over.is_set():
            statuses[served.post(f"predict/{served.model}", row).status_code] += 1

    callers = [threading.Thread(target=calls) for _ in range(2)]
    for each in callers:
        each.start()
    served.gyre.post(f"/models/{served.model}/promote", {"version": 2})
    try:
        moved(served, 2)
        served.gyre.until(lambda: statuses.total() > 20, "calls before and after", 60)
    finally:
        over.set()
        for each in callers:
            each.join()
    served.gyre.post(f"/models/{served.model}/rollback")
    assert set(statuses) == {200}


def test_a_split_is_sticky_and_a_shadow_is_beside_the_callers_path(served: Served) -> None:
    moved(served, 1)
    served.gyre.post(f"/models/{served.model}/traffic", {"challenger": 2, "share": 0.5, "shadow": 1.0})
    rows = [{"id": f"sticky-{at}", "features": features} for at, features in enumerate(people(60))]

    def both() -> bool:
        return {row["version"] for row in served.ask(rows).json()["predictions"]} == {1, 2}

    served.gyre.until(both, "rows answered by both", 30)
    first, second = (served.ask(rows).json() for _ in range(2))
    assert [row["version"] for row in first["predictions"]] == [row["version"] for row in second["predictions"]]
    shadow = served.record(f"{first['event_id']}-shadow")
    assert shadow["kind"] == "shadow" and {row["version"] for row in shadow["rows"]} == {2}
    assert [row["id"] for row in shadow["rows"]] == [row["id"] for row in rows]
    served.gyre.post(f"/models/{served.model}/withdraw")


def test_a_damaged_bundle_is_refused_and_the_former_release_goes_on(served: Served) -> None:
    moved(served, 1)
    # Given a release that is damaged before any function has read it
    s3, bucket = served.gyre.aws("s3"), served.gyre.record.artifact_bucket
    bundle = served.gyre.get(f"/models/{served.model}/versions/3")["bundle"]
    key = f"{bundle['key']}explain.npz"
    whole = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    damaged = whole[:-1] + bytes([whole[-1] ^ 1])
    model = served.model
    s3.put_object(Bucket=bucket, Key=key, Body=damaged)
    try:
        promoted = datetime.now(UTC)
        served.gyre.post(f"/models/{model}/promote", {"version": 3})
        # When calls go on for longer than warm functions need to notice
        answers = []
        while datetime.now(UTC) - promoted < timedelta(seconds=15):
            answers.append(served.post(f"predict/{model}", people(1)[0]))
        # Then none is refused, and all end at the former release; an idle environment may be some seconds behind
        versions = [each.json()["version"] for each in answers if each.status_code == 200]
        assert len(versions) == len(answers) > 20 and 3 not in versions and set(versions[-10:]) == {1}
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=whole)
        served.gyre.post(f"/models/{model}/rollback")
    moved(served, 1)


def test_what_is_not_there_is_told(served: Served) -> None:
    row = people(1)[0]
    assert served.post("predict/nobody-trained-this", row).status_code == 404
    assert served.post(f"predict/{served.model}", row, params={"release": "99"}).status_code == 404
    assert served.http.get("ready").status_code == 200


def test_a_challenger_that_fails_is_withdrawn_by_itself(served: Served, notices: Notices) -> None:
    """Given a challenger that cannot be loaded, when enough rows were its, then the guard ends its trial."""
    gyre, model = served.gyre, served.model
    moved(served, 1)
    s3, bucket = gyre.aws("s3"), gyre.record.artifact_bucket
    made = gyre.get(f"/models/{model}/versions/3")["bundle"]
    key = f"{made['key']}manifest.json"
    whole = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    gyre.post(f"/models/{model}/traffic", {"challenger": 3, "share": 1.0})
    s3.put_object(Bucket=bucket, Key=key, Body=whole + b" ")
    try:
        rows = [{"id": f"row-{at}", "features": features} for at, features in enumerate(people(50))]

        def withdrawn() -> bool:
            answer = served.ask(rows)
            assert answer.status_code == 200, answer.text  # whatever the challenger does
            return "challenger" not in gyre.get(f"/models/{model}/release")["aliases"]

        gyre.until(withdrawn, "the trial ended", 200)
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=whole)
    (move, *_) = gyre.get(f"/models/{model}/history")["moves"]
    assert (move["action"], move["before"], move["actor"]) == ("withdraw", 3, "gyre") and "%" in move["reason"]

    def told() -> bool:
        return (
            notices.first(lambda notice: notice.get("model") == model and "trial" in str(notice.get("kind")))
            is not None
        )

    gyre.until(told, "a notice of it", 60)


def test_uvicorn_serves_the_same_app(served: Served, tmp_path: Path) -> None:
    """The function's own code and variables, in a process of its own."""
    gyre = served.gyre
    name = gyre.aws("cloudformation").describe_stack_resource(
        StackName="gyre-local", LogicalResourceId="InferenceFunction"
    )["StackResourceDetail"]["PhysicalResourceId"]
    variables = gyre.aws("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    aws = {
        "AWS_ENDPOINT_URL": gyre.record.endpoint_url, "AWS_DEFAULT_REGION": gyre.record.region,
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "PYTHONPATH": str(ROOT / "layers/gyre"),
    }  # fmt: skip
    log = tmp_path / "uvicorn.log"
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
        command = [
            sys.executable, "-m", "uvicorn", "--factory", "app:compose", "--app-dir", "functions/inference",
            "--fd", str(listener.fileno()),
        ]  # fmt: skip
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **variables, **aws}, stdout=output, stderr=output,
            pass_fds=[listener.fileno()],
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            # The socket listens already: the first call waits until the app is there.
            answer = httpx.post(
                f"{url}/predict/{served.model}",
                json=people(1)[0],
                headers={"x-api-key": gyre.record.api_key},
                timeout=60,
            )
        finally:
            process.terminate()
            process.wait(20)
    assert answer.status_code == 200, answer.text + log.read_text()
    assert served.record(answer.json()["event_id"])["rows"][0]["prediction"] == answer.json()["prediction"]


def test_a_client_of_the_open_inference_protocol_is_answered(served: Served) -> None:
    """Through the gateway, which hands on bytes as base64."""
    from tritonclient.http import InferenceServerClient, InferInput

    row = people(1)[0]
    base = served.gyre.record.api_url.removeprefix("http://").rstrip("/")
    headers = {"x-api-key": served.gyre.record.api_key, "content-type": "application/octet-stream"}
    client = InferenceServerClient(base)
    try:
        assert client.is_model_ready(served.model, headers=headers)
        told = client.get_model_metadata(served.model, headers=headers)
        kinds = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}
        inputs = []
        for each in told["inputs"]:
            tensor = InferInput(each["name"], [1], each["datatype"])
            tensor.set_data_from_numpy(np.array([row[each["name"]]], dtype=kinds[each["datatype"]]))
            inputs.append(tensor)
        found = client.infer(served.model, inputs, headers=headers).as_numpy("prediction")
    finally:
        client.close()
    assert found[0] == served.post(f"predict/{served.model}", row).json()["prediction"]
