"""What can be asked of the preparation of a feature: told when it is declared, and not when it is trained."""

from collections.abc import Iterator, Mapping
from typing import Literal

from gyre.spec.columns import Column, ColumnType, Derived, Preparation
from gyre.spec.expression import ExpressionError, Kind, kind_of, parse

# What a feature is to a model.
Form = Literal["number", "truth", "category", "text"]

_FORMS: dict[ColumnType, Form] = {
    "number": "number", "integer": "number", "time": "number", "boolean": "truth", "category": "category",
    "text": "text",
}  # fmt: skip


def form_of(declared: Column | Derived, kinds: Mapping[str, Kind]) -> Form:
    """What this feature is to a model; `kinds` are those of all columns."""
    if isinstance(declared, Column):
        return _FORMS[declared.type]
    if declared.bin is not None:
        return "category"
    try:
        is_truth = declared.formula is not None and kind_of(parse(declared.formula), kinds) == "truth"
    except ExpressionError:  # a fault that is told by itself
        return "number"
    return "truth" if is_truth else "number"


def order_of(declared: Column | Derived) -> tuple[str, ...]:
    """The categories as they are declared."""
    return (declared.values or ()) if isinstance(declared, Column) else declared.bin_labels() if declared.bin else ()


def as_word(fill: float | str) -> str:
    """A category that is written as a number."""
    return fill if isinstance(fill, str) else f"{fill:g}"


def encoding_of(prepare: Preparation, ordered: bool) -> Literal["onehot", "ordinal", "frequency"]:
    return prepare.encode or ("ordinal" if ordered else "onehot")


def preparation_faults(declared: Column | Derived, kinds: Mapping[str, Kind]) -> Iterator[str]:
    """What this kind of feature cannot fulfil."""
    prepare, form, order = declared.prepare, form_of(declared, kinds), order_of(declared)
    encoding = encoding_of(prepare, isinstance(declared, Column) and declared.ordered)
    constant = prepare.impute == "constant" and prepare.fill is not None
    if form in ("number", "truth") and constant and isinstance(prepare.fill, str):
        yield f"a number stands in for a missing {form}, and `fill` is {prepare.fill!r}"
    if form == "category" and prepare.impute in ("median", "mean"):
        yield f"categories have no {prepare.impute}: use most_frequent, constant or none"
    if form == "category" and constant and order and as_word(prepare.fill or "") not in order:
        yield f"`fill` is {as_word(prepare.fill or '')!r}, which is none of the categories {', '.join(order)}"
    if form == "category" and prepare.rare_below and encoding == "ordinal":
        yield "`rare_below` would take categories out of their order: use encode: onehot or frequency"
    if form == "category" and prepare.scale not in (None, "none") and encoding == "onehot":
        yield "`scale` is for numbers, and one-hot categories are 0 and 1"
    if form != "category" and (prepare.encode or prepare.rare_below):
        yield f"`encode` and `rare_below` are for categories, and this is a {form}"
    if form == "text" and (prepare.impute or prepare.scale):
        yield "`impute` and `scale` mean nothing to a text: a missing one has no words"
