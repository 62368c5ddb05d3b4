"""One SQLite file in S3 as this process sees it: reads from a copy, writes by compare and swap."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from gyre.aws.mlflow_store import files
from gyre.aws.mlflow_store.address import Address, Habits
from gyre.aws.mlflow_store.copies import Copies, Copy
from gyre.aws.mlflow_store.remote import Remote
from gyre.errors import Conflict, Invalid, NotFound, TooLarge, TooManyRequests, Unavailable

# A connection that nobody announced (MLflow's server reads past the stores here and there) sees at most so old a copy.
STRAY_SECONDS = 1.0
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 2.5
MOST_LOST = 8

MEGABYTE = 1_000_000


class _Here(threading.local):
    """What the calling thread is in the middle of."""

    draft: Path | None = None
    reading: Path | None = None


@dataclass(frozen=True)
class Done[T]:
    """What a write gave, in a box, because None is an answer too."""

    result: T


class Database:
    """Threads share it: they read side by side, each call from one content, and write one after the other."""

    def __init__(
        self,
        address: Address,
        remote: Remote,
        check: Callable[[Path, str], None] = lambda path, where: None,  # noqa: ARG005
        pause: Callable[[float], None] = time.sleep,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.address = address
        self._remote, self._check, self._pause, self._draw = remote, check, pause, draw
        self.start_anew()

    def start_anew(self) -> None:
        """Also for a forked child, which shares neither files nor locks with its parent."""
        self._copies = Copies()
        self._here = _Here()
        self._writing, self._asking = threading.Lock(), threading.Lock()
        self._asked = -float("inf")
        self._lost = 0  # races in a row, halved by each won: how crowded it is

    @contextmanager
    def reading(self, habits: Habits) -> Iterator[None]:
        """All that is read inside comes from one content of the file; inside a write, from what was written so far."""
        here = self._here
        if here.draft or here.reading:
            yield
            return
        self._ask(habits.fresh_ms / 1000)
        with self._copies.held() as copy:
            here.reading = copy.path
            try:
                yield
            finally:
                here.reading = None

    def write[T](self, habits: Habits, work: Callable[[], T]) -> T:
        """Applies `work` to the newest content and puts the outcome; after a lost race anew. A failure puts nothing.

        Inside another write it joins that one.
        """
        if self._here.draft:
            return work()
        if self._here.reading:
            raise Invalid(f"{self.address}: a method known to read began to write; name it in mlflow_store/rules.py.")
        outcomes: dict[str, Done[T]] = {}
        with self._writing:
            for _ in range(habits.tries):
                if self._lost:
                    # Of many writers at once one alone wins each round: the more are met, the rarer each one tries.
                    self._pause(self._draw(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._lost)))
                self._ask_again(bool(outcomes))
                with self._copies.held() as base:
                    done = self._landed(base, outcomes) or self._attempt(habits, base, work, outcomes)
                self._lost = self._lost // 2 if done else min(MOST_LOST, self._lost + 1)
                if done:
                    return done.result
            self._ask_again(True)
            with self._copies.held() as last:
                if done := self._landed(last, outcomes):
                    return done.result
        raise Conflict(
            f"{self.address}: others were faster {habits.tries} times in a row; nothing of this write was kept. Try"
            " again, group writes (gyre.aws.mlflow_store.together), or let MLFLOW_TRACKING_URI name a server."
        )

    def place(self) -> tuple[Path, bool]:
        """The file that a connection of the calling thread opens now, and whether it may write there."""
        here = self._here
        if here.draft:
            return here.draft, True
        if here.reading:
            return here.reading, False
        self._ask(STRAY_SECONDS)
        with self._copies.held() as copy:
            return copy.path, False

    def _attempt[T](
        self, habits: Habits, base: Copy, work: Callable[[], T], outcomes: dict[str, Done[T]]
    ) -> Done[T] | None:
        """One try; None when it has to be made anew."""
        draft, kept = self._copies.draft(base), False
        try:
            self._here.draft = draft
            try:
                done = Done(work())
            finally:
                self._here.draft = None
            if files.header(draft).changes == files.header(base.path).changes:
                return done
            mark = uuid4().hex
            files.seal(draft, mark)
            self._weigh(habits, base.path, draft)
            outcomes[mark] = done
            try:
                etag = self._put(draft, base.etag)
            except (Conflict, TooManyRequests, Unavailable):
                return None
            kept = True
            self._copies.adopt(Copy(etag, draft))
            return done
        finally:
            if not kept:
                draft.unlink(missing_ok=True)

    def _landed[T](self, base: Copy, outcomes: dict[str, Done[T]]) -> Done[T] | None:
        """The answer to an earlier put may have been lost on its way, and not the put: then it is not done twice."""
        mark = files.marked(base.path, outcomes.keys())
        return outcomes[mark] if mark else None

    def _put(self, draft: Path, replaces: str | None) -> str:
        try:
            return self._remote.put(draft, replaces)
        except NotFound as error:
            if replaces:
                raise self._gone() from error
            raise NotFound(f"{self.address}: there is no bucket of this name. Create it, then repeat.") from error

    def _weigh(self, habits: Habits, base: Path, draft: Path) -> None:
        size = draft.stat().st_size
        if size > habits.max_mb * MEGABYTE and size > base.stat().st_size:
            raise TooLarge(
                f"{self.address} would grow to {size / MEGABYTE:.0f} MB, above max_mb={habits.max_mb}, and every write"
                " moves all of it. Remove deleted runs (`mlflow gc`), raise the option, or let MLFLOW_TRACKING_URI"
                " name a server."
            )

    def _ask(self, trusted_seconds: float) -> None:
        """Makes the newest content of the file our newest copy, unless we asked so short a time ago."""
        with self._asking:
            known = self._copies.current
            if known and time.monotonic() - self._asked < trusted_seconds:
                return
            asked, path = time.monotonic(), self._copies.draft()
            kept = False
            try:
                etag = self._remote.fetch(known.etag if known else None, path)
                if etag:
                    files.accept(path, str(self.address))
                    self._check(path, str(self.address))
                    self._copies.adopt(Copy(etag, path))
                    kept = True
            except NotFound as error:
                if known and known.etag:
                    raise self._gone() from error
                if not known:
                    self._copies.adopt(Copy(None, path))
                    kept = True
            finally:
                if not kept:
                    path.unlink(missing_ok=True)
            self._asked = asked

    def _ask_again(self, put_before: bool) -> None:
        try:
            self._ask(0)
        except Unavailable as error:
            if not put_before:
                raise
            raise Unavailable(
                f"{error.message} Whether the write landed is not known: look before it is repeated."
            ) from error

    def _gone(self) -> NotFound:
        return NotFound(
            f"{self.address} was there and is gone. Restore a version of the object; to begin an empty one, start anew."
        )
