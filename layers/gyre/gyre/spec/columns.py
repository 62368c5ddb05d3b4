"""The columns of a model's data: what each holds, and what happens to values that break its checks."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gyre.spec.base import Disagreement, Path, Section, Word

ColumnType = Literal["number", "integer", "category", "text", "boolean", "time"]
Check = Literal["type", "required", "range", "values", "length", "unique", "outliers"]
Action = Literal["reject", "clip", "drop", "flag", "fail"]

# What a check does when the column says nothing else.
DEFAULT_ACTIONS: dict[Check, Action] = {
    "type": "reject",
    "required": "reject",
    "range": "reject",
    "values": "reject",
    "length": "reject",
    "unique": "reject",
    "outliers": "flag",
}
# Clipping needs a limit to clip to; a value that is missing already cannot be dropped.
IMPOSSIBLE_ACTIONS: dict[Check, tuple[Action, ...]] = {
    "type": ("clip", "flag"),
    "required": ("clip", "drop"),
    "values": ("clip",),
    "unique": ("clip", "drop"),
}
# The years 1 to 9999, in seconds since 1970: as far as dates go, here and wherever else they are read.
FIRST_SECOND, END_OF_TIME = -62_135_596_800, 253_402_300_800
_NUMERIC: tuple[ColumnType, ...] = ("number", "integer")
CHECK_TYPES: dict[Check, tuple[ColumnType, ...]] = {
    "range": _NUMERIC,
    "values": ("category",),
    "length": ("text", "category"),
    "outliers": _NUMERIC,
}


def _told(number: float) -> str:
    """As a person would write it, and no two numbers alike: 18 and 0.5, and not 1e+06 for 1000001."""
    return repr(number).removesuffix(".0")


class Preparation(Section):
    """How the model gets to see a column. Everything that is learned here is learned from the training part alone."""

    impute: Literal["median", "mean", "most_frequent", "constant", "none"] | None = None
    """What stands in for a missing value; left out: for numbers the median, for categories a category of its own."""
    fill: float | str | None = None
    """The value of `impute: constant`."""
    indicate_missing: bool = False
    """Adds a feature that tells whether the value was missing."""
    scale: Literal["none", "standard", "minmax", "robust"] | None = None
    """For linear models; trees never need it. Left out: what the estimator wants."""
    encode: Literal["onehot", "ordinal", "frequency"] | None = None
    """How categories become numbers: one-hot, or their place in `values` when `ordered`, if left out."""
    rare_below: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Categories rarer than this share of the training part are taken together as one."""
    words: Annotated[int, Field(ge=10, le=200_000)] = 20_000
    """Text: how many words and word pairs are kept at most."""
    ngrams: Annotated[int, Field(ge=1, le=3)] = 2
    """Text: the longest sequence of words that counts as one."""
    lowercase: bool = True
    """Text: whether Words and words are the same."""


class Column(Section):
    """One column of an upload."""

    type: ColumnType
    """number, integer, category (one of a few), text (words), boolean, or time (ISO 8601 or seconds since 1970)."""
    description: str = ""
    """For people: shown in forms, reports and the model card."""
    range: tuple[float | None, float | None] | None = None
    """The least and the greatest number that is right; null where there is no limit."""
    values: Annotated[tuple[Word, ...], Field(min_length=1)] | None = None
    """The categories that are right; every category is, if left out."""
    ordered: bool = False
    """The categories stand in an order, from the first to the last of `values`."""
    length: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """The most characters that are right."""
    required: bool = False
    """A value must be there."""
    unique: bool = False
    """No value occurs twice in an upload."""
    outliers: Annotated[float, Field(gt=0)] | None = None
    """Numbers further than this many interquartile ranges outside the quartiles are outliers; 3 is a usual choice."""
    missing: tuple[Word, ...] = ()
    """Texts that mean `missing` in this column, besides those of `read.missing`."""
    protected: bool = False
    """Fairness is measured over the groups of this column."""
    personal: bool = False
    """Tells who somebody is: never a feature, never shown in a report, pseudonymised in the journal, erasable."""
    feature: bool = True
    """Whether the model sees it. Target, id, time, group and personal columns are never features."""
    actions: dict[Check, Action] = Field(default_factory=dict)
    """By check, what happens to a value that breaks it: reject (the row goes to quarantine), clip (the nearest limit is
    taken), drop (the value becomes missing), flag (it stays, and is counted), fail (the whole upload is refused)."""
    prepare: Preparation = Preparation()
    """How the model gets to see it."""

    def action(self, check: Check) -> Action:
        return self.actions.get(check, DEFAULT_ACTIONS[check])

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if faults := [*self._check_faults(), *self._value_faults()]:
            raise Disagreement(faults)
        return self

    def _check_faults(self) -> list[tuple[Path, str]]:
        """Which checks and actions do not go together with each other and the type."""
        given: dict[Check, bool] = {
            "range": self.range is not None, "values": self.values is not None, "length": self.length is not None,
            "outliers": self.outliers is not None,
        }  # fmt: skip
        faults: list[tuple[Path, str]] = [
            ((check,), f"goes with the types {' and '.join(CHECK_TYPES[check])}, and this is a {self.type}")
            for check, is_given in given.items()
            if is_given and self.type not in CHECK_TYPES[check]
        ]
        given |= {"type": True, "required": self.required, "unique": self.unique}
        for check, action in self.actions.items():
            if not given[check]:
                faults.append((("actions", check), f"this column does not check {check}"))
            if action in IMPOSSIBLE_ACTIONS.get(check, ()):
                faults.append((("actions", check), f"{action} makes no sense for the check {check}"))
            elif action == "drop" and self.required:
                told = "a value that is dropped would be missing, and this column is required: reject, clip or flag it"
                faults.append((("actions", check), told))
        return faults

    def _value_faults(self) -> list[tuple[Path, str]]:
        faults: list[tuple[Path, str]] = []
        least, greatest = self.range or (None, None)
        if least is not None and greatest is not None and least > greatest:
            faults.append((("range",), f"begins at {_told(least)}, above its end {_told(greatest)}"))
        seen: set[str] = set()
        for at, value in enumerate(self.values or ()):
            if value in seen:
                faults.append((("values", at), f"{value!r} stands here twice"))
            seen.add(value)
        if self.ordered and not self.values:
            faults.append((("ordered",), "needs `values`: they stand in their order"))
        if self.prepare.impute == "constant" and self.prepare.fill is None:
            faults.append((("prepare", "impute"), "constant needs `fill`: the value that stands in"))
        return faults


class Derived(Section):
    """A feature that is computed from columns of the same row: exactly one of formula, ratio and bin."""

    formula: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    """An expression over columns: + - * / ** %, comparisons, and or not, log exp sqrt abs min max round is_missing."""
    ratio: tuple[str, str] | None = None
    """The first column divided by the second; missing where that is 0."""
    bin: str | None = None
    """The number column that is cut into ranges."""
    edges: Annotated[tuple[float, ...], Field(min_length=1, max_length=1_000)] | None = None
    """Where `bin` is cut, rising; a value equal to an edge belongs above it."""
    labels: tuple[Word, ...] | None = None
    """The names of the ranges, one more than there are edges; like `<18` and `18-65` if left out."""
    description: str = ""
    """For people."""
    feature: bool = True
    """Whether the model sees it."""
    prepare: Preparation = Preparation()
    """How the model gets to see it."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults: list[tuple[Path, str]] = []
        ways = [name for name in ("formula", "ratio", "bin") if getattr(self, name) is not None]
        if len(ways) != 1:
            told = f"exactly one of formula, ratio and bin is needed, and there is {' and '.join(ways) or 'none'}"
            faults.append(((), told))
        if (self.bin is None) != (self.edges is None):
            faults.append((("bin" if self.edges is None else "edges",), "`bin` and `edges` go together"))
        if self.edges and any(a >= b for a, b in pairwise(self.edges)):
            faults.append((("edges",), "must rise"))
        if self.labels is not None and self.edges is None:
            faults.append((("labels",), "`labels` go with `bin` and `edges`"))
        elif self.labels is not None and self.edges and len(self.labels) != len(self.edges) + 1:
            told = f"{len(self.edges) + 1} are needed, one more than there are edges, and there are {len(self.labels)}"
            faults.append((("labels",), told))
        if faults:
            raise Disagreement(faults)
        return self

    def bin_labels(self) -> tuple[str, ...]:
        """The names of the ranges of `bin`, lowest first."""
        if self.labels is not None:
            return self.labels
        edges = [_told(edge) for edge in self.edges or ()]
        return (f"<{edges[0]}", *(f"{low}-{high}" for low, high in pairwise(edges)), f">={edges[-1]}")


class Rule(Section):
    """A condition over several columns of a row. A row that lacks a value it takes to say so keeps it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """The reason code in quarantine and report."""
    check: Annotated[str, Field(min_length=1, max_length=2_000)]
    """What is true of a right row: an expression as in `derived.formula`."""
    action: Literal["reject", "flag", "fail"] = "reject"
    """What happens to a row of which it is not true."""
    message: str = ""
    """For people: why the rule stands."""
