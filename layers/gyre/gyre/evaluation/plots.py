"""The pictures of an evaluation, each as SVG and PNG."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import PercentFormatter

from gyre.evaluation.curves import Bin, Curve
from gyre.evaluation.drawing import COLOURS, DASHES, INK, MAIN, QUIET, legend_beside, listed, pictures, shares, shown
from gyre.evaluation.evaluate import Evaluation
from gyre.evaluation.fairness import Fairness
from gyre.evaluation.fairness_plot import fairness_plot
from gyre.evaluation.importance import Importance
from gyre.evaluation.matrix_plot import matrix_plot
from gyre.evaluation.metric import higher_is_better
from gyre.evaluation.residual_plots import residual_plots
from gyre.evaluation.slices import Slice
from gyre.spec.base import class_name

_MOST_BARS, _MOST_SLICES = 20, 15


def plots(evaluation: Evaluation, importances: Sequence[Importance], fair: Fairness | None = None) -> dict[str, bytes]:
    """By file name: confusion_matrix, roc, precision_recall, calibration, predicted_actual, residuals, slices,
    importance and fairness, each .svg and .png, as far as there is something to draw."""
    found: dict[str, bytes] = {}
    if evaluation.confusion is not None and evaluation.rows:
        found |= matrix_plot(evaluation.confusion)
    if lines := [each for each in evaluation.curves if each.roc]:
        found |= pictures("roc", 6.2, 4.2, partial(_roc, lines))
        found |= pictures("precision_recall", 6.2, 4.2, partial(_precision_recall, lines))
    if bins := [each for each in _calibration_of(evaluation) if each.rows]:
        found |= pictures("calibration", 4.6, 5.0, partial(_calibration, bins, _of_what(evaluation)))
    if evaluation.residuals is not None:
        found |= residual_plots(evaluation.residuals)
    if worst := [each for each in evaluation.slices.slices if each.metric is not None][:_MOST_SLICES]:
        found |= pictures("slices", 6.6, 1.1 + 0.27 * len(worst), partial(_slices, evaluation, worst))
    if importances:
        first = importances[:_MOST_BARS]
        found |= pictures("importance", 6.2, 0.9 + 0.27 * len(first), partial(_importance, first, len(importances)))
    return found | fairness_plot(fair) if fair is not None else found


def _calibration_of(evaluation: Evaluation) -> Sequence[Bin]:
    """Of two classes the probability of the second, which has all of 0 to 1; of several, the answer's."""
    two = len(evaluation.classes) == 2 and evaluation.curves
    return evaluation.curves[0].calibration if two else evaluation.calibration


def _of_what(evaluation: Evaluation) -> tuple[str, str]:
    if len(evaluation.classes) == 2:
        name = shown(class_name(evaluation.classes[1]))
        return f"probability of {name}", f"share that is {name}"
    return "confidence in the answer", "share of right answers"


def _roc(lines: Sequence[Curve], canvas: Canvas) -> None:
    axes = canvas.add_subplot(title="ROC")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":")
    _lines(axes, lines, [each.roc for each in lines], [each.area for each in lines], "area under the curve")
    shares(axes, "false positive rate", "true positive rate")


def _precision_recall(lines: Sequence[Curve], canvas: Canvas) -> None:
    axes = canvas.add_subplot(title="Precision and recall")
    figures = [each.average_precision for each in lines]
    _lines(axes, lines, [each.precision_recall for each in lines], figures, "average precision")
    shares(axes, "recall", "precision")


def _lines(
    axes: Axes, lines: Sequence[Curve], points: Sequence[Sequence[tuple[float, float]]],
    figures: Sequence[float | None], title: str,
) -> None:  # fmt: skip
    """A colour for each class; of more classes than there are colours the lowest have one, and the others are grey."""
    order = sorted(range(len(lines)), key=lambda at: figures[at] or 0.0)
    told = sorted(order[: len(COLOURS)])
    for at in order[len(COLOURS) :]:
        every = (*points[at][:-1:3], points[at][-1])  # nobody follows a grey one: fewer points, half the file
        axes.plot(*zip(*every, strict=True), color=QUIET, linewidth=0.7, alpha=0.6)
    for place, at in enumerate(told):
        label = listed(f"{shown(class_name(lines[at].name))}  {figures[at] or 0:.3f}")
        axes.plot(*zip(*points[at], strict=True), color=COLOURS[place], dashes=DASHES[place], label=label)
    few = f"{title},\nthe lowest {len(told)} of {len(lines)} classes" if len(told) < len(lines) else title
    legend_beside(axes, few)


def _calibration(bins: Sequence[Bin], words: tuple[str, str], canvas: Canvas) -> None:
    above, below = canvas.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    above.set_title("Calibration")
    above.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":")
    above.plot(
        [each.confidence or 0.0 for each in bins], [each.accuracy or 0.0 for each in bins], color=MAIN, marker="o",
        markersize=5,
    )  # fmt: skip
    above.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel=words[1])
    below.bar([(each.low + each.high) / 2 for each in bins], [each.rows for each in bins], width=0.09, color=QUIET)
    below.set(xlabel=words[0], ylabel="rows")
    below.grid(visible=False, axis="x")


def _importance(first: Sequence[Importance], count: int, canvas: Canvas) -> None:
    some = f" (the first {len(first)} of {count})" if count > len(first) else ""
    axes = canvas.add_subplot(title=f"What the model looks at{some}")
    places = np.arange(len(first))
    axes.barh(places, [each.share for each in first], color=MAIN, height=0.62)
    axes.set_yticks(places, [shown(each.feature) for each in first])
    axes.set_ylim(len(first) - 0.4, -0.6)
    axes.set_xlim(0, max([each.share for each in first] + [0.01]) * 1.14)
    for at, each in enumerate(first):
        axes.text(
            each.share,
            at,
            f" {each.share:.1%}" if each.share >= 0.001 else " < 0.1%",
            va="center",
            fontsize=8,
            color=INK,
        )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("share of all contributions")
    axes.grid(visible=False, axis="y")


def _slices(evaluation: Evaluation, worst: Sequence[Slice], canvas: Canvas) -> None:
    direction = "higher is better" if higher_is_better(evaluation.metric) else "lower is better"
    axes = canvas.add_subplot(title=f"{evaluation.metric} by slice, the worst first")
    whole = evaluation.figures[evaluation.metric].value
    if whole is not None:
        axes.axvline(whole, color=QUIET, linewidth=1, linestyle="--")
    for at, each in enumerate(worst):
        colour = COLOURS[1] if each.worse else MAIN
        if each.low is not None and each.high is not None:
            axes.plot([each.low, each.high], [at, at], color=colour, linewidth=1.6)
        axes.plot([each.metric or 0.0], [at], color=colour, marker="D" if each.worse else "o", markersize=5)
    names = [f"{shown(each.column, 16)}: {shown(each.value)} ({each.rows:,})" for each in worst]
    axes.set_yticks(np.arange(len(worst)), names)
    axes.set_ylim(len(worst) - 0.4, -0.6)
    clearly = ", diamonds are clearly worse" if any(each.worse for each in worst) else ""
    axes.set_xlabel(f"{direction}; dashed: all rows{clearly}")
    axes.grid(visible=False, axis="y")
