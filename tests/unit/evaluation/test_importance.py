"""What a model looks at, by its own explanations."""

import numpy as np
import pytest

from gyre.bundle.predict import Predictor
from gyre.evaluation.importance import importance
from tests.unit.training.models import compiled, rows


@pytest.mark.parametrize(
    ("estimator", "task"), [("linear", "binary"), ("boosting", "multiclass"), ("linear", "regression")]
)
def test_the_mean_of_absolute_contributions(estimator, task) -> None:
    predictor = Predictor(compiled(estimator, task, "mixed").bundle)
    columns = rows(4, 150)
    found = importance(predictor, columns)

    _, told = predictor.explain(columns)
    means = dict(zip(told.features, np.abs(told.contributions).mean(axis=0), strict=True))
    assert {each.feature: each.contribution for each in found} == pytest.approx(means)
    assert sum(each.share for each in found) == pytest.approx(1)
    assert [each.contribution for each in found] == sorted((each.contribution for each in found), reverse=True)


def test_of_many_rows_some_at_equal_distances() -> None:
    predictor = Predictor(compiled("linear", "binary", "numbers").bundle)
    columns = rows(4, 1_000)
    chosen = {name: values[np.linspace(0, 999, 10).astype(int)] for name, values in columns.items()}
    assert importance(predictor, columns, most_rows=10) == importance(predictor, chosen)


def test_no_rows() -> None:
    found = importance(Predictor(compiled("linear", "binary", "numbers").bundle), rows(4, 0))
    assert [(each.contribution, each.share) for each in found] == [(0, 0), (0, 0)]
