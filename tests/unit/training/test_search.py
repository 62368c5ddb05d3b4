"""What is scored next follows from the spec, its seed and earlier scores alone, and a search ends when it should."""

import math
import os
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.catalogue import EXAMPLES
from gyre.errors import Invalid, NotFound
from gyre.run_folder import RunFolder
from gyre.spec.check import read_spec
from gyre.spec.policy import Search
from gyre.training.candidates import Identities, read_plan
from gyre.training.estimators import checked_parameters
from gyre.training.fitting import Candidate
from gyre.training.points import boxes_of
from tests.fakes.objects import MemoryBucket
from tests.unit.training.models import MIXED, declared
from tests.unit.training.searching import Run, run, wide

LINEAR = "estimators: [linear], space: {linear: {C: [0.001, 1000]}}"


def hill(candidate: Candidate) -> float:
    """Best at C = 30."""
    return -abs(math.log10(float(candidate.parameters.get("C", 1.0)) / 30))


def test_the_first_round_holds_what_was_asked_for_and_each_estimator_by_itself() -> None:
    made = run("{estimators: [linear, boosting, random_forest], search: {candidates: 12, rounds: 2}}")
    earlier = Candidate("boosting", {"max_iter": 77})
    proposal = made.propose(0, (earlier, Candidate("linear", {"C": 1.0})))  # the latter is linear by itself
    assert proposal.numbers == (1, 2, 3, 4, 5, 6)
    assert made.candidates()[:4] == [
        earlier,
        Candidate("linear", {"C": 1.0}),
        Candidate("boosting"),
        Candidate("random_forest"),
    ]
    assert all(each.parameters for each in made.candidates()[4:])


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["tpe", "random", "grid"]), st.integers(1, 14), st.integers(1, 6),
    st.sampled_from(["linear", "linear, boosting", "linear, random_forest, boosting", "naive_bayes, linear"]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_no_candidate_comes_twice_and_there_are_never_too_many(
    sampler: str, candidates: int, rounds: int, estimators: str, seed: int
) -> None:
    # given any search, whose candidates fail now and then
    made = run(
        f"{{estimators: [{estimators}], seed: {seed}, search: "
        f"{{sampler: {sampler}, candidates: {candidates}, rounds: {rounds}, patience: 99}}}}"
    )
    # when it runs to its end
    proposals = list(made.rounds(lambda each: wide(each) if wide(each) > -2 else "no"))
    # then the budget is used up, in rounds of the size that was asked for, and no two candidates are the same
    found, last = made.candidates(), proposals[-1]
    assert len({Identities(made.spec).of(each) for each in found}) == len(found) <= candidates
    assert [n for each in proposals for n in each.numbers] == list(range(1, len(found) + 1))
    assert len(proposals) - 1 <= rounds
    assert last.scored + last.failed == len(found)
    assert len(found) == candidates or "used up" in last.because
    for each in found:
        checked_parameters(made.spec, each.estimator, each.parameters)


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_who_asks_again_hears_the_same(sampler: str) -> None:
    made = run(f"{{search: {{sampler: {sampler}, candidates: 9, rounds: 3, patience: 9}}}}")
    proposal, told = made.propose(0), []
    while not proposal.done:
        # as after a crash, before anything is scored; and in the middle of the round
        assert made.propose(proposal.round - 1) == proposal
        made.judge(proposal, wide)
        assert made.propose(proposal.round - 1) == proposal
        told.append(made.folder.read("search.json"))
        proposal = made.propose(proposal.round)
    assert made.propose(proposal.round) == proposal
    assert made.propose(0) == proposal
    assert len(set(told)) == 3


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_the_order_of_results_changes_nothing(sampler: str) -> None:
    training = f"{{search: {{sampler: {sampler}, candidates: 12, rounds: 4, patience: 9}}}}"
    one, other = run(training), run(training)
    assert list(one.rounds(wide)) == list(other.rounds(wide, backwards=True))
    assert one.candidates() == other.candidates()
    seeded = run(training.replace("{search", "{seed: 8, search"))
    list(seeded.rounds(wide))
    assert seeded.candidates() != one.candidates()


def test_another_process_draws_the_same() -> None:
    """Python gives words other hashes in each process, and Optuna keeps parameters in sets."""
    training = "{estimators: [boosting, random_forest, linear], search: {candidates: 12, rounds: 3}}"
    code = (
        "from tests.unit.training.searching import run, wide\n"
        f"made = run({training!r}); list(made.rounds(wide)); print(made.candidates())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout  # fmt: skip
    made = run(training)
    list(made.rounds(wide))
    assert told == f"{made.candidates()}\n"


def test_a_plan_that_was_made_twice_at_once_is_the_same() -> None:
    made, other = (run("{search: {candidates: 8, rounds: 2, patience: 9}}") for _ in range(2))
    for each in (made, other):
        each.judge(each.propose(0), wide)
        each.propose(1)
    assert made.folder.read("search.json") == other.folder.read("search.json")


def test_tpe_finds_more_than_chance() -> None:
    best: dict[str, list[float]] = {"tpe": [], "random": []}
    for sampler, found in best.items():
        for seed in range(12):
            search = f"{{sampler: {sampler}, candidates: 16, rounds: 8, patience: 99}}"
            made = run(f"{{{LINEAR}, seed: {seed}, search: {search}}}")
            list(made.rounds(hill))
            found.append(max(map(hill, made.candidates())))
    assert sum(best["tpe"]) / 12 > 0.5 * sum(best["random"]) / 12  # both are below 0


def test_tpe_stays_away_from_what_fails() -> None:
    made = run(f"{{{LINEAR}, search: {{candidates: 40, rounds: 10, patience: 99}}}}")
    list(made.rounds(lambda each: hill(each) if float(each.parameters.get("C", 1.0)) > 0.1 else "refused"))
    fails = [float(each.parameters.get("C", 1.0)) <= 0.1 for each in made.candidates()]
    assert sum(fails[20:]) <= 3


def test_a_round_that_is_asked_together_spreads() -> None:
    made = run(f"{{{LINEAR}, search: {{candidates: 24, rounds: 3, patience: 99}}}}")
    list(made.rounds(hill))
    for first in (8, 16):
        found = sorted(math.log10(float(each.parameters["C"])) for each in made.candidates()[first : first + 8])
        assert min(b - a for a, b in pairwise(found)) > 1e-3
        assert found[-1] - found[0] > 0.5


def test_it_ends_when_all_candidates_are_tried() -> None:
    *_, last = run("{search: {candidates: 5, rounds: 2, patience: 9}}").rounds(wide)
    assert (last.because, last.scored, last.failed, last.numbers) == ("5 candidates were tried", 5, 0, ())


def test_it_ends_without_a_gain() -> None:
    made = run(f"{{{LINEAR}, search: {{candidates: 40, rounds: 20, patience: 3, sampler: random}}}}")
    scores = iter([0.5, 0.4, 0.7, 0.700001, 0.6, 0.6, 0.9, *[0.2] * 9, *[0.8] * 9])
    *_, last = made.rounds(lambda _: next(scores))
    # rounds of two: the third and fourth gain nothing worth its name in the third, and 0.9 in the fourth
    assert last.because == "no gain in 3 rounds"
    assert (last.round, last.best) == (7, 7)


def test_a_lower_error_is_a_gain() -> None:
    made = Run(declared("regression", training=f"{{{LINEAR}, search: {{candidates: 9, rounds: 9, patience: 2}}}}"))
    made.spec = made.spec.model_copy(
        update={"training": made.spec.training.model_copy(update={"estimators": ("linear",), "space": {}})}
    )
    scores = iter([900.0, 800.0, 700.0, 700.0, 950.0, 1.0])
    *_, last = made.rounds(lambda _: next(scores))
    assert (last.because, last.best, last.scored) == ("no gain in 2 rounds", 3, 5)


def test_it_ends_when_its_time_is_over() -> None:
    made = run("{search: {candidates: 12, rounds: 6, patience: 9, minutes: 30}}")
    made.judge(made.propose(0), wide)
    made.minutes = 29.9
    second = made.propose(1)
    assert not second.done
    made.judge(second, wide)
    made.minutes = 30
    assert made.propose(1) == second  # what was planned in time is scored
    last = made.propose(2)
    assert (last.because, last.done) == ("30 minutes are over", True)
    made.minutes = 0
    assert made.propose(2) == last


@pytest.mark.parametrize(("sampler", "told"), [("tpe", "space"), ("random", "space"), ("grid", "grid")])
def test_it_ends_when_there_is_nothing_new(sampler: str, told: str) -> None:
    training = "{estimators: [linear], space: {linear: {C: [1, 2, 3], fit_intercept: [true, false]}}, "
    made = run(training + f"search: {{sampler: {sampler}, candidates: 50, rounds: 10, patience: 9}}}}")
    *_, last = made.rounds(wide)
    # the default is one of the six
    assert (last.because, last.scored) == (f"the {told} is used up", 6)


def test_a_grid_that_is_too_large_is_a_choice() -> None:
    made = run("{estimators: [boosting], search: {sampler: grid, candidates: 12, rounds: 2}}")
    first = made.propose(0)
    assert first.told == ("The grid has 243 points, and 12 candidates are tried: the seed chooses them.",)
    values = {name: where.values for name, where in boxes_of(made.spec)[0].gridded(12).space.items()}
    assert all(each.parameters[name] in values[name] for each in made.candidates()[1:] for name in values)


def test_what_ended_before_it_told_has_failed() -> None:
    made = run(f"{{{LINEAR}, search: {{candidates: 6, rounds: 2}}}}")
    made.judge(made.propose(0), lambda each: None if each.parameters else 0.5)
    proposal = made.propose(1)
    assert (proposal.best, proposal.scored, proposal.failed) == (1, 1, 2)


def test_an_estimator_of_which_all_failed_is_not_asked_again() -> None:
    made = run("{estimators: [linear, boosting], search: {candidates: 30, rounds: 5, sampler: random, patience: 9}}")
    list(made.rounds(lambda each: "too wide" if each.estimator == "boosting" else wide(each)))
    tried = [each.estimator for each in made.candidates()]
    assert set(tried[6:]) == {"linear"}


def test_an_estimator_that_cannot_be_fitted_is_tried_once() -> None:
    features = "age: {type: number, prepare: {impute: none}}"
    made = Run(declared(features=features, training="{search: {candidates: 8, rounds: 1}}"))
    made.propose(0)
    assert [each.estimator for each in made.candidates()] == ["linear"] + ["boosting"] * 7


def test_nothing_scored_is_told_with_its_reasons() -> None:
    made = run("{estimators: [linear, boosting, random_forest], search: {candidates: 4, rounds: 1}}")
    reasons = {"linear": "no line", "boosting": "no boost", "random_forest": None}
    made.judge(made.propose(0), lambda each: reasons[each.estimator])
    with pytest.raises(Invalid, match=r"Candidate 1, linear: no line Candidate 2, boosting: no boost Candidate 3, ran"):
        made.propose(1)
    made = run("{search: {candidates: 4, rounds: 1}}")
    made.judge(made.propose(0), lambda _: "y is a in every row.")
    with pytest.raises(Invalid, match=r"^No candidate could be scored: y is a in every row\.$"):
        made.propose(1)


def test_of_equals_the_first_is_the_best() -> None:
    *_, last = run("{search: {candidates: 6, rounds: 1}}").rounds(lambda _: 0.5, backwards=True)
    assert last.best == 1


def test_a_callers_search_stands_until_the_end() -> None:
    made = run("{search: {candidates: 30, rounds: 2}}")
    wanted = Search(candidates=4, rounds=2, folds=7, patience=9)
    made.judge(made.propose(0, search=wanted), wide)
    made.judge(made.propose(1), wide)
    assert made.propose(2).because == "4 candidates were tried"
    assert read_plan(made.folder).search == wanted


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_search_where_their_estimators_have_parameters(name: str) -> None:
    spec = read_spec(EXAMPLES[name].spec.read_bytes())
    for estimator, space in spec.training.space.items():
        checked_parameters(spec, estimator, space)
    made = Run(spec, RunFolder(MemoryBucket(), name, "r"))
    *_, last = made.rounds(wide)
    assert last.scored > 3


@pytest.mark.parametrize(
    ("training", "field", "words"),
    [
        ("{space: {boosting: {depth: [1, 2]}}}", "training.space.boosting", "boosting has no parameter depth to set"),
        ("{space: {linear: {C: []}}}", "training.space.linear", "There is no value of C to try for linear"),
    ],
)
def test_a_space_that_is_wrong_fails_before_anything_is_scored(training: str, field: str, words: str) -> None:
    made = run(training)
    with pytest.raises(Invalid, match=words) as caught:
        made.propose(0)
    assert caught.value.field == field
    with pytest.raises(NotFound):
        read_plan(made.folder)


def test_an_earlier_candidate_that_does_not_fit_any_more_is_left_out() -> None:
    made = run("{search: {candidates: 4, rounds: 1}}")
    told = made.propose(0, (Candidate("extra_trees"), Candidate("linear", {"depth": 3}))).told
    assert "extra_trees is not among `training.estimators`" in told[0]
    assert "linear has no parameter depth" in told[1]
    assert made.candidates()[0] == Candidate("linear")


def test_more_estimators_than_candidates() -> None:
    made = Run(declared(features=MIXED, training="{search: {candidates: 1, rounds: 1}}"))
    assert made.propose(0).told == ("There is room for 1 candidates: not every estimator is tried.",)
    assert len(made.candidates()) == 1


def test_a_round_that_was_never_planned() -> None:
    with pytest.raises(Invalid, match="Round 2 of the search was never planned: 0 were"):
        run("{}").propose(2)


def test_values_of_every_kind_can_be_chosen_from() -> None:
    space = "{random_forest: {max_features: [sqrt, 0.5, 1.0, null], bootstrap: [true, false], max_depth: [9, 3, 6]}}"
    made = run(f"{{estimators: [random_forest], space: {space}, search: {{candidates: 20, rounds: 5, patience: 9}}}}")
    list(made.rounds(wide, first=(Candidate("random_forest", {"max_features": 7, "max_depth": None}),)))
    kinds = {(type(v).__name__, v) for each in made.candidates() if (v := each.parameters.get("max_features", 0)) != 7}
    assert kinds <= {("str", "sqrt"), ("float", 0.5), ("float", 1.0), ("NoneType", None), ("int", 0)}
    assert len(kinds) > 3
