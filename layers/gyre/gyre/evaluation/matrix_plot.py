"""Which classes are taken for which."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from gyre.evaluation.curves import Confusion
from gyre.evaluation.drawing import INK, pictures, shown
from gyre.features.compute import Array
from gyre.spec.base import class_name

_MOST_CLASSES, _MOST_SHARES, _EVERY_NUMBER, _MOST_NUMBERS = 20, 8, 12, 90


def matrix_plot(confusion: Confusion) -> dict[str, bytes]:
    """Up to 20 classes as they are; of more the most frequent ones, and the rest as one."""
    names, matrix, whole = _told(confusion)
    side = 2.2 + (0.62 if len(names) <= _EVERY_NUMBER else 0.36) * matrix.shape[1]
    height = side - 0.6 + 0.3 * (matrix.shape[0] - matrix.shape[1])
    return pictures("confusion_matrix", side, height, partial(_draw, names, matrix, whole))


def _told(confusion: Confusion) -> tuple[list[str], Array, int]:
    """Names of the columns, the matrix (a row of unknown classes last), how many classes there are."""
    matrix = np.array(confusion.matrix, dtype=np.int64)
    unknown = np.array(confusion.unknown if confusion.unknown is not None else (), dtype=np.int64)
    names = [shown(class_name(each), 16) for each in confusion.classes]
    count = len(confusion.classes) + confusion.others
    if count <= _MOST_CLASSES:
        return names, np.vstack([matrix, unknown]) if len(unknown) else matrix, count
    rows = matrix[: len(names)].sum(axis=1)
    kept = np.sort(np.argsort(-rows, kind="stable")[: _MOST_CLASSES - 1])
    place = np.full(len(matrix), len(kept))
    place[kept] = np.arange(len(kept))
    small = np.zeros((len(kept) + 1, len(kept) + 1), dtype=np.int64)
    np.add.at(small, (place[:, None], place[None, :]), matrix)
    if len(unknown):
        small = np.vstack([small, np.bincount(place, weights=unknown, minlength=len(small)).astype(np.int64)])
    return [*(names[at] for at in kept), f"({count - len(kept)} others)"], small, count


def _draw(names: list[str], matrix: Array, count: int, canvas: Canvas) -> None:
    part = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes = canvas.add_subplot()
    axes.set_title("Confusion" if count == len(names) else f"Confusion, the most frequent of {count} classes")
    axes.imshow(part, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    rows = names if len(matrix) == len(names) else [*names, "(unknown)"]
    many = len(names) > 4 or max(map(len, names)) > 10
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if many else {}
    axes.set_xticks(np.arange(len(names)), names, **turned)
    axes.set_yticks(np.arange(len(rows)), rows)
    axes.set(xlabel="answer", ylabel="true class")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    # Of many classes only what is frequent is written: the rest is too small to read.
    least = max(0.05, float(np.sort(part, axis=None)[-_MOST_NUMBERS])) if len(names) > _EVERY_NUMBER else 0.0
    for row, column in zip(*np.nonzero(matrix), strict=True):
        share, rows_here = part[row, column], int(matrix[row, column])
        if share < least:
            continue
        text = f"{rows_here:,}\n{share:.0%}" if len(names) <= _MOST_SHARES else _short(rows_here)
        colour = "white" if share > 0.5 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def _short(rows: int) -> str:
    return f"{rows:,}" if rows < 10_000 else f"{rows / 1000:.0f}k"
