"""A file of people: its answers are its owner's, and nobody is named to the journal."""

import json
from typing import Any

import pytest

from gyre.objects import StoredObject
from gyre.pseudonyms import PSEUDONYM_KEYS, read_pseudonyms, with_newer_key
from gyre.serving.kept import Kept
from gyre.spec.check import read_spec
from tests.fakes.objects import MemoryBucket
from tests.unit.tasks.batching import HEADER, NUMBERS, PETS, Batching, as_csv, as_jsonl, as_parquet, pets, read_csv
from tests.unit.tasks.machine import Failed
from tests.unit.tasks.test_batch import FORMS

WHO = "note: {type: time, personal: true}\n  chip: {type: integer, personal: true}"
OWNED = PETS.replace("note: {type: text, feature: false}", WHO).replace("unique: true", "feature: false")
OWNED = OWNED.replace("id: number", "id: owner")
MORE = (*HEADER, "chip")


class Counted(MemoryBucket):
    """Counts who asks for keys."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def read(self, key: str, version: str | None = None) -> StoredObject:
        self.asked += key == PSEUDONYM_KEYS
        return super().read(key, version)


@pytest.fixture
def world() -> Batching:
    return Batching(OWNED).release()


def people(count: int) -> list[dict[str, str]]:
    return [row | {"note": f"1990-01-{1 + at % 28:02}", "chip": f"{7000 + at}"} for at, row in enumerate(pets(count))]


def recorded(world: Batching) -> list[Any]:
    return [row for each in sorted(world.outlet.records, key=lambda each: each.event_id) for row in each.rows]


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_file_is_told_by_pseudonyms(world: Batching, form: str) -> None:
    name, write, read = FORMS[form]
    rows = pets(12)
    rows[3] |= {"age": "99", "owner": "  owner 0 "}
    rows[4] |= {"owner": "NA"}
    out = read(world.predict(name, write(rows)))
    keys = read_pseudonyms(world.artifacts)
    wanted = [None if row["owner"] == "NA" else keys.of(row["owner"]) for row in rows]
    assert [row.features["owner"] for row in recorded(world)] == wanted == [row.id for row in recorded(world)]
    assert wanted[3] == wanted[0] and None not in (wanted[0], wanted[3])
    assert "owner " not in "".join(each.model_dump_json() for each in world.outlet.records)
    # Whose file it is gets it back with its own names
    assert [each["owner"] for each in out] == [row["owner"] for row in rows]
    assert all(each["prediction"] for each in out)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_and_a_call_name_one_person_alike(world: Batching, form: str) -> None:
    rows = people(3)
    rows[1] |= {"note": "", "chip": "no number"}
    content = as_csv(rows, MORE)
    if form == "parquet":
        rows = pets(3)
        content = as_parquet(rows)
    world.predict(f"a.{form}", content)
    kept = Kept(read_spec(OWNED.encode()), read_pseudonyms(world.artifacts))
    names = ("owner", "note", "chip") if form == "csv" else ("owner",)
    for row, sent in zip(recorded(world), rows, strict=True):
        online = kept.features({name: sent[name] for name in names})
        assert {name: row.features[name] for name in names} == online
    if form == "csv":
        chips = kept.features({"chip": 7000})
        assert recorded(world)[0].features["chip"] == chips["chip"]


def test_a_row_that_has_no_answer_names_nobody_either(world: Batching) -> None:
    rows = people(4)
    rows[1] |= {"age": "old"}
    lines = as_csv(rows, MORE).decode().splitlines()
    lines[3] += ",Ann Miller,more"
    world.predict("a.csv", "\n".join(lines).encode())
    told = "".join(each.model_dump_json() for each in world.outlet.records)
    faults = [row.fault and row.fault.code for row in recorded(world)]
    assert faults[1] == "type" and faults[2] is not None and faults[0] is None
    assert "owner " not in told and "Miller" not in told and "1990-01" not in told and "7001" not in told


def test_whatever_a_line_of_json_holds_is_hashed(world: Batching) -> None:
    rows = [json.loads(line) for line in as_jsonl(pets(3)).decode().splitlines()]
    rows[1]["owner"] = 12
    rows[2]["owner"] = True
    world.predict("a.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    assert [str(row.features["owner"])[:3] for row in recorded(world)] == ["p1:"] * 3
    assert recorded(world)[1].id == read_pseudonyms(world.artifacts).of(12)


def test_without_keys_no_range_is_predicted(world: Batching) -> None:
    del world.artifacts._versions[PSEUDONYM_KEYS]
    run = world.put("a.csv", as_csv(people(3), MORE))
    with pytest.raises(Failed, match="deploy again"):
        world.go(run)
    assert world.outlet.records == []


def test_a_model_of_nobody_asks_for_no_keys() -> None:
    world = Batching(NUMBERS, artifacts=Counted())
    world.release(estimator="linear")
    before = world.artifacts.asked  # type: ignore[attr-defined]
    out = read_csv(world.predict("a.csv", as_csv(pets(3), ("age",))))
    assert len(out) == 3 and before == world.artifacts.asked  # type: ignore[attr-defined]


def test_a_newer_key_is_used_by_the_ranges_that_follow(world: Batching) -> None:
    world.predict("a.csv", as_csv(people(2), MORE))
    ring = world.artifacts.read(PSEUDONYM_KEYS).content
    world.artifacts.put(PSEUDONYM_KEYS, with_newer_key(ring, "2027-01-01T00:00:00+00:00"))
    world.again()
    world.predict("b.csv", as_csv(people(2), MORE))
    assert {str(row.id)[:3] for row in recorded(world)} == {"p1:", "p2:"}
