"""Who somebody is, from a call to both queues and back: the entry points, over moto."""

import json
from types import ModuleType
from typing import Any

import pytest

from gyre.aws.s3 import S3Bucket
from gyre.bundle.format import write_bundle
from gyre.journal.outlet import unpack
from gyre.pseudonyms import PSEUDONYM_KEYS, read_pseudonyms
from gyre.registry.moves import promote
from gyre.registry.traffic import send_traffic
from tests.unit.functions.conftest import Aws, Load
from tests.unit.parts import proxy_event
from tests.unit.registry.house import ANNA, registered
from tests.unit.serving.personal import ROW, compiled


@pytest.fixture
def released(aws: Aws) -> Aws:
    """A model that is told names, and its challenger in the shadow."""
    artifacts: Any = S3Bucket("artifacts")
    artifacts.put = lambda key, content: artifacts.write(key, content, content_type="application/octet-stream")
    ref = write_bundle(compiled().parts, artifacts, "bundles/m")
    for version in (1, 2):
        registered("m", version, artifacts, bundle=ref, spec_version=1)
    promote("m", 1, artifacts, ANNA)
    send_traffic("m", 2, 0.0, 1.0, artifacts, ANNA)
    return aws


def asked(app: ModuleType, aws: Aws) -> dict[str, Any]:
    body = json.dumps({"model": "m", "rows": [{"id": "Ann Miller", "features": ROW}]})
    headers = {"x-api-key": aws.secret, "content-type": "application/json"}
    answer = app.handler(proxy_event("POST", "/inference", body, **headers), None)
    return {"status": answer["statusCode"], **json.loads(answer["body"])}


def test_both_queues_hold_pseudonyms_and_both_records_the_same(load: Load, released: Aws) -> None:
    app = load("inference")
    answer = asked(app, released)
    assert answer["status"] == 200 and answer["predictions"][0]["id"] == "Ann Miller"
    app.parts.cache_clear()
    (told,) = released.waiting("journal")
    (shadow,) = waiting_for(released, "shadow")
    assert "Miller" not in told + shadow and "4711" not in told + shadow
    # When the shadow's function, which may not read keys, takes its message
    app = load("inference")
    released.s3.delete_object(Bucket="artifacts", Key=PSEUDONYM_KEYS)
    assert app.shadow({"Records": [{"messageId": "m-1", "body": shadow}]}, None) == {"batchItemFailures": []}
    (again,) = released.waiting("journal")
    one, two = (unpack(each, S3Bucket("data")) for each in (told, again))
    assert two.kind == "shadow" and [(row.id, row.features) for row in one.rows] == [
        (row.id, row.features) for row in two.rows
    ]
    assert str(one.rows[0].id).startswith("p1:")


def test_a_deployment_without_keys_answers_for_nobody(load: Load, released: Aws) -> None:
    ring = released.get("artifacts", PSEUDONYM_KEYS)
    released.s3.delete_object(Bucket="artifacts", Key=PSEUDONYM_KEYS)
    app = load("inference")
    answer = asked(app, released)
    assert answer["status"] == 503 and "deploy again" in answer["error"]["message"]
    (told,) = released.waiting("journal")
    assert unpack(told, S3Bucket("data")).rows == () and "Miller" not in told
    assert released.waiting("shadow") == []
    # When it is made
    released.s3.put_object(Bucket="artifacts", Key=PSEUDONYM_KEYS, Body=ring)
    assert asked(load("inference"), released)["status"] == 200
    (told,) = released.waiting("journal")
    assert unpack(told, S3Bucket("data")).rows[0].id == read_pseudonyms(S3Bucket("artifacts")).of("Ann Miller")


def waiting_for(aws: Aws, name: str) -> list[str]:
    """What a queue holds as soon as there is something: a thread of its own puts it there."""
    for _ in range(500):
        if found := aws.waiting(name):
            return found
    return []
