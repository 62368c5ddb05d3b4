"""There is something to learn in each example, and not everything can be learned."""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tests.unit.examples.parts import frame_of, spec_of

TRAINED = 3_000


def as_numbers(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Words by their place among the values, which is all that trees ask for."""
    spec = spec_of(name)
    columns = {}
    for column in (each for each in spec.features if each in spec.columns):
        values = frame[column]
        if spec.columns[column].type == "category":
            options = spec.columns[column].values or values.value_counts().index
            values = values.map({word: float(at) for at, word in enumerate(options)})
        columns[column] = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.DataFrame(columns)


def right(model: HistGradientBoostingClassifier, features: pd.DataFrame, labels: pd.Series) -> float:
    model.fit(features[:TRAINED], labels[:TRAINED])
    return float(model.score(features[TRAINED:], labels[TRAINED:]))


def trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=12, random_state=0)


def test_trees_learn_weight_classes() -> None:
    frame = frame_of("obesity")
    features = as_numbers("obesity", frame)
    features["bmi"] = features["weight_kg"] / features["height_m"] ** 2
    assert 0.8 < right(trees(), features, frame["level"]) < 0.92


def test_trees_learn_salary_bands() -> None:
    frame = frame_of("salary_band")
    assert 0.55 < right(trees(), as_numbers("salary_band", frame), frame["band"]) < 0.75


def test_pairs_of_words_tell_the_mood() -> None:
    frame = frame_of("sentiment").dropna(subset=["text"])
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=4, max_iter=300))
    assert 0.84 < right(model, frame["text"], frame["sentiment"]) < 0.93
