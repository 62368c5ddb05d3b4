"""Writes what model.yaml may hold, from the code: its JSON Schema, and the tables of its reference page.

python -m infra.model_schema"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from gyre.spec.columns import CHECK_TYPES, DEFAULT_ACTIONS, IMPOSSIBLE_ACTIONS
from gyre.spec.expression import FUNCTIONS
from gyre.spec.model import ModelSpec

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCHEMA = DOCS / "model.schema.json"
PAGE = DOCS / "model-yaml.md"

Schema = dict[str, Any]
# Where a table stands in the page: <!-- fields: Column --> … <!-- end -->. All around it is written by hand.
_TABLE = re.compile(r"(<!-- (functions|checks|fields: (\w+)) -->\n).*?(<!-- end -->)", re.DOTALL)
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_WORD = {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def schema() -> Schema:
    """The JSON Schema of model.yaml. What must agree across sections, `gyre spec check` alone can tell."""
    made = _plain(ModelSpec.model_json_schema())
    for section in (made, *made["$defs"].values()):
        for field in section["properties"].values():
            if "$ref" in field:  # pydantic leaves out a description that says the same as the section's own
                field.setdefault("description", made["$defs"][field["$ref"].rsplit("/", 1)[-1]]["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "model.yaml"}


def schema_text() -> str:
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def sections() -> dict[str, Schema]:
    """By its name, each kind of thing that a model.yaml is made of."""
    made = schema()
    return {"ModelSpec": made, **made["$defs"]}


def page_text(written: str) -> str:
    """The page with its tables made anew."""
    links, all_sections = _links(written), sections()

    def table(found: re.Match[str]) -> str:
        made = {"functions": _functions, "checks": _checks}.get(found[2])
        lines = made() if made else _fields(all_sections[found[3]], links)
        return found[1] + "\n".join(lines) + "\n" + found[4]

    return _TABLE.sub(table, written)


def _plain(node: Any, *, names: bool = False) -> Any:
    """Without what pydantic adds for nobody: titles made from names, whole sections as defaults, line breaks."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {name: _plain(each) for name, each in node.items()}
    left_out = {"title"} | ({"default"} if "$ref" in node else set())
    plain = {
        key: _plain(value, names=key in ("properties", "$defs", "patternProperties"))
        for key, value in node.items()
        if key not in left_out
    }
    if "description" in plain:
        plain["description"] = " ".join(plain["description"].split())
    if "patternProperties" in plain:
        plain["additionalProperties"] = False  # a name that breaks the pattern is no name
    return plain


def _links(written: str) -> dict[str, str]:
    """The heading under which the table of each section stands."""
    links: dict[str, str] = {}
    heading = ""
    for line in written.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if found := re.fullmatch(r"<!-- fields: (\w+) -->", line):
            links[found[1]] = heading
    return links


def _fields(section: Schema, links: dict[str, str]) -> list[str]:
    needed = section.get("required", ())
    lines = ["| field | holds | if left out | meaning |", "| --- | --- | --- | --- |"]
    for name, field in section["properties"].items():
        default = "**needed**" if name in needed else _default(field.get("default"))
        lines.append(f"| `{name}` | {_kind(field, links)} | {default} | {field['description'].replace('|', '\\|')} |")
    return lines


def _functions() -> list[str]:
    lines = ["| function | takes | gives |", "| --- | --- | --- |"]
    for name, (wanted, result) in FUNCTIONS.items():
        takes = "one or more numbers" if wanted[0].startswith("…") else f"a {wanted[0]}".replace("a any", "anything")
        lines.append(f"| `{name}` | {takes} | {result} |")
    return lines


def _checks() -> list[str]:
    lines = ["| check | for columns of type | if nothing is said | cannot |", "| --- | --- | --- | --- |"]
    for check, action in DEFAULT_ACTIONS.items():
        types, never = ", ".join(CHECK_TYPES.get(check, ("every type",))), ", ".join(IMPOSSIBLE_ACTIONS.get(check, ()))
        lines.append(f"| `{check}` | {types} | {action} | {never} |")
    return lines


def _default(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{written.removesuffix('.0')}`".replace("|", "\\|")


def _kind(field: Schema, links: dict[str, str]) -> str:  # noqa: PLR0911  # a case per kind of schema
    """What may stand there, in words. That a field may be null where that is its default goes without saying."""
    match field:
        case {"$ref": str(ref)}:
            heading = links[ref.rsplit("/", 1)[-1]]
            return f"[{heading}](#{_anchor(heading)})"
        case {"enum": choices}:
            return ", ".join(f"`{each}`" for each in choices)
        case {"anyOf": _} if {"anyOf": field["anyOf"]} == _WORD:
            return "word"
        case {"anyOf": kinds}:
            unsaid = {"type": "null"} if field.get("default", ...) is None else None
            return " or ".join(_kind(each, links) for each in kinds if each != unsaid)
        case {"prefixItems": parts}:
            return f"list of {len(parts)}: {', '.join(_kind(each, links) for each in parts)}"
        case {"items": items}:
            return f"list: {_kind(items, links)}"
        case {"patternProperties": inner}:
            return f"by name: {_kind(next(iter(inner.values())), links)}"
        case {"additionalProperties": dict(inner)}:
            keys = field.get("propertyNames", {}).get("enum")
            return f"by {', '.join(f'`{key}`' for key in keys) if keys else 'name'}: {_kind(inner, links)}"
    return _simple(field)


def _simple(field: Schema) -> str:
    name = {
        "string": "text",
        "number": "number",
        "integer": "whole number",
        "boolean": "`true`, `false`",
        "null": "null",
    }
    bounds = [f"{sign} {field[key]:,}" for key, sign in _BOUNDS.items() if key in field]
    if {"minimum", "maximum"} <= field.keys():
        bounds = [f"{field['minimum']:,} to {field['maximum']:,}"]
    if "pattern" in field:
        return "name"
    if field.get("maxLength") == 1:
        return "one character"
    return f"{name[field['type']]} {', '.join(bounds)}".strip()


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def main() -> int:
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    PAGE.write_text(page_text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"schema: wrote {SCHEMA.name} and the tables of {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
