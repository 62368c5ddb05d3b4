"""One execution environment with AWS's real runtime client, without LocalStack."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gyre_emulator import processes
from gyre_emulator.sandbox import Sandbox

from .conftest import call, is_alive

Make = Callable[..., Sandbox]


def test_a_call_is_answered_and_logged_as_on_aws(sandbox: Make) -> None:
    # given
    environment = sandbox("""
        print("loading")
        def handler(event, context):
            print("handling", event["x"])
            return {"double": event["x"] * 2, "request": context.aws_request_id}
    """)
    # when
    outcome = environment.call(call({"x": 21}))
    # then
    assert not outcome.is_error
    assert json.loads(outcome.payload) == {"double": 42, "request": "request-1"}
    lines = outcome.logs.splitlines()
    assert lines[0].startswith("INIT_START Runtime Version: python3.12")
    assert lines[1:5] == [
        "loading",
        "START RequestId: request-1 Version: $LATEST",
        "handling 21",
        "END RequestId: request-1",
    ]
    fields = dict(field.split(": ", 1) for field in lines[5].split("\t"))
    assert fields["REPORT RequestId"] == "request-1"
    assert fields["Memory Size"] == "256 MB"
    assert 5 < int(fields["Max Memory Used"].split()[0]) < 100
    assert 0 < float(fields["Duration"].split()[0]) <= int(fields["Billed Duration"].split()[0])
    assert float(fields["Init Duration"].split()[0]) > 10


def test_a_warm_call_reuses_the_process_and_has_no_init(sandbox: Make) -> None:
    # given
    environment = sandbox("import os\ncount = 0\ndef handler(e, c):\n    global count; count += 1\n    return count\n")
    environment.call(call())
    # when
    second = environment.call(call(request_id="request-2"))
    # then
    assert second.payload == b"2"
    assert "Init Duration" not in second.logs
    assert "INIT_START" not in second.logs


def test_warm_calls_add_little(sandbox: Make) -> None:
    # given
    environment = sandbox("def handler(e, c): return e")
    environment.call(call())
    # when
    durations = []
    for _ in range(50):
        began = time.perf_counter()
        environment.call(call())
        durations.append(time.perf_counter() - began)
    # then
    assert sorted(durations)[25] < 0.010


def test_large_answers_arrive_whole(sandbox: Make) -> None:
    # given: the client sends what it does not want to measure in chunks
    environment = sandbox("def handler(e, c): return 'ü' * e['n']")
    # when
    outcome = environment.call(call({"n": 500_000}))
    # then
    assert json.loads(outcome.payload) == "ü" * 500_000


def test_an_answer_above_six_megabytes_is_refused(sandbox: Make) -> None:
    # given
    environment = sandbox("def handler(e, c): return 'x' * 7_000_000")
    # when
    outcome = environment.call(call())
    # then
    assert outcome.is_error
    assert json.loads(outcome.payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_what_the_function_sees_of_its_call(sandbox: Make) -> None:
    # given
    environment = sandbox("""
        import os
        def handler(event, context):
            return [context.invoked_function_arn, os.environ["_X_AMZN_TRACE_ID"], context.client_context.custom,
                    context.get_remaining_time_in_millis()]
    """)
    # when
    outcome = environment.call(
        call(function_arn="arn:aws:lambda:x", trace_id="Root=1-2-3;Sampled=1", client_context='{"custom": {"a": "b"}}')
    )
    # then
    arn, trace, custom, left = json.loads(outcome.payload)
    assert (arn, trace, custom) == ("arn:aws:lambda:x", "Root=1-2-3;Sampled=1", {"a": "b"})
    assert 4000 < left <= 5000
    assert "XRAY TraceId: Root=1-2-3;Sampled=1" in outcome.logs


def test_an_exception_keeps_its_name_and_stack(sandbox: Make) -> None:
    # given
    environment = sandbox("""
        class Broken(Exception): ...
        def inner(): raise Broken("no luck")
        def handler(event, context): inner()
    """)
    # when
    outcome = environment.call(call())
    # then
    error = json.loads(outcome.payload)
    assert outcome.is_error
    assert error["errorType"] == "Broken"
    assert error["errorMessage"] == "no luck"
    assert any("in inner" in line for line in error["stackTrace"])
    assert "[ERROR] Broken: no luck\nTraceback (most recent call last):\n" in outcome.logs


def test_a_timeout_ends_the_process(sandbox: Make) -> None:
    # given
    environment = sandbox("import time\ndef handler(e, c): time.sleep(30)", timeout_seconds=1)
    # when
    began = time.monotonic()
    outcome = environment.call(call())
    # then
    assert 1.0 <= time.monotonic() - began < 3.0
    error = json.loads(outcome.payload)
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("request-1 Task timed out after 1.00 seconds")
    assert error["errorMessage"] in outcome.logs
    assert "Status: timeout" in outcome.logs
    assert not is_alive(environment.pid)
    assert not environment.usable


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("import nothing_of_the_kind", "Runtime.ImportModuleError", "No module named 'nothing_of_the_kind'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("raise ValueError('bad settings')", "ValueError", "bad settings"),
    ],
)
def test_an_init_error_names_its_cause(sandbox: Make, code: str, kind: str, message: str) -> None:
    # when
    outcome = sandbox(code).call(call())
    # then
    error = json.loads(outcome.payload)
    assert outcome.is_error
    assert error["errorType"] == kind
    assert message in error["errorMessage"]
    assert message in outcome.logs
    assert isinstance(error["stackTrace"], list)
    assert f"Phase: init\tStatus: error\tError Type: {kind}" in outcome.logs


def test_an_init_that_raises_shows_its_stack(sandbox: Make) -> None:
    # when
    outcome = sandbox("def deep(): raise ValueError('bad settings')\ndeep()").call(call())
    # then
    assert any("app.py" in line and "in deep" in line for line in json.loads(outcome.payload)["stackTrace"])


def test_an_endless_init_times_out(sandbox: Make) -> None:
    # given
    environment = sandbox("import time; time.sleep(60)", timeout_seconds=1, init_seconds=0.5)
    # when
    outcome = environment.call(call())
    # then
    assert json.loads(outcome.payload)["errorType"] == "Sandbox.Timedout"
    assert "Phase: init\tStatus: timeout" in outcome.logs
    assert not is_alive(environment.pid)


def test_a_slow_init_eats_into_the_call_and_not_more(sandbox: Make) -> None:
    # given: half a second of init is free, the rest counts as time of the call
    environment = sandbox(
        "import time; time.sleep(1.5)\ndef handler(e, c): return c.get_remaining_time_in_millis()",
        timeout_seconds=3, init_seconds=0.5,
    )  # fmt: skip
    # when
    outcome = environment.call(call())
    # then
    assert 500 < int(outcome.payload) < 2000


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("sys.exit(1)", "Runtime exited with error: exit status 1"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_crash_says_how_the_process_ended(sandbox: Make, end: str, reason: str) -> None:
    # given
    environment = sandbox(f"import os, sys\ndef handler(e, c):\n    print('last words')\n    {end}")
    # when
    outcome = environment.call(call())
    # then
    error = json.loads(outcome.payload)
    assert error == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: request-1 Error: {reason}"}
    assert "last words\n" in outcome.logs
    assert f"Error: {reason}\nRuntime.ExitError\n" in outcome.logs
    assert not environment.usable


def test_a_crash_during_init_is_reported_to_the_first_call(sandbox: Make) -> None:
    # given: it has crashed long before it is called
    environment = sandbox("import os; os._exit(4)")
    assert processes.wait_until(lambda: not is_alive(environment.pid), 10)
    # when
    outcome = environment.call(call())
    # then
    assert json.loads(outcome.payload)["errorMessage"].endswith("exit status 4")


def test_a_process_that_died_while_idle_is_not_used_again(sandbox: Make) -> None:
    # given
    environment = sandbox("def handler(e, c): return 1")
    environment.call(call())
    assert environment.usable
    # when
    os.kill(environment.pid, signal.SIGKILL)
    # then
    assert processes.wait_until(lambda: not environment.usable, 5)


def test_memory_above_the_limit_kills(sandbox: Make) -> None:
    # given
    environment = sandbox(
        "import time\ndef handler(e, c):\n    held = b'x' * (e['mb'] << 20)\n    time.sleep(0.5)\n    return len(held)",
        memory_megabytes=128,
    )
    assert not environment.call(call({"mb": 60})).is_error
    # when
    outcome = environment.call(call({"mb": 300}))
    # then
    error = json.loads(outcome.payload)
    assert error["errorType"] == "Runtime.OutOfMemory"
    assert error["errorMessage"].endswith("Runtime exited with error: signal: killed")
    assert "Max Memory Used: 128 MB" in outcome.logs


def test_memory_of_child_processes_counts(sandbox: Make) -> None:
    # given
    environment = sandbox(
        """
        import subprocess, sys
        def handler(event, context):
            subprocess.run([sys.executable, "-c", "import time; held = b'x' * (300 << 20); time.sleep(20)"])
        """,
        memory_megabytes=128, timeout_seconds=15,
    )  # fmt: skip
    # when
    outcome = environment.call(call())
    # then
    assert json.loads(outcome.payload)["errorType"] == "Runtime.OutOfMemory"


def test_reserved_address_space_is_not_memory_used(sandbox: Make) -> None:
    # given: what onnxruntime and Arrow do at import
    environment = sandbox(
        "import mmap\nreserved = mmap.mmap(-1, 8 << 30)\ndef handler(e, c): return len(reserved)", memory_megabytes=128
    )
    # when / then
    assert environment.call(call()).payload == str(8 << 30).encode()


def test_stop_ends_the_whole_group_and_removes_the_folder(sandbox: Make) -> None:
    # given
    environment = sandbox("""
        import os, subprocess, tempfile
        def handler(event, context):
            child = subprocess.Popen(["sleep", "60"])
            return [child.pid, tempfile.gettempdir(), os.path.expanduser("~")]
    """)
    child, temporary, home = json.loads(environment.call(call()).payload)
    assert is_alive(child)
    assert Path(temporary).is_dir()
    assert home == temporary
    # when
    environment.stop()
    # then
    assert processes.wait_until(lambda: not is_alive(child) and not is_alive(environment.pid), 5)
    assert not Path(temporary).exists()


def test_the_process_sees_its_own_environment_only(sandbox: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "hidden")
    environment = sandbox("import os\ndef handler(e, c): return dict(os.environ)", environment={"STAGE": "test"})
    # when
    seen = json.loads(environment.call(call()).payload)
    # then
    assert seen["STAGE"] == "test"
    assert "SECRET_OF_THE_CALLER" not in seen
    assert seen["PYTHONDONTWRITEBYTECODE"] == "1"


def test_what_is_written_in_the_background_belongs_to_the_next_call(sandbox: Make) -> None:
    # given
    environment = sandbox("""
        import threading, os
        def handler(event, context):
            if event.get("later"):
                def write():
                    print("from the background")
                    open(event["later"], "w").close()
                threading.Timer(0.2, write).start()
    """)
    marker = Path(environment.blueprint.task_root) / "written"
    first = environment.call(call({"later": str(marker)}))
    assert processes.wait_until(marker.exists, 5)
    # when
    second = environment.call(call())
    # then
    assert "from the background" not in first.logs
    assert "from the background" in second.logs
