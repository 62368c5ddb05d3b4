"""A first model.yaml, guessed from a file: types, ranges, categories, target. A person edits it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

import pyarrow as pa

from gyre.datasets.guess import Guess, guess, guess_decimal
from gyre.datasets.source import Chunk, open_upload
from gyre.datasets.upload import checked_model
from gyre.datasets.verdict import check_names
from gyre.errors import Invalid, NotFound
from gyre.spec.check import check
from gyre.spec.reading import Reading

# As much of a file as is looked at.
_ROWS, _BYTES = 200_000, 256 * 1024 * 1024
# Longer than any text that a person would edit; without its lists of categories it still is a beginning.
_LONG = 200_000
_TARGETS = ("target", "label", "class", "outcome", "y")
_MOST_CLASSES = 30


def infer_spec(name: str, stream: BinaryIO, *, model: str, target: str | None) -> str:
    """The text of a model.yaml that this file fits."""
    checked_model(model)
    opened = open_upload(name, stream, Reading())
    check_names(opened.columns)
    if len(opened.columns) < 2:
        raise Invalid(
            f"{name} has one column, {opened.columns[0]!r}, and a model needs one to predict and one to see. If its "
            "cells were not taken apart: a comma, a semicolon, a tab or a | must stand between them."
        )
    table = _sample(opened.columns, opened.chunks)
    if not table.num_rows:
        raise Invalid(f"No row of {name} has as many cells as its first row, which must name the columns.")
    columns = [each.combine_chunks() for each in table.columns]
    reading = guess_decimal(columns)
    guesses = [guess(column, cells, reading) for column, cells in zip(table.column_names, columns, strict=True)]
    chosen = _target(guesses, target)
    text = _text(model, name, guesses, chosen, reading, guessed=target is None)
    if len(text) > _LONG:
        bare = [replace(each, values=None) for each in guesses]
        text = _text(model, name, bare, bare[guesses.index(chosen)], reading, guessed=target is None)
    if faults := check(text)[1]:
        first = replace(faults[0], line=None)  # nobody has seen these lines
        raise Invalid(f"No model.yaml can be guessed from {name}: {first}. Write it by hand: docs/model-yaml.md.")
    return text


def _sample(columns: Sequence[str], chunks: Iterator[Chunk]) -> pa.Table:
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    for chunk in chunks:
        batches.append(chunk.rows)
        rows, size = rows + chunk.rows.num_rows, size + chunk.rows.nbytes
        if rows >= _ROWS or size >= _BYTES:
            break
    return pa.Table.from_batches(batches, pa.schema([(column, pa.string()) for column in columns]))


def _target(guesses: Sequence[Guess], wanted: str | None) -> Guess:
    by_name = {each.name: each for each in guesses}
    if wanted is not None:
        if wanted not in by_name:
            raise NotFound(f"There is no column {wanted!r}; there are: {', '.join(by_name)[:500]}.", field="target")
        if by_name[wanted].distinct < 2:
            raise Invalid(f"{wanted!r} holds no two different values: there is nothing to predict.", field="target")
        return by_name[wanted]
    possible = [each for each in guesses if each.can_be_target]
    if not possible:
        raise Invalid("No column looks like something to predict. Say which one it is.", field="target")
    named = (each for name in _TARGETS for each in possible if each.name.lower() == name)
    return next(named, possible[-1])


def _task(target: Guess) -> str:
    if target.type in ("number", "integer") and target.distinct > _MOST_CLASSES:
        return "regression"
    if target.type == "boolean" or target.distinct == 2:
        return "binary"
    return "multiclass" if target.type != "number" else "regression"


def _text(model: str, name: str, guesses: Sequence[Guess], target: Guess, reading: Reading, *, guessed: bool) -> str:
    return "\n".join(_lines(model, name, guesses, target, reading, guessed=guessed)) + "\n"


def _lines(
    model: str, name: str, guesses: Sequence[Guess], target: Guess, reading: Reading, *, guessed: bool
) -> Iterator[str]:
    identity = next((each for each in guesses if each.is_id and each is not target), None)
    time = next((each for each in guesses if each.type == "time" and each is not target), None)
    yield f"# Guessed from {_plain(name)} ({guesses[0].rows:,} rows looked at). Read it, and say what is right."
    yield f"model: {model}"
    yield 'description: ""'
    yield f"task: {_task(target)}"
    yield f"target: {_word(target.name)}{'  # guessed: name the column that is to be predicted' * guessed}"
    if identity is not None:
        yield f"id: {_word(identity.name)}  # no value occurs twice"
    if time is not None:
        yield f"time: {_word(time.name)}"
    if reading.decimal != ".":
        yield f'read: {{decimal: "{reading.decimal}"}}'
    yield "columns:"
    for each in guesses:
        yield f"  {_word(each.name)}: {{{', '.join(_facts(each, target, identity))}}}{_remark(each)}"


def _facts(each: Guess, target: Guess, identity: Guess | None) -> Iterator[str]:
    is_class = each is target and _task(target) != "regression"
    yield f"type: {'category' if is_class and each.type == 'number' else each.type}"
    if each is not target and each.range is not None and each is not identity:
        yield f"range: [{_number(each.range[0])}, {_number(each.range[1])}]"
    if each.values is not None and each is not identity:
        yield f"values: [{', '.join(_word(value) for value in each.values)}]"
    if each.missing == 0:
        yield "required: true"
    if each is identity:
        yield "unique: true"
    if each.personal and each is not target:
        yield "personal: true"
    if each.protected:
        yield "protected: true"


def _remark(each: Guess) -> str:
    told = []
    if each.missing:
        told.append(f"{each.missing / each.rows:.1%} missing")
    if each.distinct <= 1:
        told.append("always the same: it tells a model nothing")
    if each.personal:
        told.append("looks personal")
    return f"  # {', '.join(told)}" if told else ""


def _number(value: float) -> str:
    """As a person would write it, and to the last digit."""
    return repr(value).removesuffix(".0")


def _word(text: str) -> str:
    """A YAML scalar: a JSON string is one, once YAML's own line breaks and what it cannot hold are escaped."""
    return "".join(
        letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in json.dumps(text, ensure_ascii=False)
    )


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())
