"""What the tests of this folder read: the template, the state machines, the files in git."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from infra.packaging.template import FUNCTION, load

ROOT = Path(__file__).resolve().parents[2]
MACHINE = "AWS::Serverless::StateMachine"
Resource = dict[str, Any]


@cache
def template() -> dict[str, Any]:
    return load(ROOT / "template.yaml")


@cache
def storage() -> dict[str, Any]:
    return load(ROOT / "infra" / "storage.yaml")


def of_type(document: dict[str, Any], kind: str) -> dict[str, Resource]:
    return {name: found for name, found in document["Resources"].items() if found["Type"] == kind}


def functions() -> dict[str, Resource]:
    """The functions' properties, with the globals under them."""
    common = template()["Globals"]["Function"]
    return {name: {**common, **found["Properties"]} for name, found in of_type(template(), FUNCTION).items()}


def folder_of(function: str) -> str:
    """functions/<folder>: what the template's function is made of."""
    properties = functions()[function]
    if properties.get("PackageType") == "Image":
        return str(properties["ImageUri"]).partition(":")[0].removeprefix("gyre-")
    return Path(properties["CodeUri"]).name


def api_events(function: str) -> list[str]:
    """The paths of the API that lead to a function."""
    events = functions()[function].get("Events", {}).values()
    return [event["Properties"]["Path"] for event in events if event["Type"] == "Api"]


def machines() -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text()) for path in sorted((ROOT / "infra/statemachines").glob("*.json"))}


@cache
def files() -> tuple[Path, ...]:
    """Every text file that is in git or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(sorted(path for name in set(listed) if name and is_text(path := ROOT / name)))


def is_text(path: Path) -> bool:
    return path.is_file() and b"\0" not in path.read_bytes()[:4096]


def told(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"
