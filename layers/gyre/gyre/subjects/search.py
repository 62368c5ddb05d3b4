"""The proof: every object of both buckets is read, in every version that S3 keeps."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import batched

from gyre.errors import NotFound
from gyre.objects import ObjectStore, ObjectVersion
from gyre.subjects.needles import Needles
from gyre.subjects.place import Short
from gyre.subjects.subject import Subject
from gyre.subjects.work import ORDERS, Diary

# Keys of the deployment, which nobody but a few may read: they are random.
KEYS = ("access/", "pseudonyms/")
_MOST_TOLD = 200
_SIDE_BY_SIDE, _AT_ONCE = 8, 64
_NOTE = "search"
IN_ITS_NAME = ", in its name"


@dataclass(frozen=True)
class Searched:
    """How far a search came. `left` names objects in which the person was found, without their name."""

    done: bool = False
    bucket: str = ""
    key: str = ""
    """The last one that was read, of this bucket."""
    objects: int = 0
    bytes: int = 0
    found: int = 0
    left: tuple[str, ...] = ()


class Search:
    """One search, which goes on where it was."""

    def __init__(self, subject: Subject, buckets: Mapping[str, ObjectStore], diary: Diary) -> None:
        self._subject, self._buckets, self._diary = subject, buckets, diary
        self._needles = Needles(subject)
        # They hold the name for the search itself, and go before the proof is written.
        self._own = (f"{ORDERS}{diary.erasure}.json", diary.folder)

    def begin(self) -> None:
        """Anew."""
        self._diary.forget(_NOTE)

    def go_on(self, short: Short) -> Searched:
        """Reads on; `done` when all was read."""
        told = self._diary.read(_NOTE)
        so_far = Searched(**told | {"left": tuple(told["left"])}) if told else Searched()
        if so_far.done:
            return so_far
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for name, bucket in sorted(self._buckets.items()):
                if name < so_far.bucket:
                    continue
                after = so_far.key if name == so_far.bucket else ""
                for some in batched(self._objects(bucket, after), _AT_ONCE):
                    if short():
                        self._diary.write(_NOTE, asdict(so_far))
                        return so_far
                    so_far = self._counted(
                        so_far, name, some, pool.map(lambda each, of=bucket: self._is_in(of, each), some)
                    )
        done = replace(so_far, done=True)
        self._diary.write(_NOTE, asdict(done))
        return done

    def _objects(self, bucket: ObjectStore, after: str) -> Iterator[ObjectVersion]:
        """Of a key that was read in part, all versions again: some may count twice, none is passed over."""
        for each in bucket.versions(""):
            if each.key >= after and not each.is_deletion and not each.key.startswith((*self._own, *KEYS)):
                yield each

    def _counted(
        self, so_far: Searched, bucket: str, some: tuple[ObjectVersion, ...], found: Iterable[str | None]
    ) -> Searched:
        for each, how in zip(some, found, strict=True):
            left = so_far.left
            if how is not None and len(left) < _MOST_TOLD:
                former = "" if each.is_current else f" (version {each.version})"
                left = (*left, f"{bucket}/{self._subject.masked(each.key)}{former}{how}")
            so_far = replace(
                so_far, bucket=bucket, key=each.key, objects=so_far.objects + 1, bytes=so_far.bytes + each.size,
                found=so_far.found + (how is not None), left=left,
            )  # fmt: skip
        return so_far

    def _is_in(self, bucket: ObjectStore, each: ObjectVersion) -> str | None:
        if self._needles.in_key(each.key):
            return IN_ITS_NAME
        try:
            with bucket.open(each.key, each.version) as stream:
                return "" if self._needles.in_stream(stream) else None
        except NotFound:  # in this moment
            return None
