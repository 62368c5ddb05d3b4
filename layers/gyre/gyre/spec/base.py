"""What every section of model.yaml has in common."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from gyre.documented import Documented

MODEL_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
# What Gyre adds to a table: which ingest a row came with, its number, its flags.
OURS = "_gyre"
COLUMN_PATTERN = r"^[^`\x00-\x1f]{1,128}$"

ColumnName = Annotated[str, Field(pattern=COLUMN_PATTERN)]
Share = Annotated[float, Field(ge=0, le=1)]
Path = tuple[str | int, ...]


def _word(value: object) -> object:
    """A category may be written as a number: values: [0, 1]."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_word, json_schema_input_type=str | int)]


def alike(names: Iterable[str]) -> list[str]:
    """Those that differ from another one in capitals alone: to a table they are the same."""
    listed = list(names)
    times = Counter(name.lower() for name in listed)
    return [name for name in listed if times[name.lower()] > 1]


def class_name(label: object) -> str:
    """A class as a key of JSON, or in the name of a figure: a truth as JSON and YAML write it."""
    return str(label).lower() if isinstance(label, bool) else str(label)


class Disagreement(ValueError):
    """Things that do not go together: all of them, each with its place below the section that says so."""

    def __init__(self, faults: list[tuple[Path, str]]) -> None:
        super().__init__("; ".join(message for _, message in faults))
        self.faults = faults


class Section(Documented):
    """A part of model.yaml. Unknown keys are errors: a misspelt limit must never pass for a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
