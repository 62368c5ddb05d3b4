"""A deployed stack in memory: the real routes over the fakes, reached through the client's own HTTP; runs that go on as
a test tells them."""

import io
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx

from cli.client import Clock, GyreClient
from cli.main import main
from gyre.registry.approval import ask
from gyre.run_folder import RunFolder
from gyre.training.intake import take_in
from gyre.workflow import Run, RunStatus, Step, StepStatus
from infra.deploy.record import StackRecord
from tests.unit.parts import House, caller
from tests.unit.registry.house import registered

BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
URL = "http://127.0.0.1:4566/v1"
RUN = "train_20261121T090000-0a1b2c3d"
SPEC = b"""\
model: wine
task: binary
target: good
owner: ada
columns:
  good: {type: boolean}
  acid: {type: number, required: true}
"""


def record(**facts: Any) -> StackRecord:
    told: dict[str, Any] = {
        "environment": "local", "stack": "gyre-local", "region": "eu-central-1", "endpoint_url": "http://127.0.0.1:4566",
        "api_url": URL, "api_key": "key", "data_bucket": "data", "artifact_bucket": "artifacts",
        "journal_queue_url": "", "journal_dead_letters_url": "", "notices_topic": "", "training_state_machine": "",
        "monitoring_state_machine": "", "version": "1", "commit": "c0ffee",
    }  # fmt: skip
    return StackRecord(**told | facts)


class Time:
    """Waiting takes none; what was waited is kept."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.pause)


class Stack:
    """What a command meets."""

    def __init__(self) -> None:
        self.house = House()
        self.time = Time()
        self.record = record()
        self.asked: list[tuple[str, str, Any]] = []
        """Each call: method, path with its query, body."""
        self.headers: list[httpx.Headers] = []
        self.next: deque[Callable[[], Any]] = deque()
        """What happens before each look at a run."""
        self.screen: Terminal | None = None
        routers = self.house.routers()
        behind = [*routers["training_trigger"], *routers["prediction_log"], *routers["drift"]]
        self._api = caller(self.house.app(*behind), self.house.add_key())

    def client(self) -> GyreClient:
        return GyreClient(self.record, httpx.MockTransport(self.answer), self.time.clock())

    def call(self, *arguments: str) -> int:
        """As somebody types it."""
        with redirect_stdout(self.screen) if self.screen else nullcontext():
            return main(arguments, self.client)

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        path = str(request.url).removeprefix(URL)
        self.asked.append((request.method, path, body))
        self.headers.append(request.headers)
        if request.url.scheme == "memory":
            key = unquote(str(request.url).removeprefix("memory://").split("?")[0])
            if request.method == "GET":
                return httpx.Response(200, content=self.house.data.read(key).content)
            return self._put(key, body)
        looks = request.method == "GET" and path.startswith("/runs/")
        if looks and self.next and isinstance(told := self.next.popleft()(), httpx.Response):
            return told
        kept = {name: each for name, each in request.headers.items() if name == "content-type"}
        told = self._api.request(request.method, path, content=body, headers=kept)
        return httpx.Response(told.status_code, content=told.content, headers=dict(told.headers))

    def _put(self, key: str, body: bytes) -> httpx.Response:
        """As S3 does, whose event starts the run."""
        version = self.house.data.put(key, body)
        take_in(key, version, self.house.data, self.house.artifacts, self.house.workflow)
        return httpx.Response(200, headers={"x-amz-version-id": version})

    # --- what a run does ----------------------------------------------------------------------------------------------

    def begin(self, run: str = RUN, model: str = "wine", **asked: Any) -> None:
        """A run that somebody started."""
        told = {"run": run, "model": model, "upload": None, "dataset": None, "fetch": None, "evaluate": None, **asked}
        self.house.workflow.runs[run] = Run(run, "running", BEGAN, input=told)

    def on(self, *steps: Step, run: str = RUN, status: RunStatus = "running", **facts: Any) -> None:
        """It has these steps now; those of before stay as they were."""
        now = self.house.workflow.runs[run]
        kept = {each.name: each for each in (*now.steps, *steps)}
        ended = None if status == "running" else BEGAN + timedelta(seconds=90)
        self.house.workflow.runs[run] = replace(
            now, steps=tuple(kept.values()), status=status, ended_at=ended, **facts
        )  # fmt: skip

    def found(self, task: str, run: str = RUN, model: str = "wine", **answer: Any) -> None:
        """What a step answered, as its task keeps it."""
        folder = RunFolder(self.house.artifacts, model, run)
        folder.write_json(f"steps/{task}.json", {"asked": "", "at": "", "seconds": 1.0, "answer": answer})

    def register(self, version: int = 1, **facts: Any) -> None:
        registered("wine", version, self.house.artifacts, **facts)

    def ask(self, version: int = 1, token: str = "token") -> None:
        self.house.workflow.waiting.add(token)
        self.house.workflow.start(RUN, {"model": "wine"})
        ask("wine", version, RUN, token, self.house.artifacts, against=0)


def step(
    name: str, status: StepStatus = "succeeded", at: float = 0, took: float | None = None, cause: str | None = None,
    visits: int = 1, failed: int = 0,
) -> Step:  # fmt: skip
    began = BEGAN + timedelta(seconds=at)
    ended = None if status == "running" else began + timedelta(seconds=1.0 if took is None else took)
    return Step(name, status, began, ended, cause, visits, failed)


def trained(stack: Stack, version: int = 1) -> None:
    """The run has come from its data to the gates."""
    stack.found("pin", version=4, rows=1391, rejected=13)
    stack.found("split", key="splits/x.json", rows={"train": 974, "test": 278, "reference": 139})
    stack.found(
        "propose", round=2, numbers=[], done=True, best=7, because="no gain in 1 round", scored=11, failed=1,
        concurrency=4,
    )  # fmt: skip
    stack.found("fit", bundle={}, unweighed=None, estimator="boosting")
    stack.found("evaluate", metric="f1_macro", value=0.87123, baseline=0.0834, key="k")
    stack.found("register", version=version, tracked="t")
    stack.on(
        step("Pin"), step("Split", at=1), step("Propose", at=2, visits=3),
        step("Score", at=3, took=20, visits=12, failed=1), step("Fit", at=24, took=3.4),
        step("Evaluate", at=28), step("Fairness", at=29), step("Register", at=30),
    )  # fmt: skip
    stack.register(version, run=RUN)


def released(stack: Stack, version: int = 1, before: int | None = None) -> None:
    """And the gates let it through."""
    trained(stack, version)
    stack.found("gates", outcome="promote", because="All 5 gates passed.", expected=before or 0)
    stack.found("promote", revision=1, before=before)
    stack.on(
        step("Gates", at=31), step("Promote", at=32), step("Mirror", at=33), step("Tell the release", at=34),
        status="succeeded", output={"approval": {"approved": True, "actor": "gates"}},
    )  # fmt: skip


class Terminal(io.StringIO):
    """A terminal that shows what a person would see on it."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> Sequence[str]:
        """The lines at the end; a line that was wiped is gone."""
        return [line.rpartition("\r\x1b[K")[2] for line in self.getvalue().split("\n")]
