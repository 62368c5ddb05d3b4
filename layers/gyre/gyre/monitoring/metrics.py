"""The last monitoring run as Prometheus text."""

from gyre import __version__
from gyre.monitoring.watch import Watched

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
VERDICTS = ("ok", "warn", "not enough data")


def exposition(commit: str, watched: Watched | None) -> str:
    """Gauges over the newest window; a system that was never watched shows its version alone."""
    lines = _gauge("gyre_info", "What runs.", [({"version": __version__, "commit": commit}, 1.0)])
    if watched:
        found = watched.findings
        lines += _gauge(
            "gyre_monitoring_window_end_seconds",
            "When the newest window ended.",
            [({}, watched.window_end.timestamp())],
        )
        lines += _gauge(
            "gyre_window_calls", "Calls in the newest window.", [({"model": f.model}, f.calls) for f in found]
        )
        lines += _gauge(
            "gyre_window_failed_calls", "Failed ones of them.", [({"model": f.model}, f.failed) for f in found]
        )
        verdicts = [({"model": f.model, "verdict": each}, float(f.verdict == each)) for f in found for each in VERDICTS]
        lines += _gauge("gyre_verdict", "1 at the verdict of the newest window.", verdicts)
    return "\n".join(lines) + "\n"


def _gauge(name: str, tells: str, samples: list[tuple[dict[str, str], float]]) -> list[str]:
    lines = [f"# HELP {name} {tells}", f"# TYPE {name} gauge"]
    for labels, figure in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{told}}} {figure:.17g}" if told else f"{name} {figure:.17g}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
