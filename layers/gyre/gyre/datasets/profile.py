"""A first look at an upload: its rows, and what each column holds."""

import gzip
import io
import math
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gyre.datasets.upload import SUFFIXES
from gyre.errors import Invalid, TooLarge

if TYPE_CHECKING:
    import pandas as pd

# Read at once into a function of 3 GB; larger files wait for the chunked reader of the ingest.
LIMIT_BYTES = 256 * 1024 * 1024

Kind = Literal["number", "text", "boolean", "time"]


@dataclass(frozen=True)
class ColumnProfile:
    """One column: what it holds, what is missing."""

    name: str
    kind: Kind
    missing: int
    distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    most_common: str | None = None


@dataclass(frozen=True)
class Profile:
    """The whole file."""

    rows: int
    columns: tuple[ColumnProfile, ...]


def profile_of(name: str, content: bytes) -> Profile:
    """Reads a file by its ending and describes each column; the unreadable is `Invalid`, with the reader's reason."""
    if not content:
        raise Invalid(f"{name} is empty: it has no bytes at all.")
    table = _read(name, _unpacked(name, content))
    if not len(table.columns):
        raise Invalid(f"{name} has no columns.")
    if not len(table):
        raise Invalid(f"{name} has a header and no rows.")
    return Profile(len(table), tuple(_column(str(label), table.iloc[:, at]) for at, label in enumerate(table.columns)))


def _unpacked(name: str, content: bytes) -> bytes:
    """The file's own bytes; a small archive that unpacks to a huge one stops at the limit."""
    if name.lower().endswith(".gz"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                content = packed.read(LIMIT_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise Invalid(f"{name} is not a readable gzip file: {error}") from error
    if len(content) > LIMIT_BYTES:
        raise TooLarge(f"{name} holds more than {LIMIT_BYTES:,} bytes. Split it into several files.")
    return content


def _read(name: str, content: bytes) -> "pd.DataFrame":
    import pandas as pd

    ending = name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
    # dtype=False: a boolean column with a gap would otherwise become numbers.
    readers = {
        "csv": _read_csv,
        "parquet": pd.read_parquet,
        "jsonl": lambda file: pd.read_json(file, lines=True, dtype=False),
    }
    if ending not in readers:
        raise Invalid(f"{name} has an unknown ending: use one of {', '.join(SUFFIXES)}.")
    try:
        return readers[ending](io.BytesIO(content))
    # Each reader has errors of its own (pandas, pyarrow, codecs); all of them descend from these.
    except (ValueError, OSError, NotImplementedError) as error:
        raise Invalid(f"{name} cannot be read: {error}") from error


def _read_csv(file: io.BytesIO) -> "pd.DataFrame":
    import pandas as pd

    with warnings.catch_warnings():
        # Of longer rows pandas would drop the last values with a warning, or take the first ones for an index.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(file, index_col=False)
        except pd.errors.ParserWarning:
            raise ValueError("its rows hold more values than its header has names") from None


def _column(name: str, values: "pd.Series") -> ColumnProfile:
    import pandas as pd

    present = values.dropna().infer_objects()  # booleans with a gap came as objects
    as_text = present.astype(str)
    missing, distinct = int(values.isna().sum()), int(as_text.nunique())
    if pd.api.types.is_bool_dtype(present):
        return ColumnProfile(name, "boolean", missing, distinct, mean=float(present.mean()) if len(present) else None)
    if pd.api.types.is_numeric_dtype(present) and len(present):
        figures = (_finite(present.min()), _finite(present.max()), _finite(present.mean()))
        return ColumnProfile(name, "number", missing, distinct, *figures)
    kind: Kind = "time" if pd.api.types.is_datetime64_any_dtype(present) else "text"
    most_common = str(as_text.mode().iloc[0])[:200] if len(present) else None
    return ColumnProfile(name, kind, missing, distinct, most_common=most_common)


def _finite(figure: float) -> float | None:
    """JSON has no infinity."""
    return float(figure) if math.isfinite(figure) else None
