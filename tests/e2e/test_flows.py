"""Every trigger, end to end: upload, request, queue, schedule."""

import json
import uuid

import pytest

from cli.client import GyreClient
from tests.e2e.conftest import Notices, journal_record

TABLE = b"alcohol,colour,cultivar\n13.2,red,1\n"


def test_an_upload_that_can_start_nothing_is_told(gyre: GyreClient, notices: Notices) -> None:
    """Given a file in no model's folder, when it is uploaded, then somebody hears of it."""
    key = f"inbox/loose-{uuid.uuid4().hex[:8]}.csv"
    gyre.aws("s3").put_object(Bucket=gyre.record.data_bucket, Key=key, Body=TABLE)

    def heard() -> bool:
        return notices.first(lambda notice: key in json.dumps(notice)) is not None

    gyre.until(heard, f"a notice about {key}", 110)


@pytest.mark.parametrize(("status", "heard"), [("ABORTED", True), ("TIMED_OUT", True), ("SUCCEEDED", False)])
def test_a_run_that_is_cut_off_ends_in_a_notice(gyre: GyreClient, notices: Notices, status: str, heard: bool) -> None:
    """No Catch sees that, so a rule tells it. The emulator ends no run before its time, so we say that it did."""
    run, last_run = (f"cut-off-{uuid.uuid4().hex[:8]}" for _ in range(2))
    # The second one is always heard: once it is there, the first one would be.
    for name, told in ((run, status), (last_run, "ABORTED")):
        detail = {"name": name, "status": told, "stateMachineArn": gyre.record.training_state_machine}
        entry = {"Source": "aws.states", "DetailType": "Step Functions Execution Status Change"}
        gyre.aws("events").put_events(Entries=[{**entry, "Detail": json.dumps(detail)}])
    gyre.until(lambda: notices.about(last_run) is not None, f"a notice about {last_run}")
    notice = notices.about(run)
    assert (notice is not None) == heard
    if notice is not None:
        assert (notice["kind"], notice["status"]) == ("run_cut_off", status)


def test_a_message_lands_in_the_journal(gyre: GyreClient, model: str) -> None:
    event_id = f"event-{uuid.uuid4().hex}"
    body = json.dumps(journal_record(event_id, model))
    gyre.aws("sqs").send_message(QueueUrl=gyre.record.journal_queue_url, MessageBody=body)
    gyre.until(lambda: gyre.send("GET", f"/predictions/{event_id}").status_code == 200, "the record in the journal")
    kept = gyre.get(f"/predictions/{event_id}")
    assert kept["model"] == model
    assert [(row["id"], row["features"]) for row in kept["rows"]] == [("1", {"alcohol": 13.2})]
    assert [each["event_id"] for each in gyre.get("/predictions", model=model)["predictions"]] == [event_id]


def test_metrics_count_the_day_and_take_a_bearer_token(gyre: GyreClient) -> None:
    """As Prometheus asks: it can send a secret out of a file only that way."""
    gyre.until(lambda: "gyre_calls_total{" in gyre.get("/metrics"), "calls of today in /metrics", 60)
    headers = {"x-api-key": "", "authorization": f"Bearer {gyre.record.api_key}"}
    answer = gyre.send("GET", "/metrics", headers=headers)
    assert answer.status_code == 200 and "gyre_info{" in answer.text
    assert gyre.send("GET", "/metrics", headers={**headers, "authorization": "Bearer wrong"}).status_code == 401


def test_requests_are_logged_with_their_id(gyre: GyreClient) -> None:
    request_id = gyre.send("GET", "/health").headers["x-request-id"]
    logs = gyre.aws("logs")

    def lines() -> list[str]:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{gyre.record.stack}-inference", limit=10000)
        return [event["message"] for event in found["events"]]

    gyre.until(lambda: any(request_id in line for line in lines()), "the request in the function's log")
    told = json.loads(next(line for line in lines() if request_id in line and line.startswith("{")))
    assert (told["service"], told["path"], told["status"]) == ("inference", "/health", 200)
    assert any(line.startswith("REPORT RequestId") for line in lines())
    assert not any(gyre.record.api_key in line for line in lines())


@pytest.mark.timeout(180)
def test_the_schedule_runs_the_monitoring(gyre: GyreClient) -> None:
    """Runs that a person starts are called monitor_…; one that is not was started by the rule."""
    flow = gyre.aws("stepfunctions")

    def by_schedule() -> list[str]:
        runs = flow.list_executions(stateMachineArn=gyre.record.monitoring_state_machine)["executions"]
        return [run["status"] for run in runs if not run["name"].startswith("monitor_") and run["status"] != "RUNNING"]

    gyre.until(lambda: bool(by_schedule()), "a run started by the schedule", 150)
    assert set(by_schedule()) == {"SUCCEEDED"}


@pytest.mark.timeout(240)
def test_a_poison_message_is_kept_with_its_cause_and_replayed(gyre: GyreClient, poison: str) -> None:
    """Sent again it is a letter again, under another id, and the first one is gone."""

    def letters() -> list[str]:
        found = gyre.dead_letters(cause="Invalid JSON", limit=1000)["dead_letters"]
        return [each["id"] for each in found if gyre.dead_letter(each["id"])["body"] == poison]

    gyre.until(lambda: len(letters()) == 1, "the poison is a dead letter", 100)
    (first,) = letters()
    assert gyre.dead_letter(first)["cause"].startswith("not a journal record of shape 1: body: Invalid JSON")
    assert gyre.replay([first]) == {"replayed": 1, "left": 0, "failed": [], "cursor": None}
    gyre.until(lambda: len(letters()) == 1, "it is one again", 100)
    (second,) = letters()
    assert second != first
