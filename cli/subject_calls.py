"""What the client says about persons."""

from cli.calls import Calls, in_path
from cli.polling import Answer


class SubjectCalls(Calls):
    """A part of `GyreClient`."""

    def subject(self, subject: str, limit: int = 100) -> Answer:
        """What is kept about a person."""
        told: Answer = self.get(f"subjects/{in_path(subject)}", limit=limit)
        return told

    def erase_subject(self, subject: str) -> Answer:
        """Begins the erasure of a person, or goes on with it; returns its name."""
        told: Answer = self.delete(f"subjects/{in_path(subject)}")
        return told

    def erasure(self, erasure: str) -> Answer:
        """How far an erasure is, and in the end its proof."""
        told: Answer = self.get(f"subjects/erasures/{in_path(erasure)}")
        return told
