"""What may leave the function of a row: the columns that its model declares; of who somebody is, a pseudonym."""

from typing import Any

from gyre.pseudonyms import Pseudonym, Pseudonyms
from gyre.serving.question import Row, RowId
from gyre.serving.rows import Features
from gyre.spec.model import ModelSpec


class Kept:
    """The rule for one model's rows. Without keys what is personal is left out, so that it never slips through."""

    def __init__(self, spec: ModelSpec, pseudonyms: Pseudonyms | None) -> None:
        self._columns, self._pseudonyms = spec.columns, pseudonyms
        # By personal column, the texts that mean that nothing was told.
        self._personal = {
            name: frozenset(("", *spec.read.missing, *column.missing))
            for name, column in spec.columns.items()
            if column.personal
        }
        self._id = spec.id if spec.id in self._personal else None

    @property
    def hidden(self) -> frozenset[str]:
        """The columns that are told as pseudonyms."""
        return frozenset(self._personal if self._pseudonyms else ())

    @property
    def hides_ids(self) -> bool:
        """Whether the rows' own names are, too."""
        return self._id is not None

    def features(self, sent: Features) -> dict[str, Any]:
        """Of what was sent. Where somebody is told of, a list or an object in the place of a value is left out: a whole
        row may stand in it."""
        personal = self._personal
        if not personal:
            return {name: value for name, value in sent.items() if name in self._columns}
        return {
            name: self.value(name, value) if name in personal else value
            for name, value in sent.items()
            if name in self._columns
            and (self._tells(value) if name in personal else not isinstance(value, list | dict))
        }

    def id(self, row: Row, named: RowId = None) -> RowId:
        """What a row is called: as its caller does, or else as it was `named`. Where the model's id column tells who
        somebody is, by that one's pseudonym."""
        told = named if row.id is None else row.id
        if self._id is None:
            return told
        return self.value(self._id, row.features.get(self._id) if told is None else told)

    def _tells(self, value: Any) -> bool:
        """Whether a personal value can be told of at all."""
        return value is None or self._pseudonyms is not None or isinstance(value, Pseudonym)

    def value(self, column: str, value: Any) -> str | None:
        """The pseudonym of a personal column's value; none of one that is missing, and without keys."""
        if isinstance(value, Pseudonym):
            return str(value)
        if value is None or self._pseudonyms is None:
            return None
        if isinstance(value, str) and value.strip() in self._personal[column]:
            return None
        return self._pseudonyms.of(value)
