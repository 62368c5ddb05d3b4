"""What the client can tell of ground truth, and ask."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.calls import Calls, given
from cli.polling import Answer


class FeedbackCalls(Calls):
    """A part of `GyreClient`."""

    def feedback(self, labels: Sequence[Mapping[str, Any]], *, model: str | None = None) -> Answer:
        """Tells what turned out to be true: up to 1,000 labels, each with `label` and with `event_id` (and `row`) or
        `id`; `model` is that of all that name none."""
        told: Answer = self.post("feedback", given(labels=[given(**each) for each in labels], model=model))
        return told

    def labels(self, *, event: str | None = None, model: str | None = None, named: str | None = None) -> Answer:
        """What was said of the rows of a call, or of those with an id of the caller's."""
        told: Answer = self.get("feedback", **given(event_id=event, model=model, id=named))
        return told
