"""Times that callers send, as every engine can compare them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

# DataFusion counts nanoseconds in 64 bits. Nothing of ours is older or later than that.
_FIRST, _LAST = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)


def in_utc(moment: datetime) -> datetime:
    """A time without a zone is UTC. One beyond these centuries, which people send for "always", is their end."""
    try:
        found = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST
    return min(max(found, _FIRST), _LAST)


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
