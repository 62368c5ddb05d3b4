"""A frame as the bytes of a file. The same frame always gives the same bytes."""

import gzip
import io
from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd


def csv(frame: pd.DataFrame) -> bytes:
    return str(frame.to_csv(index=False, lineterminator="\n")).encode()


def json_lines(frame: pd.DataFrame) -> bytes:
    return str(frame.to_json(orient="records", lines=True, force_ascii=False)).encode()


def parquet(frame: pd.DataFrame) -> bytes:
    return bytes(frame.to_parquet(index=False))


def packed(content: bytes) -> bytes:
    """gzip with neither a time nor a name in it."""
    file = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as archive:
        archive.write(content)
    return file.getvalue()


FORMATS: Final[Mapping[str, Callable[[pd.DataFrame], bytes]]] = {
    ".csv": csv,
    ".csv.gz": lambda frame: packed(csv(frame)),
    ".parquet": parquet,
    ".jsonl": json_lines,
    ".jsonl.gz": lambda frame: packed(json_lines(frame)),
}


def ending_of(name: str) -> str | None:
    """Which of the formats a file's name stands for."""
    return next((ending for ending in FORMATS if name.lower().endswith(ending)), None)
