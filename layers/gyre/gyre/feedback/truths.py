"""A label as it was sent, read as what the model predicts: a class, or a number."""

import math
import re
from datetime import UTC, datetime
from typing import Any

from gyre.errors import Invalid
from gyre.feedback.labels import Truth
from gyre.spec.columns import END_OF_TIME, FIRST_SECOND
from gyre.spec.model import ModelSpec

MOST_CHARACTERS = 1_000
_SHOWN_CLASSES = 50
_MOST_DIGITS = 400
_INTEGERS = range(-(2**63), 2**63)
# As files write numbers; Python itself would take 1_000 and the digits of other scripts, too.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def truth_of(spec: ModelSpec, sent: Truth) -> Truth:
    """The label in the type of the model's answers; text is read as a cell of a file is. `Invalid` tells what would be
    right, and never what was sent: it may be somebody's name that slipped into a wrong column."""
    column = spec.columns[spec.target]
    match column.type:
        case "number":
            return _number(spec, sent)
        case "integer":
            return _integer(spec, sent)
        case "boolean":
            found = _TRUTHS.get(str(sent).strip().lower()) if not isinstance(sent, float) else None
            if found is None:
                raise _no_class(spec, ("true", "false"))
            return found
    found_text = str(sent).strip() if isinstance(sent, str | int) and not isinstance(sent, bool) else ""
    if column.values is not None and found_text not in column.values:
        raise _no_class(spec, column.values)
    if not found_text or len(found_text) > MOST_CHARACTERS:
        raise Invalid(f"a label of {spec.model} is a text of 1 to {MOST_CHARACTERS:,} characters", field="label")
    return found_text


def _number(spec: ModelSpec, sent: Truth) -> float:
    """As a float, so that 2 and 2.0 are one."""
    try:
        number = math.nan if isinstance(sent, bool) or not _is_number(sent) else float(sent)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Invalid(f"{spec.model} predicts {spec.target}, a number: the label must be a finite one", field="label")
    return number


def _integer(spec: ModelSpec, sent: Truth) -> int:
    found: int | None = None
    if isinstance(sent, int) and not isinstance(sent, bool):
        found = sent
    elif isinstance(sent, str):  # digits beyond 53 bits stay as they are
        try:
            found = int(sent) if _is_number(sent) else None
        except ValueError:  # 2.0
            found = _whole(_number(spec, sent))
    elif isinstance(sent, float) and math.isfinite(sent):
        found = _whole(sent)
    if found is None or found not in _INTEGERS:
        raise Invalid(f"{spec.model} predicts {spec.target}, an integer: the label must be one", field="label")
    return found


def _whole(number: float) -> int | None:
    return int(number) if number.is_integer() else None


def _no_class(spec: ModelSpec, classes: tuple[str, ...]) -> Invalid:
    told = ", ".join(classes[:_SHOWN_CLASSES]) + (" …" if len(classes) > _SHOWN_CLASSES else "")
    return Invalid(f"the label is none of the classes of {spec.model}: {told}", field="label")


def moment_of(sent: Any) -> datetime | None:
    """When something happened: ISO 8601, in UTC where no zone is told, or seconds since 1970."""
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        return None
    try:
        # 20261121 is a date in ISO 8601, and no second of 1970.
        if isinstance(sent, str) and (len(sent.strip()) == 8 or not _is_number(sent)):
            moment = datetime.fromisoformat(sent.strip())
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        seconds = float(sent)
        if FIRST_SECOND <= seconds < END_OF_TIME:
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, TypeError, OSError):
        pass
    raise Invalid("it is no moment: ISO 8601 such as 2026-11-21T09:00:00Z, or seconds since 1970", field="happened_at")


def _is_number(sent: Any) -> bool:
    """Of a text, whether it is written as one."""
    return not isinstance(sent, str) or (len(sent) <= _MOST_DIGITS and _NUMBER.fullmatch(sent.strip()) is not None)
