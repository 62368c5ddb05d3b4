"""How every picture looks, and the same bytes for the same figures."""

import io
import warnings
from collections.abc import Callable
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

# Okabe and Ito's colours, told apart by people who do not see red or green; dashes tell them apart in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7A5C00")
DASHES = ((), (5, 2), (1, 1), (7, 2, 1, 2), (3, 1), (9, 2), (2, 2), (5, 1, 1, 1, 1, 1))
INK, QUIET, FAINT, MAIN = "#333333", "#8A8A8A", "#E6E6E6", COLOURS[0]
_LONGEST = 22
_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "svg.fonttype": "none",  # text stays text: small, searchable, in the reader's own font
    "svg.hashsalt": "gyre",
    "path.simplify": True,
}


def pictures(name: str, width: float, height: float, draw: Callable[[Canvas], None]) -> dict[str, bytes]:
    """One drawing as <name>.svg and <name>.png."""
    found = {}
    with rc_context(_STYLE), warnings.catch_warnings():  # type: ignore[arg-type]  # its keys are a Literal of hundreds
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box in the PNG; the SVG has the letter
        canvas = Canvas(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(canvas)
        draw(canvas)
        for ending, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            file = io.BytesIO()
            canvas.savefig(file, format=ending, dpi=110, metadata=metadata)
            found[f"{name}.{ending}"] = file.getvalue()
    return found


def shown(name: Any, longest: int = _LONGEST) -> str:
    """A name as matplotlib takes it: one line, short, no formula in it."""
    text = " ".join("".join(each if each.isprintable() else " " for each in str(name)).split())
    short = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return short.replace("$", r"\$")


def listed(text: str) -> str:
    """As a legend takes it, which leaves out what begins with _."""
    return f" {text}" if text.startswith("_") else text


def shares(axes: Axes, x: str, y: str) -> None:
    """Both axes from 0 to 1."""
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel=x, ylabel=y)
    axes.set_aspect("equal")


def legend_beside(axes: Axes, title: str | None = None) -> None:
    """To the right of the drawing, where it covers nothing."""
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title=title, alignment="left", handlelength=2.4)
