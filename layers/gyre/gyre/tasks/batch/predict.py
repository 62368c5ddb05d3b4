"""One range of a file: read, checked, predicted, told to the journal, written as a part."""

import json
from functools import lru_cache

from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictor
from gyre.bundle.ref import BundleRef
from gyre.cycles import no_search_for_cycles
from gyre.datasets.ranges import RowRange
from gyre.datasets.read_range import read_range
from gyre.errors import Invalid, NotFound
from gyre.journal.outlet import Outlet
from gyre.objects import ObjectStore
from gyre.pseudonyms import PseudonymKeys
from gyre.serving.rows import RowCheck
from gyre.serving.shelf import Loaded
from gyre.spec.versions import SpecVersion, spec_of
from gyre.tasks.batch.answers import AnsweredRange, Answerer
from gyre.tasks.batch.figures import RangeFigures
from gyre.tasks.batch.manifest import BatchManifest
from gyre.tasks.batch.parts import PartWriter
from gyre.tasks.batch.records import records
from gyre.telemetry import TimeSplit

_JSON = "application/json"


class RangePredictor:
    """What a warm function keeps between ranges: the plan, the spec and the release."""

    def __init__(self, data: ObjectStore, artifacts: ObjectStore, outlet: Outlet) -> None:
        self._data, self._artifacts, self._outlet = data, artifacts, outlet
        self._keys = PseudonymKeys(artifacts)
        self._plan = lru_cache(maxsize=2)(self._read_plan)
        self._spec = lru_cache(maxsize=2)(self._read_spec)
        self._release = lru_cache(maxsize=2)(self._load)

    def plan(self, key: str) -> BatchManifest:
        """The plan at a key, which names its content."""
        return self._plan(key)

    def predict(self, plan: BatchManifest, number: int) -> RangeFigures:
        """Once: a range whose figures are there is done. Its records go before its part: who is ended between the two
        tells them again, by the same names. What fails is noted, because a Distributed Map does not say why it did."""
        try:
            with no_search_for_cycles():
                return self._done(plan, number) or self._predicted(plan, number)
        except Exception as error:
            noted = {"error": type(error).__name__, "cause": str(error)[:1000]}
            self._data.write(plan.lost(number), json.dumps(noted).encode(), content_type=_JSON)
            raise

    def _done(self, plan: BatchManifest, number: int) -> RangeFigures | None:
        try:
            return RangeFigures(**json.loads(self._data.read(plan.told(number)).content))
        except NotFound:
            return None

    def _predicted(self, plan: BatchManifest, number: int) -> RangeFigures:
        wanted = _range(plan, number)
        declared = self._spec(plan.file.model, plan.release.spec_version)
        reading = declared.spec.read
        times = TimeSplit()
        with times.of("load"):
            loaded = self._release(plan.release.version, plan.release.bundle)
            pseudonyms = self._keys.current() if declared.spec.personal else None
        answerer = Answerer(declared.spec, loaded, plan.shape.columns, pseudonyms, explain=plan.file.explain)
        part, answered = PartWriter(plan, reading), AnsweredRange()
        place = (wanted.key, None) if wanted.key else (plan.file.key, plan.file.version)
        with self._data.open(*place) as stream:
            for read in read_range(plan.file.name, plan.shape, wanted, stream, reading):
                before = len(answered.rows)
                order = answerer.answer(read, answered, times)
                part.add(read, answered.rows[before:], order)
        if len(answered.rows) != wanted.rows:
            raise Invalid(
                f"{plan.file.key} had {wanted.rows:,} rows from row {wanted.first:,} on when it was planned, and has "
                f"{len(answered.rows):,} now: it was changed meanwhile. Upload it again."
            )
        for record in records(plan, number, answered.rows, times):
            self._outlet.put(record)
        content = part.content()
        self._data.write(plan.part(number), content, content_type="application/octet-stream")
        figures = RangeFigures.of(answered, len(content))
        self._data.write(plan.told(number), figures.dump(), content_type=_JSON)
        return figures

    def _read_plan(self, key: str) -> BatchManifest:
        return BatchManifest.from_json(self._data.read(key).content)

    def _read_spec(self, model: str, version: int) -> SpecVersion:
        return spec_of(model, self._artifacts, version)

    def _load(self, version: int, wanted: BundleRef) -> Loaded:
        bundle = read_bundle(self._artifacts, wanted.key, wanted.hash)
        return Loaded(version, wanted.hash, Predictor(bundle), RowCheck(bundle.layout.spec))


def _range(plan: BatchManifest, number: int) -> RowRange:
    if not 1 <= number <= len(plan.ranges):
        raise Invalid(f"The plan of {plan.run} has {len(plan.ranges)} ranges and none with the number {number}.")
    return plan.ranges[number - 1]
