"""A search whose scores are told by a function, without a row or a fit."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gyre.evaluation.metric import metric_of
from gyre.run_folder import RunFolder
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Search
from gyre.training.candidates import Scored, keep_scored, read_plan
from gyre.training.fitting import Candidate
from gyre.training.search import Proposal, propose
from tests.fakes.objects import MemoryBucket
from tests.unit.training.models import declared

START = datetime(2026, 3, 1, tzinfo=UTC)
# A score, or the reason why there is none; nothing of a task that ended before it told.
Judge = Callable[[Candidate], float | str | None]


@dataclass
class Run:
    """A run's folder, and a clock that stands still unless it is moved."""

    spec: ModelSpec
    folder: RunFolder = field(default_factory=lambda: RunFolder(MemoryBucket(), "m", "r"))
    minutes: float = 0.0

    def propose(self, after: int, first: tuple[Candidate, ...] = (), search: Search | None = None) -> Proposal:
        return propose(
            self.spec, self.folder, after, lambda: START + timedelta(minutes=self.minutes), first, search
        )  # fmt: skip

    def judge(self, proposal: Proposal, judge: Judge, *, backwards: bool = False) -> None:
        """Each candidate of a round, in the one order or the other."""
        for number in reversed(proposal.numbers) if backwards else proposal.numbers:
            planned = read_plan(self.folder).planned(number)
            told, asked = judge(planned.candidate), planned.candidate
            if told is None:
                continue
            scored = Scored(number, planned.round, asked.estimator, asked.parameters, metric_of(self.spec))
            found = {"failed": told} if isinstance(told, str) else {"mean": told, "deviation": 0.0, "scores": (told,)}
            keep_scored(Scored(**{**vars(scored), **found}), self.folder)

    def rounds(self, judge: Judge, *, backwards: bool = False, first: tuple[Candidate, ...] = ()) -> Iterator[Proposal]:
        """All proposals, to the last one."""
        proposal = self.propose(0, first)
        while not proposal.done:
            yield proposal
            self.judge(proposal, judge, backwards=backwards)
            proposal = self.propose(proposal.round)
        yield proposal

    def candidates(self) -> list[Candidate]:
        return [each.candidate for each in read_plan(self.folder).candidates()]


def wide(candidate: Candidate) -> float:
    """Something of every parameter, so that no two candidates are alike."""
    return sum(math.sin(float(value)) for value in candidate.parameters.values() if isinstance(value, int | float))


def run(training: str, task: str = "binary") -> Run:
    return Run(declared(task, training=training))
