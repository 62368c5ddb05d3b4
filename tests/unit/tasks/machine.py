"""A state machine as Step Functions walks it: tasks are called, notices kept, errors caught by name.

It knows as much of the Amazon States Language as ours needs, and like Step Functions it fails where a path leads to
nothing."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MACHINES = Path(__file__).resolve().parents[3] / "infra/statemachines"
LAMBDA, WAITING, NOTICE = (
    f"arn:aws:states:::{each}" for each in ("lambda:invoke", "lambda:invoke.waitForTaskToken", "sns:publish")
)
ITEMS = "arn:aws:states:::s3:getObject"
TOO_MANY = "The specified tolerated failure threshold was exceeded"
_MOST_STATES = 500
_FORMAT = re.compile(r"States\.Format\('(?P<text>[^']*)', (?P<path>\$[\w.]*)\)")
_MERGE = re.compile(r"States\.JsonMerge\(States\.StringToJson\('(?P<text>[^']*)'\), (?P<path>\$[\w.]*), false\)")

_CONTAINS = re.compile(r"States\.ArrayContains\((?P<path>\$[\w.]*), '(?P<value>[^']*)'\)")


class Failed(Exception):
    """A task raised, or a state machine ended in a Fail."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class Killed(Exception):
    """The execution was ended from outside, or the process died: nothing catches that."""


@dataclass
class Machine:
    """One state machine; `before` and `person` are what others do meanwhile."""

    call: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    definition: str = "training.asl.json"
    read: Callable[[str], bytes] | None = None
    """An object of the data bucket, as a Distributed Map reads its items."""
    person: Callable[[str], Mapping[str, Any]] | None = None
    """What a person answers to a token; without one nobody ever does."""
    before: dict[str, list[Callable[[], Any]]] = field(default_factory=dict)
    """By state: each happens once, right before the state is entered."""
    tolerant: bool = False
    """As LocalStack's, whose Distributed Map goes on whatever becomes of its items."""
    visited: list[str] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)

    def run(self, told: Mapping[str, Any], name: str = "run-1") -> dict[str, Any]:
        """The state at the end; `Failed` as the execution fails."""
        machine = json.loads((MACHINES / self.definition).read_text())
        return dict(self._walk(machine, _plain(told), {"Execution": {"Name": name}}))

    def _walk(self, machine: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> Any:
        name = machine["StartAt"]
        while True:
            self.visited.append(name)
            if len(self.visited) > _MOST_STATES:
                raise AssertionError(f"it goes on for ever: {self.visited[-20:]}")
            for happens in self.before.get(name, [])[:1]:
                self.before[name].remove(happens)
                happens()
            state = machine["States"][name]
            try:
                data, following = self._state(state, data, context)
            except Failed as failure:
                caught = next((each for each in state.get("Catch", ()) if _catches(each, failure)), None)
                if caught is None:
                    raise
                data = _put(data, caught["ResultPath"], {"Error": failure.error, "Cause": failure.cause})
                following = caught["Next"]
            if following is None:
                return data
            name = following

    def _state(self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> tuple[Any, str | None]:
        following = state.get("Next")
        match state["Type"]:
            case "Succeed":
                return data, None
            case "Fail":
                raise Failed(_at(state["ErrorPath"], data, context), _at(state["CausePath"], data, context))
            case "Choice":
                chosen = (each["Next"] for each in state["Choices"] if _holds(each, data))
                return data, next(chosen, state["Default"])
            case "Wait":
                return data, following
            case "Pass":
                found = _filled(state["Parameters"], data, context) if "Parameters" in state else data
                found = state.get("Result", found)
            case "Map":
                assert isinstance(_at(state["MaxConcurrencyPath"], data, context), int)
                found = self._distributed(state, data) if "ItemReader" in state else self._inline(state, data, context)
            case "Parallel":
                found = [self._walk(branch, data, context) for branch in state["Branches"]]
            case "Task":
                found = self._task(state, data, context)
        put = _put(data, state.get("ResultPath", "$"), found)
        return _at(state.get("OutputPath", "$"), put, context), following

    def _inline(self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> list[Any]:
        return [self._item(state, data, each, context) for each in _at(state["ItemsPath"], data, {})]

    def _distributed(self, state: Mapping[str, Any], data: Any) -> list[Any]:
        """Which item failed, and why, is not told: only that too many did."""
        reader = state["ItemReader"]
        assert (reader["Resource"], reader["ReaderConfig"]) == (ITEMS, {"InputType": "JSON"}) and self.read
        items = json.loads(self.read(_filled(reader["Parameters"], data, {})["Key"]))
        assert isinstance(items, list) and state.get("ToleratedFailurePercentage", 0) == 0
        found = []
        for each in items:
            try:
                found.append(self._item(state, data, each, {}))
            except Failed:
                if not self.tolerant:
                    raise Failed("States.ExceedToleratedFailureThreshold", TOO_MANY) from None
        return found

    def _item(self, state: Mapping[str, Any], data: Any, item: Any, context: Mapping[str, Any]) -> Any:
        context = {**context, "Map": {"Item": {"Value": item}}}
        return self._walk(state["ItemProcessor"], _filled(state["ItemSelector"], data, context), context)

    def _task(self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> Any:
        context = {**context, "Task": {"Token": f"token-{len(self.visited)}"}}
        sent = _plain(_filled(state["Parameters"], data, context))
        match state["Resource"]:
            case resource if resource == NOTICE:
                self.notices.append(sent["Message"])
                return {}
            case resource if resource == WAITING:
                self._called(sent["Payload"])
                if self.person is None:
                    raise Failed("States.Timeout", "")
                answer = self.person(context["Task"]["Token"])
            case resource if resource == LAMBDA:
                answer = {"Payload": self._called(sent["Payload"])}
            case other:
                raise AssertionError(f"no such resource here: {other}")
        return _filled(state["ResultSelector"], _plain(answer), context)

    def _called(self, event: Mapping[str, Any]) -> Any:
        try:
            return self.call(event)
        except Killed:
            raise
        except Exception as error:  # Lambda tells any of them by the name of its class
            raise Failed(type(error).__name__, str(error)) from error


def _plain(told: Any) -> Any:
    """As it comes out of JSON."""
    return json.loads(json.dumps(told, allow_nan=False))


def _filled(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    if isinstance(template, dict):
        return {
            name.removesuffix(".$"): _told(each, data, context) if name.endswith(".$") else _filled(each, data, context)
            for name, each in template.items()
        }
    return template


def _told(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    if asked := _FORMAT.fullmatch(path):
        return asked["text"].replace("{}", str(_at(asked["path"], data, context)))
    if asked := _MERGE.fullmatch(path):
        return {**json.loads(asked["text"]), **_at(asked["path"], data, context)}
    if asked := _CONTAINS.fullmatch(path):
        return asked["value"] in _at(asked["path"], data, context)
    if path.startswith("States."):
        raise AssertionError(f"no such function here: {path}")
    return _at(path, data, context)


def _at(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    found = context if path.startswith("$$.") else data
    for name in path.lstrip("$").split(".")[1:]:
        if not isinstance(found, Mapping) or name not in found:
            raise AssertionError(f"States.Runtime: {path} leads to nothing in {json.dumps(data)[:500]}")
        found = found[name]
    return found


def _put(data: Any, path: str | None, found: Any) -> Any:
    if path is None:
        return data
    if path == "$":
        return found
    return {**data, path.removeprefix("$."): found}


def _catches(caught: Mapping[str, Any], failure: Failed) -> bool:
    return failure.error in caught["ErrorEquals"] or "States.ALL" in caught["ErrorEquals"]


def _holds(rule: Mapping[str, Any], data: Any) -> bool:
    if "And" in rule:
        return all(_holds(each, data) for each in rule["And"])
    (kind,) = rule.keys() - {"Variable", "Next"}
    if kind == "IsPresent":
        try:
            _at(rule["Variable"], data, {})
        except AssertionError:
            return not rule[kind]
        return bool(rule[kind])
    found = _at(rule["Variable"], data, {})
    match kind:
        case "IsNull":
            return (found is None) is bool(rule[kind])
        case "BooleanEquals" | "StringEquals" | "NumericEquals":
            return type(found) is type(rule[kind]) and bool(found == rule[kind])
        case "NumericGreaterThan":
            return bool(found > rule[kind])
    raise AssertionError(f"no such rule here: {kind}")
