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
# A leading zero is part of a code, like 007, and never of a number.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


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

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "an alias (*name) cannot stand here: write the value out", event.start_mark
            )
        return super().compose_node(parent, index)


def read_document(text: str | bytes) -> tuple[Document | None, list[Fault]]:
    """The content with its places, and the faults of the YAML itself; no document if it cannot be read at all."""
    try:
        root = _composed(text)
    except UnicodeDecodeError as error:
        return None, [Fault("", f"the file is not UTF-8 text (byte {error.start})")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = " ".join(filter(None, (error.context, error.problem)))
        return None, [Fault("", told, *((mark.line + 1, mark.column + 1) if mark else ()))]
    except (yaml.YAMLError, _Unreadable) as error:
        return None, [Fault("", str(error))]
    places: dict[Path, Place] = {}
    faults: list[Fault] = []
    content = _value(root, (), places, faults)
    return Document(content, places), faults


class _Unreadable(Exception):
    """Not a fault of the YAML, but of what it is."""


def _composed(text: str | bytes) -> yaml.Node:
    if len(text) > MAX_BYTES:
        raise _Unreadable(f"the file has {len(text):,} bytes, and {MAX_BYTES:,} are the limit")
    loader = _Loader(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    try:
        root = loader.get_single_node()
    except RecursionError:
        raise _Unreadable(f"the file is nested more than {_MAX_DEPTH} levels deep") from None
    finally:
        loader.dispose()
    if root is None:
        raise _Unreadable("the file is empty")
    return root


def told_path(path: Path) -> str:
    """A field as a person would write it: columns.age.range[0]."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _value(node: yaml.Node, path: Path, places: dict[Path, Place], faults: list[Fault]) -> Any:
    places[path] = place = Place(node.start_mark.line + 1, node.start_mark.column + 1)
    if len(path) > _MAX_DEPTH:
        faults.append(Fault(told_path(path), f"more than {_MAX_DEPTH} levels deep", place.line, place.column))
        return None
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
    if node.style in ("'", '"', "|", ">") or node.tag == "!":
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < 4_000:  # Python reads no longer numbers
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
