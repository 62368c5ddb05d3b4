"""Can each handler be imported? Asked as Lambda does it: a fresh process, a bare environment, code and layers."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.packaging.recipe import Part
from infra.packaging.template import FunctionResource, functions, layers, load
from infra.packaging.workshop import Workshop, default_platform, seconds_since

# Runs in the functions' interpreter. The network is shut by an audit hook: an import that needs it fails in a VPC and
# is slow everywhere else. The verdict goes to a file of its own, because handlers may print.
PROBE = """
import json, sys, traceback
code, verdict, handler, *path = sys.argv[1:]
def shut(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError("the network was used while importing")
sys.addaudithook(shut)
sys.path[:0] = [code, *path]
module, _, name = handler.rpartition(".")
found = {}
try:
    __import__(module)
    if not callable(getattr(sys.modules[module], name, None)):
        found = {"error": f"{module}.py has no function {name}", "frames": []}
except BaseException as error:
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        frames.append((error.filename, error.lineno))
    found = {"error": f"{type(error).__name__}: {error}", "frames": frames}
open(verdict, "w").write(json.dumps(found))
"""
TIMEOUT = 120


def check_handlers(shop: Workshop, built: list[Part]) -> list[str]:
    """Checks every function that was built and has changed since it was last found importable; one line per failure."""
    if not shop.template.is_file():
        shop.report(f"{'check':8} no template.yaml: which handlers and layers to check is unknown")
        return []
    if shop.platform not in (default_platform(), "here"):
        shop.report(f"{'check':8} skipped: {shop.platform} code does not run here")
        return []
    template = load(shop.template)
    uris = {layer.logical_id: layer.folder for layer in layers(template)}
    wanted = [found for found in functions(template) if shop.part_at(found.folder) in built]
    with ThreadPoolExecutor(2) as pool:
        lines = pool.map(lambda found: check(shop, found, [uris[name] for name in found.layers]), wanted)
    return [line for line in lines if line]


def check(shop: Workshop, function: FunctionResource, layer_uris: list[str]) -> str | None:
    """None when the handler imports; otherwise the line that says why not."""
    parts = [part for part in (shop.part_at(uri) for uri in (function.folder, *layer_uris)) if part]
    stamps = [shop.stamp(part.name) for part in parts]
    if not all(stamps):
        return None  # a part that failed to build has its own line already
    key = hashlib.sha256(json.dumps([function.handler, [stamp["key"] for stamp in stamps]]).encode()).hexdigest()
    stamp = f"check-{function.logical_id}"
    if shop.stamp(stamp).get("key") == key:
        return None
    started = time.monotonic()
    problem = probe(shop, function.handler, [shop.content(part) for part in parts])
    if problem:
        shop.drop_stamp(stamp)
        return f"function {parts[0].name}: {function.handler} cannot be imported: {problem}"
    shop.write_stamp(stamp, key=key)
    shop.report(f"{'check':8} {parts[0].name:17} {seconds_since(started)}  {function.handler} imports")
    return None


def probe(shop: Workshop, handler: str, path: list[Path]) -> str | None:
    with tempfile.TemporaryDirectory(prefix="gyre-check-") as home:
        verdict = Path(home) / "verdict.json"
        # -B: the built folder must stay as it was built.
        command: list[str | Path] = [
            shop.function_python,
            "-I",
            "-B",
            "-c",
            PROBE,
            path[0],
            verdict,
            handler,
            *path[1:],
        ]
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": home, "TMPDIR": home, "LANG": "en_US.UTF-8", "TZ": ":UTC",
            "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "check",
            "AWS_EC2_METADATA_DISABLED": "true", "LAMBDA_TASK_ROOT": str(path[0]),
        }  # fmt: skip
        try:
            done = subprocess.run(
                command, cwd=path[0], env=environment, capture_output=True, text=True, timeout=TIMEOUT
            )
        except FileNotFoundError:
            return ".venv/function is missing: `make setup` makes it"
        except subprocess.TimeoutExpired:
            return f"the import took more than {TIMEOUT} s"
        if not verdict.is_file():
            last_words = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return f"the process ended with code {done.returncode}: {last_words}"
        found = json.loads(verdict.read_text())
    return describe(found["error"], found["frames"], path) if found else None


def describe(error: str, frames: list[tuple[str, int]], path: list[Path]) -> str:
    """One line with the last place in our own code, which is where a reader starts to look."""
    places = []
    for filename, line in frames:
        for top in path:
            inside = Path(filename).relative_to(top) if Path(filename).is_relative_to(top) else None
            if inside:
                places.append((len(inside.parts) == 1 or inside.parts[0] == "gyre", f"{inside}:{line}"))
    ours = [place for own, place in places if own] or [place for _, place in places]
    return " ".join(error.split()) + (f" ({ours[-1]})" if ours else "")
