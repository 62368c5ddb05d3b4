"""The errors that Lambda itself reports, worded as AWS words them: state machines and alarms match on these names."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass

from gyre_emulator import logs
from gyre_emulator.runtime_api import MAX_RESPONSE_BYTES


@dataclass(frozen=True)
class Failure:
    """What the caller gets and what the log says."""

    error_type: str
    message: str
    log: str
    status: str = "error"
    reported: bytes = b""
    """The runtime client's own report, which is passed on untouched, stack trace and all."""

    def payload(self) -> bytes:
        return self.reported or json.dumps({"errorType": self.error_type, "errorMessage": self.message}).encode()


def init_failed(report: bytes) -> Failure:
    """The handler could not be loaded; the client has already written the reason to the log."""
    try:
        error_type = str(json.loads(report)["errorType"])
    except (ValueError, LookupError, TypeError):
        error_type = "Runtime.Unknown"
    return Failure(error_type, "", "", reported=report)


def timed_out(request_id: str, seconds: float) -> Failure:
    message = f"{logs.now()} {request_id} Task timed out after {seconds:.2f} seconds"
    return Failure("Sandbox.Timedout", message, f"{message}\n", "timeout")


def exited(request_id: str, status: int) -> Failure:
    """A process that ended before it answered."""
    if status == 0:
        reason = "Runtime exited without providing a reason"
    elif status < 0:
        reason = f"Runtime exited with error: signal: {signal_name(-status)}"
    else:
        reason = f"Runtime exited with error: exit status {status}"
    return _ended(request_id, "Runtime.ExitError", reason)


def out_of_memory(request_id: str) -> Failure:
    return _ended(request_id, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed")


def too_large(size: int) -> Failure:
    message = (
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
    )
    return Failure("Function.ResponseSizeTooLarge", message, f"{message}\n")


def _ended(request_id: str, error_type: str, reason: str) -> Failure:
    message = f"RequestId: {request_id} Error: {reason}"
    return Failure(error_type, message, f"{message}\n{error_type}\n")


def signal_name(number: int) -> str:
    """As Go prints it, in which Lambda's supervisor is written: SIGKILL is "killed"."""
    known = {signal.SIGKILL: "killed", signal.SIGTERM: "terminated", signal.SIGABRT: "aborted"}
    try:
        kind = signal.Signals(number)
    except ValueError:
        return str(number)
    text = known.get(kind) or signal.strsignal(number) or kind.name
    return text.lower()
