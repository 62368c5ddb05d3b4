"""The declarations: without a fault, and true of the data they come with."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from examples.catalogue import EXAMPLES
from examples.simulate import SIMULATORS, simulated
from gyre.features.compute import Array, Columns, evaluate
from gyre.spec.check import check
from gyre.spec.columns import Check, Column
from gyre.spec.expression import parse
from tests.unit.examples.parts import NAMES, frame_of, spec_of


def as_columns(name: str, frame: pd.DataFrame) -> Columns:
    """As expressions take them: numbers and truths as floats with NaN, words as objects with None."""

    def column(values: pd.Series, words: bool) -> Array:
        if words:
            return values.astype(object).where(values.notna(), None).to_numpy(dtype=object)
        return values.to_numpy(dtype=np.float64, na_value=np.nan)

    kinds = {n: kind for n, kind in spec_of(name).kinds.items() if kind != "time"}
    return {n: column(frame[n], kind == "text") for n, kind in kinds.items()}


def broken(values: pd.Series, column: Column) -> dict[Check, pd.Series]:
    """By check, the rows that break it."""
    present = values.notna()
    found: dict[Check, pd.Series] = {"required": ~present & column.required}
    if column.range is not None:
        low, high = (np.nan if limit is None else limit for limit in column.range)
        found["range"] = ((values < low) | (values > high)).fillna(False).astype(bool)
    if column.values is not None:
        found["values"] = present & ~values.isin(column.values)
    if column.length is not None:
        found["length"] = present & (values.str.len().fillna(0) > column.length)
    if column.unique:
        found["unique"] = present & values.duplicated()
    if column.type == "time":
        found["type"] = present & pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601").isna()
    return found


def rejected(name: str, frame: pd.DataFrame) -> float:
    """The share of the rows. Not what the ingest counts, which has tests of its own, but the same rules."""
    spec, columns = spec_of(name), as_columns(name, frame)
    wrong = frame.duplicated().to_numpy() & (spec.quality.duplicates == "reject")
    for column, declared in spec.columns.items():
        for kind, rows in broken(frame[column], declared).items():
            if declared.action(kind) in ("reject", "fail"):
                wrong = wrong | rows.to_numpy(dtype=bool)
    for rule in spec.rules:
        if rule.action != "flag":
            wrong = wrong | (evaluate(parse(rule.check), columns) == 0)
    return float(wrong.mean())


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_has_no_fault(name: str) -> None:
    spec, faults = check(EXAMPLES[name].spec.read_bytes())
    assert [str(fault) for fault in faults] == []
    assert spec is not None
    assert (spec.model, spec.target) == (name, EXAMPLES[name].target)


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_names_its_schema_and_is_explained(name: str) -> None:
    lines = EXAMPLES[name].spec.read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=../../docs/model.schema.json"
    assert sum("#" in line for line in lines) > len(lines) / 6
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_an_upload_holds_the_declared_columns(name: str) -> None:
    assert tuple(frame_of(name).columns) == tuple(spec_of(name).columns)


@pytest.mark.parametrize("name", NAMES)
def test_every_column_comes_in_its_declared_type(name: str) -> None:
    dtypes: dict[str, set[str]] = {
        "number": {"float64"}, "integer": {"Int64"}, "boolean": {"boolean"},
        "category": {"str"}, "text": {"str"}, "time": {"str"},
    }  # fmt: skip
    frame = frame_of(name)
    for column, declared in spec_of(name).columns.items():
        assert str(frame[column].dtype) in dtypes[declared.type], column


@pytest.mark.parametrize("name", NAMES)
def test_nearly_all_values_are_right(name: str) -> None:
    frame = frame_of(name)
    for column, declared in spec_of(name).columns.items():
        for kind, rows in broken(frame[column], declared).items():
            assert rows.mean() <= 0.03, (column, kind)


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_accepts_its_own_data(name: str) -> None:
    spec = spec_of(name)
    assert 0 < rejected(name, frame_of(name)) < min(0.03, spec.quality.rejected)
    assert spec.quality.minimum_rows < 2_000, "what the command line makes by itself is enough"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("drift", SIMULATORS)
def test_a_spec_takes_spoiled_data_too(name: str, drift: str) -> None:
    """Drift that an upload is refused for never reaches the monitoring, which is to find it."""
    spoiled = simulated(frame_of(name, 2_000), drift, EXAMPLES[name].simulations[drift])
    assert rejected(name, spoiled) < 0.05
    assert len(spoiled) >= spec_of(name).quality.minimum_rows
    new = EXAMPLES[name].simulations[drift].get("name")
    if new is not None:
        column = spec_of(name).columns[EXAMPLES[name].simulations[drift]["column"]]
        assert column.values is None or column.action("values") == "flag", "a new category must stay to be seen"


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_and_filter_is_true_of_most_rows_and_not_of_all(name: str) -> None:
    spec, columns = spec_of(name), as_columns(name, frame_of(name, 10_000))
    texts = [rule.check for rule in spec.rules] + ([spec.filter] if spec.filter else [])
    for text in texts:
        share = (evaluate(parse(text), columns) == 0).mean()
        assert (0 if "length(" in text else 1e-4) <= share < 0.02, text  # of texts without a space there are none


@pytest.mark.parametrize("name", NAMES)
def test_every_declared_class_and_category_occurs(name: str) -> None:
    frame = frame_of(name)
    for column, declared in spec_of(name).columns.items():
        assert set(declared.values or ()) <= set(frame[column].dropna()), column


@pytest.mark.parametrize(("name", "least", "rarest"), [("obesity", 0.02, 0.05), ("salary_band", 0.05, 0.2),
                                                       ("sentiment", 0.15, 0.35)])  # fmt: skip
def test_classes_are_rare_and_not_too_rare(name: str, least: float, rarest: float) -> None:
    shares = frame_of(name, 10_000)[EXAMPLES[name].target].value_counts(normalize=True)
    assert least < shares.min() < rarest


@pytest.mark.parametrize("name", NAMES)
def test_no_label_is_missing_or_misspelt(name: str) -> None:
    target = EXAMPLES[name].target
    assert frame_of(name)[target].isin(spec_of(name).columns[target].values or ()).all()


def test_the_salary_survey_shows_what_it_is_for() -> None:
    spec = spec_of("salary_band")
    used: dict[str, Any] = {name: column for name, column in spec.columns.items() if column.protected}
    assert set(used) == {"gender", "ethnicity"}
    assert spec.gates.fairness
    assert (spec.time, spec.group) == ("answered_at", "employer")
    assert {name for name, column in spec.columns.items() if column.personal} == {"name", "email"}
