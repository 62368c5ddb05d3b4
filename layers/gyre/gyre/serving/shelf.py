"""The models of one environment, kept in memory: loaded once, verified, replaced when somebody promotes another one."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from aws_lambda_powertools import Logger

from gyre.bundle.format import read_bundle
from gyre.bundle.predict import Predictor
from gyre.errors import Conflict, GyreError, Invalid, NotFound, Unavailable
from gyre.objects import ObjectStore
from gyre.registry.releases import Alias, Pointer, Released, no_release, numbered, pointer_if_any, pointers, resolve
from gyre.registry.version import ModelVersion, model_version
from gyre.serving.rows import RowCheck
from gyre.spec.model import ModelSpec

# A look that is later than this many times its due is waited for: the environment slept, and much may have happened.
OVERDUE = 4
_DEFAULT_SECONDS = 5.0
# How long a bundle that is not whole is not tried again: every call would read it.
_REFUSED_SECONDS = 30.0
# The same where S3 fails for now: long enough for those who waited behind a try not to make one each.
_FAILED_SECONDS = 1.0
# What is kept though no pointer asks for it, because somebody asked for it by its number.
_MOST_BUNDLES = 8
# Former releases that are tried when what is production cannot be loaded.
_MOST_FORMER = 3
_MOST_PRELOADED = 4


@dataclass(frozen=True)
class Loaded:
    """A release in memory."""

    version: int
    hash: str
    predictor: Predictor
    check: RowCheck

    @property
    def spec(self) -> ModelSpec:
        """What serving knows of its model's spec."""
        return self.predictor.bundle.layout.spec


@dataclass(frozen=True)
class _Refusal:
    """Why a bundle cannot be loaded, and until when it is not tried again."""

    reason: str
    until: float
    lasting: bool
    """Whether the bundle itself is at fault, and not S3 for now."""


@dataclass
class _Known:
    """What is known of one model's releases, and since when."""

    pointer: Pointer
    etag: str
    looked_at: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    look: "Future[None] | None" = None


class Shelf:
    """Answers from memory, and looks after what it holds beside the calls."""

    def __init__(
        self, artifacts: ObjectStore, log: Logger, *, threads: int = 1, clock: Callable[[], float] = time.time
    ) -> None:
        # The time of day, because a frozen environment's other clocks may stand still.
        self._artifacts, self._log, self._threads, self._clock = artifacts, log, threads, clock
        self._known: dict[str, _Known] = {}
        self._bundles: dict[str, tuple[Predictor, RowCheck]] = {}
        self._versions: dict[tuple[str, int], ModelVersion] = {}
        self._refused: dict[str, _Refusal] = {}
        self._loading = threading.Lock()
        self._beside = ThreadPoolExecutor(1, "shelf")

    def pointer(self, model: str) -> Pointer:
        """What is released of a model, as it was some seconds ago at most; `NotFound` if nothing is."""
        known = self._known.get(model)
        if known is None:
            found = pointer_if_any(model, self._artifacts)
            if found is None:
                raise no_release(model)
            known = self._known.setdefault(model, _Known(*found, looked_at=self._clock()))
        for _ in range(2):  # one that the environment slept over has seen the past, and is repeated
            age, due = abs(self._clock() - known.looked_at), self._seconds(known.pointer)
            if age < due:
                break
            with known.lock:
                if known.look is None or known.look.done():
                    known.look = self._beside.submit(self._look, model, known)
                look = known.look
            if age < due * OVERDUE:
                break
            look.result()
            known = self._known.get(model, known)
        return self._known.get(model, known).pointer

    def at_hand(self, model: str) -> bool:
        """Whether every release of this model is in memory, so that nothing is waited for."""
        known = self._known.get(model)
        if known is None or abs(self._clock() - known.looked_at) >= self._seconds(known.pointer) * OVERDUE:
            return False
        return all(each.bundle.hash in self._bundles for each in known.pointer.aliases.values())

    def personal(self, model: str) -> bool:
        """Whether a release of this model that is in memory is sent something that tells who somebody is."""
        known = self._known.get(model)
        aliases = known.pointer.aliases.values() if known else ()
        return any(held[1].personal for each in aliases if (held := self._bundles.get(each.bundle.hash)))

    def release(self, version: Released) -> Loaded:
        """A release that can answer, or why it cannot."""
        predictor, check = self._bundle(version)
        return Loaded(version.version, version.bundle.hash, predictor, check)

    def production(self, model: str, pointer: Pointer) -> tuple[Loaded, str | None]:
        """What serves; a former release, with the reason, where production cannot be loaded."""
        now = pointer.aliases.get("production")
        if now is None:
            raise no_release(model)
        try:
            return self.release(now), None
        except GyreError as error:
            fault = f"version {now.version} cannot be loaded: {error.message}"
        for former in [each for each in pointer.earlier[::-1] if each.version != now.version][:_MOST_FORMER]:
            try:
                return self.release(former), fault
            except GyreError:  # its reason is in the log; the one that counts is production's
                continue
        raise Unavailable(f"{model}: {fault} No former release can be loaded either.", field="model")

    def named(self, model: str, wanted: str, pointer: Pointer) -> tuple[Released, Alias | None]:
        """The release that is asked for by an alias or a number. A retired one serves nobody."""
        asked = wanted.strip().lower()
        for alias, released in pointer.aliases.items():
            if alias == asked:
                return released, alias
        number = numbered(asked)
        if number is None:
            number = resolve(model, asked, self._artifacts)
        made = self._versions.get((model, number)) or model_version(model, number, self._artifacts)
        self._versions[model, number] = made  # written once, so it stays what it is
        if number in pointer.retired:
            raise Conflict(
                f"Version {number} of {model} is retired: POST /models/{model}/restore lets it serve again.",
                field="release",
            )
        return Released(version=number, bundle=made.bundle), None

    def preload(self) -> None:
        """Before the first call, while there are few models. What cannot be loaded is told to whoever asks for it."""
        try:
            models = list(islice(pointers(self._artifacts), _MOST_PRELOADED))
        except GyreError as error:
            self._log.error("not preloaded", extra={"reason": error.message})
            return
        for each in models:
            try:
                if "production" in (pointer := self.pointer(each)).aliases:
                    self.production(each, pointer)
            except GyreError as error:
                self._log.error("not preloaded", extra={"model": each, "reason": error.message})

    def _look(self, model: str, known: _Known) -> None:
        """Callers go on with what there is until all that the new pointer needs is loaded."""
        began = self._clock()  # what S3 says is true of then, however late it is read
        try:
            found = pointer_if_any(model, self._artifacts)
            if found is None:
                self._known.pop(model, None)
            elif found[1] != known.etag:
                self._take(model, *found, began)
            known.looked_at = began
        except GyreError as error:  # what serves goes on serving
            self._log.error("kept the former release", extra={"model": model, "reason": error.message})
            known.looked_at = self._clock()

    def _take(self, model: str, pointer: Pointer, etag: str, looked_at: float) -> None:
        """What serves now is told by the new pointer alone: an environment that slept may know a much older one."""
        _, fault = self.production(model, pointer)
        now = pointer.aliases.get("production")
        if fault and now and not self._refused[now.bundle.hash].lasting:
            raise Unavailable(fault)  # tried again at the next look, and not by a call
        if pointer.traffic and (challenger := pointer.aliases.get("challenger")):
            with suppress(GyreError):  # its rows go to production, call by call
                self.release(challenger)
        self._known[model] = _Known(pointer, etag, looked_at)

    def _seconds(self, pointer: Pointer) -> float:
        now = pointer.aliases.get("production")
        held = self._bundles.get(now.bundle.hash) if now else None
        return held[0].bundle.layout.spec.release.cache_seconds if held else _DEFAULT_SECONDS

    def _bundle(self, released: Released) -> tuple[Predictor, RowCheck]:
        wanted = released.bundle
        if held := self._bundles.get(wanted.hash):
            return held
        with self._loading:
            if held := self._bundles.get(wanted.hash):
                return held
            known = self._refused.get(wanted.hash)
            if known and 0 < known.until - self._clock() <= _REFUSED_SECONDS:
                raise Unavailable(known.reason)
            made = self._opened(released)
            self._bundles[wanted.hash] = made
            self._forget()
            return made

    def _opened(self, released: Released) -> tuple[Predictor, RowCheck]:
        """Whatever is wrong with a bundle is no fault of the call, so it is `Unavailable`."""
        wanted, lasting = released.bundle, True
        try:
            bundle = read_bundle(self._artifacts, wanted.key, wanted.hash)
            predictor, check = Predictor(bundle, threads=self._threads), RowCheck(bundle.layout.spec)
            # A graph that cannot answer is found out here; one that can has done its first, slower run.
            predictor.predict(check.check([{}]).columns)
            return predictor, check
        except GyreError as error:
            cause: Exception = error
            reason = error.message
            lasting = isinstance(error, Invalid | NotFound)
        except Exception as error:  # noqa: BLE001  # ONNX Runtime's, or those of parts that another Gyre wrote
            cause = error
            reason = f"The bundle cannot be opened: {type(error).__name__}: {str(error)[:500]}"
        until = self._clock() + (_REFUSED_SECONDS if lasting else _FAILED_SECONDS)
        self._refused[wanted.hash] = _Refusal(reason, until, lasting)
        self._log.error("refused a bundle", extra={"version": released.version, "bundle": wanted.key, "reason": reason})
        raise Unavailable(reason) from cause

    def _forget(self) -> None:
        """The oldest that no pointer names, when there are too many."""
        known = list(self._known.values())  # a copy in one step: calls for other models put theirs in meanwhile
        named = {each.bundle.hash for every in known for each in every.pointer.aliases.values()}
        spare = [each for each in self._bundles if each not in named][:-1]
        for each in spare[: max(0, len(self._bundles) - _MOST_BUNDLES)]:
            del self._bundles[each]
