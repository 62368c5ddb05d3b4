"""What somebody wants compared: two sets of data, each named in one of four ways."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from gyre.documented import Documented
from gyre.moments import Moment
from gyre.spec.base import MODEL_PATTERN

Part = Literal["train", "test", "reference", "all"]


class _Asked(Documented):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JournalSpan(_Asked):
    """Answered predictions of some time."""

    since: Annotated[Moment, Field(alias="from")]
    """From this moment on …"""
    until: Annotated[Moment, Field(alias="to")]
    """… until before this one."""

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.since >= self.until:
            raise ValueError("`from` must lie before `to`")
        return self


class DataAsked(_Asked):
    """One set of data, by one of its names."""

    dataset: Annotated[int, Field(ge=1)] | None = None
    """A dataset version …"""
    part: Part = "all"
    """… all of it, or the part that the release's model.yaml makes of it."""
    release: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    """The reference of a release: its number, or production, champion, challenger, latest."""
    journal: JournalSpan | None = None
    """What was predicted in some time, by whichever release."""
    file: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None
    """A file in the data bucket, under drift/<model>/ or inbox/<model>/: CSV, JSON Lines or Parquet."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in ("dataset", "release", "journal", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"name the data by one of dataset, release, journal and file, and not by {len(given)}")
        return self


class CompareAsked(_Asked):
    """What `POST /data-drift` is told."""

    model: Annotated[str, Field(pattern=MODEL_PATTERN)]
    """The model whose features are compared."""
    reference: DataAsked = DataAsked(release="production")
    """How it was."""
    subject: DataAsked
    """How it is."""


class WatchAsked(_Asked):
    """What `POST /monitoring/run` is told; nothing: every model that is released."""

    model: Annotated[str, Field(pattern=MODEL_PATTERN)] | None = None
    """Look at this one."""
    until: Moment | None = None
    """Where the window ends; now if left out. What a former window shows raises no notice, and starts no training."""
    since: Moment | None = None
    """Where it begins …"""
    hours: Annotated[float, Field(gt=0, le=24 * 366)] | None = None
    """… or how far back it reaches; `monitoring.window_hours` if both are left out."""

    @model_validator(mode="after")
    def _begins_once(self) -> Self:
        if self.since is not None and self.hours is not None:
            raise ValueError("`since` and `hours` both say where the window begins: send one of them")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("`since` must lie before `until`")
        return self


def span(since: datetime, until: datetime) -> JournalSpan:
    return JournalSpan.model_validate({"from": since, "to": until})
