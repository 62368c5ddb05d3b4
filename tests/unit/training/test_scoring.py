"""A candidate's score is what `fit` gives on rows it has not seen, whoever scored what before it."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.errors import Invalid, NotFound
from gyre.evaluation.metric import metric_of, metric_value
from gyre.evaluation.targets import Targets, targets
from gyre.run_folder import RunFolder
from gyre.spec.model import ModelSpec
from gyre.training import scoring, warm
from gyre.training.candidates import Plan, Round, Scored, best_of, keep_plan, read_plan, read_scored
from gyre.training.fitting import Candidate, fit
from gyre.training.folds import folds
from gyre.training.rows import PartRows
from gyre.training.scoring import hopeless, score
from gyre.training.warm import WarmRows
from tests.fakes.objects import MemoryBucket
from tests.unit.features.parts import objects
from tests.unit.training.models import FEATURES, MIXED, NUMBERS, SMALL, TEXT, declared, rows, target
from tests.unit.training.searching import START, Run

LINEAR = Candidate("linear")


def part(task: str = "binary", seed: int = 1, count: int = 120) -> PartRows:
    columns = rows(seed, count)
    return PartRows(columns, target(columns, task))


def planned(
    spec: ModelSpec, *candidates: Candidate, folds: int = 3, to_beat: tuple[float | None, ...] = ()
) -> RunFolder:  # fmt: skip
    folder = RunFolder(MemoryBucket(), spec.model, "r")
    search = spec.training.search.model_copy(update={"folds": folds})
    keep_plan(Plan(START, search, (Round(candidates, to_beat),)), folder)
    return folder


def scored(spec: ModelSpec, given: PartRows, candidate: Candidate = LINEAR, **how: object) -> Scored:
    return score(spec, given, 1, planned(spec, candidate, **how))


@pytest.mark.parametrize(
    ("estimator", "task", "features"),
    [
        ("linear", "binary", "mixed"),
        ("linear", "multiclass", "text"),
        ("naive_bayes", "multiclass", "text"),
        ("boosting", "multiclass", "mixed"),
        ("random_forest", "regression", "mixed"),
        ("boosting", "binary", "text"),
    ],
)
def test_a_score_is_that_of_the_fitted_model_on_rows_it_has_not_seen(estimator: str, task: str, features: str) -> None:
    # given a candidate and the folds of its search
    spec = declared(task, FEATURES[features], "{class_weight: balanced}")
    given, candidate = part(task), Candidate(estimator, SMALL.get(estimator, {}))
    truth = targets(spec, given.target)
    # when each fold is fitted in the way of a training run
    expected = []
    for on, judge in folds(spec, given.columns, truth, 3).sides:
        some = given.chosen(on)
        made = fit(spec, some.columns, some.target, candidate, spec.training.seed)
        told = made.predict(given.chosen(judge).columns)
        expected.append(metric_value(metric_of(spec), Targets(truth.classes, truth.values[judge]), told))
    # then the score is the same
    found = scored(spec, given, candidate)
    assert found.scores == pytest.approx(expected, rel=1e-12)
    assert (found.mean, found.deviation) == pytest.approx((np.mean(expected), np.std(expected)))
    assert (found.failed, found.stopped_early, found.told) == (None, False, ())


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("weighed", [False, True])
def test_a_calibrated_score_is_that_of_the_fitted_model_with_its_weights(method: str, weighed: bool) -> None:
    spec = declared("multiclass", NUMBERS, f"{{metric: log_loss, class_weight: balanced, calibrate: {method}}}")
    given, candidate = part("multiclass", count=417), Candidate("naive_bayes")
    weights = np.where(given.target == objects("low")[0], 9.0, 1.0) if weighed else None
    truth = targets(spec, given.target)
    expected = []
    for on, judge in folds(spec, given.columns, truth, 2).sides:
        some, heavy = given.chosen(on), None if weights is None else weights[on]
        told = fit(spec, some.columns, some.target, candidate, spec.training.seed, heavy)
        found = told.predict(given.chosen(judge).columns)
        expected.append(metric_value("log_loss", Targets(truth.classes, truth.values[judge]), found))
    found = score(spec, given, 1, planned(spec, candidate, folds=2), weights)
    assert found.scores == pytest.approx(expected, rel=1e-12)


def test_a_candidate_is_scored_once() -> None:
    folder = planned(declared(), LINEAR)
    first = score(declared(), part(), 1, folder)
    told = folder.read("candidates/00001.json")
    assert score(declared(), part(seed=2), 1, folder) == first == read_scored(1, folder)
    assert folder.read("candidates/00001.json") == told
    with pytest.raises(NotFound, match="No candidate 2 is planned: there are 1"):
        score(declared(), part(), 2, folder)


def test_what_is_warm_changes_nothing_and_prepares_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    # given candidates of three kinds, and a count of what is prepared
    some = [Candidate("linear", {"C": c}) for c in (0.1, 1.0)]
    some += [Candidate("boosting", SMALL["boosting"]), Candidate("random_forest", SMALL["random_forest"])]
    spec = declared(features=MIXED, training="{estimators: [linear, boosting, random_forest]}")
    made, learn = [], warm.learn
    monkeypatch.setattr(warm, "learn", lambda *told: made.append(told[2]) or learn(*told))
    # when one process scores all of them, and others one each
    kept = WarmRows()
    folder = planned(spec, *some)
    together = [score(spec, part(), number, folder, warm=kept) for number in (1, 2, 3, 4)]
    assert made == ["linear"] * 3 + ["boosting"] * 3  # trees of both kinds see the same rows
    alone = [scored(spec, part(), each) for each in some]
    # then all of them tell the same
    assert [each.scores for each in together] == [each.scores for each in alone]


def test_rows_that_only_look_the_same_are_not_mixed_up() -> None:
    kept, spec, other = WarmRows(), declared(features=TEXT), declared(features=TEXT, training="{seed: 8}")
    changed = part()
    texts = changed.columns["text"].copy()
    texts[texts == objects(None)[0]] = "nan"
    cases = [
        (spec, part()), (spec, part(seed=2)), (spec, PartRows({**changed.columns, "text": texts}, changed.target)),
        (other, part()), (spec, part()),
    ]  # fmt: skip
    for each, some in cases:
        found = score(each, some, 1, planned(each, LINEAR), warm=kept)
        assert found.scores == scored(each, some).scores


def test_what_finds_no_room_is_made_again() -> None:
    assert score(declared(), part(), 1, planned(declared(), LINEAR), warm=WarmRows(0)).scores == scored(
        declared(), part()
    ).scores  # fmt: skip


def test_what_scikit_learn_refuses_is_a_failure_with_its_reason() -> None:
    folder = planned(declared(), Candidate("linear", {"C": -1.0}))
    found = score(declared(), part(), 1, folder)
    assert (found.failed or "").startswith("linear(C=-1.0) cannot be fitted: The 'C' parameter")
    assert found.mean is None
    assert read_scored(1, folder) == found


@pytest.mark.parametrize(
    ("values", "words", "field"),
    [
        (["a"] * 120, "y is a in every row", "y"),
        (["a", None, "b"] * 40, "40 of 120 rows have no y", "y"),
    ],
)
def test_rows_that_nothing_can_be_learned_from(values: list[str | None], words: str, field: str) -> None:
    found = scored(declared(), PartRows(part().columns, objects(*values)))
    assert words in (found.failed or "")
    assert found.field == field


def test_ten_rows_are_enough_and_nine_are_not() -> None:
    few = PartRows(rows(1, 10), objects(*"ab" * 5))
    found = scored(declared(), few, folds=20)
    assert len(found.scores) == 5
    assert found.told == ("5 folds instead of 20: there are 10 rows.",)
    found = scored(declared(), few.chosen(np.arange(9)))
    assert found.failed == "There are 9 rows to train on, and 10 are needed at least."


def test_an_error_that_nobody_expected_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = planned(declared(), LINEAR)

    def broken(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(scoring, "fit_model", broken)
    with pytest.raises(RuntimeError, match="out of luck"):
        score(declared(), part(), 1, folder)
    with pytest.raises(NotFound):
        read_scored(1, folder)  # another try scores it


@pytest.mark.parametrize("estimator", ["linear", "boosting", "random_forest", "naive_bayes"])
@pytest.mark.parametrize("metric", ["f1_macro", "log_loss", "roc_auc"])
def test_a_fold_that_was_not_taught_every_class(estimator: str, metric: str) -> None:
    # given a class of one row, and in time order a beginning that holds one class only
    count = 90
    at = np.arange(float(count))
    names = objects(*(["low"] * 40 + ["middle", "high"] * 24 + ["low", "odd"]))
    spec = declared(
        "multiclass", NUMBERS + ", at: {type: number}", f"{{metric: {metric}, estimators: [{estimator}]}}",
        "time: at\nsplit: {by: time}\n",
    )  # fmt: skip
    given = PartRows({**rows(1, count), "at": at}, names)
    found = scored(spec, given, Candidate(estimator, SMALL.get(estimator, {})), folds=4)
    assert found.failed is None
    assert len(found.scores) == 4
    assert found.mean is not None
    assert np.isfinite(found.mean)


def test_a_metric_that_a_fold_cannot_tell_is_left_out_of_the_mean() -> None:
    spec = declared(
        features=NUMBERS + ", at: {type: number}", training="{metric: roc_auc}", more="time: at\nsplit: {by: time}\n"
    )
    given = PartRows({**rows(1, 90), "at": np.arange(90.0)}, objects(*(["no", "yes"] * 30 + ["no"] * 30)))
    found = scored(spec, given, folds=3)
    assert found.scores[-1] is None
    assert found.told == ("roc_auc cannot be told on 1 of 3 folds.",)
    only = [each for each in found.scores if each is not None]
    assert found.mean == pytest.approx(np.mean(only))


def test_a_hundred_classes() -> None:
    draw = np.random.default_rng(1)
    names = np.array([f"c{each:02}" for each in draw.integers(0, 100, 400)], dtype=object)
    found = scored(declared("multiclass"), PartRows(rows(1, 400), names), Candidate("naive_bayes"))
    assert found.failed is None
    assert "instead of 3" in found.told[0]


def test_numbers_that_run_away_are_a_failure() -> None:
    columns = rows(1, 60)
    found = scored(declared("regression"), PartRows(columns, np.where(np.arange(60) % 2, 1e300, -1e300)))
    assert found.failed is not None
    assert found.mean is None


def test_weights_of_rows_are_heard_on_the_side_that_is_fitted() -> None:
    spec, given = declared("regression"), part("regression")
    heavy = np.where(given.target > np.median(given.target), 1000.0, 1.0)
    plain, weighed = (
        score(spec, given, 1, planned(spec, LINEAR), each) for each in (None, heavy)
    )  # fmt: skip
    assert (weighed.mean or 0) > (plain.mean or 0)
    assert score(spec, given, 1, planned(spec, LINEAR), np.ones(120)).mean == pytest.approx(plain.mean)


def test_calibrated_probabilities_are_judged_where_probabilities_are() -> None:
    given = part("multiclass", count=300)

    def found(metric: str, calibrate: str) -> Scored:
        spec = declared("multiclass", training=f"{{metric: {metric}, calibrate: {calibrate}}}")
        return scored(spec, given, Candidate("naive_bayes", {"var_smoothing": 1e-3}), folds=2)

    assert found("f1_macro", "sigmoid").scores == found("f1_macro", "none").scores
    calibrated, plain = (found("log_loss", each).mean for each in ("sigmoid", "none"))
    assert calibrated is not None
    assert plain is not None
    assert calibrated < 0.9 * plain
    # with too few rows to spare a fold is scored as it is
    few = declared(training="{metric: log_loss, calibrate: sigmoid}")
    assert scored(few, part(count=60)).scores == scored(declared(training="{metric: log_loss}"), part(count=60)).scores


def test_a_candidate_far_behind_stops_early_and_is_never_the_best() -> None:
    spec, given = declared("multiclass"), part("multiclass")
    good = scored(spec, given)
    folder = planned(spec, Candidate("linear", {"C": 1e-6}), to_beat=good.scores)
    bad = score(spec, given, 1, folder)
    assert (bad.stopped_early, len(bad.scores)) == (True, 1)
    assert bad.mean == bad.scores[0]
    assert best_of([bad]) is None
    lucky = Scored(**{**vars(bad), "mean": 2.0})
    assert best_of([lucky, good]) == good
    assert not scored(spec, given, Candidate("linear", {"C": 0.9}), to_beat=good.scores).stopped_early


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.data(), st.sampled_from(["f1_macro", "rmse"]))
def test_who_is_not_behind_goes_on(best: list[float], data: st.DataObject, metric: str) -> None:
    known = data.draw(st.integers(1, len(best)))
    sign = 1 if metric == "f1_macro" else -1
    ahead = [each + sign * data.draw(st.floats(0, 1)) for each in best[:known]]
    assert not hopeless(metric, ahead, best)
    assert hopeless(metric, [each - sign * 5 for each in best[:known]], best)
    assert not hopeless(metric, ahead, ())
    assert not hopeless(metric, [float("nan")], best)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_search_finds_the_same_whoever_scores_in_which_order(sampler: str) -> None:
    # given a spec with a search of real candidates
    spec = declared(
        "multiclass", NUMBERS,
        f"{{estimators: [linear, naive_bayes], search: {{sampler: {sampler}, candidates: 10, rounds: 3, folds: 3}}}}",
    )  # fmt: skip
    given = part("multiclass")
    ends = []
    # when it runs in one process, and in many of which each scores one candidate, the last one first
    for workers in (1, 10):
        made, kept = Run(spec), WarmRows()
        proposal = made.propose(0)
        while not proposal.done:
            for number in proposal.numbers if workers == 1 else reversed(proposal.numbers):
                score(spec, given, number, made.folder, warm=kept if workers == 1 else None)
            proposal = made.propose(proposal.round)
        found = [asdict(read_scored(each.number, made.folder)) for each in read_plan(made.folder).candidates()]
        ends.append((proposal, [{**each, "seconds": 0} for each in found]))
    # then candidates, scores and the best are the same
    assert ends[0] == ends[1]


def test_every_kind_of_failure_is_told_by_the_search() -> None:
    spec = declared("binary", training="{search: {candidates: 4, rounds: 1}}")
    made = Run(spec)
    given = PartRows(part().columns, objects(*["a"] * 120))
    for number in made.propose(0).numbers:
        score(spec, given, number, made.folder)
    with pytest.raises(Invalid, match="No candidate could be scored: y is a in every row") as caught:
        made.propose(1)
    assert caught.value.field == "y"
