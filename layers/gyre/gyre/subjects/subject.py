"""A person as they are asked about: by one name, which every model knows by its own columns."""

import base64
import hashlib
import json
import unicodedata
from dataclasses import dataclass
from typing import Self

from gyre.errors import Invalid
from gyre.pseudonyms import Pseudonyms

LONGEST = 200
ERASURE_PATTERN = r"^erase_[a-z2-7]{26}$"
# A name of fewer characters, or of fewer digits, stands everywhere by chance.
_TELLING, _TELLING_DIGITS = 6, 9


@dataclass(frozen=True)
class Subject:
    """The name as text, and what Gyre's own records have in its place."""

    id: str
    pseudonyms: tuple[str, ...]

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        told = json.loads(content)
        return cls(told["subject"], tuple(told["pseudonyms"]))

    def to_json(self) -> bytes:
        """As an order names them."""
        return json.dumps({"subject": self.id, "pseudonyms": self.pseudonyms}).encode()

    @property
    def is_telling(self) -> bool:
        """Whether it can be searched for in any text: 4711 is found in sizes and times, too."""
        return len(self.id) >= (_TELLING if any(each.isalpha() for each in self.id) else _TELLING_DIGITS)

    def masked(self, text: str) -> str:
        """For what is told and kept."""
        return text.replace(self.id, "…") if self.is_telling else text


def checked_subject(told: str, pseudonyms: Pseudonyms) -> Subject:
    """The person of a name, or `Invalid`."""
    name = told.strip()
    if not name:
        raise Invalid("Nobody is named: the id of a person has at least one character.", field="id")
    if len(name) > LONGEST:
        raise Invalid(f"The id of a person has {LONGEST} characters at most, and this has {len(name)}.", field="id")
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in name):
        raise Invalid("The id of a person holds no control characters.", field="id")
    return Subject(name, pseudonyms.every(name))


def erasures_of(subject: Subject) -> tuple[str, ...]:
    """What the erasures of a person are called, the newest key's first: the same for the same person, and nobody finds
    the way back without the keys."""
    return tuple(_erasure(each) for each in subject.pseudonyms)


def _erasure(pseudonym: str) -> str:
    digest = hashlib.sha256(f"erasure\n{pseudonym}".encode()).digest()
    return f"erase_{base64.b32encode(digest)[:26].decode().lower()}"
