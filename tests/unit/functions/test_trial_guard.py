"""The guard of trials, from the clock to the notice, over moto."""

import json
from datetime import UTC, datetime
from types import ModuleType

import boto3
import pytest

from gyre.aws.s3 import S3Bucket
from gyre.errors import Unavailable
from gyre.registry.moves import promote
from gyre.registry.releases import pointer
from gyre.registry.traffic import send_traffic
from gyre.settings import SettingsError
from tests.fakes.journal import MemoryJournal
from tests.unit.functions.conftest import Aws, Load
from tests.unit.registry.house import ANNA, registered
from tests.unit.trials.trial_calls import failure


@pytest.fixture
def guard(load: Load) -> ModuleType:
    return load("prediction_log", "guard")


@pytest.fixture
def ears(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    """The queue where the notices end."""
    topic = boto3.client("sns").create_topic(Name="notices")["TopicArn"]
    monkeypatch.setenv("GYRE_NOTICES_TOPIC", topic)
    queue = boto3.client("sqs").create_queue(QueueName="ears")["QueueUrl"]
    arn = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    return str(queue)


@pytest.fixture
def journal(guard: ModuleType, monkeypatch: pytest.MonkeyPatch) -> MemoryJournal:
    made = MemoryJournal()
    monkeypatch.setattr(guard, "DeltaJournal", lambda uri: made if uri == "s3://data/journal" else None)
    return made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The errands that were sent."""
    sent: list[str] = []
    monkeypatch.setattr("gyre.aws.errands.LambdaErrands.send", lambda _, task, __: sent.append(task))
    return sent


@pytest.fixture
def artifacts(aws: Aws) -> S3Bucket:
    """A challenger with traffic."""
    made = S3Bucket("artifacts")
    for version in (1, 2):
        registered("wine", version, Putting("artifacts"))  # type: ignore[arg-type]
    promote("wine", 1, made, ANNA)
    send_traffic("wine", 2, 0.5, 0, made, ANNA)
    return made


class Putting(S3Bucket):
    """With the fakes' way of putting something there."""

    def put(self, key: str, content: bytes) -> None:
        self.write(key, content, content_type="application/octet-stream")


def heard(queue: str) -> list[dict[str, object]]:
    found = boto3.client("sqs").receive_message(QueueUrl=queue).get("Messages", [])
    return [json.loads(json.loads(each["Body"])["Message"]) for each in found]


def test_without_its_variables_it_says_which(guard: ModuleType) -> None:
    with pytest.raises(SettingsError, match=r"TrialGuardSettings: .*GYRE_NOTICES_TOPIC"):
        guard.handler({}, None)


def test_where_nothing_is_released_nothing_happens(guard: ModuleType, journal: MemoryJournal, ears: str) -> None:
    assert guard.handler({"detail-type": "Scheduled Event"}, None) == {"on_trial": [], "withdrawn": {}, "faults": {}}


def test_a_failing_challenger_is_withdrawn_and_told(
    guard: ModuleType, journal: MemoryJournal, artifacts: S3Bucket, ears: str, told: list[str]
) -> None:
    journal.append([failure().model_copy(update={"at": datetime.now(UTC)}) for _ in range(60)])
    done = guard.handler({"detail-type": "Scheduled Event"}, None)
    assert (done["on_trial"], list(done["withdrawn"]), done["faults"]) == (["wine"], ["wine"], {})
    assert pointer("wine", artifacts).version("challenger") is None
    (notice,) = heard(ears)
    assert (notice["kind"], notice["model"], notice["version"]) == ("trial_ended", "wine", 2)
    assert told == ["mirror"]


def test_what_could_not_be_judged_fails_the_call(
    guard: ModuleType, journal: MemoryJournal, artifacts: S3Bucket, ears: str
) -> None:
    journal.down = True
    with pytest.raises(Unavailable, match=r"wine: The journal is down\."):
        guard.handler({}, None)
    assert pointer("wine", artifacts).version("challenger") == 2
