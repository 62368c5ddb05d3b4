"""The erasure's handler over moto: from the order to the proof, in S3 as it answers."""

import json
from typing import Any

import pytest

from gyre.aws.s3 import S3Bucket
from gyre.pseudonyms import PSEUDONYM_KEYS, read_pseudonyms, with_newer_key
from gyre.spec.versions import add_spec
from gyre.subjects.erasure import ask, record_of
from gyre.subjects.subject import checked_subject
from tests.fakes.journal import MemoryJournal
from tests.fakes.workflow import MemoryWorkflow
from tests.unit.functions.conftest import Aws, Load
from tests.unit.subjects.kept import ANNA, BERT, PEOPLE
from tests.unit.tasks.machine import Machine


class NoLabels:
    """Nobody has said anything."""

    def erase(self, row_ids: Any, rows: Any) -> int:
        return 0


def test_a_person_is_erased_from_files_in_every_version(
    load: Load, aws: Aws, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    app = load("science", "erasure")
    monkeypatch.setattr(app, "DeltaJournal", lambda _: journal)
    monkeypatch.setattr(app, "DeltaLabels", lambda _: None)
    monkeypatch.setattr(app, "DeltaLabelErasure", lambda _: NoLabels())
    data, artifacts, workflow = S3Bucket("data"), S3Bucket("artifacts"), MemoryWorkflow()
    artifacts.write(PSEUDONYM_KEYS, with_newer_key(None, "now"), content_type="application/json")
    add_spec(PEOPLE.encode(), artifacts)
    for content in (f"email,age\n{ANNA},1\n", f"email,age\n{BERT},2\n{ANNA},1\n"):
        aws.put("inbox/people/a.csv", content.encode())
    aws.put("inbox/people/gone.csv", f"email\n{ANNA}\n".encode())
    aws.s3.delete_object(Bucket="data", Key="inbox/people/gone.csv")
    record = ask(checked_subject(ANNA, read_pseudonyms(artifacts)), "ann", data, workflow)
    # when
    machine = Machine(lambda event: app.handler(dict(event), None), definition="erasure.asl.json")
    machine.run(workflow.runs[record.run].input)
    # then
    proof, _ = record_of(record.erasure, data)
    assert (proof.state, proof.places["inbox"]["rows"]) == ("proven", 2)
    assert data.read("inbox/people/a.csv").content == f"email,age\n{BERT},2\n".encode()
    assert len([each for each in data.versions("inbox/people/a.csv") if not each.is_deletion]) == 1
    for bucket in (data, artifacts):
        for each in bucket.versions(""):
            assert each.is_deletion or ANNA.encode() not in bucket.read(each.key, each.version).content
    assert json.loads(json.dumps(proof.search))["objects"] == 3
