"""The journal's predictions with what is known to be true of them, as watching reads them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gyre.aws.labels import DeltaLabels, pairs_of, window_of
from gyre.aws.once import among, day_of, literal, quoted
from gyre.aws.traffic import FIRST_LINE
from gyre.journal.record import Kind
from gyre.monitoring.gathering.predicted import PredictedRow, Span, SpanVolume

# A shadow answers what another release was asked: it is no prediction that anybody got.
_KINDS: tuple[Kind, ...] = ("batch", "online")
_ALL_HASHES = 16**8


class DeltaPredictions:
    """`Predictions` over the journal's tables; `uri` is the journal's: s3://… in a deployment, a folder in tests."""

    def __init__(self, uri: str) -> None:
        self._labels = DeltaLabels(uri)

    def volume(self, span: Span, now: datetime) -> SpanVolume:
        sight, window = self._labels.sight(), _window(span)
        rows = sight.rows(f"select version, count(*) as rows from ({window}) group by version")
        of_model = f"from predictions where model = {quoted(span.model)} and {among('kind', _KINDS)}"
        since, until = (quoted(day_of(each)) for each in (span.since, span.until))
        (calls,) = sight.rows(
            f"select count(*) filter (where {FIRST_LINE}) as calls,"
            f" count(*) filter (where {FIRST_LINE} and status >= 500) as failed {of_model}"
            f" and day >= {since} and day <= {until} and at >= {literal(span.since)} and at < {literal(span.until)}"
        )
        (ahead,) = sight.rows(
            f"select count(*) filter (where {FIRST_LINE}) as calls {of_model} and at > {literal(max(now, span.until))}"
        )
        by_version = {int(each["version"]): int(each["rows"]) for each in rows if each["version"] is not None}
        return SpanVolume(by_version, int(calls["calls"]), int(calls["failed"]), int(ahead["calls"]))

    def rows(self, span: Span, version: int | None, share: float) -> Iterator[Sequence[PredictedRow]]:
        sight, window = self._labels.sight(), _window(span)
        if version is not None:
            window = f"{window} and version = {int(version)}"
        if share < 1:
            # By the row's own name, so that a retry reads the same ones; event ids alone would take whole calls.
            hashed = "substr(md5(concat(event_id, '/', cast(\"row\" as varchar))), 1, 8)"
            window = f"{window} and {hashed} < {quoted(f'{int(share * _ALL_HASHES):08x}')}"
        (ends,) = sight.rows(f"select min(asked) as first, max(asked) as last from ({window})")
        if ends["first"] is None:
            return
        pairs = pairs_of(window, span.model, ends["first"], ends["last"])
        text = (
            "select cast(w.at as bigint) as at, coalesce(w.features, '{}') as features, w.answer, p.label, w.row_id"
            f" from ({window}) w left join (select event_id, \"row\", label from ({pairs}) where place = 1) p"
            ' on p.event_id = w.event_id and p."row" = w."row"'
        )  # fmt: skip
        for batch in sight.batches(text):
            columns = (batch.column(name).to_pylist() for name in PredictedRow._fields)
            yield [PredictedRow(*each) for each in zip(*columns, strict=True)]


def _window(span: Span) -> str:
    return window_of(span.model, span.since, span.until, _KINDS)
