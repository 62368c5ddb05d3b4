"""What the table holds of a load, asked of Delta's own engine: nothing here reads as Gyre reads."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deltalake import DeltaTable, QueryBuilder

from bench.exactly_once.calls import Call


@dataclass
class Counted:
    """By event, what is wrong with it."""

    calls: int = 0
    lines: int = 0
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    """Rows are missing, or say something else than was sent."""
    foreign: list[str] = field(default_factory=list)
    """Nobody sent them."""

    @property
    def is_right(self) -> bool:
        return not (self.missing or self.doubled or self.torn or self.foreign)

    def __str__(self) -> str:
        wrong = {
            name: f"{len(found):,} (such as {', '.join(found[:3])})"
            for name in ("missing", "doubled", "torn", "foreign") if (found := getattr(self, name))
        }  # fmt: skip
        told = ", ".join(f"{name} {each}" for name, each in wrong.items()) or "none missing, none doubled, none torn"
        return f"{self.calls:,} calls in {self.lines:,} lines: {told}"


def count(table: DeltaTable, expected: Mapping[str, Call]) -> Counted:
    """Every line of the load's models, held against what was sent."""
    found, lines = Counted(), dict[str, list[dict[str, Any]]]()
    for line in _lines(table, sorted({each.model for each in expected.values()})):
        lines.setdefault(line["event_id"], []).append(line)
        found.lines += 1
    found.calls = len(lines)
    found.foreign = [event for event in lines if event not in expected]
    for event, call in expected.items():
        held = lines.get(event, [])
        if not held:
            found.missing.append(event)
        elif len(held) > max(1, call.rows):
            found.doubled.append(event)
        elif not _is_whole(held, call):
            found.torn.append(event)
    return found


def _is_whole(held: list[dict[str, Any]], call: Call) -> bool:
    """Each row once, as it was sent, in the partition of the call."""
    if {(line["model"], line["day"], line["rows"]) for line in held} != {
        (call.model, f"{call.at:%Y-%m-%d}", call.rows)
    }:
        return False
    told = {line["row"]: line["features"] for line in held}
    if not call.rows:
        return told == {None: None}
    return {row: features and json.loads(features) for row, features in told.items()} == {
        row: call.features(row) for row in range(call.rows)
    }


def _lines(table: DeltaTable, models: list[str]) -> Iterator[dict[str, Any]]:
    for model in models:  # one after the other, as memory is small
        asked = f"select event_id, \"row\", rows, model, day, features from t where model = '{model}'"
        answer = QueryBuilder().register("t", table).execute(asked).read_all()
        columns = {name: answer.column(name).to_pylist() for name in answer.schema.names}
        yield from (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
