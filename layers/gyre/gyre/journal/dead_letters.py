"""Dead letters: messages of the journal's queue that became no records, each kept with its cause until it is sent
again.

One object each, which never expires. It holds all that is needed to send the message again, also a record that was too
large for one and lies elsewhere for some weeks only."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from gyre.documented import Documented
from gyre.errors import Conflict, NotFound, Unavailable
from gyre.journal.groups import grouped
from gyre.journal.outlet import OVERFLOW
from gyre.journal.record import EVENT_PATTERN
from gyre.objects import ObjectInfo, ObjectStore, remove_all
from gyre.spec.base import MODEL_PATTERN

DEAD_LETTERS = "dead-letters/"
LETTER_PATTERN = r"^\d{4}-\d\d-\d\d\.[A-Za-z0-9_-]{1,100}$"
# Objects that are read side by side: so many, and not more bytes of them than memory does for.
WORKERS, _MOST_BYTES = 8, 48_000_000
# A page is cut after so many letters, however few of them were wanted: it must end long before its function does.
MOST_LOOKED = 1000
_UNREADABLE = "This object among the dead letters is none: {0}. It cannot be replayed; look at {1} in the data bucket."


class Letter(Documented):
    """What is told of a dead letter to everybody who may ask."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, Field(pattern=LETTER_PATTERN)]
    """The day on which the message was sent, and the message's id, which is in the log, too."""
    cause: str
    """Why the journal did not take it."""
    first_seen: AwareDatetime
    """When it was sent."""
    kept_at: AwareDatetime
    """When it was given up."""
    tries: Annotated[int, Field(ge=0)]
    """How often the queue had handed it out."""
    event_id: str | None = None
    """The call it tells of, if that can be read."""
    model: str | None = None
    """The model that was asked, if that can be read."""
    size: Annotated[int, Field(ge=0)] = 0
    """Its bytes, with those that lay elsewhere."""

    def is_about(self, model: str | None, cause: str | None) -> bool:
        """Whether it is one of this model, with these words in its cause; None wants all."""
        return model in (None, self.model) and (cause is None or cause.lower() in self.cause.lower())


class DeadLetter(Letter):
    """The same with its content. Of people it holds pseudonyms, and is shown by its id alone."""

    body: str
    """The message, as the queue gave it."""
    aside: str | None = None
    """The record, where the message says only where it lay."""

    @property
    def key(self) -> str:
        return key_of(self.id)


@dataclass(frozen=True)
class LetterPage:
    """Some of them, those of the oldest messages first; `after` is where to go on, if there may be more."""

    letters: tuple[Letter, ...]
    after: str | None


class DeadLetters:
    """Those of one deployment."""

    def __init__(self, data: ObjectStore) -> None:
        self.data = data

    def keep(self, message: str, body: str, cause: str, sent_at: datetime, tries: int) -> DeadLetter:
        """Makes a letter of a message. The same message twice is one letter: the first, with its cause. `Unavailable`
        if that, or what the message points to, is not certain."""
        aside = self._aside(body)
        text = body if aside is None else aside
        event_id, model = _told(text, body)
        letter = DeadLetter(
            id=f"{sent_at.astimezone(UTC):%Y-%m-%d}.{re.sub('[^A-Za-z0-9_-]', '_', message)[:100]}", cause=cause,
            first_seen=sent_at, kept_at=datetime.now(UTC), tries=tries, event_id=event_id, model=model,
            size=len(text.encode()), body=body, aside=aside,
        )  # fmt: skip
        content = letter.model_dump_json().encode()
        try:
            self.data.write(letter.key, content, content_type="application/json", new=True)
        except Conflict:
            self._there(letter.key)
        return letter

    def find(self, letter_id: str) -> DeadLetter:
        """One with its content, or `NotFound`."""
        try:
            content = self.data.read(key_of(letter_id)).content
        except NotFound:
            raise NotFound(
                f"There is no dead letter {letter_id} (any more): GET /journal/dead-letters lists them.", field="id"
            ) from None
        try:
            return DeadLetter.model_validate_json(content)
        except ValidationError as error:
            raise Unavailable(_unreadable(error, key_of(letter_id))) from error

    def remove(self, letter_id: str) -> None:
        """For good: of what people asked for no copy stays behind."""
        remove_all(self.data, key_of(letter_id))

    def page(
        self, limit: int, after: str | None = None, *, model: str | None = None, cause: str | None = None
    ) -> LetterPage:
        """The first that are wanted after a place. It ends early where few of many are."""
        found, last = list[Letter](), after
        for looked, letter in enumerate(self._each(self.infos(after))):
            if len(found) == limit or looked == MOST_LOOKED:
                return LetterPage(tuple(found), last)
            last = letter.id
            if letter.is_about(model, cause):
                found.append(letter)
        return LetterPage(tuple(found), None)

    def infos(self, after: str | None = None) -> Iterator[ObjectInfo]:
        """Their objects, without reading them."""
        beyond = "" if after is None else key_of(after)
        return (info for info in self.data.list(DEAD_LETTERS) if info.key > beyond and id_of(info.key))

    def _each(self, infos: Iterator[ObjectInfo]) -> Iterator[Letter]:
        with ThreadPoolExecutor(WORKERS, "letters") as pool:
            for block in blocks(infos):
                yield from (letter for letter in pool.map(self._head, block) if letter)

    def _head(self, info: ObjectInfo) -> Letter | None:
        """None if it was replayed meanwhile; one that cannot be read hides no other."""
        try:
            return Letter.model_validate_json(self.data.read(info.key).content)
        except NotFound:
            return None
        except ValidationError as error:
            told = {"first_seen": info.changed_at, "kept_at": info.changed_at, "tries": 0, "size": info.size}
            return Letter(id=str(id_of(info.key)), cause=_unreadable(error, info.key), **told)

    def _aside(self, body: str) -> str | None:
        """What the message points to: there it expires, here it does not. None if it lies nowhere."""
        place = pointed_to(body)
        try:
            return self.data.read(place).content.decode(errors="replace") if place else None
        except NotFound:
            return None

    def _there(self, key: str) -> None:
        """Whoever was faster may have failed after that."""
        try:
            self.data.size(key)
        except NotFound:
            raise Unavailable(f"{key} was being written by somebody else, and is not there.") from None


def key_of(letter_id: str) -> str:
    """Where a letter lies."""
    return f"{DEAD_LETTERS}{letter_id.replace('.', '/', 1)}.json"


def id_of(key: str) -> str | None:
    """The letter that lies there; None of anything else."""
    named = key.removeprefix(DEAD_LETTERS).removesuffix(".json").replace("/", ".", 1)
    return named if re.fullmatch(LETTER_PATTERN, named) and key_of(named) == key else None


def blocks(infos: Iterator[ObjectInfo]) -> Iterator[list[ObjectInfo]]:
    """As many as are read at once."""
    return grouped(infos, lambda each: each.size, _MOST_BYTES, WORKERS)


def event_of(body: str) -> str | None:
    """The event of a message of whatever shape, if it names one; what it points to is not read."""
    return _matching(_object(body).get("event_id"), EVENT_PATTERN)


def pointed_to(body: str) -> str | None:
    """Where the record lies that a message of whatever shape points to, if it does."""
    place = _object(body).get("lies_at")
    return place if isinstance(place, str) and place.startswith(OVERFLOW) else None


def _told(text: str, body: str) -> tuple[str | None, str | None]:
    """Event and model of what is no record, as far as it names them."""
    found, place = _object(text), pointed_to(body)
    model = found.get("model", place.removeprefix(OVERFLOW).split("/")[0] if place else None)
    return event_of(text) or event_of(body), _matching(model, MODEL_PATTERN)


def _object(text: str) -> dict[str, Any]:
    try:
        found = from_json(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _matching(value: Any, pattern: str) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def _unreadable(error: ValidationError, key: str) -> str:
    first = islice((f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors()), 3)
    return _UNREADABLE.format("; ".join(first), key)
