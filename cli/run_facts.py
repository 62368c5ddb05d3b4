"""What the API tells of a run, in the terms of a person: its steps, its search, what it made, how it ended."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.text import figure, moment, shown

Facts = Mapping[str, Any]

# What a step answered lies under its task's name.
_STEP_OF = {
    "fetch": "Fetch", "ingest": "Ingest", "pin": "Pin", "split": "Split", "propose": "Propose", "fit": "Fit",
    "evaluate": "Evaluate", "fairness": "Fairness", "register": "Register", "gates": "Gates", "promote": "Promote",
    "evaluate_version": "Evaluate a version", "plan": "Plan", "predict": "Predict all", "join": "Join",
}  # fmt: skip
_SEARCH = ("Propose", "Score")
# What these found is told while they go on.
_TOLD_ON_THE_WAY = ("propose", "predict")
# A run goes on without these.
_SURVIVED = ("Score", "Mirror")
_NOTICE = "Tell "


@dataclass(frozen=True)
class Search:
    """How far the search came."""

    round: int
    done: int
    planned: int
    """So far: the next round is planned when this one is scored."""
    failed: int
    best: int | None
    score: float | None
    """Of the best one, where the API tells it."""
    because: str
    """Why it ended; empty while it goes on."""


@dataclass(frozen=True)
class Row:
    """One step of a run. The search, which goes to and fro between two, is one."""

    name: str
    status: str
    seconds: float | None
    note: str
    search: Search | None = None
    visit: int = 1


@dataclass(frozen=True)
class RunFacts:
    """One answer of GET /runs/{run}."""

    told: Facts

    @property
    def name(self) -> str:
        return str(self.told["run"])

    @property
    def model(self) -> str:
        return str(self.told.get("input", {}).get("model", ""))

    @property
    def status(self) -> str:
        return str(self.told["status"])

    @property
    def waits(self) -> bool:
        return self.status == "running" and waits(self.told)

    @property
    def steps(self) -> Sequence[Facts]:
        return tuple(self.told.get("steps", ()))

    def found(self, task: str) -> Facts:
        """What a step answered in this attempt; of an attempt before, what is there may not hold any more."""
        step = self._step(_STEP_OF[task])
        if step is None or (step["status"] != "succeeded" and task not in _TOLD_ON_THE_WAY):
            return {}
        return _map(_map(self.told.get("found")).get(task))

    @property
    def output(self) -> Facts:
        """What the run ended with."""
        return _map(self.told.get("output"))

    @property
    def version(self) -> int | None:
        """That was registered, or that was evaluated."""
        told = self.found("register") or self.found("evaluate_version")
        return told.get("version")

    @property
    def search(self) -> Search | None:
        """None before there is one."""
        told = self.found("propose")
        if not told:
            return None
        settled = int(told.get("scored", 0)) + int(told.get("failed", 0))
        planned = settled + len(told.get("numbers", ()))
        done = planned if told.get("done") else min(planned, max(settled, self._scored(told)))
        return Search(
            int(told.get("round", 0)), done, planned, int(told.get("failed", 0)), told.get("best"),
            told.get("best_score"), str(told.get("because") or ""),
        )  # fmt: skip

    def _scored(self, told: Facts) -> int:
        """Visits that have ended. How many go on is not told: at most as many as may, side by side."""
        step = self._step("Score")
        if step is None:
            return 0
        return int(step["visits"]) - (int(told.get("concurrency", 1)) if step["status"] == "running" else 0)

    @property
    def failure(self) -> tuple[str | None, str]:
        """The step that ended the run, and why."""
        failed = [each for each in self.steps if each["status"] == "failed" and not each["name"].startswith(_NOTICE)]
        grave = [each for each in failed if each["name"] not in _SURVIVED] or failed
        if not grave:
            return None, _cause(self.told.get("cause"))
        last = max(grave, key=lambda each: each.get("ended_at") or "")
        return last["name"], str(last.get("cause") or _cause(self.told.get("cause")))

    @property
    def lag(self) -> str | None:
        """Why MLflow does not know what serves, if it does not."""
        step = self._step("Mirror")
        return str(step.get("cause") or "for an unknown reason") if step and step["status"] == "failed" else None

    def rows(self, now: datetime | None = None) -> list[Row]:
        """The steps as far as they were entered; of notices only those that failed."""
        made: list[Row] = []
        for step in self.steps:
            name = str(step["name"])
            if name in _SEARCH:
                if not any(row.name == "Search" for row in made):
                    made.append(self._search_row(now or datetime.now(UTC)))
            elif not name.startswith(_NOTICE) or step["status"] == "failed":
                seconds = _seconds(step, now or datetime.now(UTC))
                visit = int(step.get("visits", 1))
                going = self._ranges() if name == _STEP_OF["predict"] else None
                made.append(Row(shown(name), str(step["status"]), seconds, self._note(name), going, visit))
        return made

    def _ranges(self) -> "Search | None":
        """How many ranges of a file are done, as a search is told."""
        told = self.found("predict")
        if not told:
            return None
        return Search(1, int(told.get("done", 0)), int(told.get("ranges", 0)), 0, None, None, "")

    def _search_row(self, now: datetime) -> Row:
        parts = [each for each in map(self._step, _SEARCH) if each]
        search, gone = self.search, [each for each in self.steps if each["name"] == "Fit"]
        over = bool(gone) or (search is not None and bool(search.because) and _ended(parts))
        failed = self.status != "running" and not over
        status = "failed" if failed else "succeeded" if over else "running"
        began = {"started_at": min(each["started_at"] for each in parts)}
        ended = max((each.get("ended_at") or "" for each in parts), default="")
        seconds = _seconds(began | ({"ended_at": ended} if status != "running" else {}), now)
        return Row("Search", status, seconds, _search_note(search), search)

    def _note(self, step: str) -> str:
        """The one thing to know of it."""
        task = next((task for task, name in _STEP_OF.items() if name == step), "")
        told = self.found(task) if task else {}
        note = _NOTES.get(task)
        if step == "Ask" and self.waits:
            return "waits for a person"
        return shown(note(told)) if note and told else ""

    def _step(self, name: str) -> Facts | None:
        return next((each for each in self.steps if each["name"] == name), None)


def waits(told: Facts) -> bool:
    """Whether a run asks a person, which may take days."""
    return any(step["name"] == "Ask" and step["status"] == "running" for step in told.get("steps", ()))


def _search_note(search: Search | None) -> str:
    if search is None:
        return ""
    best = "" if search.best is None else f", best: candidate {search.best}"
    best += f" with {figure(search.score)}" if best and search.score is not None else ""
    failed = f", {search.failed} failed" if search.failed else ""
    if search.because:
        return shown(f"{search.because}{failed}{best}")
    return f"{search.done} of {search.planned} scored{best}, round {search.round}{failed}"


def _data(told: Facts) -> str:
    rejected = f", {figure(told['rejected'])} rejected" if told.get("rejected") else ""
    return f"dataset version {told.get('version')}, {figure(told.get('rows'))} rows{rejected}"


def _split(told: Facts) -> str:
    return ", ".join(f"{part} {figure(rows)}" for part, rows in _map(told.get("rows")).items())


def measured(told: Facts) -> str:
    """A metric, with the baseline's beside it."""
    beside = f" (baseline {figure(told['baseline'])})" if told.get("baseline") is not None else ""
    return f"{told.get('metric')} {figure(told.get('value'))}{beside}"


_NOTES: Mapping[str, Callable[[Facts], str]] = {
    "fetch": lambda told: str(told.get("key", "")),
    "ingest": _data,
    "pin": _data,
    "split": _split,
    "fit": lambda told: str(told.get("estimator", "")),
    "evaluate": measured,
    "evaluate_version": measured,
    "register": lambda told: f"version {told.get('version')}",
    "gates": lambda told: str(told.get("because", "")),
    "plan": lambda told: f"{figure(told.get('rows'))} rows in {figure(told.get('ranges'))} ranges",
    "predict": lambda told: f"{figure(told.get('done'))} of {figure(told.get('ranges'))} ranges",
    "join": lambda told: str(told.get("out", "")),
}


def _ended(steps: Sequence[Facts]) -> bool:
    return all(each["status"] != "running" for each in steps)


def _seconds(step: Facts, now: datetime) -> float | None:
    began, ended = moment(step.get("started_at")), moment(step.get("ended_at")) or now
    return max(0.0, (ended - began).total_seconds()) if began else None


def _cause(told: Any) -> str:
    """Lambda tells a cause as JSON with a message in it; anything else is the message itself."""
    try:
        found = json.loads(told or "")
    except (ValueError, TypeError):
        return str(told or "the cause is not told")
    return str(found["errorMessage"]) if isinstance(found, dict) and "errorMessage" in found else str(told)


def _map(told: Any) -> Facts:
    return told if isinstance(told, Mapping) else {}
