"""Facts as people read them: names that stay on one line, figures with four digits, moments short and in UTC."""

import json
import math
import unicodedata
from datetime import UTC, datetime
from typing import Any

NOTHING = "-"
_DIGITS = 4


def shown(text: str) -> str:
    """What comes from outside may hold line breaks and a terminal's control characters; a line stays a line."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def as_json(told: Any) -> str:
    """For programs, and safe on a terminal: what cannot be printed is escaped as JSON does it."""
    text = json.dumps(told, indent=2, ensure_ascii=False)
    return "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text)


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def figure(value: Any) -> str:
    """Four digits of a float, all of a whole number; none where nothing was measured."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else shown(str(value))
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value) or not value or not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{_DIGITS}g}"
    told = f"{value:,.{max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))}f}"
    return told.rstrip("0").rstrip(".") if "." in told else told


def moment(at: str | None) -> datetime | None:
    """A moment as the API writes it; None if it is none."""
    try:
        return datetime.fromisoformat(at or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def when(at: str | None) -> str:
    """To the minute, in UTC."""
    found = moment(at)
    return found.strftime("%Y-%m-%d %H:%M") if found else shown(at or NOTHING)


def lasted(seconds: float | None) -> str:
    """A duration: 0.8 s, 34 s, 2 m 05 s, 1 h 03 m."""
    if seconds is None:
        return ""
    if seconds < 9.95:  # what rounds to 10.0 needs no tenths
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} m" if hours else f"{minutes} m {rest:02} s"


def width(text: str) -> int:
    """How many columns a terminal gives it."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


def cut(text: str, most: int) -> str:
    """As much of it as has room, in columns."""
    if width(text) <= most:
        return text
    kept, room = "", most - 3
    for each in text:
        room -= width(each)
        if room < 0:
            break
        kept += each
    return f"{kept}..."
