"""The base images of the containers: pulled where a registry answers, else built from this machine's own files.

A stand-in has a name of its own: nothing in the engine is ever labelled as somebody else's image.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from infra.environments import find_python, find_uv
from tests.docker import rootfs
from tests.docker.engine import ROOT, Engine, NoEngine

LABEL = "gyre.stand-in"
RUNTIME_CLIENT = ROOT / ".venv" / "function" / "lib" / "python3.12" / "site-packages"
LAMBDA_FOLDERS = ("var/task", "opt")


@dataclass(frozen=True)
class Base:
    """One public image, and what stands in for it."""

    public: str
    stand_in: str
    prefix: str  # where the interpreters live inside
    pythons: tuple[str, ...]  # the first is `python`
    changes: tuple[str, ...]  # the image's configuration, as Dockerfile lines
    runtime_client: bool = False


LAMBDA = Base(
    public="public.ecr.aws/lambda/python:3.12-x86_64",
    stand_in="gyre/lambda-python-stand-in:3.12",
    prefix="var/lang",
    pythons=("3.12",),
    changes=(
        "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "ENV LAMBDA_TASK_ROOT=/var/task",
        "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
        "WORKDIR /var/task",
        'ENTRYPOINT ["/lambda-entrypoint.sh"]',
    ),
    runtime_client=True,
)
# The emulator runs in 3.13, the functions in 3.12: uv fetches that one on the public image, and finds it here.
PYTHON = Base(
    public="python:3.13-slim",
    stand_in="gyre/python-stand-in:3.13",
    prefix="usr/local",
    pythons=("3.13", "3.12"),
    changes=("ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", 'CMD ["python"]'),
)

# AWS's image starts its runtime client the same way: the function, then its layers, then the runtime's own folder.
BOOTSTRAP = """#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python3.12
export PYTHONPATH=/var/task:/opt/python/lib/python3.12/site-packages:/opt/python:/var/runtime
exec /var/lang/bin/python3.12 -m awslambdaric "$_HANDLER"
"""
ENTRY = """#!/bin/sh
[ -n "$1" ] && export _HANDLER="$1"
[ -n "$AWS_LAMBDA_RUNTIME_API" ] && exec /var/runtime/bootstrap
exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
"""


def ensure(engine: Engine, base: Base) -> str:
    """The image to build on: the public one if it is there, a stand-in made before, a pulled one, a new stand-in."""
    if engine.has_image(base.public):
        return base.public
    if not rootfs.possible():
        if pull(engine, base.public):
            return base.public
        raise NoEngine(f"{base.public} cannot be pulled, and a stand-in can be built on Debian only")
    pythons = {version: interpreter(version) for version in base.pythons}
    recipe = digest(base, pythons)
    label = ("--format", f'{{{{index .Config.Labels "{LABEL}"}}}}')
    if engine.docker("image", "inspect", *label, base.stand_in, check=False).stdout.strip() == recipe:
        return base.stand_in
    if pull(engine, base.public):
        return base.public
    build(engine, base, pythons, recipe)
    return base.stand_in


def pull(engine: Engine, image: str) -> bool:
    """True when a registry gave it; one that cannot be reached fails at once or within the limit."""
    try:
        return engine.docker("pull", "--quiet", image, limit=300, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def interpreter(version: str) -> Path:
    """This machine's CPython of that version, found as `make setup` finds it."""
    return Path(find_python(find_uv(), version)).resolve()


def digest(base: Base, pythons: dict[str, Path]) -> str:
    """Changes when the stand-in has to be built again."""
    state = hashlib.sha256(repr((base, pythons, index_settings(), BOOTSTRAP, ENTRY)).encode())
    for part in (Path(rootfs.__file__), Path("/etc/debian_version"), ROOT / "requirements" / "function.lock"):
        state.update(part.read_bytes())
    return state.hexdigest()[:16]


def build(engine: Engine, base: Base, pythons: dict[str, Path], recipe: str) -> None:
    """Streams this machine's files into `docker import`."""
    changes = [*base.changes, *(f"ENV {name}={quoted(value)}" for name, value in index_settings().items())]
    options = [option for change in (*changes, f"LABEL {LABEL}={recipe}") for option in ("--change", change)]
    command = [engine.client, "import", *options, "-", base.stand_in]
    with subprocess.Popen(
        command, env=engine.environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as importing:
        assert importing.stdin
        with tarfile.open(fileobj=importing.stdin, mode="w|") as archive:
            image = rootfs.Image(archive)
            rootfs.add_debian(image, pythons, base.prefix)
            if base.runtime_client:
                image.add_tree(RUNTIME_CLIENT, "var/runtime")
                image.write("var/runtime/bootstrap", BOOTSTRAP, 0o755)
                image.write("lambda-entrypoint.sh", ENTRY, 0o755)
                for folder in LAMBDA_FOLDERS:
                    image.add_folder(folder)
    if importing.returncode:
        raise RuntimeError(f"docker import of {base.stand_in} ended with {importing.returncode}")


def index_settings() -> dict[str, str]:
    """How this machine reaches its package index, for builds on a stand-in; kept in the engine, in no file."""
    settings = dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"), rootfs.CERTIFICATES)
    options = (
        "INDEX_URL",
        "EXTRA_INDEX_URL",
        "TRUSTED_HOST",
        "DEFAULT_TIMEOUT",
        "DEFAULT_INDEX",
        "INDEX",
        "INSECURE_HOST",
    )
    for name, value in os.environ.items():
        tool, _, option = name.partition("_")
        if tool in ("PIP", "UV") and option in options and "file:" not in value:
            settings[name] = value
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if configured.returncode == 0 and "file:" not in configured.stdout:
        settings.setdefault("PIP_INDEX_URL", configured.stdout.strip())
    secret = [name for name, value in settings.items() if "@" in value]
    if secret:
        raise NoEngine(f"{', '.join(secret)} holds a password, which would stay in the images of the tests")
    return settings


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
