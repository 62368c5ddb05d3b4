"""What a Docker engine leaves in the kernel when it ends: its bridge, and rules in the packet filter."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

BRIDGE = "docker0"
# dockerd's own chains, and every rule that names its bridges.
THEIRS = re.compile(r"DOCKER|docker0|\bbr-[0-9a-f]{12}\b")
FAMILIES = ("iptables", "ip6tables")


def seen() -> bool:
    """True when an engine runs here or has run, whose traces are not ours to remove."""
    return Path("/sys/class/net", BRIDGE).exists() or any(THEIRS.search(saved(family)) for family in FAMILIES)


def forward_policies() -> dict[str, str]:
    """dockerd shuts forwarding (DROP): what it was before."""
    found = {}
    for family in FAMILIES:
        policy = re.search(r"^:FORWARD (\w+)", saved(family).partition("*filter")[2], re.MULTILINE)
        found[family] = policy[1] if policy else "ACCEPT"
    return found


def remove(policies: dict[str, str]) -> None:
    """Takes out the engine's rules and its bridge, and nothing else."""
    for family in FAMILIES:
        rules = saved(family)
        if not THEIRS.search(rules):
            continue
        kept = [line for line in rules.splitlines() if not THEIRS.search(line)]
        text = re.sub(r"^:FORWARD DROP", f":FORWARD {policies[family]}", "\n".join(kept), flags=re.MULTILINE)
        subprocess.run([f"{family}-restore"], input=text + "\n", text=True, capture_output=True, timeout=20)
    if Path("/sys/class/net", BRIDGE).exists():
        subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, timeout=20)


def unmount_below(folder: Path) -> None:
    """Network namespaces stay mounted in the run folder of an engine that ended."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", place], capture_output=True, timeout=20)


def saved(family: str) -> str:
    if not shutil.which(f"{family}-save"):
        return ""
    return subprocess.run([f"{family}-save"], capture_output=True, text=True, timeout=20).stdout
