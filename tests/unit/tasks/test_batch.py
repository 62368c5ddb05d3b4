"""A file from its arrival to its answers, by the real state machine."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gyre.datasets import ranges
from gyre.errors import Unavailable
from gyre.pseudonyms import read_pseudonyms
from gyre.registry.moves import promote
from gyre.tasks.batch import plan, records
from tests.unit.registry.house import ANNA
from tests.unit.tasks.batching import (
    HEADER,
    NUMBERS,
    PETS,
    TRUTHS,
    Batching,
    as_csv,
    as_jsonl,
    as_parquet,
    expected,
    pets,
    read_csv,
    read_jsonl,
    read_parquet,
    unpacked,
)
from tests.unit.tasks.machine import Failed, Killed

OURS = ["prediction", "confidence", "probability_cat", "probability_dog", "probability_horse", "version", "error"]
Write = Callable[[list[dict[str, str]]], bytes]
Read = Callable[[bytes], list[dict[str, Any]]]
FORMS: dict[str, tuple[str, Write, Read]] = {
    "csv": ("a.csv", as_csv, read_csv),
    "csv.gz": ("a.csv.gz", lambda rows: gzip.compress(as_csv(rows)), lambda out: read_csv(unpacked(out))),
    "packed by its bytes": ("a.csv", lambda rows: gzip.compress(as_csv(rows)), lambda out: read_csv(unpacked(out))),
    "tsv": ("a.tsv", lambda rows: as_csv(rows, delimiter="\t"), lambda out: read_csv(out, delimiter="\t")),
    "with a mark": ("a.csv", lambda rows: b"\xef\xbb\xbf" + as_csv(rows), read_csv),
    "windows' line ends": ("a.csv", lambda rows: as_csv(rows).replace(b"\n", b"\r\n"), read_csv),
    "utf-16": ("a.csv", lambda rows: as_csv(rows).decode().encode("utf-16"), read_csv),
    "jsonl": ("a.jsonl", as_jsonl, read_jsonl),
    "jsonl.gz": ("a.ndjson.gz", lambda rows: gzip.compress(as_jsonl(rows)), lambda out: read_jsonl(unpacked(out))),
    "parquet, one group": ("a.parquet", as_parquet, read_parquet),
    "parquet, small groups": ("a.parquet", lambda rows: as_parquet(rows, group=7), read_parquet),
}  # fmt: skip


@pytest.fixture
def world() -> Batching:
    return Batching().release()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows fill a range and a record."""
    for module, name, value in (
        (ranges, "RANGE_ROWS", 20), (ranges, "_PIECE_ROWS", 5), (ranges, "_LEAST_PIECE", 40),
        (records, "RECORD_ROWS", 8), (plan, "_EXPLAINED_ROWS", 10),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


def refused(world: Batching, name: str, content: bytes) -> tuple[str, str]:
    """The step that fails, and what the notice says of it; nothing comes out."""
    run = world.put(name, content)
    with pytest.raises(Failed) as caught:
        world.go(run)
    notice = world.machine.notices[-1]
    assert (notice["kind"], notice["run"], notice["model"]) == ("batch_failed", run, "pets")
    assert notice["cause"] == caught.value.cause
    assert list(world.data.list("batch/pets/out/")) == []
    return notice["step"], notice["cause"]


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_every_row_is_answered_as_the_bundle_answers_it(world: Batching, small: None, form: str) -> None:
    """Given a file of any form, many ranges long."""
    (name, write, read), rows = FORMS[form], pets(107)
    labels, probabilities = expected(rows)
    out = read(world.predict(name, write(rows)))
    assert list(out[0]) == [*HEADER, *OURS]
    assert [str(each["number"]) for each in out] == [each["number"] for each in rows]
    assert [float(each["weight"]) for each in out] == [float(each["weight"]) for each in rows]
    assert [each["prediction"] for each in out] == labels
    found = [[float(each[f"probability_{name}"]) for name in ("cat", "dog", "horse")] for each in out]
    assert np.allclose(
        found, probabilities, rtol=0, atol=1e-12
    )  # how many are added at once decides about the last bit
    assert [float(each["confidence"]) for each in out] == [max(each) for each in found]
    assert {int(each["version"]) for each in out} == {1}
    assert {each["error"] or None for each in out} == {None}
    told = world.summary(name)
    assert (told["rows"], told["predicted"], told["refused"]) == (107, 107, {"rows": 0, "by": {}})
    assert told["ranges"] >= 5
    assert told["classes"] == {name: labels.count(name) for name in ("cat", "dog", "horse")}


def test_cells_stay_as_they_came(world: Batching, small: None) -> None:
    """Given numbers and texts that a reader could write otherwise."""
    rows = [
        row | {"age": "007.50", "note": note}
        for row, note in zip(pets(4), ('say "hi"', "a,b", "x\ny", " z "), strict=True)
    ]
    kept = read_csv(world.predict("a.csv", as_csv(rows)))
    assert [(each["age"], each["note"]) for each in kept] == [(row["age"], row["note"]) for row in rows]
    line = '{"age": 7.50, "weight":1e1, "colour" : "red", "extra": 12345678901234567890 }'
    (told,) = world.predict("b.jsonl", line.encode()).decode().splitlines()
    assert told.startswith(line.removesuffix(" }") + ", ")


def test_a_file_of_one_range_and_of_many_is_the_same(
    world: Batching, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    rows = [row | {"note": 'a\n"quoted", text\n'} for row in pets(60)]
    rows[31]["age"] = "old"
    whole = read_csv(world.predict("a.csv", as_csv(rows))), read_jsonl(world.predict("a.jsonl", as_jsonl(pets(60))))
    request.getfixturevalue("small")
    cut = read_csv(world.predict("b.csv", as_csv(rows))), read_jsonl(world.predict("b.jsonl", as_jsonl(pets(60))))
    for ours, theirs in zip(cut, whole, strict=True):
        assert [_without_shares(each) for each in ours] == [_without_shares(each) for each in theirs]
    assert (world.summary("a.csv")["ranges"], world.summary("b.csv")["ranges"] > 2) == (1, True)


def _without_shares(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith(("probability_", "confidence"))}


def test_a_regression_has_a_value_and_no_classes() -> None:
    world = Batching(NUMBERS).release()
    out = read_csv(world.predict("a.csv", b"age\n3\nold\n20\n"))
    assert list(out[0]) == ["age", "prediction", "version", "error"]
    values = [float(each["prediction"]) for each in (out[0], out[2])]
    told = world.summary("a.csv")
    assert (told["classes"], told["refused"]) == (None, {"rows": 1, "by": {"type:age": 1}})
    assert told["values"] == {"mean": pytest.approx(sum(values) / 2), "least": min(values), "most": max(values)}


def test_truths_are_told_as_each_format_tells_them() -> None:
    world = Batching(TRUTHS).release()
    assert {each["prediction"] for each in read_csv(world.predict("a.csv", b"age\n1\n29\n"))} == {"true", "false"}
    out = read_jsonl(world.predict("a.jsonl", b'{"age": 1}\n{"age": 29}\n'))
    assert [each["prediction"] for each in out] == [False, True]
    assert set(out[0]) == {
        "age",
        "prediction",
        "confidence",
        "probability_false",
        "probability_true",
        "version",
        "error",
    }
    assert world.summary("a.jsonl")["classes"] == {"false": 1, "true": 1}


def test_explanations_are_asked_for_by_a_folder(world: Batching, small: None) -> None:
    rows = pets(30)
    for name, read in (("explain/a.csv", read_csv), ("explain/a.jsonl", read_jsonl)):
        out = read(world.predict(name, as_csv(rows) if name.endswith("csv") else as_jsonl(rows)))
        told = out[0]["explanation"]
        told = json.loads(told) if isinstance(told, str) else told
        assert [set(each) for each in told] == [{"feature", "value", "contribution"}] * 4
        weights = [abs(each["contribution"]) for each in told]
        assert weights == sorted(weights, reverse=True)
        run = world.summary(name)["run"]
        (first,) = [each for each in world.outlet.records if each.event_id == f"{run}-000001-000"]
        assert float(out[0]["base_value"]) == pytest.approx(first.rows[0].base_value)
        assert world.summary(name)["ranges"] > world.summary(name)["rows"] / 20  # it takes longer: ranges are shorter
    assert all(row.explanation for record in world.outlet.records for row in record.rows)
    plain = read_csv(world.predict("a.csv", as_csv(rows)))
    assert "explanation" not in plain[0]


def test_a_name_that_the_file_has_already_is_not_taken(world: Batching) -> None:
    rows = [row | {"Version": "mine", "error": "too"} for row in pets(3)]
    out = read_csv(world.predict("a.csv", as_csv(rows, [*HEADER, "Version", "error"])))
    assert [(each["Version"], each["error"]) for each in out] == [("mine", "too")] * 3
    assert [(each["gyre_version"], each["gyre_error"]) for each in out] == [("1", "")] * 3
    assert world.summary("a.csv")["columns"]["error"] == "gyre_error"


# --- rows that cannot be answered -------------------------------------------------------------------------------------


def test_rows_are_checked_as_an_upload_is(world: Batching, small: None) -> None:
    """Given every action; but nothing of other rows, of the filter, and of what the model does not look at counts."""
    rows = pets(10)
    told = {
        1: {"age": "old"}, 2: {"age": ""}, 3: {"age": "99"}, 4: {"weight": "-1"}, 5: {"colour": "blue"},
        6: {"age": "0.5", "weight": "50"}, 7: {"tame": "perhaps", "number": "1"}, 8: {"weight": "", "colour": ""},
        9: {"weight": "much", "age": "old"},
    }  # fmt: skip
    rows = [row | told.get(at, {}) for at, row in enumerate(rows)]
    out = read_csv(world.predict("a.csv", as_csv(rows)))
    assert [each["error"] for each in out] == [
        "", "type:age", "required:age", "", "range:weight", "", "heavy_when_young", "", "", "type:age, type:weight",
    ]  # fmt: skip
    assert [bool(each["prediction"]) for each in out] == [not each["error"] for each in out]
    assert [each["version"] for each in out if each["error"]] == [""] * 5
    as_if = [rows[3] | {"age": "40"}, rows[5] | {"colour": ""}]
    assert [out[3]["prediction"], out[5]["prediction"]] == expected(as_if)[0]
    assert float(out[3]["probability_dog"]) == pytest.approx(expected(as_if)[1][0][1], abs=1e-12)
    told_ = world.summary("a.csv")
    assert told_["refused"] == {
        "rows": 5, "by": {"type:age": 2, "heavy_when_young": 1, "range:weight": 1, "required:age": 1, "type:weight": 1},
    }  # fmt: skip
    assert (told_["predicted"], told_["changed"]) == (5, 2)
    assert [each["age"] for each in out] == [row["age"] for row in rows]  # as they came, and not as they were clipped


def test_rows_that_are_none_keep_their_place(world: Batching, small: None) -> None:
    rows = pets(40)
    lines = as_csv(rows).decode().splitlines()
    lines[25] = "1,2,3"
    out = read_csv(world.predict("a.csv", "\n".join(lines).encode()))
    assert len(out) == 40
    assert (out[24]["number"], out[24]["error"]) == ("", "ragged: 3 cells where the header has 7")
    assert [each["number"] for each in out[:24] + out[25:]] == [
        row["number"] for at, row in enumerate(rows) if at != 24
    ]
    lines = as_jsonl(rows).decode().splitlines()
    lines[0], lines[30], lines[31] = "no json", '{"age": [1]}', lines[31].replace('"age"', '"agee"')
    told = read_jsonl(world.predict("a.jsonl", "\n".join(lines).encode()))
    assert told[0] == {"unreadable": "no json"} | dict.fromkeys(OURS) | {
        "error": "not_json: Expecting value at character 1"
    }
    assert told[30]["error"].startswith("nested") and told[31]["error"] == "required:age"
    assert [each["error"] for each in told].count(None) == 37
    assert world.summary("a.jsonl")["refused"]["by"] == {"nested": 1, "not_json": 1, "required:age": 1}


def test_a_line_with_a_new_key_is_refused_as_an_upload_refuses_it(
    world: Batching, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "LOOKED_AT_ROWS", 10)
    rows = [*pets(30), pets(1)[0] | {"prediction": "dog"}]
    told = read_jsonl(world.predict("a.jsonl", as_jsonl(rows)))
    assert told[30]["error"] == "new_key: 'prediction'"
    assert told[30]["prediction"] is None


def test_a_file_in_which_no_row_is_right_has_answers_too(world: Batching) -> None:
    out = read_csv(world.predict("a.csv", as_csv([row | {"age": "old"} for row in pets(5)])))
    assert [each["error"] for each in out] == ["type:age"] * 5
    assert world.summary("a.csv")["classes"] == {"cat": 0, "dog": 0, "horse": 0}


# --- files that hold little -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_one_row(world: Batching, form: str) -> None:
    name, write, read = FORMS[form]
    (told,) = read(world.predict(name, write(pets(1))))
    assert [told["prediction"]] == expected(pets(1))[0]


@pytest.mark.parametrize("form", [form for form in FORMS if "json" not in form])
def test_a_header_alone_gives_a_header(world: Batching, form: str) -> None:
    """A day may have no rows."""
    name, write, read = FORMS[form]
    out = world.predict(name, write([]))
    assert read(out) == []
    told = world.summary(name)
    assert (told["rows"], told["ranges"]) == (0, 0)
    assert "Predict" not in world.machine.visited and world.outlet.records == []
    full = world.predict(f"full-{name}", write(pets(2)))
    if form == "csv":
        assert full.startswith(out)


def test_what_cannot_be_read_ends_in_a_notice(world: Batching) -> None:
    for name, content, says in (
        ("a.csv", b"", "a.csv is empty: it has no bytes at all"),
        ("a.jsonl", b"\n\n", "holds blank lines alone"),
        ("a.parquet", b"PAR1", "is not a whole Parquet file"),
        ("a.csv.gz", b"age\n1\n", "is not a gzip file"),
        ("a.csv", gzip.compress(as_csv(pets(9)))[:-9], "is not a whole gzip file"),
        ("b.csv", as_csv(pets(3), HEADER[2:]), "The file lacks age, which pets needs. It has weight, colour, owner"),
        ("c.csv", as_csv(pets(3)) + b'4,5,6,red,"x', "never closed"),
        ("d.csv", as_csv(pets(3)) + b"\xff\xfe,1,1,red,x,yes,\n", ""),
    ):
        if says:
            assert says in refused(world, name, content)[1]
            assert world.machine.notices[-1]["step"] == "Plan"
    assert world.outlet.records == []


def test_rows_of_the_same_id_are_all_answered(world: Batching, small: None) -> None:
    rows = [row | {"number": "7"} for row in pets(50)]
    out = read_csv(world.predict("a.csv", as_csv(rows)))
    assert [each["prediction"] for each in out] == expected(rows)[0]
    told = [row.id for record in world.outlet.records for row in record.rows]
    assert told == [7] * 50
    assert len(set(world.events())) == len(world.events())


# --- which release answers --------------------------------------------------------------------------------------------


def test_without_a_release_the_run_fails_and_says_so() -> None:
    world = Batching()
    step, cause = refused(world, "a.csv", as_csv(pets(3)))
    assert step == "Plan"
    assert "pets has no release yet: POST /models/pets/promote" in cause


def test_who_is_promoted_meanwhile_answers_the_next_file(world: Batching, small: None) -> None:
    """Given another release while the ranges are predicted, and a run that is begun again after it."""
    world.register(2, "boosting")

    def others() -> None:
        promote("pets", 2, world.artifacts, ANNA)
        world.again()
        raise Killed

    world.machine.before["Predict"] = [lambda: None, lambda: None, others]
    rows = pets(90)
    run = world.put("a.csv", as_csv(rows))
    with pytest.raises(Killed):
        world.go(run)
    world.tasks["plan"] = type(world)(data=world.data, artifacts=world.artifacts).tasks["plan"]
    world.go(run)
    out = read_csv(world.out("a.csv"))
    assert ({each["version"] for each in out}, [each["prediction"] for each in out]) == ({"1"}, expected(rows)[0])
    assert {record.served[0].version for record in world.outlet.records} == {1}
    later = read_csv(world.predict("b.csv", as_csv(rows)))
    assert [each["prediction"] for each in later] == expected(rows, estimator="boosting")[0]


def test_a_version_is_named_by_a_folder(world: Batching) -> None:
    world.register(2, "boosting")
    rows = pets(30)
    out = read_csv(world.predict("v2/2026/a.csv", as_csv(rows)))
    assert [each["prediction"] for each in out] == expected(rows, estimator="boosting")[0]
    (record,) = world.outlet.records
    assert (record.asked, record.served[0].alias, record.served[0].version) == ("2", None, 2)
    assert "has no version 9" in refused(Batching().release(), "v9/a.csv", as_csv(rows))[1]


def test_the_same_name_again_is_a_new_run_whose_answers_replace_the_former(world: Batching) -> None:
    first, second = pets(5, 1), pets(7, 2)
    runs = [world.put("a.csv", as_csv(rows)) for rows in (first, second)]
    for run, rows in zip(runs, (first, second), strict=True):
        world.go(run)
        assert [each["weight"] for each in read_csv(world.out("a.csv"))] == [row["weight"] for row in rows]
    assert runs[0] != runs[1] and world.summary("a.csv")["run"] == runs[1]
    assert len(world.data._versions["batch/pets/out/a.csv"]) == 2


# --- the journal ------------------------------------------------------------------------------------------------------


def test_every_row_is_told_to_the_journal_like_a_call(world: Batching, small: None) -> None:
    rows = pets(50)
    rows[3] |= {"age": "old"}
    rows[4] |= {"age": "99"}
    run = world.put("a.csv", as_csv(rows))
    world.go(run)
    told = world.outlet.records
    assert max(len(record.rows) for record in told) == 8
    for record in told:
        assert (record.kind, record.model, record.asked, record.status) == ("batch", "pets", "production", 200)
        assert (record.correlation_id, record.caller, record.error) == (run, "batch", None)
        (served,) = record.served
        assert (served.version, served.alias) == (1, "production")
        assert served.rows == sum(1 for row in record.rows if row.fault is None)
        assert {"check", "predict"} <= set(record.times)
    every = [row for record in sorted(told, key=lambda each: each.event_id) for row in record.rows]
    assert [row.id for row in every] == list(range(1, 51))
    right = [row for at, row in enumerate(every) if at != 3]
    labels, probabilities = expected(
        [row | {"age": "40" if row["age"] == "99" else row["age"]} for at, row in enumerate(rows) if at != 3]
    )
    assert [row.prediction for row in right] == labels
    assert np.allclose([list((row.probabilities or {}).values()) for row in right], probabilities, rtol=0, atol=1e-12)
    fault = every[3].fault
    assert fault is not None and (fault.code, fault.field, every[3].version, every[3].prediction) == (
        "type",
        "age",
        None,
        None,
    )
    assert (every[3].features["age"], every[4].features["age"]) == ("old", 99.0)  # as they were sent
    assert "owner 0" not in told[0].model_dump_json()
    keys = read_pseudonyms(world.artifacts)
    assert [row.features["owner"] for row in every] == [keys.of(row["owner"]) for row in rows]


def test_a_run_of_any_name_has_event_ids(world: Batching) -> None:
    world.put("a.csv", as_csv(pets(3)))
    file = {"key": "batch/pets/in/a.csv", "version": None}
    for run in ("x" * 80, "y"):
        world.machine.run({"run": run, "model": "pets", "file": file})
    assert len(set(world.events())) == 2 and all(8 <= len(each) <= 80 for each in world.events())


# --- failures and what comes after ------------------------------------------------------------------------------------


def interrupted(world: Batching, prefix: str, times: int, error: BaseException | None = None) -> None:
    """Whoever writes under the prefix ends before it does, once so many were written."""
    writing, left = world.data.write, [times]

    def dying(key: str, *args: Any, **more: Any) -> Any:
        if f"/{prefix}/" in key:
            left[0] -= 1
            if left[0] == -1:
                raise error or Killed
        return writing(key, *args, **more)

    world.data.write = dying  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("prefix", "times"), [("ranges", 2), ("parts", 2), ("told", 2), ("told", 0), ("out", 0), ("summary", 0)]
)
@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl", "parquet, one group"])
def test_a_run_that_was_killed_goes_on_and_doubles_nothing(
    world: Batching, small: None, form: str, prefix: str, times: int
) -> None:
    """Given a run that ends between any two of its writes, and is begun again in another environment."""
    (name, write, _), rows = FORMS[form], pets(107)
    undisturbed = Batching().release()
    whole = undisturbed.predict(name, write(rows))
    run = world.put(name, write(rows))
    if prefix != "out":
        interrupted(world, "out" if prefix == "summary" else prefix, times)
    else:
        world.data.write_stream = _once(world.data.write_stream)  # type: ignore[method-assign]
    try:
        world.go(run)
        assert prefix == "ranges"  # of a file that is read as it lies there is no copy
    except Killed:
        assert [each.key for each in world.data.list("batch/pets/out/")] == (
            [f"batch/pets/out/{name}"] if prefix == "summary" else []
        )
    done = {key.rsplit("/", 1)[-1] for key in world.work(run, "/told/")}
    before = world.events()
    world.again()
    world.go(run)
    assert world.out(name) == whole
    assert set(world.events()) == set(undisturbed.events())
    # Only the range that was neither done nor untouched may have told its records twice, by the same names.
    twice = {each for each in world.events() if world.events().count(each) > 1}
    assert {each.split("-")[1] + ".json" for each in twice}.isdisjoint(done)
    assert len({each.split("-")[1] for each in twice}) <= 1
    again = world.events()[len(before) :]
    assert not [each for each in again if f"{each.split('-')[1]}.json" in done]
    told, same = world.summary(name), undisturbed.summary(name)
    for varying in ("began_at", "ended_at", "seconds", "rows_per_second"):
        told.pop(varying), same.pop(varying)
    assert told == same


def _once(stream: Callable[..., Any]) -> Callable[..., Any]:
    left = [Killed()]

    def dying(*args: Any) -> Any:
        if left:
            raise left.pop()
        return stream(*args)

    return dying


@pytest.mark.parametrize("tolerant", [False, True], ids=["aws", "localstack"])
def test_a_range_that_fails_fails_the_run_and_says_why(world: Batching, small: None, tolerant: bool) -> None:
    """A Distributed Map does not tell the cause of an item; LocalStack's does not even fail."""
    world.machine.tolerant = tolerant
    predicting = world.tasks["predict"]

    def broken(event: Any) -> Any:
        if event["number"] == 3:
            interrupted(world, "parts", 0, Unavailable("S3 is away."))
        return predicting(event)

    world.tasks["predict"] = broken
    step, cause = refused(world, "a.csv", as_csv(pets(107)))
    rows = json.loads(world.data.read(world.work(world.machine.notices[-1]["run"], "manifest.json")[0]).content)[
        "ranges"
    ][2]
    first, last = rows["first"], rows["first"] + rows["rows"] - 1
    assert step == "Join"
    assert cause.startswith(
        f"Rows {first} to {last} of batch/pets/in/a.csv were not predicted: Unavailable: S3 is away. ("
    )
    world.tasks["predict"] = predicting
    world.go(world.machine.notices[-1]["run"])
    assert len(read_csv(world.out("a.csv"))) == 107


def test_a_range_that_was_lost_without_a_word_is_told_too(world: Batching, small: None) -> None:
    """Its process was ended: out of memory, or out of time."""
    predicting = world.tasks["predict"]

    def lost(event: Any) -> Any:
        if event["number"] == 2:
            raise MemoryError("Runtime exited")
        return predicting(event)

    world.tasks["predict"] = lost
    assert "were not predicted: The specified tolerated failure threshold was exceeded (" in refused(
        world, "a.csv", as_csv(pets(107))
    )[1]  # fmt: skip


def test_a_journal_that_takes_nothing_holds_the_answers_back(world: Batching) -> None:
    world.outlet.down = True
    step, cause = refused(world, "a.csv", as_csv(pets(5)))
    assert (step, "Unavailable: The queue does not answer." in cause) == ("Join", True)
    world.outlet.down = False
    world.go(world.machine.notices[-1]["run"])
    assert len(world.events()) == 1


def test_a_bundle_that_was_tampered_with_answers_nothing(world: Batching) -> None:
    for key in [each.key for each in world.artifacts.list("bundles/") if each.key.endswith("model.onnx")]:
        world.artifacts.put(key, b"other")
    assert "is not what training wrote" in refused(world, "a.csv", as_csv(pets(5)))[1]


def test_a_file_that_changes_under_the_run_is_not_mixed(world: Batching, small: None) -> None:
    """Given a bucket that keeps no versions."""
    world.put("a.csv", as_csv(pets(107)))
    world.machine.before["Predict all"] = [lambda: world.data.put("batch/pets/in/a.csv", as_csv(pets(30)))]
    with pytest.raises(Failed, match="changed meanwhile"):
        world.machine.run({"run": "by-hand", "model": "pets", "file": {"key": "batch/pets/in/a.csv", "version": None}})


def test_other_code_plans_anew_and_mixes_no_parts(world: Batching, small: None) -> None:
    run = world.put("a.csv", as_csv(pets(107)))
    interrupted(world, "told", 2)
    with pytest.raises(Killed):
        world.go(run)
    world.tasks = _of_other_code(world)
    world.go(run)
    assert len(read_csv(world.out("a.csv"))) == 107
    assert len({key.split("/")[4] for key in world.work(run, "/parts/")}) == 2


def _of_other_code(world: Batching) -> Any:
    from gyre.tasks.batch.tasks import batch_tasks

    return batch_tasks(world.data, world.artifacts, world.outlet, code="beef", workers=2)


def test_the_state_stays_small(world: Batching, small: None) -> None:
    run = world.put("a.csv", as_csv(pets(107)))
    told = world.go(run)
    assert len(json.dumps(told)) < 1_000
    assert told["answers"] == {
        "out": "batch/pets/out/a.csv", "summary": "batch/pets/out/a.csv.summary.json", "rows": 107, "predicted": 107,
    }  # fmt: skip
    assert told["plan"]["workers"] == 2


def test_what_is_declared_later_changes_no_answer(world: Batching) -> None:
    """A release answers by the spec that it was trained with."""
    from gyre.spec.versions import add_spec

    add_spec(PETS.replace("range: [0, 100]", "range: [0, 1]").encode(), world.artifacts)
    out = read_csv(world.predict("a.csv", as_csv(pets(5))))
    assert {each["error"] for each in out} == {""}
