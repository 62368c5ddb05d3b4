"""YAML as model.yaml may be: plain values, each with its place, and nothing that surprises.

YAML 1.2's core types alone, so that `no` and `on` are words and not truths; keys that occur twice, anchors and custom
tags are faults, because each of them makes a file say something else than it shows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from gyre.spec.base import Path

MAX_BYTES = 512 * 1024
_MAX_DEPTH = 20
# Far above any model.yaml; a function would take minutes to read what else fits into so many bytes.
_MAX_NODES = 100_000
# A leading zero is part of a code, like 007, and never of a number.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Place:
    """A line and a column, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Fault:
    """Something wrong in a file: where, which field, and what."""

    field: str
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: " if self.line else ""
        return f"{where}{self.field + ': ' if self.field else ''}{self.message}"


@dataclass(frozen=True)
class Document:
    """What a file says, and where it says it."""

    content: Any
    places: dict[Path, Place]

    def place(self, path: Path) -> Place | None:
        """Of a field, or of the nearest thing around it: what is missing has no place of its own."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places.get(path)


class _Loader(yaml.SafeLoader):
    """Composes nodes only; their values are made here, by YAML 1.2's rules."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._nodes += 1
        if refused := self._refused(event):
            raise yaml.composer.ComposerError(None, None, refused, event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refused(self, event: Any) -> str | None:
        if event.anchor is not None:
            what = "alias (*" if isinstance(event, yaml.AliasEvent) else "anchor (&"
            return f"an {what}{event.anchor}) cannot stand here: write the value out, or put text in quotes"
        if event.tag is not None:
            return f"a tag ({event.tag}) cannot stand here: write the value out, or put text in quotes"
        if isinstance(event, yaml.ScalarEvent) and _SURROGATE.search(event.value):
            return "half a character cannot stand here"
        if self._depth > _MAX_DEPTH:
            return f"more than {_MAX_DEPTH} levels deep"
        return f"more than {_MAX_NODES:,} values cannot stand in one file" if self._nodes > _MAX_NODES else None


def read_document(text: str | bytes) -> tuple[Document | None, list[Fault]]:
    """The content with its places, and the faults of the YAML itself; no document if it cannot be read at all."""
    try:
        root = _composed(_decoded(text))
    except _Unreadable as error:
        return None, [error.fault]
    places: dict[Path, Place] = {}
    faults: list[Fault] = []
    content = _value(root, (), places, faults)
    return Document(content, places), faults


class _Unreadable(Exception):
    """There is no document; `fault` says why."""

    def __init__(self, message: str, *place: int) -> None:
        super().__init__(message)
        self.fault = Fault("", message, *place)


def _decoded(text: str | bytes) -> str:
    if len(text if isinstance(text, bytes) else text.encode(errors="replace")) > MAX_BYTES:
        raise _Unreadable(f"the file has more than {MAX_BYTES:,} bytes, which are the limit")
    try:
        return (text.decode() if isinstance(text, bytes) else text).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode().removeprefix("\ufeff")
        raise _Unreadable("the file is not UTF-8 text: save it as UTF-8", *_after(before)) from None


def _composed(text: str) -> yaml.Node:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        place = _after(text[: error.position])
        raise _Unreadable(f"the character U+{error.character:04X} cannot stand in YAML", *place) from None
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = _first_aid(text, error) or " ".join(filter(None, (error.context, error.problem)))
        raise _Unreadable(told, *_at(mark)) from None
    except (ValueError, OverflowError):  # out of PyYAML, for "\UFFFFFFFF" and for %YAML with thousands of digits
        mark = loader.get_mark()
        raise _Unreadable("a number or an escape that stands for nothing", *_at(mark)) from None
    finally:
        loader.dispose()
    if root is None:
        raise _Unreadable("the file is empty")
    return root


def _after(text: str) -> tuple[int, int]:
    """Line and column of what comes after this text."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _at(mark: Any) -> tuple[int, ...]:
    return (mark.line + 1, mark.column + 1) if mark else ()


def _first_aid(text: str, error: yaml.MarkedYAMLError) -> str | None:
    """For what people do most often, said plainer than YAML's grammar does."""
    mark = error.problem_mark
    if not isinstance(error, yaml.scanner.ScannerError) or mark is None or error.context_mark is not None:
        return None  # not about a character that nothing can begin with
    match text[mark.index : mark.index + 1]:
        case "\t":
            return "a tab cannot indent or separate here: use spaces"
        case "`" | "@" | "%" as found:
            return f"text that begins with {found} must stand in quotes"
    return None


def told_path(path: Path) -> str:
    """A field as a person would write it: columns.age.range[0]."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _value(node: yaml.Node, path: Path, places: dict[Path, Place], faults: list[Fault]) -> Any:
    places[path] = Place(node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, (*path, at), places, faults) for at, each in enumerate(node.value)]
    assert isinstance(node, yaml.MappingNode)  # noqa: S101  # YAML has no fourth kind of node
    return dict(_entries(node, path, places, faults))


def _entries(
    node: yaml.MappingNode, path: Path, places: dict[Path, Place], faults: list[Fault]
) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        if not isinstance(key_node, yaml.ScalarNode):
            faults.append(Fault(told_path(path), "a key must be a word", mark.line + 1, mark.column + 1))
            continue
        key = str(key_node.value)
        if key in seen:
            faults.append(Fault(told_path((*path, key)), "this key stands here twice", mark.line + 1, mark.column + 1))
        seen.add(key)
        value = _value(value_node, (*path, key), places, faults)
        places[*path, key] = Place(mark.line + 1, mark.column + 1)  # of the key: that is where a person looks
        yield key, value


def _scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < 4_000:  # Python reads no longer numbers
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
