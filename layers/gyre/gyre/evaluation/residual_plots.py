"""Predicted against true numbers, and how far they are apart."""

from functools import partial

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Canvas

from gyre.evaluation.drawing import COLOURS, MAIN, QUIET, pictures
from gyre.evaluation.residuals import Residuals


def residual_plots(found: Residuals) -> dict[str, bytes]:
    """Both pictures of a regression."""
    return pictures("predicted_actual", 5.4, 4.6, partial(_predicted, found)) | pictures(
        "residuals", 5.4, 3.4, partial(_residuals, found)
    )


def _predicted(found: Residuals, canvas: Canvas) -> None:
    axes = canvas.add_subplot(title="Predicted and true")
    grid = np.array(found.grid, dtype=np.float64)
    low, high = found.grid_edges[0], found.grid_edges[-1]
    shades = axes.imshow(
        np.where(grid > 0, grid, np.nan).T, origin="lower", extent=(low, high, low, high), cmap="Blues",
        norm=LogNorm(0.5, max(2.0, grid.max())), interpolation="nearest", aspect="equal",
    )  # fmt: skip
    axes.plot([low, high], [low, high], color=QUIET, linewidth=1, linestyle=":", label="as it should be")
    axes.plot(
        [each.true for each in found.bands], [each.predicted for each in found.bands], color=COLOURS[1], marker="o",
        markersize=4, label="means, by tenth of predictions",
    )  # fmt: skip
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="true", ylabel="predicted")
    axes.legend(loc="upper left")
    bar = canvas.colorbar(shades, ax=axes, shrink=0.8, label="rows; the outermost hold all beyond")
    bar.outline.set_visible(False)


def _residuals(found: Residuals, canvas: Canvas) -> None:
    axes = canvas.add_subplot(title="Predicted minus true")
    edges = np.array(found.edges)
    axes.bar(edges[:-1], found.counts, width=np.diff(edges) * 0.92, align="edge", color=MAIN)
    axes.axvline(0, color=QUIET, linewidth=1)
    for at, place in (("5", "right"), ("95", "left")):
        value = found.quantiles[at]
        if edges[0] <= value <= edges[-1]:
            axes.axvline(value, color=COLOURS[1], linewidth=1, linestyle="--")
            axes.text(value, 0.97, f" {at} % below {value:,.4g} ", ha=place, va="top", fontsize=8, color=COLOURS[1],
                      transform=axes.get_xaxis_transform())  # fmt: skip
    axes.set(xlabel="residual; the outermost bars hold all beyond", ylabel="rows")
    axes.grid(visible=False, axis="x")
