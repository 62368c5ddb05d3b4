"""What was seen before, over chunks of any number: eight bytes a value."""

import numpy as np
import pyarrow as pa


class Seen:
    """Tells repeated values. It keeps 64-bit hashes: among 100 million values it errs once in some thousand uploads."""

    def __init__(self) -> None:
        # Sorted runs, each at least twice as long as the next: a merge is rare, a search looks into few of them.
        self._runs: list[np.ndarray] = []

    def repeated(self, hashes: np.ndarray) -> np.ndarray:
        """Which of these were seen before, in this call or an earlier one; all of them count as seen afterwards."""
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        repeated = np.zeros(len(hashes), dtype=bool)
        repeated[order[1:]] = ordered[1:] == ordered[:-1]
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            repeated |= run[at] == hashes
        if fresh := len(new := hashes[~repeated]):
            self._runs.append(np.sort(new))
            while len(self._runs) > 1 and len(self._runs[-2]) < 2 * fresh:
                last, before = self._runs.pop(), self._runs.pop()
                merged = np.concatenate((before, last))
                del before, last
                merged.sort(kind="stable")  # in its place: of the longest runs a copy more would be felt
                self._runs.append(merged)
                fresh = len(merged)
        return repeated


def hashes_of(columns: list[pa.Array]) -> np.ndarray:
    """One 64-bit hash a row, over all of the columns; equal rows have equal hashes, missing values included."""
    import pandas as pd

    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        values = column.dictionary_encode()
        own = pd.util.hash_array(np.asarray(values.dictionary.to_pylist(), dtype=object), categorize=False)
        codes = values.indices.fill_null(len(own)).to_numpy(zero_copy_only=False)
        hashed = np.append(own, np.uint64(0x9E3779B97F4A7C15))[codes]
        mixed = (mixed * np.uint64(0x100000001B3)) ^ hashed  # the order of columns counts
    return mixed
