"""What one look compares: both sides, and what is to be said about them before anything is judged."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from gyre.errors import Invalid, NotFound
from gyre.monitoring.asked import CompareAsked, DataAsked, JournalSpan, WatchAsked
from gyre.monitoring.found import Finding, Found, Source, moment
from gyre.monitoring.gathering.given import MOST_ROWS, Model, Stock, dataset_side, file_side, loaded, reference_side
from gyre.monitoring.gathering.predicted import Predictions, Span, SpanVolume, nothing, predicted_side
from gyre.monitoring.side import Pair, Side
from gyre.monitoring.verdict import LEAST_REFERENCE
from gyre.registry.releases import production, resolve
from gyre.registry.version import model_version
from gyre.spec.versions import spec_of

# Below this share of failed calls nobody needs to hear of them here.
_MANY_FAILED = 0.05


class Setting(Found):
    """What a look is about, before anything is judged."""

    at: AwareDatetime
    """When it began."""
    version: int | None
    """The release that is watched."""
    reference: Source
    window: Source
    minimum: int
    """With fewer rows on either side nothing is judged."""
    notes: tuple[Finding, ...] = ()
    calls: int = 0
    failed_calls: int = 0
    own_window: bool = False
    """Whether somebody said how long it is."""

    @property
    def enough(self) -> bool:
        return self.window.rows >= self.minimum and self.reference.rows >= LEAST_REFERENCE


@dataclass(frozen=True)
class Gathered:
    """Two sides of a release, and what is known of them."""

    pair: Pair
    setting: Setting


@dataclass
class Gatherer:
    """Reads both sides; journal and data sets alike."""

    stock: Stock
    predictions: Predictions
    now: datetime
    _notes: list[Finding] = field(default_factory=list)

    def watch(self, model: str, asked: WatchAsked) -> Gathered:
        """The journal's newest window against the reference of the release that serves."""
        version = production(model, self.stock.artifacts)
        if version is None:
            raise NotFound(f"{model} has no release that could be watched: train it, or promote a version.")
        watched = self._model(model, version)
        until = min(asked.until or self.now, self.now)
        hours = asked.hours or watched.spec.monitoring.window_hours
        span = Span(model, asked.since or until - timedelta(hours=hours), until)
        volume = self.predictions.volume(span, self.now)
        window = self._predicted(span, volume, watched, version)
        self._tell_volume(volume, version)
        reference = reference_side(watched, self.stock)
        pair = Pair(watched.spec, watched.classes, reference, window)
        gathered = self._gathered(pair, version, watched.spec.monitoring.minimum_rows, volume)
        own = asked.since is not None or asked.hours is not None
        return replace(gathered, setting=gathered.setting.model_copy(update={"own_window": own}))

    def compare(self, asked: CompareAsked) -> Gathered:
        """Any two sets of data, with what the release that serves says of them, if there is one."""
        model = asked.model
        version = production(model, self.stock.artifacts)
        with_release = self._model(model, version)
        reference, _ = self._asked(asked.reference, with_release, "reference")
        subject, new = self._asked(asked.subject, with_release, "subject")
        pair = Pair(with_release.spec, with_release.classes, reference, subject, new)
        return self._gathered(pair, version, LEAST_REFERENCE, None)

    def _gathered(self, pair: Pair, version: int | None, minimum: int, volume: SpanVolume | None) -> Gathered:
        setting = Setting(
            at=self.now, version=version, reference=pair.reference.source, window=pair.window.source, minimum=minimum,
            notes=tuple(self._notes), calls=volume.calls if volume else 0, failed_calls=volume.failed if volume else 0,
        )  # fmt: skip
        return Gathered(pair, setting)

    def _model(self, model: str, version: int | None) -> Model:
        """The release with its own declaration; how it is watched is told by the newest one."""
        newest = spec_of(model, self.stock.artifacts)
        if version is None:
            return Model(newest)
        made = model_version(model, version, self.stock.artifacts)
        declared = spec_of(model, self.stock.artifacts, made.spec_version)
        spec = declared.spec.model_copy(update={"monitoring": newest.spec.monitoring, "retrain": newest.spec.retrain})
        return loaded(replace(declared, spec=spec), made, self.stock.artifacts)

    def _asked(self, asked: DataAsked, model: Model, side: str) -> tuple[Side, tuple[str, ...]]:
        name = model.spec.model
        try:
            if asked.dataset is not None:
                return dataset_side(asked.dataset, asked.part, model, self.stock), ()
            if asked.release is not None:
                version = resolve(name, asked.release, self.stock.artifacts)
                return reference_side(self._model(name, version), self.stock), ()
            if asked.file is not None:
                return file_side(asked.file, model, self.stock)
        except (Invalid, NotFound) as error:
            raise type(error)(f"{side}: {error.message}", field=error.field) from None
        assert asked.journal is not None  # noqa: S101  # one of the four is there
        return self._span(asked.journal, model), ()

    def _span(self, asked: JournalSpan, model: Model) -> Side:
        span = Span(model.spec.model, asked.since, asked.until)
        return self._predicted(span, self.predictions.volume(span, self.now), model, None)

    def _predicted(self, span: Span, volume: SpanVolume, model: Model, version: int | None) -> Side:
        name = f"predictions from {moment(span.since)} to {moment(span.until)}"
        of_rows = sum(volume.rows.values()) if version is None else volume.rows.get(version, 0)
        if not of_rows:
            return nothing(name, model.spec)
        share = min(1.0, MOST_ROWS / of_rows)
        rows = self.predictions.rows(span, version, share)
        side = predicted_side(name, rows, of_rows, model.spec, model.classes)
        if side.source.repeated:
            self._note(
                "repeated",
                f"{side.source.repeated:,} predictions were asked for again later under the same id: each id counts "
                "once, by its newest answer.",
            )
        if side.source.error is not None:
            self._note(
                "sampled",
                f"{len(side):,} of {of_rows:,} predictions were looked at, chosen by chance: "
                f"a share may be off by {side.source.error:.2%}.",
            )
        return side

    def _tell_volume(self, volume: SpanVolume, version: int) -> None:
        others = {each: rows for each, rows in volume.rows.items() if each != version}
        if others:
            told = ", ".join(f"{rows:,} by version {each}" for each, rows in sorted(others.items()))
            self._note(
                "other_releases",
                f"The window also holds predictions of other releases ({told}); they are left out.",
            )
        if volume.ahead:
            self._note(
                "clock",
                f"{volume.ahead:,} calls are dated in the future: a clock is wrong. They come into a later window.",
            )
        if volume.calls and volume.failed / volume.calls > _MANY_FAILED:
            # What is wrong then is not the model, and no training mends it: alarms of their own tell people.
            self._note("failed_calls", f"{volume.failed:,} of {volume.calls:,} calls ended with a server error.")

    def _note(self, code: str, text: str) -> None:
        self._notes.append(Finding(code=code, severity="note", text=text))
