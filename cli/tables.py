"""Tables as plain text: columns aligned, no lines drawn, whatever a cell holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cli.text import NOTHING, cut, figure, shown, width

MOST_WIDE = 80
"""Of a cell; `--json` tells the rest."""


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns of nothing but figures stand to the right, so that their units are below each other."""
    told = [tuple(rows_) for rows_ in rows]
    cells = [[_cell(each) for each in row] for row in told]
    right = [
        bool(told) and all(_is_figure(row[at]) or row[at] is None for row in told) and any(_is_figure(r[at]) for r in told)
        for at in range(len(heads))
    ]
    wide = [max(width(line[at]) for line in [list(heads), *cells]) for at in range(len(heads))]
    lines = [
        "  ".join(_padded(cell, wide[at], right=right[at]) for at, cell in enumerate(line)).rstrip()
        for line in [list(heads), *cells]
    ]
    return "\n".join(lines)


def facts(told: Mapping[str, Any]) -> str:
    """One fact a line, its name before it; those that are not known are left out."""
    known = {name: each for name, each in told.items() if each not in (None, "")}
    widest = max((width(name) for name in known), default=0)
    return "\n".join(f"{_padded(name, widest, right=False)}  {_text(each)}" for name, each in known.items())


def _cell(value: Any) -> str:
    return cut(_text(value), MOST_WIDE) or NOTHING


def _text(value: Any) -> str:
    return shown(value) if isinstance(value, str) else figure(value)


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _padded(text: str, wide: int, *, right: bool) -> str:
    space = " " * (wide - width(text))
    return space + text if right else text + space
