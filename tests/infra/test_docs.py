"""README.md and docs/training.md: their tables, pictures and commands are those of the code."""

import ast
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest

from cli.main import parser
from gyre.evaluation.disparity import LEAST_ROWS
from gyre.evaluation.evaluate import evaluate
from gyre.evaluation.fairness import fairness
from gyre.http.routes import releases, training, versions
from gyre.http.run_answer import run_answer
from gyre.registry.approval import APPROVALS
from gyre.registry.card import MOST_CANDIDATES
from gyre.registry.gates import Gate
from gyre.registry.mirror import MIRRORS
from gyre.registry.releases import MOST_EARLIER, MOVES, POINTERS
from gyre.registry.version import VERSIONS
from gyre.run_folder import RUNS, RunFolder
from gyre.settings import ScienceSettings
from gyre.spec.check import check, read_spec
from gyre.spec.versions import SPECS
from gyre.tasks.gates import _LEAST_UNSEEN
from gyre.tasks.training import _REUSED
from gyre.training.making import _TIMED_ROWS, BUNDLES
from gyre.workflow import MOST_ATTEMPTS, Run, Step
from infra.openapi import document
from tests.fakes.objects import MemoryBucket
from tests.infra.facts import ROOT, machines, template
from tests.unit.evaluation.parts import classified, measured, people

README, PAGE = ROOT / "README.md", ROOT / "docs/training.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/decisions").glob("*.md"))]
LAMBDA = "arn:aws:states:::lambda:invoke"
State = dict[str, Any]


def rows(mark: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- end -->", PAGE.read_text(), re.DOTALL)
    assert found is not None, mark
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found[1].splitlines()[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def shell(path: Path) -> Iterator[str]:
    """The commands of a page, one a line."""
    for block in re.findall(r"^```sh\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE):
        yield from block.splitlines()


@cache
def states() -> Mapping[str, State]:
    """Those of the training, and those within its Map."""
    found = dict(machines()["training.asl.json"]["States"])
    for state in list(found.values()):
        found |= state.get("ItemProcessor", {}).get("States", {})
    return found


def steps() -> dict[str, State]:
    """The states that do a task."""
    return {name: each for name, each in states().items() if str(each.get("Resource")).startswith(LAMBDA)}


# --- the tables of docs/training.md -----------------------------------------------------------------------------------


def test_the_table_of_steps_tells_each_step_and_what_it_hands_on() -> None:
    told = {quoted(name)[0]: quoted(answer) for name, _, _, answer in rows("steps")}
    selected = {name: [key.removesuffix(".$") for key in each["ResultSelector"]] for name, each in steps().items()}
    assert told == selected


def test_the_notices_are_those_of_the_machine() -> None:
    sent = {each["Parameters"]["Message"]["kind"] for each in states().values() if "sns" in each.get("Resource", "")}
    assert {quoted(kind)[0] for kind, _ in rows("notices")} == sent


def test_the_gates_are_those_of_the_code() -> None:
    assert {quoted(gate)[0] for gate, _, _ in rows("gates")} == set(get_args(Gate))


COLUMNS = "columns: {y: {type: %s}, x: {type: number}, mood: {type: category, protected: true}}"
CLASSES = read_spec(f"model: m\ntask: multiclass\ntarget: y\n{COLUMNS % 'category'}\n")
NUMBERS = read_spec(f"model: m\ntask: regression\ntarget: y\n{COLUMNS % 'number'}\n")


def test_the_figures_are_those_of_an_evaluation() -> None:
    for spec, answers, (_, names) in zip((CLASSES, NUMBERS), _answers(), rows("figures"), strict=True):
        found = evaluate(spec, *answers, {}, seed=1).figures
        assert set(quoted(names)) == {re.sub(r"\.c\d$", ".<class>", name) for name in found}


def test_the_fairness_figures_are_those_that_are_measured() -> None:
    for spec, answers, (_, names) in zip((CLASSES, NUMBERS), _answers(), rows("fairness"), strict=True):
        found = fairness(spec, *answers, {"mood": people(1, 600)["mood"]}).figures
        assert found and set(quoted(names)) == {name for name in found if "." not in name}


def _answers() -> list[tuple[Any, Any]]:
    return [classified(1, 600, 3), measured(1, 600)]


def test_a_run_answers_with_these_fields() -> None:
    told = {name: meaning for cell, meaning in rows("run") for name in quoted(cell)}
    now, artifacts = datetime(2026, 11, 21, tzinfo=UTC), MemoryBucket()
    step = Step("Fit", "failed", now, now, "why", 2, 1)
    run = Run("run-1", "failed", now, now, "why", {"model": "m"}, {"data": {}}, (step,), 2)
    RunFolder(artifacts, "m", "run-1").write_json("steps/fit.json", {"answer": {"estimator": "linear"}})
    answer = run_answer(run, artifacts)
    assert set(told) == set(answer)
    assert set(quoted(told["steps"])) - {"Score"} == set(answer["steps"][0]) == {each.name for each in fields(Step)}
    assert answer["found"] == {"fit": {"estimator": "linear"}} and "fit" in quoted(told["found"])


def test_what_a_resumed_run_does_again_is_told_of_every_step() -> None:
    told = [(quoted(names), what) for names, what in rows("resumed")]
    assert sorted(name for names, _ in told for name in names) == sorted(steps())
    tasks = [steps()[name]["Parameters"]["Payload"]["task"] for name in told[0][0]]
    assert set(tasks) == _REUSED and told[0][1].startswith("No")


def test_the_keys_are_those_of_the_code() -> None:
    tracking = ScienceSettings(environment="local", artifact_bucket="b", data_bucket="d").tracking
    folders = {SPECS, RUNS, BUNDLES, VERSIONS, POINTERS, MOVES, APPROVALS, MIRRORS, tracking.split("/")[3] + "/"}
    assert {re.sub(r"<.*", "", quoted(key)[0]) for key, _ in rows("artifacts")} == folders


def test_the_tasks_of_training_may_write_wherever_a_run_leaves_something() -> None:
    """The emulator lets anybody write anywhere: only AWS would tell."""
    (policy,) = template()["Resources"]["TrainTasksFunction"]["Properties"]["Policies"]
    writable = [str(each["Resource"]) for each in policy["Statement"] if "s3:PutObject" in each["Action"]]
    for key, _ in rows("artifacts"):
        folder = re.sub(r"<.*", "", quoted(key)[0])
        assert folder == SPECS or any(f"ArtifactBucketName}}/{folder}*" in each for each in writable), folder


@cache
def sentences() -> tuple[str, ...]:
    """Every text of the package; what is filled in is `…`."""
    found = []
    for path in (ROOT / "layers/gyre/gyre").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [each.value if isinstance(each, ast.Constant) else "…" for each in node.values]
                found.append("".join(map(str, parts)))
    return tuple(found)


@pytest.mark.parametrize(("given", "step", "says"), rows("failures"), ids=lambda cell: cell[:30])
def test_a_failure_is_told_in_words_of_the_code_by_a_step_of_the_machine(given: str, step: str, says: str) -> None:
    assert quoted(step)[0] in steps()
    pieces = [piece.strip() for piece in says.split("…") if piece.strip()]
    assert pieces
    pattern = re.compile(".*".join(map(re.escape, pieces)), re.DOTALL)
    assert [text for text in sentences() if pattern.search(text)], f"{given}: nothing says {says!r}"


def test_the_limits_are_those_of_the_code() -> None:
    text = " ".join(PAGE.read_text().split())
    tasks = template()["Resources"]["TrainTasksFunction"]["Properties"]
    workers = template()["Parameters"]["SearchWorkers"]
    for limit in (
        f"One task has {tasks['Timeout'] // 60} minutes and {tasks['MemorySize']:,} MB",
        f"{workers['MaxValue']} side by side; `SearchWorkers` of the deployment ({workers['Default']},",
        f"finds the last {MOST_EARLIER} former releases",
        f"fewer than {_LEAST_UNSEEN}, it answers the whole test part",
        f"Groups under {LEAST_ROWS} test rows",
        f"the {MOST_CANDIDATES} best candidates",
        f"the median of {_TIMED_ROWS} single predictions",
        f"up to {MOST_ATTEMPTS} attempts",
    ):
        assert limit in text, limit


# --- examples ---------------------------------------------------------------------------------------------------------


def test_the_example_of_the_spec_is_right() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    columns = "  y: {type: category}\n  x: {type: number}\n  sex: {type: category, protected: true}\n"
    assert check(f"model: m\ntask: multiclass\ntarget: y\ncolumns:\n{columns}{block}")[1] == []


@pytest.mark.parametrize("path", [README, PAGE], ids=lambda path: path.name)
def test_every_gyre_command_can_be_typed(path: Path) -> None:
    lines = [line for line in shell(path) if line.startswith("./gyre ")]
    assert len(lines) > 4
    for line in lines:
        words = shlex.split(line.partition(" > ")[0], comments=True)
        parser().parse_args(words[1:])


BODIES = {**vars(training), **vars(versions), **vars(releases)}


def test_every_curl_asks_for_a_route_with_a_body_that_it_takes() -> None:
    lines = [shlex.split(line) for line in shell(PAGE) if line.startswith("curl ")]
    assert len(lines) > 12
    for words in lines:
        assert words[:3] == ["curl", "-H", "$KEY"]
        body = words[words.index("--json") + 1] if "--json" in words else None
        method = "POST" if body or "-X" in words else "GET"
        (address,) = [word for word in words if word.startswith("$GYRE")]
        route = _route(method, address.removeprefix("$GYRE"))
        assert route is not None, words
        if body:
            (schema,) = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(route["requestBody"])))
            BODIES[schema].model_validate_json(body)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_route_that_a_page_names_is_one(path: Path) -> None:
    for method, named in re.findall(r"\b(GET|POST|PUT|DELETE) (/[\w{}/<>.-]*)", path.read_text()):
        assert _route(method, named) is not None, f"{method} {named}"


@cache
def _paths() -> dict[str, Any]:
    return dict(document()["paths"])


def _route(method: str, path: str) -> dict[str, Any] | None:
    wanted = path.split("/")
    for known, methods in _paths().items():
        parts = known.split("/")
        if len(parts) == len(wanted) and all(map(_alike, wanted, parts)) and method.lower() in methods:
            return dict(methods[method.lower()])
    return None


def _alike(asked: str, known: str) -> bool:
    return asked == known or known.startswith("{")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for name, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", path.read_text()):
        target = (path.parent / name) if name else path
        assert target.exists(), name
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


# --- the README -------------------------------------------------------------------------------------------------------


def test_the_picture_shows_ways_of_the_machine() -> None:
    """Each arrow leads from a step to one that may come next."""
    (picture,) = re.findall(r"```mermaid\n(.*?)```", README.read_text(), re.DOTALL)
    arrows = 0
    for line in picture.splitlines()[1:]:
        names = re.split(r" -- .*? --> | --> ", line.strip())
        for before, after in pairwise(names):
            assert after in _following(before), f"{before} --> {after}"
            arrows += 1
    assert arrows > 10


def _following(step: str) -> set[str]:
    """The steps that may come next, whatever is told or decided between."""
    outer = next((name for name, each in states().items() if step in _inner(each)), step)
    todo, passed, found = list(_next(states()[outer])), set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in passed:
            continue
        passed.add(name)
        if name in steps():
            found.add(name)
        elif inner := _inner(states()[name]):
            found |= set(inner) & set(steps())
        else:
            todo += _next(states()[name])
    return found


def _inner(state: State) -> dict[str, State]:
    return dict(state.get("ItemProcessor", {}).get("States", {}))


def _next(state: State) -> list[str]:
    ways = [each["Next"] for each in state.get("Choices", ())]
    return ways + [state[key] for key in ("Next", "Default") if key in state]


def test_the_map_names_every_function_room_machine_and_example() -> None:
    (block,) = re.findall(r"^```\n(template\.yaml.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    told = dict(re.findall(r"^(\S+) +(.*(?:\n +.*)*)", block, re.MULTILINE))
    for place, known in {
        "functions/": {path.parent.name for path in (ROOT / "functions").glob("*/app.py")},
        "layers/gyre/gyre/": {path.parent.name for path in (ROOT / "layers/gyre/gyre").glob("*/__init__.py")},
        "infra/statemachines/": {name.partition(".")[0] for name in machines()},
        "examples/": {path.parent.name for path in (ROOT / "examples").glob("*/model.yaml")},
        "docs/": {path.name for path in (ROOT / "docs").glob("*.md")},
    }.items():
        words = set(re.findall(r"[\w.-]*\w", told[place]))
        assert known <= words, f"{place} lacks {known - words}"
