"""A file of labels that was put into the data bucket: feedback/<model>/<file>. Taken in parts; what happened to it is a
report beside it, with which a try that was cut off goes on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, dropwhile
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from gyre.errors import Invalid, NotFound, NotReady, TooLarge, Unavailable
from gyre.feedback.desk import Feedback, Sender, Taken
from gyre.feedback.label_file import LabelFile
from gyre.feedback.sayings import Remark, Said
from gyre.objects import ObjectStore
from gyre.spec.base import MODEL_PATTERN

FOLDER = "feedback/"
REPORTS = "reports/"
# Of one commit; each costs a few looks at the tables, whatever its size.
PART_LINES = 5_000
MOST_TOLD = 100


class LineRemark(BaseModel):
    """Something about one line. What stands there is not told: it may be somebody's name in a wrong column."""

    line: int
    field: str
    message: str


class LabelReport(BaseModel):
    """What became of a file."""

    file: str
    version: str
    """Of the object: a file that is put there again under its name is told anew."""
    model: str
    received_at: datetime
    status: Literal["going", "done", "refused"] = "going"
    reason: str | None = None
    """Why it could not be read, or not to its end; what stands before was taken."""
    line: int = 0
    """The last that was looked at."""
    kept: int = 0
    repeated: int = 0
    """They say what counts already."""
    unknown: int = 0
    """Kept, and about nothing that the journal held then."""
    faulty: int = 0
    warned: int = 0
    faults: Annotated[list[LineRemark], Field(max_length=MOST_TOLD)] = []
    """The first hundred."""
    warnings: Annotated[list[LineRemark], Field(max_length=MOST_TOLD)] = []
    """The first hundred."""
    ignored_columns: list[str] = []


@dataclass(frozen=True)
class Dropped:
    """A file that came in; `version` pins the very bytes that the event spoke of, where the bucket keeps versions."""

    key: str
    version: str | None
    etag: str
    received_at: datetime

    @property
    def model(self) -> str:
        return self.key.split("/")[1]

    @property
    def name(self) -> str:
        return self.key.rsplit("/", 1)[-1]

    @property
    def sending(self) -> str:
        """Tells one putting of the file from another one."""
        return self.version or self.etag

    @property
    def report(self) -> str:
        folder = f"{FOLDER}{self.model}/"
        return f"{folder}{REPORTS}{self.key.removeprefix(folder)}.json"


def is_dropped(key: str) -> bool:
    """Whether it is a file of labels of a model: no report, and no marker of a folder."""
    parts = key.split("/")
    is_of_model = key.startswith(FOLDER) and len(parts) > 2 and re.fullmatch(MODEL_PATTERN, parts[1]) is not None
    return is_of_model and f"{parts[2]}/" != REPORTS and bool(parts[-1])


def take_file(
    dropped: Dropped, data: ObjectStore, feedback: Feedback, *, is_late: Callable[[], bool] = lambda: False
) -> LabelReport:
    """Takes what is right of it; done again for the same file it changes nothing. `is_late` tells that time is up:
    then `Unavailable`, and the next try goes on behind the last part."""
    report = _begun(dropped, data)
    if report.status != "going":
        return report
    try:
        feedback.check_model(dropped.model)
        with data.open(dropped.key, dropped.version) as stream:
            _take(LabelFile(dropped.name, dropped.model, stream), dropped, report, data, feedback, is_late)
        report.status = "done"
    except (Invalid, TooLarge, NotFound, NotReady) as error:  # what comes of the same bytes again
        report.status, report.reason = "refused", error.message
    _keep(report, dropped, data)
    return report


def _take(
    file: LabelFile, dropped: Dropped, report: LabelReport, data: ObjectStore, feedback: Feedback,
    is_late: Callable[[], bool],
) -> None:  # fmt: skip
    sender = Sender(dropped.key, dropped.received_at, dropped.sending, is_file=True)
    done = report.line
    for part in batched(dropwhile(lambda each: each.at <= done, file.lines()), PART_LINES):
        if is_late():
            raise Unavailable(
                f"{dropped.key} is taken up to line {report.line:,}: the next call for it goes on from there."
            )
        taken = feedback.take([each for each in part if isinstance(each, Said)], sender)
        _count(report, taken, [each for each in part if isinstance(each, Remark)])
        report.line, report.ignored_columns = part[-1].at, sorted(file.ignored)
        _keep(report, dropped, data)


def _count(report: LabelReport, taken: Taken, malformed: list[Remark]) -> None:
    faults = sorted([*taken.faults, *malformed], key=lambda each: each.at)
    report.kept += taken.kept
    report.repeated += taken.repeated
    report.unknown += len(taken.unknown)
    report.faulty += len(faults)
    report.warned += len(taken.warnings)
    for told, found in ((report.faults, faults), (report.warnings, taken.warnings)):
        told += [_line(each) for each in found[: MOST_TOLD - len(told)]]


def _line(remark: Remark) -> LineRemark:
    return LineRemark(line=remark.at, field=remark.field, message=remark.message)


def _begun(dropped: Dropped, data: ObjectStore) -> LabelReport:
    """Its report, if an earlier try left one."""
    try:
        told = LabelReport.model_validate_json(data.read(dropped.report).content)
        if told.version == dropped.sending:
            return told
    except (NotFound, ValidationError):  # there is none, or none of ours
        told = None
    return LabelReport(file=dropped.key, version=dropped.sending, model=dropped.model, received_at=dropped.received_at)


def _keep(report: LabelReport, dropped: Dropped, data: ObjectStore) -> None:
    content = report.model_dump_json(indent=1).encode()
    data.write(dropped.report, content, content_type="application/json")
