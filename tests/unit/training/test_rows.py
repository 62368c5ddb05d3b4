"""The rows of a part, and datasets that do not hold what is declared."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gyre.datasets.splitting import split_version
from gyre.errors import Invalid, NotFound
from gyre.spec.versions import SpecVersion
from gyre.training.rows import PartRows, check_columns, read_rows, wanted_columns
from tests.unit.datasets.taking import Lake

COLUMNS: dict[str, Any] = {
    "id": {"type": "integer"},
    "name": {"type": "text", "personal": True},
    "x": {"type": "number"},
    "n": {"type": "integer"},
    "at": {"type": "time"},
    "who": {"type": "category"},
    "sex": {"type": "category", "protected": True, "feature": False},
    "on": {"type": "boolean"},
    "unused": {"type": "number", "feature": False},
    "y": {"type": "category"},
}
ROLES = {"id": "id", "time": "at", "group": "who"}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def declare(lake: Lake, **changes: Any) -> SpecVersion:
    return lake.declare(**{"columns": COLUMNS, **ROLES, "quality": {"duplicates": "keep"}, **changes})


def take(lake: Lake, spec: SpecVersion, count: int = 60) -> int:
    lines = [",".join(COLUMNS)]
    for n in range(count):
        x = "" if n % 7 == 0 else n / 2
        lines.append(f"{n},Bob {n},{x},{n},2026-01-{n % 28 + 1:02},w{n},{'fm'[n % 2]},{n % 3 == 0},9,{'ab'[n % 2]}")
    return lake.take(lake.put("\n".join(lines) + "\n"), spec).version


def parts(lake: Lake, spec: SpecVersion, version: int) -> dict[str, PartRows]:
    split = split_version(version, spec, lake.data, lake.tables)
    return {name: read_rows(split, name, spec.spec, lake.data, lake.tables) for name in split.rows}


def test_rows_hold_what_is_needed_and_nothing_personal(lake: Lake) -> None:
    spec = declare(lake)
    assert wanted_columns(spec.spec) == ("x", "n", "at", "who", "sex", "on")
    for rows in parts(lake, spec, take(lake, spec)).values():
        assert tuple(rows.columns) == wanted_columns(spec.spec)
        assert {len(each) for each in rows.columns.values()} == {len(rows)}


def test_what_a_derived_column_is_computed_from_is_read(lake: Lake) -> None:
    spec = declare(lake, derived={"twice": {"formula": "unused * 2"}})
    assert "unused" in wanted_columns(spec.spec)


def test_values_come_as_features_take_them(lake: Lake) -> None:
    spec = declare(lake)
    rows = PartRows.together(list(parts(lake, spec, take(lake, spec)).values()))
    kinds = {name: each.dtype.kind for name, each in rows.columns.items()}
    assert kinds == {"x": "f", "n": "f", "at": "M", "who": "O", "sex": "O", "on": "f"}
    assert np.isnan(rows.columns["x"]).sum() == 9
    assert sorted(rows.columns["n"]) == list(range(60))
    assert all(y == "ab"[int(n) % 2] for y, n in zip(rows.target, rows.columns["n"], strict=True))


def test_some_rows_are_chosen_with_their_target() -> None:
    rows = PartRows({"x": np.array([1.0, 2.0, 3.0])}, np.array(["a", "b", "c"], dtype=object))
    assert rows.chosen(np.array([True, False, True])).columns["x"].tolist() == [1, 3]
    assert rows.chosen(np.array([2, 0])).target.tolist() == ["c", "a"]
    assert len(rows.chosen(np.zeros(3, dtype=bool))) == 0
    assert len(PartRows.together([rows, rows.chosen(np.array([0]))])) == 4


def test_a_column_that_was_declared_later_is_told(lake: Lake) -> None:
    first = declare(lake)
    version = take(lake, first)
    later = declare(lake, columns={**COLUMNS, "new": {"type": "number"}})
    split = split_version(version, first, lake.data, lake.tables)
    for asked in (
        lambda: check_columns(version, later.spec, lake.tables),
        lambda: read_rows(split, "train", later.spec, lake.data, lake.tables),
    ):
        with pytest.raises(Invalid, match=r"Version 1 of m has no column new: model\.yaml declared it later"):
            asked()
    check_columns(version, first.spec, lake.tables)


@pytest.mark.parametrize(
    ("name", "kind", "holds"),
    [
        ("x", "category", "number"), ("x", "integer", "number"), ("n", "boolean", "integer"), ("n", "text", "integer"),
        ("at", "number", "time"), ("who", "number", "category or text"), ("on", "category", "boolean"),
        ("sex", "boolean", "category or text"), ("y", "boolean", "category or text"),
    ],
)  # fmt: skip
def test_a_column_that_was_another_type_is_told(lake: Lake, name: str, kind: str, holds: str) -> None:
    first = declare(lake, time=None, group=None)
    version = take(lake, first)
    later = declare(lake, time=None, group=None, columns={**COLUMNS, name: {**COLUMNS[name], "type": kind}})
    split = split_version(version, first, lake.data, lake.tables)
    for asked in (
        lambda: check_columns(version, later.spec, lake.tables),
        lambda: read_rows(split, "train", later.spec, lake.data, lake.tables),
    ):
        with pytest.raises(Invalid, match=f"holds {name} as {holds}, and model.yaml declares {kind}") as refused:
            asked()
        assert refused.value.field == name


@pytest.mark.parametrize(("name", "kind"), [("n", "number"), ("who", "text")])
def test_what_means_the_same_is_no_other_type(lake: Lake, name: str, kind: str) -> None:
    first = declare(lake, group=None)
    version = take(lake, first)
    later = declare(lake, group=None, columns={**COLUMNS, name: {**COLUMNS[name], "type": kind}})
    check_columns(version, later.spec, lake.tables)
    assert len(parts(lake, later, version)["train"]) == 42


def test_a_column_that_nobody_needs_may_be_anything(lake: Lake) -> None:
    version = take(lake, declare(lake))
    columns = {**COLUMNS, "unused": {"type": "category", "feature": False}, "more": {"type": "text", "personal": True}}
    check_columns(version, declare(lake, columns=columns).spec, lake.tables)


def test_a_version_that_is_not_there_is_not_found(lake: Lake) -> None:
    spec = declare(lake)
    take(lake, spec)
    with pytest.raises(NotFound):
        check_columns(9, spec.spec, lake.tables)
