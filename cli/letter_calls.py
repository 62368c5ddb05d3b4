"""What the client can ask about dead letters."""

from collections.abc import Sequence

from cli.calls import Calls, given, in_path
from cli.polling import Answer


class LetterCalls(Calls):
    """A part of `GyreClient`."""

    def dead_letters(
        self, *, model: str | None = None, cause: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Answer:
        """What the journal did not take, of the oldest messages first; `cursor` in the answer is where to go on."""
        told: Answer = self.get("journal/dead-letters", **given(limit=limit, model=model, cause=cause, cursor=cursor))
        return told

    def dead_letter(self, letter: str) -> Answer:
        """One of them with its message."""
        told: Answer = self.get(f"journal/dead-letters/{in_path(letter)}")
        return told

    def replay(
        self, letters: Sequence[str] | None = None, *, model: str | None = None, cause: str | None = None,
        cursor: str | None = None,
    ) -> Answer:  # fmt: skip
        """Sends dead letters to the journal again: those that are named, else all, or all that are chosen. There may be
        more than one call does: `cursor` in the answer is where to go on."""
        chosen = given(all=True, model=model, cause=cause, cursor=cursor)
        told: Answer = self.post("journal/replay", chosen if letters is None else {"ids": list(letters)})
        return told
