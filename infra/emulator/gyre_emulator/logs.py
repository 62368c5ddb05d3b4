"""What a function writes, and the lines that Lambda itself writes around it."""

from __future__ import annotations

import math
import os
import re
from datetime import UTC, datetime
from pathlib import Path

KEEP_BYTES = 16 * 1024 * 1024
"""A function that writes more than this in one call loses the beginning."""
ERROR = re.compile(r"^\[ERROR\] [^\n]*", re.MULTILINE)


class OutputFile:
    """The file that stdout and stderr go to. A file and not a pipe: nobody must read it for the function to go on, and
    all that was written before the answer is in it when the answer comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Append mode: the file can be emptied between calls while the process has it open.
        self.writer = open(path, "ab", buffering=0)  # noqa: SIM115  # lives as long as the environment

    def take(self) -> str:
        """All that was written since the last time."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:  # the environment was stopped in the middle of a call
            return ""
        if not size:
            return ""
        with open(self.path, "rb") as reader:
            if size > KEEP_BYTES:
                reader.seek(size - KEEP_BYTES)
            data = reader.read()
        os.truncate(self.path, 0)
        # The runtime client ends the lines of an error with carriage returns: a terminal shows one garbled line.
        text = ERROR.sub(lambda error: error[0].replace("\r", "\n"), data.decode("utf-8", "replace"))
        return text if text.endswith("\n") else text + "\n"

    def close(self) -> None:
        self.writer.close()


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def init_start(runtime: str) -> str:
    return f"INIT_START Runtime Version: {runtime}\n"


def init_report(milliseconds: float, status: str, error_type: str = "") -> str:
    kind = f"\tError Type: {error_type}" if error_type else ""
    return f"INIT_REPORT Init Duration: {milliseconds:.2f} ms\tPhase: init\tStatus: {status}{kind}\n"


def start(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str) -> str:
    return f"END RequestId: {request_id}\n"


def report(
    request_id: str,
    milliseconds: float,
    *,
    memory_size: int,
    memory_used: int,
    init_milliseconds: float | None,
    status: str = "",
    error_type: str = "",
    trace_id: str = "",
) -> str:
    """The line that bills; initialization is billed too, since August 2025."""
    billed = math.ceil(milliseconds + (init_milliseconds or 0))
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {billed} ms",
        f"Memory Size: {memory_size} MB",
        f"Max Memory Used: {memory_used} MB",
    ]
    if init_milliseconds is not None:
        fields.append(f"Init Duration: {init_milliseconds:.2f} ms")
    if trace_id:
        fields.append(f"XRAY TraceId: {trace_id}")
    if status:
        fields.append(f"Status: {status}")
    if error_type:
        fields.append(f"Error Type: {error_type}")
    return "\t".join(fields) + "\n"
