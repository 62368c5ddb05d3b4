"""`Predictions` over the fake journal and its labels; held to the same contract as the Delta tables."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pydantic_core import to_json

from gyre.monitoring.gathering.predicted import PredictedRow, Span, SpanVolume
from tests.fakes.labels import MemoryLabels

_ALL = 2**32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryPredictions:
    def __init__(self, labels: MemoryLabels) -> None:
        self._labels = labels

    def volume(self, span: Span, now: datetime) -> SpanVolume:
        told = [each for each in self._labels.journal.records if each.kind != "shadow"]
        of_model = [each for each in told if each.model == span.model]
        inside = [each for each in of_model if span.since <= each.at < span.until]
        rows = Counter(
            row.version
            for each in inside
            for row in each.rows
            if row.version is not None and row.prediction is not None
        )
        failed = sum(each.status >= 500 for each in inside)
        return SpanVolume(dict(rows), len(inside), failed, sum(each.at > max(now, span.until) for each in of_model))

    def rows(self, span: Span, version: int | None, share: float) -> Iterator[Sequence[PredictedRow]]:
        joined = self._labels.joined(span.model, span.since, span.until, 1_000_000, ("online", "batch"))
        found = [
            PredictedRow(
                (each.at - _EPOCH) // timedelta(microseconds=1), to_json(each.features).decode(),
                to_json({"prediction": each.prediction, "probabilities": each.probabilities}).decode(),
                None if each.label is None else to_json(each.label).decode(), each.row_id,
            )
            for each in joined.rows
            if version in (None, each.version) and _hash(each.event_id, each.row) < share * _ALL
        ]  # fmt: skip
        if found:
            yield found


def _hash(event_id: str, row: int) -> int:
    return int(hashlib.md5(f"{event_id}/{row}".encode()).hexdigest()[:8], 16)  # no secret
