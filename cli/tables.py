"""Tables as plain text: columns aligned, no lines drawn, whatever a cell holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cli.text import cut, figure, shown, width

MOST_WIDE = 80
"""Of a cell; `--json` tells the rest."""


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns of nothing but figures stand to the right, so that their units are below each other."""
    told = [list(row) for row in rows]
    lines = [list(heads), *([_cell(each) for each in row] for row in told)]
    right = [_is_right([row[at] for row in told]) for at in range(len(heads))]
    wide = [max(width(line[at]) for line in lines) for at in range(len(heads))]
    return "\n".join(
        "  ".join(_padded(cell, wide[at], right=right[at]) for at, cell in enumerate(line)).rstrip() for line in lines
    )


def _is_right(column: Sequence[Any]) -> bool:
    known = [each for each in column if each is not None]
    return bool(known) and all(isinstance(each, int | float) and not isinstance(each, bool) for each in known)


def facts(told: Mapping[str, Any]) -> str:
    """One fact a line, its name before it; those that are not known are left out."""
    known = {name: each for name, each in told.items() if each not in (None, "")}
    widest = max((width(name) for name in known), default=0)
    return "\n".join(f"{_padded(name, widest, right=False)}  {_text(each)}" for name, each in known.items())


def _cell(value: Any) -> str:
    return cut(_text(value), MOST_WIDE)


def _text(value: Any) -> str:
    return shown(value) if isinstance(value, str) else figure(value)


def _padded(text: str, wide: int, *, right: bool) -> str:
    space = " " * (wide - width(text))
    return space + text if right else text + space
