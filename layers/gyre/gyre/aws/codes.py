"""AWS's words for what went wrong, as ours. The only place that reads them."""

from gyre.errors import Conflict, GyreError, NotFound, TooManyRequests, Unavailable

_MISSING = {"NoSuchKey", "404", "NoSuchVersion", "ExecutionDoesNotExist", "NoSuchBucket", "NotFound"}
_LOST_RACE = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_THROTTLED = {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}


def by_code(code: str, what: str) -> GyreError:
    """An answer of AWS as an error of ours."""
    if code in _MISSING:
        return NotFound(f"{what} does not exist.")
    if code in _LOST_RACE:
        return Conflict(f"{what} was changed by somebody else. Read it again, then repeat.")
    if code in _THROTTLED:
        return TooManyRequests(f"{what}: AWS asks to slow down. Try again in a moment.")
    return Unavailable(f"{what}: AWS answered {code}. Try again; if it stays, look at the function's policy.")


def unreachable(what: str, reason: BaseException) -> Unavailable:
    return Unavailable(f"{what}: AWS could not be reached ({type(reason).__name__}). Try again.")
