"""How `Words` and `Categories` are written as ONNX; skl2onnx knows how for everything else that `preparation` uses."""

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx import update_registered_converter  # type: ignore[import-untyped]
from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # type: ignore[import-untyped]

from gyre.features.encode import Categories, Words
from gyre.features.inputs import Layout

_ML = "ai.onnx.ml"
# The first that splits texts without an operator of Microsoft's own.
_OPSET = 20


def register() -> None:
    """Tells skl2onnx of our transformers; telling it again changes nothing."""
    update_registered_converter(Categories, "GyreCategories", _categories_shape, _categories)
    update_registered_converter(Words, "GyreWords", _words_shape, _words)


def initial_types(wanted: Layout) -> list[tuple[str, Any]]:
    """The graph's inputs, as `Inputs.feeds` fills them."""
    types = [
        ("numbers", FloatTensorType([None, len(wanted.numbers)])),
        ("words", StringTensorType([None, len(wanted.words)])),
    ]
    return [(name, type_) for name, type_ in types if type_.shape[1]]


def _categories_shape(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([None, max(len(operator.raw_operator.labels_), 1)])


def _categories(scope: Any, operator: Any, container: Any) -> None:
    fitted: Categories = operator.raw_operator
    add = container.add_node
    source, result = operator.inputs[0].full_name, operator.outputs[0].full_name
    keys, numbers = list(fitted.table_), list(fitted.table_.values())
    if fitted.encode != "onehot":
        table = {"keys_strings": keys, "values_floats": numbers, "default_float": fitted.unknown_}
        add("LabelEncoder", [source], [result], op_domain=_ML, op_version=2, **table)
        return
    place, flags, shape = _names(scope, "place", "flags", "shape")
    wide = len(fitted.labels_)
    table = {"keys_strings": keys, "values_int64s": list(map(int, numbers)), "default_int64": int(fitted.unknown_)}
    add("LabelEncoder", [source], [place], op_domain=_ML, op_version=2, **table)
    add("OneHotEncoder", [place], [flags], op_domain=_ML, cats_int64s=list(range(wide)), zeros=1)
    container.add_initializer(shape, TensorProto.INT64, [2], [-1, wide])
    add("Reshape", [flags, shape], [result])


def _words_shape(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([None, len(operator.raw_operator.vocabulary_)])


def _words(scope: Any, operator: Any, container: Any) -> None:
    fitted: Words = operator.raw_operator
    add = container.add_node
    flat, texts, words, lengths, counts, idf, weighed = _names(
        scope, "flat", "texts", "words", "lengths", "counts", "idf", "weighed"
    )
    container.add_initializer(flat, TensorProto.INT64, [1], [-1])
    add("Reshape", [operator.inputs[0].full_name, flat], [texts])
    add("StringSplit", [texts], [words, lengths], op_version=_OPSET, delimiter=" ")
    counting = {"mode": "TF", "max_skip_count": 0, "min_gram_length": 1, **_pool(fitted.vocabulary_)}
    add("TfIdfVectorizer", [words], [counts], op_version=9, **counting)
    container.add_initializer(idf, TensorProto.FLOAT, [len(fitted.idf_)], fitted.idf_.astype(np.float32))
    add("Mul", [counts, idf], [weighed])
    add("LpNormalization", [weighed], [operator.outputs[0].full_name], p=2, axis=-1)


def _names(scope: Any, *wanted: str) -> list[str]:
    return [scope.get_unique_variable_name(each) for each in wanted]


def _pool(vocabulary: dict[str, int]) -> dict[str, Any]:
    """The vocabulary as the operator wants it: single words first, then pairs, and so on."""
    ordered = sorted((len(words), at, words) for told, at in vocabulary.items() for words in [told.split(" ")])
    lengths = [length for length, _, _ in ordered]
    longest = lengths[-1]
    return {
        "max_gram_length": longest,
        "pool_strings": [word for _, _, words in ordered for word in words],
        "ngram_counts": [sum(each for each in lengths if each < length) for length in range(1, longest + 1)],
        "ngram_indexes": [at for _, at, _ in ordered],
    }
