"""Records as the two texts of JSON that one statement takes, however many rows they have."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from gyre.errors import Invalid
from gyre.journal.lines import Line, lines_of
from gyre.journal.record import JournalRecord

# What stands in the place of U+0000, which PostgreSQL has in no text: the symbol for it.
NUL = "\u2400"
_ESCAPED_NUL = "\\u0000"
_ESCAPE = re.compile(r"\\(?:u0000|.)")
# As pseudonyms.py makes them.
_PSEUDONYM = re.compile(r"p[1-9][0-9]{0,8}:[A-Z2-7]{26}")


@dataclass(frozen=True)
class Lines:
    """What a batch writes."""

    calls: str
    rows: str
    about_persons: bool
    """Whether a pseudonym stands in one of them."""


def lines_for(records: Sequence[JournalRecord]) -> Lines:
    """All of them, in the order of their ids: two writers that take the same locks in one order never wait for each
    other in a ring."""
    known = {record.event_id: record for record in reversed(records)}
    calls, rows, about_persons = list[str](), list[str](), False
    for record in sorted(known.values(), key=lambda each: each.event_id):
        try:
            calls.append(_call(record))
            for line in lines_of(record):
                if line.row is not None:
                    persons = _persons(record.rows[line.row].features, line.row_id)
                    about_persons = about_persons or bool(persons)
                    rows.append(_row(line, persons))
        except (ValueError, OverflowError) as error:  # of what no JSON can be made
            raise Invalid(f"The record {record.event_id} cannot be written: {type(error).__name__}.") from None
    return Lines(_array(calls), _array(rows), about_persons)


def _call(record: JournalRecord) -> str:
    return f'{record.model_dump_json(exclude={"rows"})[:-1]},"rows":{len(record.rows)}}}'


def _row(line: Line, persons: list[str]) -> str:
    told = to_json({
        "event_id": line.event_id, "row": line.row, "row_id": line.row_id, "version": line.version,
        "prediction": line.prediction, "value": line.value, "confidence": line.confidence, "persons": persons or None,
    }).decode()  # fmt: skip
    return f'{told[:-1]},"features":{line.features},"answer":{line.answer}}}'


def _array(parts: Sequence[str]) -> str:
    text = f"[{','.join(parts)}]"
    if _ESCAPED_NUL not in text:
        return text
    return _ESCAPE.sub(lambda found: NUL if found[0] == _ESCAPED_NUL else found[0], text)


def _persons(features: Any, row_id: str | None) -> list[str]:
    """Every pseudonym of a row, each once."""
    return sorted({each for each in (*_texts(features), row_id or "") if _PSEUDONYM.fullmatch(each)})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
