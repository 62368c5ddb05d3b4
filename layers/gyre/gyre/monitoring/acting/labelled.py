"""Predictions whose truth is known, as an upload: what a model met becomes what it learns from."""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gyre.datasets.upload import INBOX
from gyre.errors import Conflict, NotFound
from gyre.feedback.labels import Judged, Labels
from gyre.journal.record import Kind
from gyre.objects import ObjectStore
from gyre.spec.model import ModelSpec

# Shadows repeat what production was asked: the same row would stand there twice.
_KINDS: tuple[Kind, ...] = ("batch", "online")
# Of predictions that are read at once, how often, and of rows that one upload takes; the newest count.
_PAGE, _MOST_PAGES, _MOST_ROWS = 25_000, 20, 100_000
_CONTENT_TYPE = "application/gzip"


@dataclass(frozen=True)
class Received:
    """Truths by when they reached us: after one moment and not after another."""

    since: datetime | None
    until: datetime

    def has(self, at: datetime | None) -> bool:
        return at is not None and (self.since is None or at > self.since) and at <= self.until


@dataclass(frozen=True)
class LabelledUpload:
    """The file that was made."""

    key: str
    version: str | None
    rows: int | None = None
    """Not known of one that was made before."""

    @property
    def told(self) -> str:
        rows = "" if self.rows is None else f"{self.rows:,} "
        return f"the newest data and {rows}labelled predictions ({self.key})"


def labelled_upload(
    spec: ModelSpec, look: str, received: Received, labels: Labels, data: ObjectStore
) -> LabelledUpload | str:
    """Puts them into the model's inbox, once for each look; or says why they are not added. Nothing personal is among
    them: the journal knows pseudonyms alone, which are nobody's values."""
    if there := kept_upload(spec.model, look, data):
        return there
    if fault := _unfit(spec):
        return f"labelled predictions are not added: {fault}"
    rows, left_out = _rows(spec, received, labels)
    least = max(1, spec.quality.minimum_rows)
    if len(rows) < least:
        lacking = f"; {left_out:,} lack a column that is required" if left_out else ""
        return f"no labelled predictions are added: {len(rows):,} are new, {least:,} are the least{lacking}"
    content = gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode(), mtime=0)
    key = _key(spec.model, look)
    try:
        written = data.write(key, content, content_type=_CONTENT_TYPE, new=True)
    except Conflict:  # a write whose answer was lost, or another try of the same look
        return kept_upload(spec.model, look, data) or LabelledUpload(key, None)
    return LabelledUpload(key, written.version, len(rows))


def kept_upload(model: str, look: str, data: ObjectStore) -> LabelledUpload | None:
    """What was made for a look, if it was: as it was written first, for by that its training is called."""
    key = _key(model, look)
    with suppress(NotFound):
        data.size(key)
        versions = [each for each in data.versions(key) if each.key == key and not each.is_deletion]
        return LabelledUpload(key, versions[-1].version if versions else None)
    return None


def _key(model: str, look: str) -> str:
    return f"{INBOX}{model}/journal-{look}.jsonl.gz"


def _unfit(spec: ModelSpec) -> str | None:
    """Why what is left without personal columns is no data of this model."""
    if needed := [name for name in sorted(spec.personal) if spec.columns[name].required]:
        return f"{', '.join(needed)} is required, and personal"
    named = spec.group or spec.id
    if named in spec.personal:  # one person's rows would stand in different parts
        return f"{named}, which tells cases apart, is personal"
    return None


def _rows(spec: ModelSpec, received: Received, labels: Labels) -> tuple[list[dict[str, Any]], int]:
    """The newest first, each id once, and how many lack what is required."""
    required = [name for name, column in spec.columns.items() if column.required]
    ids: set[str] = set()
    found, left_out = list[dict[str, Any]](), 0
    for judged in _judged(spec, received, labels):
        row = _row(spec, judged)
        if any(row.get(name) is None for name in required):
            left_out += 1
            continue
        if (named := row.get(spec.id or "")) is not None:
            if str(named) in ids:
                continue
            ids.add(str(named))
        found.append(row)
        if len(found) == _MOST_ROWS:
            break
    return found, left_out


def _judged(spec: ModelSpec, received: Received, labels: Labels) -> Iterator[Judged]:
    """Page by page into the past: the truth of an old prediction may be new."""
    since = received.until - timedelta(days=spec.retention.journal_days)
    until = received.until
    for _ in range(_MOST_PAGES):
        page = labels.joined(spec.model, since, until, _PAGE, _KINDS)
        # The calls of the oldest moment may go on behind the page's end; the next one begins with them.
        oldest = page.rows[-1].at if page.rows else since
        whole = [each for each in page.rows if not page.cut or each.at > oldest]
        yield from (each for each in whole or page.rows if _is_new(spec, each, received))
        if not page.cut:
            return
        until = oldest + timedelta(microseconds=1) if whole else oldest


def _is_new(spec: ModelSpec, judged: Judged, received: Received) -> bool:
    """What was corrected stands in the data as it was said first, unless an id lets the newest row count."""
    was_added = judged.corrected and received.since is not None and judged.at <= received.since and spec.id is None
    return judged.label is not None and received.has(judged.received_at) and not was_added


def _row(spec: ModelSpec, judged: Judged) -> dict[str, Any]:
    columns = [name for name in spec.columns if name not in spec.personal]
    row = {name: judged.features[name] for name in columns if _is_told(judged.features, name)}
    if spec.id in columns and spec.id not in row:
        row[spec.id] = _id(spec, judged)
    if spec.time in columns and spec.time not in row and spec.columns[spec.time].type == "time":
        row[spec.time] = judged.at.astimezone(UTC).isoformat()
    return {**row, spec.target: judged.label}


def _is_told(features: Mapping[str, Any], name: str) -> bool:
    value = features.get(name)
    return value is not None and not isinstance(value, list | dict)


def _id(spec: ModelSpec, judged: Judged) -> str | None:
    """The caller's, or the call's with the place of the row, where any text may be an id."""
    column = spec.columns[spec.id or ""]
    if judged.row_id is not None:
        return judged.row_id
    own = f"{judged.event_id}-{judged.row}"
    fits = column.type in ("text", "category") and column.values is None and len(own) <= (column.length or len(own))
    return own if fits else None
