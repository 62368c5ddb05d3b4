"""From an upload to a dataset version: read, check, commit, quarantine, report.

The record of the version is written last. Until then nothing of the upload counts, and each step before it can be done
again without doubling anything: commits know the ingest they belong to."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pyarrow as pa

from gyre.datasets.checks import QUARANTINE_SCHEMA, Checker
from gyre.datasets.column_profile import Profiler
from gyre.datasets.fences import fences_of
from gyre.datasets.report import Report, report_key
from gyre.datasets.report_page import report_page
from gyre.datasets.source import Opened, open_upload
from gyre.datasets.spool import Spool
from gyre.datasets.table import ROW, UPLOAD, Batches, DatasetTables
from gyre.datasets.upload import Upload
from gyre.datasets.verdict import absent_columns, alerts_of, check_names, refuse
from gyre.datasets.version import DatasetVersion, dataset_version, keep_version
from gyre.errors import Conflict, Invalid, NotFound, TooLarge
from gyre.objects import ObjectStore
from gyre.spec.versions import SpecVersion

_BLOCK = 8 * 1024 * 1024


@dataclass(frozen=True)
class Parts:
    """What an ingest works with; `progress` hears how many rows were checked so far."""

    data: ObjectStore
    tables: DatasetTables
    progress: Callable[[int], None]


def ingest(run: str, upload: Upload, declared: SpecVersion, parts: Parts) -> DatasetVersion:
    """Commits one upload, or none of it; its report is kept in both cases. The same content is taken once."""
    with ExitStack() as stack:
        return _Ingest(run, upload, declared, parts, stack).done()


class _Ingest:
    def __init__(self, run: str, upload: Upload, declared: SpecVersion, parts: Parts, stack: ExitStack) -> None:
        self._run, self._upload, self._declared, self._parts, self._stack = run, upload, declared, parts, stack
        self._spec = declared.spec
        self._name = ""  # of the ingest: what was uploaded, and what was declared
        self._rejected: Spool | None = None
        self._began = time.monotonic()
        self._report = Report(
            upload.model, run, upload.key, "refused", datetime.now(UTC).isoformat(), 0.0, 0,
            spec_version=declared.version,
        )  # fmt: skip

    def done(self) -> DatasetVersion:
        try:
            return self._taken()
        except (Invalid, TooLarge, NotFound, Conflict) as error:
            self._told(reason=error.message)
            if isinstance(error, Invalid | TooLarge):  # of the same content it will be the same rows
                self._quarantined()
            self._keep_report()
            raise

    def _taken(self) -> DatasetVersion:
        model, tables = self._upload.model, self._parts.tables
        sha256 = self._hashed()
        raw = _identity(sha256, self._spec.read.model_dump_json())
        name = self._name = _identity(raw, self._spec.data_digest)
        version = tables.version_of(model, "processed", name)
        if version is not None:
            try:
                return dataset_version(model, version, self._parts.data)
            except NotFound:  # an earlier try was ended between its commit and its record
                self._look_again()
        else:
            version = tables.append(model, "processed", name, self._pass, replace=self._spec.dataset.mode == "replace")
            if not self._report.rows.read:  # the same content, by another run, a moment ago
                self._look_again()
        raw_version = tables.append(model, "raw", raw, lambda: self._raw_rows(raw))
        quarantine = self._quarantined()
        self._told(outcome="accepted", dataset_version=version)
        self._told(alerts=alerts_of(self._spec, self._report))
        self._keep_report()
        return keep_version(self._record(sha256, version, raw_version, quarantine), self._parts.data)

    def _hashed(self) -> str:
        self._told(size=self._parts.data.size(self._upload.key, self._upload.version))
        digest = hashlib.sha256()
        with self._stream() as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        self._told(sha256=digest.hexdigest())
        return digest.hexdigest()

    def _stream(self) -> BinaryIO:
        return self._parts.data.open(self._upload.key, self._upload.version)

    def _opened(self) -> Opened:
        stream = self._stack.enter_context(self._stream())
        return open_upload(self._upload.key.rsplit("/", 1)[-1], stream, self._spec.read)

    def _pass(self) -> Batches:
        """One way through the file. A commit that lost a race begins a new one."""
        opened = self._opened()
        check_names(opened.columns)
        self._told(
            facts=opened.facts,
            unknown_columns=tuple(c for c in opened.columns if c not in self._spec.columns),
            absent_columns=absent_columns(self._spec, opened.columns),
        )
        fenced = any(column.outliers for column in self._spec.columns.values())
        fences = fences_of(self._spec, self._opened().chunks) if fenced else {}
        checker = Checker(self._spec, self._name, opened.columns, fences)
        return Batches(checker.schema, self._accepted(opened, checker))

    def _accepted(self, opened: Opened, checker: Checker) -> Iterator[pa.RecordBatch]:
        profiler = Profiler(self._spec)
        self._rejected = self._stack.enter_context(Spool(QUARANTINE_SCHEMA))
        try:
            for chunk in opened.chunks:
                accepted, rejected = checker.check(chunk)
                self._rejected.add(rejected)
                profiler.add(accepted)
                self._parts.progress(checker.counts.read)
                yield accepted
        finally:  # also of a file that turns out to be unreadable in its middle
            self._told(rows=checker.counts, findings=checker.findings.found(), columns=profiler.columns())
        refuse(self._spec, self._report, checker.findings.failing())

    def _look_again(self) -> None:
        """Counts what was committed before."""
        for _ in self._pass().batches:
            pass

    def _raw_rows(self, raw: str) -> Batches:
        opened = self._opened()
        fields = [(UPLOAD, pa.string()), (ROW, pa.int64()), *((name, pa.string()) for name in opened.columns)]
        schema = pa.schema(fields)
        return Batches(
            schema,
            (
                pa.RecordBatch.from_arrays(
                    [pa.array([raw] * chunk.rows.num_rows, pa.string()), chunk.numbers, *chunk.rows.columns],
                    schema=schema,
                )
                for chunk in opened.chunks
            ),
        )

    def _quarantined(self) -> int | None:
        """The version of the quarantine that holds the rejected rows, if there are any."""
        rejected = self._rejected
        if rejected is None or not rejected.rows:
            return None
        return self._parts.tables.append(
            self._upload.model, "quarantine", self._name, lambda: Batches(rejected.schema, rejected.batches())
        )

    def _told(self, **facts: Any) -> None:
        self._report = replace(self._report, seconds=round(time.monotonic() - self._began, 3), **facts)

    def _keep_report(self) -> None:
        page = report_page(self._report).encode()
        model, run, data = self._upload.model, self._run, self._parts.data
        data.write(report_key(model, run, "json"), self._report.as_json(), content_type="application/json")
        data.write(report_key(model, run, "html"), page, content_type="text/html; charset=utf-8")

    def _record(self, sha256: str, version: int, raw_version: int, quarantine: int | None) -> DatasetVersion:
        return DatasetVersion(
            model=self._upload.model,
            version=version,
            ingest=self._name,
            upload=self._upload.key,
            upload_version=self._upload.version,
            sha256=sha256,
            size=self._report.size,
            facts=self._report.facts,
            run=self._run,
            at=self._report.at,
            spec_version=self._declared.version,
            raw_version=raw_version,
            quarantine_version=quarantine,
            mode=self._spec.dataset.mode,
            rows=self._report.rows,
            total_rows=self._parts.tables.rows(self._upload.model, "processed", version),
            report=report_key(self._upload.model, self._run, "json"),
            alerts=tuple(each.message for each in self._report.alerts),
        )


def _identity(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
