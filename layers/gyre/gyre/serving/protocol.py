"""Open Inference Protocol v2: what a model takes and tells as tensors, and its questions and answers in them.

A tensor for each column that the model needs; or, where all of them are numbers, one matrix of the columns in the
order in which the metadata tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic_core import to_json

from gyre.bundle.format import Class
from gyre.errors import Invalid
from gyre.serving.protocol_tensors import Request, Tensor, Wanted, told_as_bytes, told_as_json, wrong
from gyre.serving.question import Answer, Question, Row
from gyre.spec.base import class_name
from gyre.spec.columns import ColumnType
from gyre.spec.model import ModelSpec

PLATFORM = "onnx_onnxv1"
# What a column is told as, and the kinds of datatypes that it is taken in.
_TOLD: Mapping[ColumnType, str] = {
    "number": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES", "text": "BYTES", "time": "BYTES",
}  # fmt: skip
_TAKEN: Mapping[ColumnType, tuple[str, ...]] = {
    "number": ("FP", "INT", "UINT"), "integer": ("INT", "UINT", "FP"), "boolean": ("BOOL", "INT", "UINT", "FP"),
    "category": ("BYTES", "INT", "UINT"), "text": ("BYTES",), "time": ("BYTES", "INT", "UINT", "FP"),
}  # fmt: skip
_NUMERIC: tuple[ColumnType, ...] = ("number", "integer", "boolean")
_USUAL = ("prediction", "probabilities", "confidence")
_OF_CLASSES = ("probabilities", "confidence", "classes")
_REASONS = ("contributions", "base_value")


@dataclass(frozen=True)
class Told:
    """An answer's body; with bytes after its JSON, how long that is."""

    content: bytes
    json_length: int | None = None


def input_columns(spec: ModelSpec) -> tuple[str, ...]:
    """The inputs of a model, in the order of its spec."""
    needed = spec.needed
    return tuple(name for name in spec.columns if name in needed)


def output_names(spec: ModelSpec) -> tuple[str, ...]:
    """What a model can tell. Names of classes and features are the same for every row."""
    every = ("prediction", "probabilities", "confidence", *_REASONS, "classes", "features")
    return tuple(name for name in every if spec.task != "regression" or name not in _OF_CLASSES)


def metadata(model: str, spec: ModelSpec, classes: Sequence[Class], versions: Sequence[int]) -> dict[str, Any]:
    """What a client has to know to call the model."""
    label = _datatype(classes) if classes else "FP64"
    forms: dict[str, tuple[str, list[int]]] = {
        "prediction": (label, [-1]), "probabilities": ("FP64", [-1, len(classes)]), "confidence": ("FP64", [-1]),
        "contributions": ("FP64", [-1, len(spec.features)]), "base_value": ("FP64", [-1]),
        "classes": ("BYTES", [len(classes)]), "features": ("BYTES", [len(spec.features)]),
    }  # fmt: skip
    told = {name: forms[name] for name in output_names(spec)}
    return {
        "name": model,
        "versions": [str(version) for version in versions],
        "platform": PLATFORM,
        "inputs": [
            {"name": name, "datatype": _TOLD[spec.columns[name].type], "shape": [-1]} for name in input_columns(spec)
        ],
        "outputs": [{"name": name, "datatype": datatype, "shape": shape} for name, (datatype, shape) in told.items()],
    }


# --- what is asked ----------------------------------------------------------------------------------------------------


def question_of(request: Request, model: str, release: str, spec: ModelSpec) -> Question:
    """The question in a request, or `Invalid` with the input or output that is off."""
    for each in request.outputs:
        if each.name not in (names := output_names(spec)):
            raise Invalid(f"{spec.model} has no output {each.name[:80]}: it tells {', '.join(names)}.", field="outputs")
    columns = _matrix(request.tensors[0], spec) if _is_matrix(request, spec) else _columns(request, spec)
    rows = [Row(None, dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)]
    explained = any(each.name in _REASONS for each in request.outputs)
    return Question(model, rows, release, len(spec.features) if explained else None)


def _is_matrix(request: Request, spec: ModelSpec) -> bool:
    only = request.tensors[0]
    return len(request.tensors) == 1 and len(only.shape) == 2 and only.name not in spec.columns


def _matrix(tensor: Tensor, spec: ModelSpec) -> dict[str, Sequence[Any]]:
    names = input_columns(spec)
    if other := next((name for name in names if spec.columns[name].type not in _NUMERIC), None):
        raise wrong(tensor.name, f"{spec.model} takes no matrix, because {other} is no number: send a tensor for each.")
    if tensor.shape[1] != len(names):
        raise wrong(
            tensor.name, f"{tensor.shape[1]} columns; {spec.model} takes {len(names)}: {', '.join(names[:20])}."
        )
    columns = {name: tensor.values[at :: len(names)] for at, name in enumerate(names)}
    return {name: _taken(tensor, name, values, spec) for name, values in columns.items()}


def _columns(request: Request, spec: ModelSpec) -> dict[str, Sequence[Any]]:
    columns: dict[str, Sequence[Any]] = {}
    first = request.tensors[0]
    for tensor in request.tensors:
        if tensor.name not in spec.columns:
            near = get_close_matches(tensor.name[:80], input_columns(spec), n=1)
            meant = f"Is {near[0]} meant?" if near else f"It takes {', '.join(input_columns(spec)[:20])}."
            raise wrong(tensor.name, f"{spec.model} has no column of this name. {meant}")
        if len(tensor.shape) == 2 and tensor.shape[1] != 1:
            raise wrong(tensor.name, f"shape {list(tensor.shape)}; of one column it is [rows] or [rows, 1].")
        if tensor.shape[0] != first.shape[0]:
            raise wrong(tensor.name, f"{tensor.shape[0]} rows, and {first.name[:80]} has {first.shape[0]}.")
        columns[tensor.name] = _taken(tensor, tensor.name, tensor.values, spec)
    if absent := next((name for name in input_columns(spec) if name not in columns), None):
        raise wrong(absent, f"it is missing, and {spec.model} needs it; send null where a value is.")
    return columns


def _taken(tensor: Tensor, name: str, values: Sequence[Any], spec: ModelSpec) -> Sequence[Any]:
    """The values as /inference would be sent them."""
    kind = spec.columns[name].type
    if tensor.datatype.rstrip("0123456789") not in _TAKEN[kind]:
        raise wrong(tensor.name, f"datatype {tensor.datatype}, and {name} is of type {kind}: send {_TOLD[kind]}.")
    if kind == "boolean":
        return [bool(each) if each in (0, 1) else each for each in values]
    return [None if each == "" else each for each in values]  # bytes know no null


# --- what is answered -------------------------------------------------------------------------------------------------


def told(
    request: Request, model: str, answer: Answer, event_id: str, *, logged: bool = True, binary: bool = True
) -> Told:
    """The body of an answer. Where `binary` is not possible all of it is JSON, which clients read as well."""
    usual = tuple(Wanted(name, request.binary) for name in _USUAL if name in output_names(answer.spec))
    heads, blobs = [], []
    for each in request.outputs or usual:
        tensor = _output(each.name, answer)
        if each.binary and binary:
            head, blob = told_as_bytes(tensor)
            heads.append(head)
            blobs.append(blob)
        else:
            heads.append(told_as_json(tensor))
    body: dict[str, Any] = {"model_name": model}
    parameters: dict[str, Any] = {"event_id": event_id} if logged else {"event_id": event_id, "logged": False}
    if answer.version is None:  # rows went to several: the protocol has room for one
        parameters["versions"] = ",".join(map(str, sorted({row.version for row in answer.rows if row.version})))
    else:
        body["model_version"] = parameters["version"] = str(answer.version)
    body |= {"id": request.id} if request.id is not None else {}
    content = to_json({**body, "parameters": parameters, "outputs": heads}, inf_nan_mode="null")
    return Told(content + b"".join(blobs), len(content)) if blobs else Told(content)


def _output(name: str, answer: Answer) -> Tensor:
    """One output of all rows."""
    rows, features, classes = answer.rows, answer.spec.features, _classes(answer)
    datatype, width, values = "FP64", 0, []
    match name:
        case "prediction":
            values = [row.prediction for row in rows]
            datatype = _datatype(values)
            values = [class_name(each) for each in values] if datatype == "BYTES" else values
        case "probabilities":
            values = [(row.probabilities or {}).get(each) for row in rows for each in classes]
            width = len(classes)
        case "contributions":
            why = [{feature: much for feature, _, much in row.explanation or ()} for row in rows]
            values = [each.get(feature, 0.0) for each in why for feature in features]
            width = len(features)
        case "confidence" | "base_value":
            values = [getattr(row, name) for row in rows]
        case _:  # names, and no rows
            names = classes if name == "classes" else features
            return Tensor(name, "BYTES", (len(names),), names)
    return Tensor(name, datatype, (len(rows), width) if width else (len(rows),), values)


def _classes(answer: Answer) -> list[str]:
    """In the order of the probabilities; of rows that went to several releases, those of all."""
    return list(dict.fromkeys(each for row in answer.rows for each in row.probabilities or ()))


def _datatype(labels: Sequence[Any]) -> str:
    kinds = {type(each) for each in labels}
    return {bool: "BOOL", int: "INT64", float: "FP64"}.get(kinds.pop(), "BYTES") if len(kinds) == 1 else "BYTES"
