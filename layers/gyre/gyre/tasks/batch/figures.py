"""What is told of a range, and, all ranges together, of a file."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import fsum
from typing import Any, Self

from gyre.spec.base import class_name
from gyre.tasks.batch.answers import AnsweredRange, BatchRow
from gyre.tasks.batch.manifest import BatchManifest


@dataclass(frozen=True)
class RangeFigures:
    """Of one range, or of all."""

    rows: int = 0
    predicted: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    """By check and column; a row that breaks several counts for each."""
    changed: int = 0
    """Rows of which a value was clipped or dropped."""
    flagged: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)
    """How often each was predicted; none of a regression."""
    total: float = 0.0
    least: float | None = None
    most: float | None = None
    """Of a regression's values."""
    size: int = 0
    """Bytes of the part."""

    @classmethod
    def of(cls, answered: AnsweredRange, size: int) -> Self:
        """Counts what was answered."""
        labels, values = Counter[str](), list[float]()
        refused = Counter[str]()
        for row in answered.rows:
            if row.answer is None:
                refused.update(_reasons(row))
            elif row.answer.probabilities is None:
                values.append(float(row.answer.prediction or 0.0))
            else:
                labels[class_name(row.answer.prediction)] += 1
        predicted = labels.total() + len(values)
        return cls(
            len(answered.rows), predicted, dict(refused), answered.changed, answered.flagged, dict(labels),
            fsum(values), min(values, default=None), max(values, default=None), size,
        )  # fmt: skip

    @classmethod
    def together(cls, every: Sequence[Self]) -> Self:
        """Of several ranges."""
        return cls(
            sum(each.rows for each in every), sum(each.predicted for each in every),
            _added(each.refused for each in every), sum(each.changed for each in every),
            sum(each.flagged for each in every), _added(each.classes for each in every),
            fsum(each.total for each in every), min((e.least for e in every if e.least is not None), default=None),
            max((e.most for e in every if e.most is not None), default=None), sum(each.size for each in every),
        )  # fmt: skip

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def summary(plan: BatchManifest, found: RangeFigures) -> dict[str, Any]:
    """What a person wants to know of the answers to a file."""
    began, now = datetime.fromisoformat(plan.release.at), datetime.now(UTC)
    seconds = max((now - began).total_seconds(), 0.001)
    values = None
    if not plan.release.classes and found.predicted:
        values = {"mean": found.total / found.predicted, "least": found.least, "most": found.most}
    names = [class_name(each) for each in plan.release.classes]
    return {
        "model": plan.file.model,
        "run": plan.run,
        "file": {"key": plan.file.key, "version": plan.file.version},
        "out": plan.file.out,
        "version": plan.release.version,
        "asked": plan.file.release,
        "bundle": plan.release.bundle.hash,
        "spec_version": plan.release.spec_version,
        "rows": found.rows,
        "predicted": found.predicted,
        "refused": {"rows": found.rows - found.predicted, "by": _most_first(found.refused)},
        "changed": found.changed,
        "flagged": found.flagged,
        "classes": {name: found.classes.get(name, 0) for name in names} or None,
        "values": values,
        "columns": {what: name for what, (name, _) in plan.added.items()},
        "ranges": len(plan.ranges),
        "began_at": plan.release.at,
        "ended_at": now.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "rows_per_second": round(found.rows / seconds, 1),
    }


def _reasons(row: BatchRow) -> Sequence[str]:
    return (row.malformed.code,) if row.malformed else row.broken


def _added(every: Any) -> dict[str, int]:
    return dict(sum(map(Counter, every), Counter[str]()))


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
