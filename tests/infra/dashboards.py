"""The Grafana dashboards as the tests read them."""

import json
import re
from typing import Any

from tests.infra.facts import ROOT

FOLDER = ROOT / "infra/observability/grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
}
# As Grafana would put them in: all of everything, over two scrapes at least.
_VARIABLES = {"$stack": ".*", "$model": ".*", "$__rate_interval": "1m"}


def panels(board: str) -> list[dict[str, Any]]:
    """All that show something."""
    return [each for each in DASHBOARDS[board]["panels"] if each["type"] != "row"]


def queries() -> list[tuple[str, str]]:
    """Where each of them stands, and what Prometheus is asked."""
    return [
        (f"{board}: {panel['title']} {target['refId']}", asked(target["expr"]))
        for board in DASHBOARDS
        for panel in panels(board)
        for target in panel["targets"]
    ]


def asked(expression: str) -> str:
    """The expression with Grafana's variables filled in."""
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def metrics(expression: str) -> set[str]:
    """The names of ours that it mentions."""
    return set(re.findall(r"\bgyre_\w+", expression))
