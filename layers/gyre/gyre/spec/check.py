"""From the text of model.yaml to a spec, or to all of its faults at once, each with its place."""

import copy
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gyre.errors import Invalid
from gyre.spec.base import Disagreement, Path
from gyre.spec.document import Document, Fault, read_document, told_path
from gyre.spec.model import ModelSpec


def read_spec(text: str | bytes) -> ModelSpec:
    """The spec, or `Invalid` with every fault in `details`."""
    spec, faults = check(text)
    if spec is None or faults:
        told = "\n".join(str(fault) for fault in faults)
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise Invalid(f"model.yaml has {count}:\n{told}", details=[vars(fault) for fault in faults])
    return spec


def check(text: str | bytes) -> tuple[ModelSpec | None, list[Fault]]:
    """The spec if it is one, and everything that is wrong with the text, in the order of its lines."""
    document, faults = read_document(text)
    if document is None:
        return None, faults
    if not isinstance(document.content, dict):
        return None, [Fault("", "a model.yaml is a list of keys and values, beginning with `model: <name>`", 1, 1)]
    spec, errors = _validated(document.content)
    faults += [fault for error in errors for fault in _faults_of(error, document)]
    if any(not isinstance(_cause(error), Disagreement) or error["loc"] for error in errors):
        faults += _further(document, errors)
    return spec, sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0))


def _validated(content: Any) -> tuple[ModelSpec | None, list[ErrorDetails]]:
    try:
        return ModelSpec.model_validate(content), []
    except ValidationError as error:
        return None, error.errors()


def _further(document: Document, errors: list[ErrorDetails]) -> list[Fault]:
    """What does not go together in the rest of the file. pydantic looks at that only once every field is right by
    itself; a person wants to hear of everything at once, so it is asked again without what was wrong."""
    rest = copy.deepcopy(document.content)
    for error in errors:
        path = _path(error)
        around: Any = rest
        for part in path[:-1]:
            around = around[part] if not isinstance(around, dict) or part in around else {}
        if error["type"] == "missing" or not path:
            return []  # without it the rest means nothing
        if isinstance(around, dict) and path[-1] in around:
            kept = around.pop(path[-1])
            if isinstance(_cause(error), Disagreement) and isinstance(kept, dict) and "type" in kept:
                around[path[-1]] = {"type": kept["type"]}  # a column by itself at odds is still a column
    again = _validated(rest)[1]
    if any(error["loc"] for error in again):
        return []
    return [fault for error in again for fault in _faults_of(error, document)]


def _cause(error: ErrorDetails) -> object:
    return error.get("ctx", {}).get("error")


def _path(error: ErrorDetails) -> Path:
    # pydantic marks an error of a key, and not of its value, by this last part.
    return tuple(part for part in error["loc"] if part != "[key]")


def _faults_of(error: ErrorDetails, document: Document) -> list[Fault]:
    cause = _cause(error)
    if isinstance(cause, Disagreement):
        return [_fault((*_path(error), *below), message, document) for below, message in cause.faults]
    return [_fault(_path(error), _message(error, cause), document)]


def _message(error: ErrorDetails, cause: object) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such key here"
        case "missing":
            return "is needed here, and is missing"
        case "value_error":
            return str(cause)
        case "string_pattern_mismatch":
            return f"{str(error['input'])[:80]!r} cannot be a name here ({error['ctx']['pattern']})"
    sent = "" if isinstance(error["input"], dict | list) else f", and not {error['input']!r:.80}"
    return error["msg"].replace("Input should be", "must be") + sent


def _fault(path: Path, message: str, document: Document) -> Fault:
    place = document.place(path)
    return Fault(told_path(path), message, *((place.line, place.column) if place else ()))
