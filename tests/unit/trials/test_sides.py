"""What is counted for whom."""

import pytest

from gyre.journal.record import JournalRecord
from gyre.trials.sides import Side, alike_size, like_calls, sides
from tests.unit.trials.trial_calls import call, explained, failure, record, refusal, row, served, shadow, wrong


def counted(*records: JournalRecord) -> tuple[Side, Side]:
    found = sides(records, 1, 2)
    return found.production, found.challenger


def rows_of(side: Side) -> tuple[int, int, int, int]:
    return side.calls, side.answered, side.failed, side.refused


def test_each_row_counts_for_who_answered_it() -> None:
    mixed = record([served(1, 2, 4.0), served(2, 1, 3.0)], [row(1, "red"), row(2, "white"), row(1, "white")])
    ours, theirs = counted(mixed, call(1, "red"), call(3, "red"))
    assert (rows_of(ours), rows_of(theirs)) == ((2, 3, 0, 0), (1, 1, 0, 0))
    assert (dict(ours.classes), dict(theirs.classes)) == ({"red": 2, "white": 1}, {"white": 1})
    assert sorted(ours.times.values()) == [[1.0], [2.0]] and list(theirs.times.values()) == [[3.0]]


def test_what_production_answered_in_the_challengers_place_is_the_challengers_fault() -> None:
    ours, theirs = counted(failure(3), call(2))
    assert (rows_of(ours), rows_of(theirs)) == ((1, 3, 0, 0), (2, 1, 3, 0))
    assert (theirs.rows, len(theirs.times)) == (4, 1)


def test_a_refused_row_counts_for_the_only_one_who_was_asked() -> None:
    mixed = record([served(1, 0), served(2, 0)], [wrong(), row(None, None)], status=422)
    ours, theirs = counted(refusal(1), refusal(2, 2), mixed)
    assert (rows_of(ours), rows_of(theirs)) == ((2, 0, 0, 1), (2, 0, 0, 2))
    partial = record([served(2, 2)], [wrong("a"), row(2, "red", "b")])
    assert rows_of(counted(partial)[1]) == (1, 1, 0, 1)


def test_a_rows_own_fault_is_its_releases() -> None:
    (_, theirs) = counted(record([served(2, 2)], [row(2), row(2, None, fault=wrong().fault)]))
    assert rows_of(theirs) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    "chosen", [{"asked": "challenger"}, {"asked": "2"}, {"kind": "batch"}, {"kind": "batch", "asked": "challenger"}]
)
def test_who_chose_a_version_and_files_are_left_out(chosen: dict[str, str]) -> None:
    ours, theirs = counted(call(1, **chosen), call(2, **chosen), failure(**chosen))
    assert (rows_of(ours), rows_of(theirs)) == ((0, 0, 0, 0), (0, 0, 0, 0))


def test_numbers_are_no_classes() -> None:
    named = record([served(2)], [row(2, 7, probabilities={"7": 1.0})])
    ours, theirs = counted(call(1, 3.0, 4, None), call(2, True, float("inf")), named)
    assert (ours.values, dict(ours.classes)) == ([3.0, 4.0], {})
    assert (theirs.values, dict(theirs.classes)) == ([], {"true": 1, "7": 1})
    assert ours.answered == 3


def test_an_old_record_without_anybody_counts_for_nobody() -> None:
    ours, theirs = counted(record([], [], status=404), record([], [wrong()], status=500))
    assert ours.rows == theirs.rows == ours.calls == theirs.calls == 0


# --- calls that are alike ---------------------------------------------------------------------------------------------


def test_times_are_kept_by_the_kind_of_call() -> None:
    why = record([served(1, 1, 8.0)], [explained(1)])
    ours, _ = counted(call(1, ms=1.0), why, call(1, *["red"] * 100, ms=50.0), call(1, ms=2.0))
    assert dict(ours.times) == {(0, False): [1.0, 2.0], (0, True): [8.0], (alike_size(100), False): [0.5]}


def test_up_to_six_rows_the_number_counts_and_above_about_a_quarter() -> None:
    assert len({alike_size(rows) for rows in range(1, 7)}) == 6
    for rows in range(1, 2_000):
        size = alike_size(rows)
        assert 0.85 < like_calls((size, False))[0] / rows < 1.2
        assert alike_size(rows) <= alike_size(rows + 1)
    assert like_calls((0, False)) == (1, "of one row, not explained")
    assert like_calls((alike_size(4), True)) == (4, "of 4 rows, explained")
    assert like_calls((alike_size(1_000), True))[1].startswith("of about 1,0")


# --- the shadow -------------------------------------------------------------------------------------------------------


def test_a_shadow_is_compared_row_by_row() -> None:
    base = call(1, "red", "white", "red")
    found = sides([shadow(base, "red", "red", "red"), base], 1, 2)
    assert (found.agreement.rows, found.agreement.agreeing, found.agreement.unmatched) == (3, 2, 0)
    assert (rows_of(found.production), rows_of(found.challenger)) == ((1, 3, 0, 0), (1, 3, 0, 0))


def test_only_what_production_answered_is_compared() -> None:
    """Given a call of which the challenger had a row already."""
    base = record([served(1), served(2)], [row(1, "red", "a"), row(2, "white", "b")])
    found = sides([base, shadow(base, "white", "white")], 1, 2).agreement
    assert (found.rows, found.agreeing, found.unmatched) == (1, 0, 1)


def test_a_shadow_whose_call_is_not_there_is_counted_and_not_compared() -> None:
    found = sides([shadow(call(1, "red", "red"), "red", "red")], 1, 2)
    assert (found.agreement.rows, found.agreement.unmatched, found.challenger.answered) == (0, 2, 2)


def test_rows_that_the_shadow_refused_are_no_disagreement() -> None:
    base = record([served(1, 2)], [row(1, "red", "a"), row(1, "red", "b")])
    told = shadow(base, "red", "red").model_copy(update={"rows": (wrong("a"), row(2, "red", "b"))})
    found = sides([base, told], 1, 2)
    assert (found.agreement.rows, found.agreement.agreeing, found.agreement.unmatched) == (1, 1, 0)
    assert rows_of(found.challenger) == (1, 1, 0, 1)


def test_rows_are_found_by_their_ids_where_some_are_missing() -> None:
    base = record([served(1, 3)], [row(1, "red", "a"), row(1, "white", 7), row(1, "red")])
    told = record([served(2, 2)], [row(2, "white", 7), row(2, "red", "z")], kind="shadow",
                  event_id=f"{base.event_id}-shadow")  # fmt: skip
    found = sides([base, told], 1, 2).agreement
    assert (found.rows, found.agreeing, found.unmatched) == (1, 1, 1)


def test_numbers_agree_that_are_near() -> None:
    base = call(1, 100.0, 100.0, 0.0, 0.0, -10.0)
    found = sides([base, shadow(base, 104.0, 106.0, 0.0, 0.001, 10.0)], 1, 2).agreement
    assert (found.rows, found.agreeing) == (5, 2)
    assert found.differences == [4.0, 6.0, 0.0, 0.001, 20.0]


def test_a_truth_and_its_name_are_the_same_class() -> None:
    base = call(1, True)
    found = sides([base, shadow(base, "true")], 1, 2).agreement
    assert (found.rows, found.agreeing) == (1, 1)


def test_a_failed_shadow_is_the_challengers_fault() -> None:
    base = call(1)
    lost = record([served(2, 1, fault="cannot be loaded")], [], kind="shadow", status=503,
                  event_id=f"{base.event_id}-shadow")  # fmt: skip
    found = sides([base, lost], 1, 2)
    assert (rows_of(found.challenger), found.agreement.rows) == ((1, 0, 1, 0), 0)
