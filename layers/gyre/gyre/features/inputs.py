"""What a model is given: a matrix of numbers and one of words, a column for each declared feature. Training and serving
make them alike from columns; nothing in here is learned from data."""

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyre.features.compute import Array, Columns, is_missing, with_derived
from gyre.spec.columns import Column, Preparation
from gyre.spec.model import ModelSpec
from gyre.spec.preparing import Form, form_of, order_of

# A string tensor knows no missing value, so a missing category has a name; no words are an empty text.
MISSING = "(missing)"
# Words after these are not read. The graph pads each text of a batch to the longest.
MOST_WORDS = 5_000

# Behind a name in backticks, which no column's name can hold.
_IS_MISSING = " is missing"
_WORD = re.compile(r"\w+(?:'\w+)*")
# Python sorts the accents of a letter in a time that grows with the square of their number: nobody writes more of them.
_MARKS = re.compile(r"([^\w\s]{30})[^\w\s]+")
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Input:
    """One column of a matrix: a feature, or whether a feature is missing."""

    feature: str
    form: Form
    prepare: Preparation
    order: tuple[str, ...] = ()
    ordered: bool = False
    indicates: bool = False

    @property
    def name(self) -> str:
        return f"`{self.feature}`{_IS_MISSING}" if self.indicates else self.feature


@dataclass(frozen=True)
class Layout:
    """Which feature stands in which column of the two matrices."""

    spec: ModelSpec
    numbers: tuple[Input, ...]
    words: tuple[Input, ...]


@dataclass(frozen=True)
class Inputs:
    """Some rows as a model is given them."""

    numbers: npt.NDArray[np.float32]
    """Missing is NaN, truths are 1 and 0, times are days since 1970."""
    words: npt.NDArray[np.object_]
    """Categories as they are; texts as their words, with one space between."""

    def feeds(self) -> dict[str, Array]:
        """What a graph takes: a matrix without columns is none of its inputs."""
        return {name: matrix for name, matrix in (("numbers", self.numbers), ("words", self.words)) if matrix.shape[1]}


def layout(spec: ModelSpec) -> Layout:
    """The inputs of a model; made once for a bundle, used for every call."""
    every = [_input(spec, name) for name in spec.features]
    numbers = [each for each in every if each.form in ("number", "truth")]
    indicators = [Input(e.feature, "truth", Preparation(), indicates=True) for e in every if e.prepare.indicate_missing]
    return Layout(spec, (*numbers, *indicators), tuple(each for each in every if each.form in ("category", "text")))


def feature_of(name: str) -> str:
    """The declared feature behind an input's name."""
    return name.removesuffix(_IS_MISSING).strip("`") if name.startswith("`") else name


def inputs(wanted: Layout, columns: Columns) -> Inputs:
    """The two matrices for these rows, from all columns that features and derived features are computed from; what is
    derived may be among them already."""
    values = with_derived(wanted.spec, columns)
    rows = len(next(iter(columns.values())))
    numbers = np.empty((rows, len(wanted.numbers)))
    words = np.empty((rows, len(wanted.words)), dtype=object)
    for at, each in enumerate(wanted.numbers):
        numbers[:, at] = is_missing(values[each.feature]) if each.indicates else _number(values[each.feature])
    for at, each in enumerate(wanted.words):
        words[:, at] = (
            _texts(values[each.feature], each.prepare) if each.form == "text" else _named(values[each.feature])
        )
    return Inputs(_single(numbers), words)


def _input(spec: ModelSpec, name: str) -> Input:
    declared = spec.columns.get(name) or spec.derived[name]
    ordered = isinstance(declared, Column) and declared.ordered
    return Input(name, form_of(declared, spec.kinds), declared.prepare, order_of(declared), ordered)


def _number(values: Array) -> Array:
    return (values - np.datetime64(0, "D")) / _DAY if values.dtype.kind == "M" else values


def _single(numbers: Array) -> npt.NDArray[np.float32]:
    """Single precision, as trees compare: training in more would put thresholds where serving cannot see them."""
    with np.errstate(over="ignore"):
        single = numbers.astype(np.float32)
    return np.where(np.isfinite(single), single, np.float32(np.nan))


def _named(values: Array) -> list[str]:
    return [MISSING if name is None else name for name in values]


def _texts(values: Array, prepare: Preparation) -> list[str]:
    return ["" if text is None else _words(text, prepare.lowercase) for text in values]


def _words(text: str, lowercase: bool) -> str:
    """Here, and not in the graph: its own reader of words knows ASCII alone and needs a locale that Lambda lacks."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _MARKS.sub(r"\1", text)).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(_WORD.findall(text.lower() if lowercase else text)[:MOST_WORDS])
