"""Candidates where the scored ones say that good ones are: Optuna's tree-structured Parzen estimator (TPE)."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)  # fmt: skip
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState, create_trial

from gyre.evaluation.metric import higher_is_better
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Bound
from gyre.training.candidates import Identities, Scored
from gyre.training.estimators import Between, OneOf
from gyre.training.fitting import Candidate
from gyre.training.points import Box, rounded

_ESTIMATOR = "estimator"


def proposals(
    spec: ModelSpec, boxes: Sequence[Box], found: Sequence[Scored], metric: str, seed: int
) -> Iterator[Candidate]:  # fmt: skip
    """Without an end. Each one that was asked for counts as bad until it is scored, so that a round spreads."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would tell each study to standard error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # By group: what is good for one estimator says nothing about another's parameters.
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=1, multivariate=True, group=True, constant_liar=True, seed=seed
        )  # fmt: skip
    study = optuna.create_study(direction="maximize" if higher_is_better(metric) else "minimize", sampler=sampler)
    by_name = {box.estimator: box for box in boxes}
    known = Identities(spec)
    study.add_trials([made for each in found if (made := _trial(known, by_name, each)) is not None])
    while True:
        yield _asked(study.ask(), boxes)


def _asked(trial: optuna.Trial, boxes: Sequence[Box]) -> Candidate:
    name = trial.suggest_categorical(_ESTIMATOR, [box.estimator for box in boxes])
    box = next(each for each in boxes if each.estimator == name)
    return Candidate(
        box.estimator,
        {
            parameter: _value(where, _suggested(trial, _named(box, parameter), _distribution(where)))
            for parameter, where in box.space.items()
        },
    )


def _suggested(trial: optuna.Trial, name: str, where: BaseDistribution) -> Any:
    match where:
        case IntDistribution():
            return trial.suggest_int(name, where.low, where.high, log=where.log)
        case FloatDistribution():
            return trial.suggest_float(name, where.low, where.high, log=where.log)
        case CategoricalDistribution():
            return trial.suggest_categorical(name, where.choices)
    raise TypeError(f"{type(where).__name__} of {name} cannot be drawn from")


def _trial(known: Identities, boxes: dict[Any, Box], scored: Scored) -> FrozenTrial | None:
    """What was learned, as Optuna tells it; nothing, of a candidate that has no place in its box."""
    if (box := boxes.get(scored.estimator)) is None:
        return None
    given = known.parameters(scored.candidate)
    places = {_named(box, name): _place(where, given.get(name)) for name, where in box.space.items()}
    if None in places.values():
        return None
    distributions: dict[str, BaseDistribution] = {
        _ESTIMATOR: CategoricalDistribution(list(boxes)),
        **{_named(box, name): _distribution(where) for name, where in box.space.items()},
    }
    told: dict[str, Any] = {"params": {_ESTIMATOR: scored.estimator, **places}, "distributions": distributions}
    if scored.failed is None and not scored.stopped_early:
        return create_trial(value=scored.mean, **told)
    # Worse than any that was scored on all folds; one that failed is the worst of all.
    steps = {} if scored.mean is None else {len(scored.scores): scored.mean}
    return create_trial(state=TrialState.PRUNED, intermediate_values=steps, **told)


def _named(box: Box, parameter: str) -> str:
    return f"{box.estimator}.{parameter}"


def _distribution(where: OneOf | Between) -> BaseDistribution:
    """Of a choice, the place in it: numbers stand in their order, and what is near one is like it."""
    if isinstance(where, OneOf):
        last = len(where.values) - 1
        return IntDistribution(0, last) if _ordered(where) else CategoricalDistribution(list(range(last + 1)))
    if where.whole:
        return IntDistribution(int(where.low), int(where.high), log=where.log)
    return FloatDistribution(where.low, where.high, log=where.log)


def _value(where: OneOf | Between, place: Any) -> Bound:
    if isinstance(where, OneOf):
        chosen: Bound = _choices(where)[place]
        return chosen
    return int(place) if where.whole else rounded(float(place), where)


def _place(where: OneOf | Between, value: Bound) -> Any:
    """Where a value stands; one from outside, such as a default, stands at the nearest place."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(where, Between):
        nearest = min(max(value, where.low), where.high) if number else None  # type: ignore[type-var]
        return round(nearest) if where.whole and nearest is not None else nearest  # type: ignore[arg-type]
    choices = _choices(where)
    if _ordered(where):
        if not number:
            return None
        return min(range(len(choices)), key=lambda at: abs(choices[at] - value))
    same = (at for at, each in enumerate(choices) if type(each) is type(value) and each == value)
    return next(same, None)


def _ordered(where: OneOf) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in where.values)


def _choices(where: OneOf) -> list[Any]:
    return sorted(where.values) if _ordered(where) else list(where.values)
