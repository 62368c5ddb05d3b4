"""Where the emulator lives, where it listens and what LocalStack is told. Standard library only: control imports it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HOME_VARIABLE = "GYRE_EMULATOR_HOME"
# In the environment of each process of ours, so that `down` finds strays. Not the variable above: a person may export
# that one, and every program of theirs would then look like a stray.
MARKER = "GYRE_EMULATOR_PROCESS_OF"
REGION = "us-east-1"
RUNTIME = "python3.12"  # the one AWS runtime that .venv/function can stand in for

# What LocalStack is told, with the reason; a variable of the same name in the caller's environment wins.
LOCALSTACK_SETTINGS: dict[str, str] = {
    # Quiet and offline.
    "DISABLE_EVENTS": "1",
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "DNS_ADDRESS": "0",
    "SQS_ENDPOINT_STRATEGY": "path",  # the default names a public host, which needs a name server
    "EAGER_SERVICE_LOADING": "0",
    # Fail where AWS would work instead of pretending.
    "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "0",
    # But for what a template has on AWS alone: LocalStack refuses an unknown type even where its condition is false.
    "CFN_IGNORE_UNSUPPORTED_TYPE_CREATE": "AWS::CloudWatch::Dashboard",
    "CFN_PER_RESOURCE_TIMEOUT": "120",
    "CFN_VERBOSE_ERRORS": "0",
    "LAMBDA_SYNCHRONOUS_CREATE": "0",  # as on AWS; the other way asks twice a second whether the function is there
    "LAMBDA_RUNTIME_EXECUTOR": "process",
    "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "120",
    "LAMBDA_KEEPALIVE_MS": "600000",
    "LAMBDA_LIMITS_CODE_SIZE_UNZIPPED": "262144000",  # AWS's own limit
    "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.2",
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "5",
    "LAMBDA_RETRY_BASE_DELAY": "5",  # AWS waits 60 s before it repeats a failed asynchronous call
    "LS_LOG": "warn",
    "DEBUG": "0",
}
PASSED_ON = (
    "LANG",
    "LC_ALL",
    "SERVICES",
    "IN_MEMORY_CLIENT",
    "GYRE_EMULATOR_CONCURRENCY",
    "GYRE_EMULATOR_QUEUE_SECONDS",
)


@dataclass(frozen=True)
class Settings:
    """Everything `up` needs to know; `from_environment` fills in what the caller left out."""

    home: Path
    """State, log and LocalStack's file system."""
    port: int
    listen: str
    """Address and port; GATEWAY_LISTEN changes the address, to 0.0.0.0 inside a container."""
    emulator_python: Path
    function_python: Path
    images: Path
    """One folder per image function, by the image's name."""
    overrides: Mapping[str, str]
    """LocalStack's own variables, where the caller has set them."""

    @classmethod
    def from_environment(
        cls, home: Path | None = None, port: int | None = None, environ: Mapping[str, str] = os.environ
    ) -> Settings:
        host, _, listen_port = environ.get("GATEWAY_LISTEN", "").partition(":")
        chosen = port if port is not None else read_port(environ.get("GYRE_EMULATOR_PORT") or listen_port or "4566")
        return cls(
            home=absolute(home or environ.get(HOME_VARIABLE) or ROOT / ".gyre" / "emulator"),
            port=chosen,
            listen=f"{host or '127.0.0.1'}:{chosen}",
            emulator_python=absolute(environ.get("GYRE_EMULATOR_PYTHON") or ROOT / ".venv/emulator/bin/python"),
            function_python=absolute(environ.get("GYRE_FUNCTION_PYTHON") or ROOT / ".venv/function/bin/python"),
            images=absolute(environ.get("GYRE_IMAGES") or ROOT / ".build" / "images"),
            overrides={name: environ[name] for name in (*LOCALSTACK_SETTINGS, *PASSED_ON) if name in environ},
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "localstack.log"

    @property
    def state(self) -> Path:
        return self.home / "emulator.json"

    @property
    def root(self) -> Path:
        """LocalStack's file system."""
        return self.home / "localstack"

    @property
    def temporary(self) -> Path:
        """Unpacked code, merged layers and the functions' /tmp."""
        return self.home / "tmp"

    def environment(self) -> dict[str, str]:
        """The emulator's whole environment: nothing of the caller's but what is listed, so no proxy, no profile."""
        user_home = self.home / "user"
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(user_home),
            "XDG_CACHE_HOME": str(user_home / ".cache"),
            "TMP": str(self.temporary),  # Python's tempfile reads it; of TMPDIR LocalStack says it is deprecated
            "FILESYSTEM_ROOT": str(self.root),
            "GATEWAY_LISTEN": self.listen,
            "LOCALSTACK_HOST": f"127.0.0.1:{self.port}",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # A machine that has Docker would be asked to pull each image function's image, which is a folder here.
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "PYTHONUNBUFFERED": "1",
            MARKER: str(self.home),
            "GYRE_FUNCTION_PYTHON": str(self.function_python),
            "GYRE_IMAGES": str(self.images),
            **LOCALSTACK_SETTINGS,
            **self.overrides,
        }


def read_port(text: str) -> int:
    if not (text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"GYRE_EMULATOR_PORT is {text!r}, which is no port")
    return int(text)


def absolute(path: str | Path) -> Path:
    """Absolute without following links: a virtual environment's interpreter is a link and must stay one."""
    return Path(os.path.abspath(os.path.expanduser(path)))
