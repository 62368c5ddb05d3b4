"""From the text of model.yaml to a spec, or to all of its faults at once, each with its place."""

import copy
import json
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gyre.errors import Invalid
from gyre.spec.base import Disagreement, Path
from gyre.spec.document import Document, Fault, read_document, told_path
from gyre.spec.model import ModelSpec

# A person mends no more at once, and no answer has to carry more.
MOST_FAULTS = 100
# What pydantic wants there, in the words of somebody who writes YAML.
_WANTED = {
    "model_type": "keys and values", "dict_type": "keys and values", "tuple_type": "a list",
    "float_type": "a number", "int_type": "a whole number", "finite_number": "a finite number",
    "string_type": "text (in quotes)", "bool_type": "true or false",
}  # fmt: skip


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
    faults += _faults(errors, document)
    if any(error["loc"] for error in errors):
        faults += _further(document, errors)
    faults.sort(key=lambda fault: (fault.line or 0, fault.column or 0))
    if len(faults) > MOST_FAULTS:
        faults[MOST_FAULTS:] = [Fault("", f"… and {len(faults) - MOST_FAULTS:,} more")]
    return spec, faults


def _validated(content: Any) -> tuple[ModelSpec | None, list[ErrorDetails]]:
    """By JSON's rules, under which pydantic takes neither `true` for the number 1 nor the word `no` for a truth."""
    try:
        return ModelSpec.model_validate_json(json.dumps(content), strict=True), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _further(document: Document, errors: list[ErrorDetails]) -> list[Fault]:
    """What does not go together in the rest of the file. pydantic looks at that only once every field is right by
    itself; a person wants to hear of everything at once, so it is asked again without what was wrong."""
    rest = copy.deepcopy(document.content)
    found: list[Fault] = []
    for _ in range(3):  # fields, then what is at odds within a section, then what is across sections
        if not all(_leave_out(error, rest, document) for error in errors if error["loc"]):
            return found
        errors = _validated(rest)[1]
        found += _faults([error for error in errors if isinstance(_cause(error), Disagreement)], document)
        if not any(error["loc"] for error in errors):
            return found
    return found


def _leave_out(error: ErrorDetails, rest: dict[str, Any], document: Document) -> bool:
    """Takes what is wrong out of the rest, and with it what would look wrong only because of that. False where
    nothing can be said of the rest."""
    of_key = error["loc"][-1] == "[key]" and error["loc"] not in document.places
    match _path(error, document):
        case ("model",):
            rest["model"] = "model"
        case ("columns", name, *below) if below != ["type"] and not of_key and isinstance(rest["columns"][name], dict):
            rest["columns"][name] = _bare_column(rest["columns"][name], below, error["type"] == "extra_forbidden")
        case ("task" | "target" | "columns", *_):
            return False
        case ("derived", name, *_) if "derived" in rest:
            rest["derived"].pop(name, None)
            if not of_key:
                rest["derived"][name] = {"formula": "0"}
        case ("rules", int(at), *_):
            rest["rules"][at] = {"name": f"stands_in_{at}", "check": "True"}
        case ("training", "estimators", *_):
            rest["training"] = {**rest["training"], "estimators": ["linear"], "space": {}}
        case ("split" | "retrain" as section, *_):  # their fields speak of each other
            rest.pop(section, None)
        case path:
            rest.pop({"time": "split", "derived": "monitoring"}.get(str(path[0]), ""), None)
            _remove(path, rest)
    return True


def _remove(path: Path, rest: dict[str, Any]) -> None:
    """Takes out the key at the path, or the list that the path goes into."""
    around: Any = rest
    while len(path) > 1 and isinstance(around.get(path[0]), dict):
        around, path = around[path[0]], path[1:]
    around.pop(path[0], None)


def _bare_column(column: dict[str, Any], wrong: list[str | int], unknown: bool) -> dict[str, Any]:
    """What other sections ask of a column: its checks are left out together, because they speak of each other."""
    if unknown and len(wrong) == 1:
        return {key: value for key, value in column.items() if key != wrong[0]}
    asked = ("type", "protected", "personal", "feature")
    kept = {key: value for key, value in column.items() if key in asked and [key] != wrong}
    return {**kept, "protected": True} if wrong == ["protected"] else kept


def _cause(error: ErrorDetails) -> object:
    return error.get("ctx", {}).get("error")


def _path(error: ErrorDetails, document: Document) -> Path:
    """Of the field that is wrong: pydantic appends `[key]`, or the kind of value it tried to see there."""
    path = error["loc"]
    while error["type"] != "missing" and path not in document.places and path:
        path = path[:-1]
    return path


def _faults(errors: list[ErrorDetails], document: Document) -> list[Fault]:
    """One fault for each thing that is wrong; pydantic has an error for each kind of value that a field may hold."""
    faults: list[Fault] = []
    around = {error["loc"][:end] for error in errors for end in range(len(error["loc"]))}
    wanted: dict[Path, list[str]] = {}
    found: dict[Path, Any] = {}
    for error in errors:
        path, cause = _path(error, document), _cause(error)
        if error["type"] == "too_short" and path in around:
            continue  # pydantic counts only those entries that are right
        if isinstance(cause, Disagreement):
            faults += [_fault((*path, *below), message, document) for below, message in cause.faults]
        elif kind := _WANTED.get(error["type"]):
            wanted.setdefault(path, []).append(kind)
            found[path] = error["input"]
        else:
            faults.append(_fault(path, _message(error), document))
    told = {path: f"must be {' or '.join(kinds)}{_sent(found[path])}" for path, kinds in wanted.items()}
    return faults + [_fault(path, message, document) for path, message in told.items()]


def _message(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return "there is no such key here"
        case "missing":
            return "is needed here, and is missing"
        case "string_pattern_mismatch":
            return f"{str(error['input'])[:80]!r} cannot be a name here ({context['pattern']})"
        case "too_short":
            return f"has too few entries: {context['min_length']} or more are needed"
        case "too_long":
            return f"has too many entries: {context['max_length']} are the limit"
    return error["msg"].replace("Input should be", "must be") + _sent(error["input"])


def _sent(value: Any) -> str:
    if isinstance(value, dict | list):
        return ""
    return ", and nothing stands there" if value is None else f", and not {json.dumps(value, ensure_ascii=False):.80}"


def _fault(path: Path, message: str, document: Document) -> Fault:
    place = document.place(path)
    return Fault(told_path(path), message, *((place.line, place.column) if place else ()))
