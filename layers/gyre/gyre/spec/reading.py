"""How an upload's text is to be read. Everything has a default that is found out from the file."""

from typing import Annotated, Literal

from pydantic import Field

from gyre.spec.base import Section, Word

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")


class Reading(Section):
    """How files of this model are written, where it cannot be found out from the file itself."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Between the cells of a CSV file; found out if left out: one of `,` `;` tab `|`."""
    encoding: str | None = None
    """Of a text file: utf-8, cp1252, utf-16 …; if left out: what a byte order mark says, else UTF-8, else cp1252."""
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    """Around cells of a CSV file that hold a delimiter or a line break; doubled inside."""
    decimal: Literal[".", ","] = "."
    """Before the fraction of a number. With `,` a `.` between digits groups thousands."""
    missing: tuple[Word, ...] = MISSING
    """Texts that mean that a value is missing, in every column."""
