"""What can go wrong, told as facts. HTTP statuses (http/errors.py) and the state machines' retries go by name."""

from collections.abc import Mapping, Sequence
from typing import Any


class GyreError(Exception):
    """The root: something the caller can be told about, in words that name the next step."""

    code = "error"

    def __init__(self, message: str, *, field: str | None = None, details: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        # Where there are several faults: each one's facts, for a program to read.
        self.details = tuple(details)


class Invalid(GyreError):
    """What was sent breaks a rule; sending it again changes nothing."""

    code = "invalid"


class Unauthenticated(GyreError):
    """No key, or one that is not known."""

    code = "unauthenticated"


class Forbidden(GyreError):
    """A known key whose role does not reach this far."""

    code = "forbidden"


class NotFound(GyreError):
    """The named thing does not exist."""

    code = "not_found"


class Conflict(GyreError):
    """Somebody else changed it in between, or it exists already."""

    code = "conflict"


class TooLarge(GyreError):
    """Above a stated limit."""

    code = "too_large"


class UnsupportedMedia(GyreError):
    """Sent in a form that is not read here."""

    code = "unsupported_media_type"


class TooManyRequests(GyreError):
    """A limit of rate, ours or AWS's, was reached."""

    code = "too_many_requests"


class NotReady(GyreError):
    """The system works, and has nothing to answer with yet."""

    code = "not_ready"


class Unavailable(GyreError):
    """Something we stand on failed for now; the same call may succeed later. State machines retry on this name."""

    code = "unavailable"
