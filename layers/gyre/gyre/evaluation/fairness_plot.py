"""What the groups of protected columns were told, side by side."""

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import PercentFormatter

from gyre.evaluation.disparity import RATES, Disparity, Group
from gyre.evaluation.drawing import COLOURS, MAIN, QUIET, pictures, shown
from gyre.evaluation.fairness import Fairness
from gyre.spec.base import class_name

_MOST_GROUPS = 40
_MARKS = {
    "selection_rate": ("o", COLOURS[0], "given to"),
    "true_positive_rate": ("s", COLOURS[4], "given to those that have it"),
    "false_positive_rate": ("^", QUIET, "given to those that have not"),
}


def fairness_plot(found: Fairness) -> dict[str, bytes]:
    """A row for each group; nothing if there is nothing to compare."""
    apart: list[Disparity] = []
    for each in found.attributes:
        if len(each.groups) > 1 and sum(len(one.groups) for one in apart) + len(each.groups) <= _MOST_GROUPS:
            apart.append(each)
    if not apart:
        return {}
    height = 0.6 + sum(0.75 + 0.26 * len(each.groups) for each in apart)
    return pictures("fairness", 6.6, height, partial(_draw, apart))


def _draw(apart: Sequence[Disparity], canvas: Canvas) -> None:
    rows = canvas.subplots(len(apart), 1, squeeze=False, height_ratios=[1.2 + len(each.groups) for each in apart])
    for axes, each in zip(rows[:, 0], apart, strict=True):
        numeric = each.groups[0].mean_prediction is not None
        (_numbers if numeric else _rates)(axes, each)
        axes.set_yticks(range(len(each.groups)), [f"{shown(one.name, 34)} ({one.rows:,})" for one in each.groups])
        axes.set_ylim(len(each.groups) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
    handles, labels = rows[0, 0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=3)


def _rates(axes: Axes, each: Disparity) -> None:
    """Of the class in which the groups are furthest apart."""
    worst = each.worst_class.get("demographic_parity_difference")
    name = class_name(worst) if worst is not None else next(iter(each.groups[0].selection_rate))
    figure = each.figures.get("demographic_parity_difference")
    apart = f", {figure:.1%} apart" if figure is not None else ""
    axes.set_title(f"{shown(each.attribute, 40)}: {shown(name)}{apart}")
    for rate in RATES:
        mark, colour, label = _MARKS[rate]
        found = [(_rate(one, rate, name), at) for at, one in enumerate(each.groups)]
        there = [(value, at) for value, at in found if value is not None]
        axes.plot(
            [value for value, _ in there], [at for _, at in there], linestyle="", marker=mark, markersize=6,
            color=colour, label=label, alpha=0.9,
        )  # fmt: skip
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _numbers(axes: Axes, each: Disparity) -> None:
    figure = each.figures.get("mean_prediction_difference")
    apart = f", predictions {figure:.4g} apart" if figure is not None else ""
    axes.set_title(f"{shown(each.attribute, 40)}{apart}")
    places = range(len(each.groups))
    for values, mark, colour, label in (
        ([one.mean_prediction for one in each.groups], "o", MAIN, "mean prediction"),
        ([one.mean_target for one in each.groups], "s", COLOURS[4], "mean of true values"),
    ):
        axes.plot(
            [float("nan") if value is None else value for value in values], places, linestyle="", marker=mark,
            markersize=6, color=colour, label=label, alpha=0.9,
        )  # fmt: skip


def _rate(group: Group, rate: str, name: str) -> float | None:
    rates = {
        "selection_rate": group.selection_rate, "true_positive_rate": group.true_positive_rate,
        "false_positive_rate": group.false_positive_rate,
    }  # fmt: skip
    return rates[rate].get(name)
