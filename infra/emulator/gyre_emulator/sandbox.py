"""One execution environment: a process, its Runtime API, its folder, its limits. Knows nothing of LocalStack."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from gyre_emulator import failures, logs, memory
from gyre_emulator.failures import Failure
from gyre_emulator.runtime_api import Answered, Event, Exited, InitFailed, Invocation, Ready, RuntimeApi, TooLarge
from gyre_emulator.spawn import spawn

LAUNCHER = Path(__file__).with_name("launcher.py")
INIT_SECONDS = 10.0
"""AWS's limit for the init phase; what an init takes beyond it counts as time of the call."""
END_SECONDS = 5.0


@dataclass(frozen=True)
class Blueprint:
    """All that is needed to make environments of one function version."""

    python: Path
    handler: str
    task_root: Path
    memory_megabytes: int
    timeout_seconds: int
    version: str = "$LATEST"
    runtime: str = "python3.12"
    environment: dict[str, str] = field(default_factory=dict)
    init_seconds: float = INIT_SECONDS


@dataclass(frozen=True)
class Call:
    """One call as the caller made it."""

    request_id: str
    function_arn: str
    payload: bytes
    trace_id: str = ""
    client_context: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a call."""

    payload: bytes
    is_error: bool
    logs: str


class Sandbox:
    """Starts at once, serves one call at a time, and is over after its first failure of its own."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.over = False
        self._events: queue.Queue[Event] = queue.Queue()
        self._ending = threading.Lock()
        self._exited = threading.Event()
        self._group_ended = False
        self._init_milliseconds: float | None = None
        self._initialized = False
        self._folder = Path(tempfile.mkdtemp(prefix="function-"))
        self._output = logs.OutputFile(self._folder / "output.log")
        self._api = RuntimeApi(self._events)
        try:
            self._began = time.monotonic()
            self._process = self._spawn()
        except BaseException:
            self._api.close()
            self._output.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._watch = memory.Watch(self._process.pid, blueprint.memory_megabytes, self._kill)
        memory.WATCHER.add(self._watch)
        threading.Thread(target=self._await_exit, name="gyre-exit", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def usable(self) -> bool:
        """False when the next call needs a fresh environment. One that failed to start still has that to tell."""
        return not self.over and (not self._initialized or not self._exited.is_set())

    def call(self, call: Call) -> Outcome:
        """Runs one call to its end, its timeout or the end of the process."""
        text = ""
        late = 0.0
        cold = not self._initialized
        if cold:
            text += logs.init_start(self.blueprint.runtime)
            failure = self._await_init(call)
            if failure is not None:
                return self._fail(call, failure, text, None)
            late = max(0.0, (self._init_milliseconds or 0.0) / 1000 - self.blueprint.init_seconds)
        text += self._output.take() + logs.start(call.request_id, self.blueprint.version)
        memory.WATCHER.add(self._watch)
        began = time.monotonic()
        limit = began + self.blueprint.timeout_seconds - late
        self._api.hand_over(
            Invocation(
                call.request_id, call.function_arn, call.payload,
                int((time.time() + limit - began) * 1000), call.trace_id, call.client_context,
            )
        )  # fmt: skip
        event = self._await_answer(call, limit)
        duration = (time.monotonic() - began) * 1000
        memory.WATCHER.remove(self._watch)
        if not isinstance(event, Answered):
            return self._fail(call, self._failure(call, event), text, duration, cold)
        text += self._output.take() + logs.end(call.request_id) + self._report(call, duration, cold)
        return Outcome(event.body, event.is_error, text)

    def stop(self) -> None:
        """Ends the process group and removes the private folder; safe to call twice and from any thread."""
        with self._ending:
            self.over = True
            self._kill()
            # Should it be stuck in the kernel, the parent-death signal and `down` remain.
            self._exited.wait(END_SECONDS)
            memory.WATCHER.remove(self._watch)
            self._api.close()
            self._output.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def output(self) -> str:
        """What was written and belongs to no call yet."""
        return self._output.take()

    def _spawn(self) -> subprocess.Popen[bytes]:
        blueprint = self.blueprint
        temporary = self._folder / "tmp"
        temporary.mkdir()
        environment = {
            **blueprint.environment,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(blueprint.task_root),
            "_HANDLER": blueprint.handler,
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [str(blueprint.python), "-P", "-s", str(LAUNCHER), str(os.getpid()), blueprint.handler]
        return spawn(command, environment, blueprint.task_root, self._output.writer)

    def _await_exit(self) -> None:
        status = self._process.wait()
        self._exited.set()
        self._events.put(Exited(status))

    def _await_init(self, call: Call) -> Failure | None:
        # An environment may have started long before its first call: the limit runs from the start of the process.
        limit = max(
            self._began + self.blueprint.init_seconds + self.blueprint.timeout_seconds,
            time.monotonic() + self.blueprint.timeout_seconds,
        )
        event = self._next(limit)
        self._init_milliseconds = (time.monotonic() - self._began) * 1000
        if isinstance(event, Ready):
            self._initialized = True
            return None
        if isinstance(event, InitFailed):
            self._next(time.monotonic() + 1.0)  # the process ends by itself: its last lines belong to the log
            return failures.init_failed(event.error)
        return self._failure(call, event)

    def _await_answer(self, call: Call, limit: float) -> Event | None:
        while True:
            event = self._next(limit)
            if isinstance(event, Answered | TooLarge) and event.request_id != call.request_id:
                continue
            return event

    def _next(self, limit: float) -> Event | None:
        try:
            return self._events.get(timeout=max(0.0, limit - time.monotonic()))
        except queue.Empty:
            return None

    def _failure(self, call: Call, event: Event | None) -> Failure:
        if isinstance(event, TooLarge):
            return failures.too_large(event.size)
        if isinstance(event, Exited):
            if self._watch.exceeded:
                return failures.out_of_memory(call.request_id)
            return failures.exited(call.request_id, event.status)
        return failures.timed_out(call.request_id, self.blueprint.timeout_seconds)

    def _fail(self, call: Call, failure: Failure, text: str, duration: float | None, cold: bool = True) -> Outcome:
        """Ends the environment: like AWS, the next call gets a fresh one."""
        self._kill()
        self._exited.wait(END_SECONDS)
        text += self._output.take()
        if duration is None:
            text += failure.log
            text += logs.init_report(self._init_milliseconds or 0.0, failure.status, failure.error_type)
            text += logs.start(call.request_id, self.blueprint.version)
            duration = 0.0
        else:
            text += failure.log
        text += logs.end(call.request_id)
        text += self._report(call, duration, cold, failure.status, failure.error_type)
        self.stop()
        return Outcome(failure.payload(), True, text)

    def _report(self, call: Call, duration: float, cold: bool, status: str = "", error_type: str = "") -> str:
        return logs.report(
            call.request_id,
            duration,
            memory_size=self.blueprint.memory_megabytes,
            memory_used=self._watch.used_megabytes(),
            init_milliseconds=self._init_milliseconds if cold else None,
            status=status,
            error_type=error_type,
            trace_id=call.trace_id,
        )

    def _kill(self) -> None:
        """The whole process group: functions start processes too."""
        if self._group_ended:
            return  # its number may be another's by now
        self._group_ended = self._exited.is_set()
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing is left of it
            os.killpg(self._process.pid, signal.SIGKILL)
