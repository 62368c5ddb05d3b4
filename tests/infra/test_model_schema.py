"""docs/model.schema.json and docs/model-yaml.md say what the code does."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gyre.spec import expression
from gyre.spec.base import Disagreement
from gyre.spec.check import check, read_spec
from gyre.spec.document import read_document
from gyre.spec.model import ModelSpec
from infra.model_schema import PAGE, SCHEMA, page_text, schema, schema_text, sections
from tests.infra.facts import ROOT
from tests.unit.spec.texts import RIGHT, SMALL, VALUES, paths, replaced

# Says of each document on stdin whether the schema takes it.
JUDGE = """
import json, sys
from jsonschema import Draft202012Validator as Validator
told = json.load(sys.stdin)
Validator.check_schema(told["schema"])
print(json.dumps([Validator(told["schema"]).is_valid(each) for each in told["documents"]]))
"""


def judge() -> list[str]:
    """A Python that has jsonschema: the tests' own, or the one that SAM brings."""
    if importlib.util.find_spec("jsonschema"):
        return [sys.executable]
    sam = str(ROOT / ".venv/sam/bin/python")
    if Path(sam).exists() and subprocess.run([sam, "-c", "import jsonschema"], capture_output=True).returncode == 0:
        return [sam]
    pytest.skip("no environment has jsonschema")


def taken_by_schema(documents: list[Any]) -> list[bool]:
    sent = json.dumps({"schema": schema(), "documents": documents})
    done = subprocess.run([*judge(), "-c", JUDGE], input=sent, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def taken_by_fields(document: Any) -> bool:
    """Whether each field is right by itself; what must agree across fields no schema can tell."""
    try:
        ModelSpec.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        return all(isinstance(each.get("ctx", {}).get("error"), Disagreement) for each in error.errors())
    return True


def content(text: str) -> Any:
    document, faults = read_document(text)
    assert document is not None and faults == []
    return document.content


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "model.schema.json has drifted: run `make schema`"


def test_the_tables_of_the_page_are_the_ones_of_the_code() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page_text(written), "model-yaml.md has drifted: run `make schema`"


def test_every_section_has_its_table_in_the_page() -> None:
    tables = re.findall(r"^<!-- fields: (\w+) -->$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(tables) == sorted(sections())


def test_the_schema_says_what_it_is() -> None:
    made = schema()
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert made["title"] == "model.yaml"
    assert made["additionalProperties"] is False
    assert made["required"] == ["model", "task", "target", "columns"]


@pytest.mark.parametrize("name", sections())
def test_every_section_and_every_field_says_what_it_means(name: str) -> None:
    section = sections()[name]
    assert section["description"]
    assert [field for field, told in section["properties"].items() if not told.get("description")] == []
    assert all("\n" not in told["description"] for told in section["properties"].values())


def test_every_link_within_the_page_leads_somewhere() -> None:
    written = PAGE.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", written, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#([^)]*)\)", written))
    assert links
    assert links - anchors == set()


def test_the_example_of_the_page_is_right() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (whole,) = [block for block in blocks if block.startswith("model:")]
    assert read_spec(whole).features == ("age", "sex", "education", "hours", "full_time", "age_group")
    for part in (block for block in blocks if block is not whole):
        ((section, fields),) = content(part).items()
        columns = {**content(SMALL)["columns"], **{name: {"type": "number"} for name in ("weight", "height", "debt")}}
        spec = {**content(SMALL), "columns": {**columns, "sex": {"type": "text", "protected": True}}}
        changed = {**spec, section: {**spec.get(section, {}), **fields}}
        assert check(json.dumps(changed))[1] == [], part


def test_the_page_tells_the_limits_of_the_code() -> None:
    written = " ".join(PAGE.read_text(encoding="utf-8").split())
    limits = (expression._MOST_CHARACTERS, expression._MOST_NODES, expression._MOST_LEVELS)
    assert f"{limits[0]:,} characters, {limits[1]} parts and {limits[2]} levels" in written


def test_schema_and_checker_agree_on_every_value_that_is_made_wrong() -> None:
    documents = [content(SMALL), RIGHT]
    documents += [replaced(RIGHT, path, value) for path in paths(RIGHT) for value in VALUES]
    verdicts = taken_by_schema(documents)
    assert verdicts[:2] == [True, True]
    assert {True, False} == set(verdicts)
    disagreed = [each for each, taken in zip(documents, verdicts, strict=True) if taken != taken_by_fields(each)]
    assert disagreed == []


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("split: {test: 0.3, by: random}", True),
        ("split: {test: 0.95}", False),
        ("split: {tset: 0.3}", False),
        ("quality: {rejected: '0.2'}", False),
        ("quality: {rejected: true}", False),
        ("quality: {minimum_rows: 2.5}", False),
        ("training: {reweigh: no}", False),
        ("training: {space: {linear: {C: [1, 0.5, x, true, null]}}}", True),
        ("training: {space: {magic: {C: [1]}}}", False),
        ("training: {estimators: []}", False),
        ("gates: {champion_tolerance: null, metrics: {r2: {at_least: 0.5}}}", True),
        ("gates: {metrics: {r2: 0.5}}", False),
        ("release: {trial: {faults: null, latency_ratio: 2.5, latency_ms: 40}}", True),
        ("release: {trial: {latency_ratio: 1}}", False),
        ("release: {trial: {minimum_rows: 9}}", False),
        ("release: {trial: null}", False),
        ("rules: [{name: a, check: member}]", True),
        ("rules: [{name: A, check: member}]", False),
        ("derived: {x: {ratio: [income, age]}}", True),
        ("derived: {x: {ratio: [income]}}", False),
        ("derived: {'a`b': {ratio: [income, age]}}", False),
        ("read: {delimiter: ';', missing: ['-']}", True),
        ("read: {delimiter: '||'}", False),
        ("  more: {type: category, values: [1, b]}", True),
        ("  more: {type: category, values: [1.5]}", False),
        ("  more: {type: number, range: [null, 5], actions: {range: clip}}", True),
        ("  more: {type: number, actions: {size: clip}}", False),
        ("  'mo`re': {type: number}", False),
    ],
)  # fmt: skip
def test_schema_and_checker_agree(line: str, right: bool) -> None:
    text = f"{SMALL}{line}\n"
    assert taken_by_schema([content(text)]) == [right]
    assert (check(text)[1] == []) == right
