"""Files of labels have columns of their own, and are read alike whatever a model says of its uploads."""

import json
from pathlib import Path

import pytest

from gyre.subjects.export import export_key, order_key
from gyre.subjects.subject import erasures_of
from tests.unit.subjects.kept import Kept

CLIENTS = """
model: clients
task: binary
target: bought
id: client
read: {delimiter: ";"}
columns:
  bought: {type: category}
  client: {type: text, personal: true}
  age: {type: number}
"""
LABELS = "feedback/clients/labels.csv"
FILES = {
    LABELS: ("id,label\nB17,yes\n", "{},no\n"),
    "feedback/clients/tabs.csv": ("label\tid\nyes\tB17\n", "no\t {} \n"),
    "feedback/clients/labels.jsonl": ('{"id": "B17", "label": true}\n', '{"id": "{}", "label": false}\n'),
    "feedback/clients/own.csv": ("client,id,label\nB17,1,yes\n", "{},2,no\n"),
}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    found = Kept(tmp_path)
    found.world.declare(CLIENTS)
    return found


@pytest.mark.parametrize("name", ["4711", "anna.lund@example.org"])
def test_a_person_is_erased_from_files_of_labels(kept: Kept, name: str) -> None:
    for key, (rest, theirs) in FILES.items():
        kept.data.put(key, (rest + theirs.replace("{}", name)).encode())
    record = kept.go(kept.ask(name))
    assert (record.state, record.places["feedback"]["rows"]) == ("proven", len(FILES))
    assert {key: kept.data.read(key).content.decode() for key in FILES} == {
        key: rest for key, (rest, _) in FILES.items()
    }


def test_a_number_is_a_name_too(kept: Kept) -> None:
    kept.data.put("feedback/clients/a.jsonl", b'{"id": 4711, "label": 1}\n{"id": 4712, "label": 1}\n')
    assert kept.go(kept.ask("4711")).places["feedback"]["rows"] == 1
    assert kept.data.read("feedback/clients/a.jsonl").content == b'{"id": 4712, "label": 1}\n'


def test_where_ids_are_nobodys_names_a_short_one_stays(kept: Kept) -> None:
    kept.data.put("feedback/things/a.csv", b"id,label\n4711,1\n")
    assert kept.go(kept.ask("4711")).state == "proven"
    assert kept.data.read("feedback/things/a.csv").content == b"id,label\n4711,1\n"


def test_an_export_tells_of_them(kept: Kept) -> None:
    kept.data.put(LABELS, b"id,label\nB17,yes\n4711,no\n")
    name = erasures_of(kept.subject("4711"))[0]
    kept.data.put(order_key(name), kept.subject("4711").to_json())
    kept.call({"task": "export", "export": name})
    (found,) = json.loads(kept.data.read(export_key(name)).content)["kept"]
    assert (found["where"], found["rows"]) == (LABELS, [{"id": "4711", "label": "no"}])
