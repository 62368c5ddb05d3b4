"""Where a deployment goes: one section of samconfig.toml, the same file sam itself reads."""

import os
import shlex
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from gyre_emulator import control
from infra.deploy import DeployError

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Target:
    """One environment as samconfig.toml declares it."""

    environment: str
    stack: str
    region: str
    parameters: dict[str, str]
    endpoint: str | None = None

    @property
    def storage_stack(self) -> str:
        return f"{self.stack}-storage"

    @property
    def on_emulator(self) -> bool:
        return self.endpoint is not None


def target_named(environment: str, root: Path = ROOT) -> Target:
    """Reads one environment; `local` is the emulator on this machine."""
    config = tomllib.loads((root / "samconfig.toml").read_text())
    known = [name for name, section in config.items() if isinstance(section, dict) and "deploy" in section]
    if environment not in known:
        raise DeployError(f"samconfig.toml has no environment {environment!r}; it has: {', '.join(known)}")
    wanted = config[environment]["deploy"]["parameters"]
    region = wanted.get("region", config["default"]["global"]["parameters"]["region"])
    # In sam's own writing, where a value with a space stands in quotes.
    parameters = dict(shlex.split(each)[0].split("=", 1) for each in wanted.get("parameter_overrides", ()))
    try:
        endpoint = control.address() if environment == "local" else None
    except ValueError as error:
        raise DeployError(str(error)) from None
    return Target(environment, wanted["stack_name"], region, parameters, endpoint)


def bypass_proxies() -> None:
    """What listens on this machine is never reached through a company's proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1")))


def speak_to(target: Target) -> None:
    """Points boto3, in this process and its children, at the target."""
    os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = target.region
    if target.endpoint:
        bypass_proxies()
        # The emulator takes any credentials; a person's real ones never go there.
        os.environ |= {
            "AWS_ENDPOINT_URL": target.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        os.environ.pop("AWS_SESSION_TOKEN", None)
        os.environ.pop("AWS_PROFILE", None)
    elif elsewhere := os.environ.get("AWS_ENDPOINT_URL"):
        raise DeployError(f"AWS_ENDPOINT_URL is set to {elsewhere}; unset it to deploy {target.environment} to AWS")


def commit_of(root: Path = ROOT) -> str:
    """The commit that is deployed; `-dirty` where the tree holds more than it, `unknown` outside git."""
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True, timeout=20
        )
        changed = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + ("-dirty" if changed.stdout.strip() else "")
