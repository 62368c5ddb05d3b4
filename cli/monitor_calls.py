"""What the client can ask about models that are watched."""

from collections.abc import Mapping
from typing import Any

from cli.calls import Calls, given, in_path
from cli.polling import Answer


class MonitorCalls(Calls):
    """A part of `GyreClient`."""

    def monitor(self, model: str | None = None, *, hours: float | None = None, since: str | None = None) -> Answer:
        """Starts a look at a model, or at every one that is released; where to follow it."""
        told: Answer = self.post("monitoring/run", given(model=model, hours=hours, since=since))
        return told

    def compare(self, model: str, subject: Mapping[str, Any], reference: Mapping[str, Any] | None = None) -> Answer:
        """Starts a comparison of two sets of data; where to follow it, and where its result will be."""
        asked = given(model=model, subject=dict(subject), reference=reference and dict(reference))
        told: Answer = self.post("data-drift", asked)
        return told

    def look(self, model: str, run: str | None = None) -> Answer:
        """What a look or a comparison found; the last look if none is named."""
        told: Answer = self.get(f"monitoring/{in_path(model)}" + (f"/looks/{in_path(run)}" if run else ""))
        return told

    def report(self, model: str, run: str | None = None) -> str:
        """The page about it."""
        told: str = self.get(f"reports/{in_path(model)}/{in_path(run or 'latest')}")
        return told

    def course(self, model: str, **asked: Any) -> Answer:
        """The figures that looks found, the newest first; `cursor` in the answer is where to go on."""
        told: Answer = self.get(f"monitoring/{in_path(model)}/history", **given(**asked))
        return told

    def notices(self, model: str) -> Answer:
        """What is wrong now, and what people heard of."""
        told: Answer = self.get(f"monitoring/{in_path(model)}/notices")
        return told
