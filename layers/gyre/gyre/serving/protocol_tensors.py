"""Tensors of the Open Inference Protocol v2: from a request's bytes to lists of values, and from lists to an answer's.

As JSON or, after the JSON, as bytes: little-endian, row by row, texts with their length before them."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isinf, isnan, prod
from typing import Any

import numpy as np
from pydantic_core import from_json

from gyre.errors import Invalid
from gyre.serving.question import MOST_ROWS

# A model has no more columns (spec/model.py); nor has a matrix.
MOST_COLUMNS = 2_000
_FORMS = {
    "BOOL": "|u1", "UINT8": "|u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "|i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
DATATYPES = (*_FORMS, "BYTES")
_LIMITS = {
    name: (int(limits.min), int(limits.max))
    for name, form in _FORMS.items()
    if "INT" in name and (limits := np.iinfo(np.dtype(form)))
}
_KINDS = {str: "text", bool: "true or false", list: "a list", dict: "an object", type(None): "null"}
_HEADER = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Tensor:
    """Values by row, and by column within a row; None where one is missing."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]


@dataclass(frozen=True)
class Wanted:
    """An output that is asked for."""

    name: str
    binary: bool


@dataclass(frozen=True)
class Request:
    """What was sent, as far as it can be understood without its model."""

    id: str | None
    tensors: tuple[Tensor, ...]
    outputs: tuple[Wanted, ...]
    """All that a model usually tells, if there are none."""
    binary: bool
    """How those come that are not asked for by name."""


def wrong(name: Any, what: str) -> Invalid:
    """A fault of one input."""
    told = str(name)[:80]
    return Invalid(f"Input {told}: {what}", field=f"inputs.{told}")


def read_request(content: bytes, json_length: str | None) -> Request:
    """The request in a body; `Invalid` names the input that is off. `json_length` is the header that tells where bytes
    follow the JSON."""
    end = len(content) if json_length is None else _length(json_length, len(content))
    try:
        told = from_json(content[:end])
    except ValueError as error:
        raise Invalid(f"The request is not JSON: {error}.") from None
    if not isinstance(told, dict):
        raise Invalid("The request must be a JSON object with inputs.")
    sent_id = told.get("id")
    if sent_id is not None and not isinstance(sent_id, str):
        raise Invalid("id: must be text.", field="id")
    binary = _parameters(told, "The request").get("binary_data_output") is True
    blob = _Blob(content[end:], json_length is not None)
    tensors = [_tensor(each, blob) for each in _list(told, "inputs")]
    blob.end()
    return Request(sent_id, _unique(tensors), tuple(_outputs(told, binary)), binary)


def _length(told: str, whole: int) -> int:
    if not (told.isascii() and told.isdigit()) or not 0 < int(told[:10]) <= whole or len(told) > 10:
        raise Invalid(
            f"{_HEADER}: {told[:40]} is not how many of the body's {whole} bytes are JSON. Behind a gateway a body of "
            "bytes must be sent as application/octet-stream.",
            field=_HEADER,
        )
    return int(told)


class _Blob:
    """The bytes after the JSON, which inputs take one after the other."""

    def __init__(self, content: bytes, told: bool) -> None:
        self._content, self._told, self._at = content, told, 0

    def take(self, name: str, size: Any) -> bytes:
        if not self._told:
            raise wrong(name, f"its data comes as bytes, so the header {_HEADER} must say where they begin.")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(self._content) - self._at:
            left, told = len(self._content) - self._at, str(size)[:40] if isinstance(size, int) else _kind(size)
            raise wrong(name, f"binary_data_size is {told}, and {left} bytes of the body are left for it.")
        self._at += size
        return self._content[self._at - size : self._at]

    def end(self) -> None:
        if self._at != len(self._content):
            raise Invalid(
                f"The body has {len(self._content) - self._at} bytes more than its inputs say.", field="inputs"
            )


def _tensor(told: Any, blob: _Blob) -> Tensor:
    if not isinstance(told, dict) or not isinstance(name := told.get("name"), str) or not name:
        raise Invalid("Every input is an object with name, shape, datatype and data.", field="inputs")
    datatype = told.get("datatype")
    if datatype not in DATATYPES:
        what = datatype[:40] if isinstance(datatype, str) else _kind(datatype)
        raise wrong(name, f"datatype {what} is none of {', '.join(DATATYPES)}.")
    shape = _shape(name, told.get("shape"))
    size = _parameters(told, f"Input {name[:80]}").get("binary_data_size")
    if size is None:
        values = list(_listed(name, datatype, shape, told.get("data")))
    elif told.get("data") is not None:
        raise wrong(name, "it has data and binary_data_size: one of both.")
    else:
        values = _unpacked(name, datatype, prod(shape), blob.take(name, size))
    return Tensor(name, datatype, shape, values)


def _shape(name: str, told: Any) -> tuple[int, ...]:
    whole = isinstance(told, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in told)
    if not whole or len(told) not in (1, 2):
        raise wrong(name, "shape must be [rows], [rows, 1] or, of a matrix, [rows, columns].")
    if not 1 <= told[0] <= MOST_ROWS:
        raise wrong(name, f"{str(told[0])[:20]} rows; send 1 to {MOST_ROWS:,} in a call.")
    if len(told) == 2 and not 1 <= told[1] <= MOST_COLUMNS:
        raise wrong(name, f"{str(told[1])[:20]} columns; a matrix has 1 to {MOST_COLUMNS:,}.")
    return tuple(told)


def _listed(name: str, datatype: str, shape: tuple[int, ...], data: Any) -> Iterator[Any]:
    """JSON data: all values in one list, or a list for each row."""
    if not isinstance(data, list):
        raise wrong(name, "data must be a list." if data is not None else "data is missing.")
    if len(shape) == 2 and data and all(isinstance(each, list) for each in data):
        if len(data) != shape[0] or any(len(each) != shape[1] for each in data):
            raise wrong(name, f"its rows are not {shape[0]} of {shape[1]}, as its shape says.")
        data = [each for row in data for each in row]
    if len(data) != prod(shape):
        raise wrong(name, f"{len(data)} values, and its shape {list(shape)} says {prod(shape)}.")
    for at, each in enumerate(data):
        if not _is(datatype, each):
            # Not what was sent: this may be a personal column, and the message is recorded.
            raise wrong(name, f"value {at} is no {datatype}, but {_kind(each)}.")
        yield None if isinstance(each, float) and isnan(each) else each


def _kind(value: Any) -> str:
    """Instead of the value: whose it is, nobody knows."""
    return _KINDS.get(type(value), "a number")


def _is(datatype: str, value: Any) -> bool:
    """Whether JSON may tell a value of this type so. Missing is null."""
    if value is None:
        return True
    if datatype == "BYTES":
        return isinstance(value, str)
    if datatype == "BOOL":
        return isinstance(value, bool) or (isinstance(value, int) and value in (0, 1))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if datatype.startswith("FP"):
        return isinstance(value, int) or not isinf(value)
    least, greatest = _LIMITS[datatype]
    return least <= value <= greatest and value == int(value)  # what is not finite is not between them


def _unpacked(name: str, datatype: str, count: int, content: bytes) -> list[Any]:
    """The same as bytes."""
    if datatype == "BYTES":
        return _texts(name, count, content)
    form = np.dtype(_FORMS[datatype])
    if len(content) != count * form.itemsize:
        raise wrong(name, f"{len(content)} bytes, and {count} values of {datatype} have {count * form.itemsize}.")
    found = np.frombuffer(content, form)
    if datatype == "BOOL":
        if (found > 1).any():
            raise wrong(name, "a byte of BOOL is 0 or 1.")
        return found.astype(bool).tolist()
    if form.kind != "f":
        return found.tolist()
    if np.isinf(found).any():
        raise wrong(name, f"value {int(np.isinf(found).argmax())} is infinite.")
    return [None if isnan(each) else each for each in found.tolist()]


def _texts(name: str, count: int, content: bytes) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(content) and len(found) < count:
        end = at + 4 + int.from_bytes(content[at : at + 4], "little")
        if end > len(content):
            break
        try:
            found.append(content[at + 4 : end].decode())
        except UnicodeDecodeError:
            raise wrong(name, f"value {len(found)} is no text in UTF-8.") from None
        at = end
    if len(found) != count or at != len(content):
        raise wrong(name, f"its {len(content)} bytes are not {count} texts, each after its length in 4 bytes.")
    return found


def _outputs(told: Mapping[str, Any], binary: bool) -> Iterator[Wanted]:
    seen = set()
    for each in _list(told, "outputs", needed=False):
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str) or name in seen:
            raise Invalid("Every output is an object with a name of its own.", field="outputs")
        seen.add(name)
        parameters = _parameters(each, f"Output {name[:80]}")
        if "classification" in parameters:
            raise Invalid(f"Output {name[:80]}: ask for probabilities instead of classification.", field="outputs")
        yield Wanted(name, bool(parameters.get("binary_data", binary)))


def _list(told: Mapping[str, Any], name: str, *, needed: bool = True) -> list[Any]:
    found = told.get(name)
    if found is None and not needed:
        return []
    if not isinstance(found, list) or (needed and not found) or len(found) > MOST_COLUMNS:
        raise Invalid(f"{name}: must be a list of {1 if needed else 0} to {MOST_COLUMNS:,}.", field=name)
    return found


def _parameters(told: Mapping[str, Any], whose: str) -> Mapping[str, Any]:
    found = told.get("parameters")
    if found is not None and not isinstance(found, dict):
        raise Invalid(f"{whose}: parameters must be an object.", field="parameters")
    return found or {}


def _unique(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    seen: dict[str, Tensor] = {}
    for each in tensors:
        if seen.setdefault(each.name, each) is not each:
            raise wrong(each.name, "it stands there twice.")
    return tuple(tensors)


# --- what is answered -------------------------------------------------------------------------------------------------


def told_as_json(tensor: Tensor) -> dict[str, Any]:
    return {**_head(tensor), "data": list(tensor.values)}


def told_as_bytes(tensor: Tensor) -> tuple[dict[str, Any], bytes]:
    content = packed(tensor)
    return {**_head(tensor), "parameters": {"binary_data_size": len(content)}}, content


def packed(tensor: Tensor) -> bytes:
    """The bytes of a tensor; what is missing is NaN, or an empty text."""
    if tensor.datatype == "BYTES":
        texts = ["" if each is None else str(each) for each in tensor.values]
        return b"".join(struct.pack("<I", len(each)) + each for each in (text.encode() for text in texts))
    form = np.dtype(_FORMS[tensor.datatype])
    return np.array([np.nan if each is None else each for each in tensor.values]).astype(form).tobytes()


def _head(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
