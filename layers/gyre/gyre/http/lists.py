"""What lists take alike: a span of time, and the place where the page before ended."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated

from fastapi import Query

from gyre.errors import Invalid
from gyre.moments import in_utc

Since = Annotated[datetime | None, Query(alias="from")]
Until = Annotated[datetime | None, Query(alias="to")]
Cursor = Annotated[str | None, Query(max_length=400)]


def span(since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """`from` and `to` in UTC; a time without a zone is UTC."""
    first, end = (each and in_utc(each) for each in (since, until))
    if first and end and first >= end:
        raise Invalid(f"`to` ({end.isoformat()}) is not after `from` ({first.isoformat()}).", field="to")
    return first, end


def cursor_of(at: datetime, within: str, line: int) -> str:
    """A place in a list: lines stand within an event or a run, and those in the order of time."""
    return urlsafe_b64encode(f"{at.isoformat()} {line} {within}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> tuple[datetime, str, int]:
    """What `cursor_of` was given."""
    try:
        at, line, within = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ")
        if not re.fullmatch(r"-?[0-9]{1,9}", line):
            raise ValueError(line)
        return in_utc(datetime.fromisoformat(at)), within, int(line)
    except ValueError:
        raise Invalid(
            "This is no cursor of ours: send the one that came with the page before.", field="cursor"
        ) from None
