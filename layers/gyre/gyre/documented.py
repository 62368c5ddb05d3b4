"""Fields told by the docstrings below them, found when somebody asks for a schema. Pydantic's own option for it reads
and parses the source of every class as it is imported: a tenth of a cold start, for what no call uses."""

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class Documented(BaseModel):
    """A model whose schema tells what its fields are."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> dict[str, Any]:
        told = handler(core_schema)
        fields = handler.resolve_ref_schema(told).get("properties", {})
        texts = {cls.model_fields[name].alias or name: text for name, text in docstrings(cls).items()}
        for name, field in fields.items():
            if name in texts and "description" not in field:
                field["description"] = texts[name]
        return told


@cache
def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """By field, what stands below it in the source."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each not in (BaseModel, Documented):
            found |= _own(each)
    return {name: text for name, text in found.items() if name in model.model_fields}


def _own(model: type[BaseModel]) -> dict[str, str]:
    (declared,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    if not isinstance(declared, ast.ClassDef):
        return {}
    found = {}
    for field, below in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            match below.value:
                case ast.Constant(value=str(text)):
                    found[field.target.id] = inspect.cleandoc(text)
    return found
