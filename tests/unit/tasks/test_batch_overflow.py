"""Rows of a file whose values lie too far for the model's arithmetic."""

from tests.unit.tasks.batching import NUMBERS, Batching, read_csv

# Nearly always 0: divided by so small a spread, a large value is infinite in single precision.
SPEC = f"{NUMBERS}derived:\n  late: {{formula: 'max(age - 29.5, 0)'}}\n"


def test_a_row_without_a_number_for_an_answer_is_told_and_holds_up_no_other() -> None:
    world = Batching(SPEC).release()
    out = read_csv(world.predict("a.csv", b"age\n3\n3e38\n20\n"))
    assert [each["error"] for each in out] == ["", "overflow", ""]
    assert [bool(each["prediction"]) for each in out] == [True, False, True]
    assert world.summary("a.csv")["refused"] == {"rows": 1, "by": {"overflow": 1}}
    (record,) = world.outlet.records
    fault = record.rows[1].fault
    assert fault is not None and fault.code == "overflow" and "model.yaml" in fault.message
    assert record.served[0].rows == 2 and [row.version for row in record.rows] == [1, None, 1]
