"""Every file in events/ through `sam local invoke`: in containers, with the layers and the image that were built.

That each says what it expects, and that the handlers themselves answer so, is tested in tests/unit/functions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.client import GyreClient
from gyre_emulator import control
from infra.deploy.__main__ import deploy
from infra.deploy.record import StackRecord
from infra.packaging.template import load
from infra.packaging.workshop import Workshop
from tests.docker.engine import Engine, NoEngine
from tests.docker.sam_local import EVENTS, Sam, function_for, prepared
from tests.docker.sam_parts import undeployed
from tests.event_answers import check
from tests.event_data import FILES, SPEC, UPLOADED

CASES = sorted(path.stem for path in EVENTS.glob("*.json"))
TEMPLATE = load(Workshop().template)
ABSENT = dict(undeployed(TEMPLATE))


@pytest.mark.parametrize("case", CASES)
def test_every_event_names_a_function(case: str) -> None:
    assert function_for(case, TEMPLATE)


@pytest.fixture(scope="module")
def sam(docker: Engine, notes: list[str]) -> Iterator[Sam]:
    """The stack deployed, so that functions in containers find what they call. Our own emulator is stopped again."""
    ours = not control.status().running
    control.start()
    try:
        record = deploy("local")
        bring_data(record)
        try:
            with prepared(docker, record, Workshop()) as ready:
                notes.append(f"`sam local invoke` ran the functions in {ready.base}")
                yield ready
        except NoEngine as reason:
            pytest.skip(str(reason))
    finally:
        if ours:
            control.stop()


def bring_data(record: StackRecord) -> None:
    """What the events speak of; the upload becomes dataset version 1 by the run that it starts."""
    gyre = GyreClient(record)
    gyre.declare(SPEC)
    versions = {}
    for key, content in FILES.items():
        answer = gyre.aws("s3").put_object(Bucket=record.data_bucket, Key=key, Body=content)
        versions[key] = answer["VersionId"]
    *_, told = gyre.follow(f"/runs/{gyre.run_of_upload(UPLOADED, versions[UPLOADED])}")
    assert told["status"] == "succeeded", told


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", [case for case in CASES if function_for(case, TEMPLATE) not in ABSENT])
def test_event(sam: Sam, case: str) -> None:
    told = sam.invoke(EVENTS / f"{case}.json")
    assert "REPORT RequestId" in told.log
    assert "errorType" not in (told.answer or {}), told
    check(case, told.answer)
