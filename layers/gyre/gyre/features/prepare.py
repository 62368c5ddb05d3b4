"""What is learned about inputs before a model sees them, from the training part alone: what stands in for a missing
number, how wide numbers spread, which categories and words there are. All of it compiles to ONNX."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from gyre.features.compute import Columns
from gyre.features.encode import Categories, Stand, Words
from gyre.features.inputs import MISSING, Input, feature_of, inputs, layout
from gyre.spec.model import ModelSpec
from gyre.spec.preparing import as_word, encoding_of

_SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


class _Treatment(NamedTuple):
    """What happens to a number; inputs that are treated alike are treated together."""

    impute: str
    fill: float | None
    scale: str

    def transformer(self) -> Any:
        steps: list[tuple[str, Any]] = []
        if self.impute != "none":
            # A column without any value stays: the graph has one for it.
            imputer = SimpleImputer(strategy=self.impute, fill_value=self.fill, keep_empty_features=True)
            steps.append(("impute", imputer))
        if self.scale != "none":
            steps.append(("scale", _SCALERS[self.scale]()))
        return Pipeline(steps) if steps else "passthrough"


def frame(spec: ModelSpec, columns: Columns) -> pd.DataFrame:
    """The inputs of a model as `preparation` takes them, from all columns its features are computed from."""
    wanted = layout(spec)
    made = inputs(wanted, columns)
    numbers = pd.DataFrame(made.numbers, columns=[each.name for each in wanted.numbers])
    words = pd.DataFrame(made.words, columns=[each.name for each in wanted.words], dtype=object)
    return pd.concat([numbers, words], axis=1)


def preparation(spec: ModelSpec, *, scaled: bool) -> ColumnTransformer:
    """The preparation that the spec declares, not yet fitted. Not `scaled`, for trees, leaves numbers as wide as they
    are, whatever the spec says about scale. The result is sparse if there are texts."""
    wanted = layout(spec)
    # By place, not by name: the graph takes two matrices, which is faster than an input for each feature.
    alike: dict[_Treatment, list[int]] = {}
    for at, each in enumerate(wanted.numbers):
        alike.setdefault(_treatment(each, scaled), []).append(at)
    parts: list[tuple[str, Any, Any]] = [
        (f"numbers{at}", treatment.transformer(), places) for at, (treatment, places) in enumerate(alike.items())
    ]
    for at, each in enumerate(wanted.words, start=len(wanted.numbers)):
        text = each.form == "text"
        parts.append((f"words{at}", _words(each) if text else _categories(each, scaled), at if text else [at]))
    return ColumnTransformer(parts, sparse_threshold=1.0 if any(each.form == "text" for each in wanted.words) else 0.0)


def feature_names(fitted: ColumnTransformer) -> tuple[str, ...]:
    """What each transformed column is, in words."""
    return tuple(told for _, told in _outputs(fitted))


def origin(fitted: ColumnTransformer) -> tuple[str, ...]:
    """The declared feature that each transformed column comes from."""
    return tuple(feature_of(name) for name, _ in _outputs(fitted))


def _outputs(fitted: ColumnTransformer) -> Iterator[tuple[str, str]]:
    """Of each transformed column, the input's name and its own."""
    for _, transformer, places in fitted.transformers_:
        first = transformer[0] if isinstance(transformer, Pipeline) else transformer
        for place in [places] if isinstance(places, int) else places:
            name = str(fitted.feature_names_in_[place])
            if isinstance(first, Words):
                yield from ((name, f"{name}: {told}") for told in first.get_feature_names_out())
            elif isinstance(first, Categories) and first.labels_:
                yield from ((name, f"{name}={label}") for label in first.labels_)
            else:
                yield name, name.replace("`", "")


def _treatment(each: Input, scaled: bool) -> _Treatment:
    if each.indicates:
        return _Treatment("none", None, "none")
    prepare = each.prepare
    impute = prepare.impute or ("median" if each.form == "number" else "most_frequent")
    return _Treatment(impute, float(prepare.fill or 0) if impute == "constant" else None, _scale(each, scaled))


def _scale(each: Input, scaled: bool) -> str:
    """What an estimator wants that wants its numbers scaled; 0 and 1 are good as they are."""
    return (each.prepare.scale or ("none" if each.form == "truth" else "standard")) if scaled else "none"


def _categories(each: Input, scaled: bool) -> Any:
    prepare = each.prepare
    categories = Categories(
        encode=encoding_of(prepare, each.ordered),
        stand=_stand(prepare.impute),
        fill=MISSING if prepare.fill is None else as_word(prepare.fill),
        rare_below=prepare.rare_below,
        order=each.order,
    )
    if categories.encode == "onehot" or (scale := _scale(each, scaled)) == "none":
        return categories
    return Pipeline([("encode", categories), ("scale", _SCALERS[scale]())])


def _stand(impute: str | None) -> Stand:
    match impute:
        case "most_frequent" | "constant" | "none":
            return impute
    return "own"


def _words(each: Input) -> Words:
    return Words(ngram_range=(1, each.prepare.ngrams), max_features=each.prepare.words)
