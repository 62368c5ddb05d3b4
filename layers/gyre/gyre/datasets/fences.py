"""Where outliers begin: Tukey's fences, from a sample of the upload itself."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from gyre.datasets.rows import as_numpy
from gyre.datasets.source import Chunk
from gyre.datasets.typed import typed
from gyre.errors import Invalid, TooLarge
from gyre.spec.model import ModelSpec

# Of each chunk at most so many rows; a quartile of a million of them is exact enough for a fence.
_OF_A_CHUNK = 4_000


def fences_of(spec: ModelSpec, chunks: Iterator[Chunk]) -> dict[str, tuple[float, float]]:
    """By column that declares `outliers`: the least and the greatest number that is none."""
    samples: dict[str, list[np.ndarray]] = {name: [] for name, column in spec.columns.items() if column.outliers}
    for chunk in _readable(chunks):
        step = max(-(-chunk.rows.num_rows // _OF_A_CHUNK), 1)
        for name in samples.keys() & set(chunk.rows.schema.names):
            cells = chunk.rows.column(name).take(np.arange(0, chunk.rows.num_rows, step))
            values = as_numpy(typed(cells, spec.columns[name], spec.read).values)
            samples[name].append(values[~np.isnan(values)])
    fences = {}
    for name, parts in samples.items():
        values = np.concatenate(parts) if parts else np.empty(0)
        reach = spec.columns[name].outliers
        if len(values) and reach is not None:
            first, third = np.quantile(values / 4, (0.25, 0.75)) * 4  # their distance may be more than a float holds
            with np.errstate(over="ignore"):  # a fence at infinity keeps nothing out
                fences[name] = (float(first - reach * (third - first)), float(third + reach * (third - first)))
    return fences


def _readable(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Up to where the file cannot be read: the pass that checks and counts will come there, too, and tell."""
    with suppress(Invalid, TooLarge):
        yield from chunks
