"""Cold starts: a fresh process, as Lambda starts one, that imports the handler and answers one event."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from bench.serving.models import COLD, KEY, ONE, Sent
from bench.serving.servers import PEERS, ROOT, TOP

LAYERS = tuple(ROOT / ".build/layers" / name / "python" for name in ("gyre", "runtime", "serving"))
FUNCTION = ROOT / ".build/functions/inference"
PYTHON = ROOT / ".venv/function/bin/python"
# Without the folder's own start-up files, as a layer has none; its bytecode lies there since it was first imported.
PACKAGES = Path(next(path for path in sys.path if path.endswith("site-packages")))

# The clock runs from before the process began until the answer is there; both clocks are the machine's.
_STARTS = """
import sys
told, event, module, *path = sys.argv[1:]
sys.path[:0] = path
import time
handler = getattr(__import__(module), "handler")
imported = time.monotonic()
import json, types
answer = handler(json.loads(event), types.SimpleNamespace(aws_request_id="cold"))
answered = time.monotonic()
with open(told, "w") as file:
    json.dump({"imported": imported, "answered": answered, "cpu": time.process_time(), "answer": answer}, file)
"""


@dataclass(frozen=True)
class Cold:
    """Seconds since the process was asked for."""

    imported: float
    answered: float
    cpu: float
    """Of the processor, in all threads."""
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Start:
    """What is started."""

    module: str
    path: Sequence[Path]
    environment: Mapping[str, str]
    event: Mapping[str, Any]


def starts(place: Path, aws: str, row: Sent) -> dict[tuple[str, str], Start]:
    """By what is measured and who is started, what it is asked."""
    ours = {
        "AWS_ENDPOINT_URL": aws, "GYRE_ENVIRONMENT": "bench", "GYRE_ARTIFACT_BUCKET": ONE,
        "GYRE_DATA_BUCKET": "data", "GYRE_JOURNAL_QUEUE": f"{aws}/000000000000/journal",
        "GYRE_SHADOW_QUEUE": f"{aws}/000000000000/shadow",
    }  # fmt: skip
    theirs = {"BENCH_MODELS": str(place), "BENCH_SERVED": COLD}
    gyre, path, asked = (FUNCTION, *LAYERS), f"/predict/{COLD}", {"features": row.features}
    explained = event(path, row.features, {"top": str(TOP)}), event(path, {**asked, "top": TOP})
    return {
        (", with explanation", "Gyre"): Start("app", gyre, ours, explained[0]),
        (", with explanation", "scikit-learn"): Start("scikit_function", (PEERS, ROOT, PACKAGES), theirs, explained[1]),
        ("", "Gyre"): Start("app", gyre, ours, event(path, row.features)),
        ("", "an empty FastAPI and Mangum"): Start("empty", (PEERS, LAYERS[1]), {}, event(path, asked)),
    }


def event(path: str, body: object, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A POST as API Gateway tells it to a function."""
    headers = {"content-type": "application/json", "x-api-key": KEY, "host": "bench"}
    return {
        "resource": "/{proxy+}", "path": path, "httpMethod": "POST", "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query, "multiValueQueryStringParameters": {k: [v] for k, v in (query or {}).items()},
        "requestContext": {"requestId": "bench", "path": path, "httpMethod": "POST", "identity": {}, "stage": "v1"},
        "body": json.dumps(body), "isBase64Encoded": False,
    }  # fmt: skip


def cold(start: Start, *, keep_bytecode: bool = False) -> Cold:
    """One start. Built folders stay as they were built, unless bytecode is to be made for those that are not built."""
    with TemporaryDirectory(prefix="gyre-bench-") as home:
        told = Path(home, "told.json")
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": home, "TMPDIR": home, "LANG": "en_US.UTF-8", "TZ": ":UTC",
            "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "cold",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "LAMBDA_TASK_ROOT": str(start.path[0]),
            "OMP_NUM_THREADS": "1", **start.environment,
        }  # fmt: skip
        flags = ["-I"] if keep_bytecode else ["-I", "-B"]
        command: list[str | Path] = [PYTHON, *flags, "-c", _STARTS, told]
        command += [json.dumps(start.event), start.module, *start.path]
        began = monotonic()
        done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{start.module}: {done.stderr[-3000:]}")
        found = json.loads(told.read_text())
    if found["answer"]["statusCode"] != 200:
        raise RuntimeError(f"{start.module} answered {found['answer']}")
    return Cold(found["imported"] - began, found["answered"] - began, found["cpu"], found["answer"])
