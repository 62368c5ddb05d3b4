"""The parts of a window, for the course of a figure over time: as indices, and as NannyML cuts by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gyre.monitoring.analysis.nanny import nannyml
from gyre.monitoring.side import Pair

Moments = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Part:
    """Rows that follow one another: from `first` to before `last`."""

    first: int
    last: int
    start: datetime
    end: datetime

    def __len__(self) -> int:
        return self.last - self.first

    @property
    def rows(self) -> slice:
        return slice(self.first, self.last)


def parts_of(pair: Pair) -> tuple[Part, ...]:
    """Of the window, as model.yaml wants it cut."""
    return parts(pair.window.at, pair.spec.monitoring.chunks, pair.spec.monitoring.chunk_by)


def parts(at: Moments, count: int, by: Literal["count", "time"]) -> tuple[Part, ...]:
    """At most `count`. By count none is empty; by time each is as long as the others, and may be without rows."""
    rows = len(at)
    if not rows:
        return ()
    moments = at.astype("M8[us]")
    if by == "count" or moments[0] == moments[-1]:
        count = min(count, rows) if by == "count" else 1
        cuts = [rows * number // count for number in range(count + 1)]
        return tuple(
            Part(first, last, _moment(moments[first]), _moment(moments[last - 1])) for first, last in pairwise(cuts)
        )
    first, span = moments[0].astype(np.int64), (moments[-1] - moments[0]).astype(np.int64)
    edges = np.array([first + span * number // count for number in range(count + 1)]).astype("M8[us]")
    cuts = [0, *np.searchsorted(moments, edges[1:-1], side="left").tolist(), rows]
    return tuple(
        Part(cuts[number], cuts[number + 1], _moment(edges[number]), _moment(edges[number + 1]))
        for number in range(count)
    )


def chunker(cuts: Sequence[Part] = ()) -> Any:
    """For a NannyML calculator: the frame as a whole is the first chunk, and each part with rows another one."""
    return _chunker_class()(tuple(each for each in cuts if len(each)))


@cache
def _chunker_class() -> Any:
    nml = nannyml()

    class Cuts(nml.Chunker):  # type: ignore[misc, name-defined]  # it is known once it is imported
        """The whole, then its parts."""

        def __init__(self, cuts: tuple[Part, ...]) -> None:
            super().__init__()
            self._cuts = cuts

        def _split(self, data: Any) -> list[Any]:
            whole = nml.Chunk(key="whole", data=data)
            pieces = ((f"[{each.first}:{each.last - 1}]", data.iloc[each.rows]) for each in self._cuts)
            return [whole, *(nml.Chunk(key=key, data=piece) for key, piece in pieces)]

    return Cuts


def _moment(at: np.datetime64) -> datetime:
    found: datetime = at.astype("M8[us]").item()
    return found.replace(tzinfo=UTC)
