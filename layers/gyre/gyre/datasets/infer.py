"""A first model.yaml, guessed from a file: types, ranges, categories, target. A person edits it."""

import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa

from gyre.datasets.guess import Guess, guess, guess_decimal
from gyre.datasets.source import open_upload
from gyre.datasets.upload import checked_model
from gyre.errors import Invalid, NotFound
from gyre.spec.check import check
from gyre.spec.reading import Reading

_ROWS = 200_000
_TARGETS = ("target", "label", "class", "outcome", "y")
_MOST_CLASSES = 30


def infer_spec(name: str, stream: BinaryIO, *, model: str, target: str | None) -> str:
    """The text of a model.yaml that this file fits."""
    opened = open_upload(name, stream, Reading())
    table = _sample(opened.columns, opened.chunks)
    columns = [each.combine_chunks() for each in table.columns]
    reading = guess_decimal(columns)
    guesses = [guess(column, cells, reading) for column, cells in zip(table.column_names, columns, strict=True)]
    chosen = _target(guesses, target)
    text = "\n".join(_lines(checked_model(model), name, guesses, chosen, reading, guessed=target is None)) + "\n"
    if faults := check(text)[1]:
        raise Invalid(f"No model.yaml can be guessed from {name}: {faults[0]}. Write it by hand: docs/model-yaml.md.")
    return text


def _sample(columns: Sequence[str], chunks: Iterator) -> pa.Table:  # type: ignore[type-arg]  # of chunks
    batches, rows = [], 0
    for chunk in chunks:
        batches.append(chunk.rows)
        rows += chunk.rows.num_rows
        if rows >= _ROWS:
            break
    return pa.Table.from_batches(batches, pa.schema([(column, pa.string()) for column in columns]))


def _target(guesses: Sequence[Guess], wanted: str | None) -> Guess:
    by_name = {each.name: each for each in guesses}
    if wanted is not None:
        if wanted not in by_name:
            raise NotFound(f"There is no column {wanted!r}; there are: {', '.join(by_name)[:500]}.", field="target")
        return by_name[wanted]
    named = (each for name in _TARGETS for each in guesses if each.name.lower() == name)
    return next(named, guesses[-1])


def _task(target: Guess) -> str:
    if target.type in ("number", "integer") and target.distinct > _MOST_CLASSES:
        return "regression"
    return "binary" if target.distinct == 2 else "multiclass" if target.type != "number" else "regression"


def _lines(
    model: str, name: str, guesses: Sequence[Guess], target: Guess, reading: Reading, *, guessed: bool
) -> Iterator[str]:
    identity = next((each for each in guesses if _is_id(each) and each is not target), None)
    time = next((each for each in guesses if each.type == "time"), None)
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
        yield f"range: [{each.range[0]:.12g}, {each.range[1]:.12g}]"
    if each.values is not None:
        yield f"values: [{', '.join(_word(value) for value in each.values)}]"
    if each.missing == 0 or each is target:
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


def _is_id(each: Guess) -> bool:
    name = each.name.lower()
    named = name in ("id", "uuid", "key", "identifier") or name.endswith(("_id", "-id", " id"))
    return each.is_unique and each.type in ("integer", "category", "text") and (named or each.type == "category")


def _word(text: str) -> str:
    """A YAML scalar: a JSON string is one, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())
