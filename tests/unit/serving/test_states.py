"""Deployments where something is missing, broken or moving: an answer is that of the release it names, or a refusal."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gyre.bundle.predict import Predictor
from gyre.errors import GyreError, TooManyRequests, Unavailable
from gyre.objects import ObjectInfo, StoredObject
from gyre.registry.moves import promote, retire, rollback
from gyre.registry.releases import pointer_key
from gyre.registry.traffic import send_traffic
from gyre.serving.rows import RowCheck
from tests.fakes.objects import MemoryBucket
from tests.unit.parts import House
from tests.unit.registry.house import ANNA
from tests.unit.serving.house import ROW, Serve
from tests.unit.serving.wire import call, refused
from tests.unit.training.models import compiled

KINDS = [(each, "multiclass", "mixed") for each in ("linear", "boosting", "random_forest", "naive_bayes")]
ROWS: list[dict[str, Any]] = [ROW, {}, {"age": 80, "mood": "bad"}, {"pay": 1.5, "size": "l", "town": "z"}]
REFUSALS = {404, 409, 429, 503}


class Disturbed(MemoryBucket):
    """Whose reads fail when they are told to. As thread-safe as S3."""

    def __init__(self) -> None:
        super().__init__()
        self._one_at_a_time = threading.RLock()
        self.reads = 0
        self.fails: Callable[[int], GyreError | None] = lambda _: None

    def _asked(self) -> None:
        self.reads += 1
        if error := self.fails(self.reads):
            raise error

    def put(self, key: str, content: bytes) -> str:
        with self._one_at_a_time:
            return super().put(key, content)

    def read(self, key: str, version: str | None = None) -> StoredObject:
        with self._one_at_a_time:
            self._asked()
            return super().read(key, version)

    def write(self, *args: Any, **named: Any) -> Any:
        with self._one_at_a_time:
            return super().write(*args, **named)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with self._one_at_a_time:
            return iter(list(super().list(prefix)))


def deployed(*versions: int) -> tuple[Serve, Disturbed]:
    """A deployment of these versions, each of another kind, the last one in production."""
    bucket = Disturbed()
    made = Serve(house=House(artifacts=bucket))
    made.house.outlet = made.outlet
    for version in versions:
        made.promote(version, compiled(*KINDS[version - 1]))
    return made, bucket


@cache
def expected(version: int) -> list[dict[str, float]]:
    """What a version says of the rows, without anything of serving around it."""
    bundle = compiled(*KINDS[version - 1]).bundle
    found = Predictor(bundle).predict(RowCheck(bundle.layout.spec).check(ROWS).columns)
    assert found.probabilities is not None
    names = [str(each) for each in bundle.manifest.classes]
    return [dict(zip(names, shares, strict=True)) for shares in found.probabilities.tolist()]


BODY = json.dumps({"model": "m", "rows": [{"id": str(n), "features": row} for n, row in enumerate(ROWS)]}).encode()


def asked(app: Any, serve: Serve, body: bytes = BODY) -> tuple[int, set[int]]:
    """The status of a call, and who answered; no row ever comes with another release's numbers."""
    heard = call(app, "/inference", body, serve.key)
    if heard.status != 200:
        assert heard.status in REFUSALS, heard
        refused(heard, "/inference")
        return heard.status, set()
    rows = heard.json()["predictions"]
    for number, row in enumerate(rows):
        assert row["probabilities"] == pytest.approx(expected(row["version"])[number], abs=1e-6), row
    return 200, {row["version"] for row in rows}


def app_of(serve: Serve) -> Any:
    """A cold environment."""
    return serve.house.app(*serve.house.serving())


# --- the pointer, the registry ----------------------------------------------------------------------------------------

POINTERS: list[tuple[bytes, int]] = [
    (b"", 503), (b"{", 503), (b"null", 503), (b"[]", 503), (b"\xff\xfe", 503), (b'{"format": 2}', 503),
    (b"[" * 100_000, 503), (b'{"model": "m", "revision": NaN}', 503),
]  # fmt: skip


@pytest.mark.parametrize(("content", "status"), POINTERS)
def test_a_pointer_that_cannot_be_read_is_503_in_a_cold_environment_and_nothing_in_a_warm_one(
    content: bytes, status: int
) -> None:
    serve, bucket = deployed(1, 2)
    warm = app_of(serve)
    assert asked(warm, serve) == (200, {2})
    good = bucket.read(pointer_key("m")).content
    bucket.put(pointer_key("m"), content)
    assert asked(app_of(serve), serve) == (status, set())
    assert serve.outlet.records[-1].status == status
    serve.house.clock.now += 3600
    assert asked(warm, serve) == (200, {2})
    # And once it is mended
    bucket.put(pointer_key("m"), good)
    assert asked(app_of(serve), serve) == (200, {2})


def test_the_pointer_of_another_model_is_refused() -> None:
    serve, bucket = deployed(1)
    serve.promote(1, compiled(*KINDS[1]), model="n")
    bucket.put(pointer_key("m"), bucket.read(pointer_key("n")).content)
    assert asked(app_of(serve), serve)[0] == 503


def test_a_pointer_that_is_gone_is_no_release() -> None:
    serve, bucket = deployed(1)
    warm = app_of(serve)
    asked(warm, serve)
    del bucket._versions[pointer_key("m")]
    assert asked(app_of(serve), serve) == (404, set())
    serve.house.clock.now += 3600
    asked(warm, serve)
    assert asked(warm, serve) == (404, set())


RECORDS = [b"", b"{", b"null", b"[1]", b"{}", b'{"bundle": 3}', b'{"model": "m", "version": 1, "bundle": {}}', b"\xff"]


@pytest.mark.parametrize("content", RECORDS)
def test_a_record_of_a_version_that_cannot_be_read_is_503_for_who_asks_for_its_number(content: bytes) -> None:
    serve, bucket = deployed(1, 2)
    bucket.put("registry/m/00000001.json", content)
    app = app_of(serve)
    assert asked(app, serve, BODY.replace(b'"rows"', b'"release": 1, "rows"', 1))[0] == 503
    assert asked(app, serve) == (200, {2})


def test_a_record_of_a_version_that_is_gone_is_404() -> None:
    serve, bucket = deployed(1, 2)
    del bucket._versions["registry/m/00000001.json"]
    assert asked(app_of(serve), serve, BODY.replace(b'"rows"', b'"release": 1, "rows"', 1))[0] == 404


# --- bundles ----------------------------------------------------------------------------------------------------------

PARTS = ("manifest.json", "model.onnx", "explain.npz", "reference.json")
DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "gone": lambda _: None,
    "empty": lambda _: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "longer": lambda content: content + b"\x00",
    "first bit": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "last bit": lambda content: content[:-1] + bytes([content[-1] ^ 128]),
    "a bit within": lambda content: content[:40] + bytes([content[40] ^ 16]) + content[41:],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("part", PARTS)
def test_a_damaged_part_leaves_the_former_release(part: str, damage: str) -> None:
    serve, bucket = deployed(1, 2)
    key = serve.shelf.pointer("m").aliases["production"].bundle.key + part
    content = DAMAGES[damage](bucket.read(key).content)
    if content is None:
        del bucket._versions[key]
    else:
        bucket.put(key, content)
    app = app_of(serve)
    assert asked(app, serve) == (200, {1})
    assert serve.outlet.one().served[0].fault
    # Who asks for it by its number hears that it cannot be loaded: nothing that was sent is wrong
    by_number = call(app, "/inference", BODY.replace(b'"rows"', b'"release": 2, "rows"', 1), serve.key)
    assert by_number.status == 503 and refused(by_number, "/inference")["code"] == "unavailable"


def test_bundles_whose_content_is_wrong_end_no_process(tmp_path: Path) -> None:
    for kind in (KINDS[1], KINDS[2], KINDS[0]):
        folder = tmp_path / kind[0]
        folder.mkdir()
        for name, content in compiled(*kind).parts.items():
            (folder / name).write_bytes(content)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.unit.serving.broken_bundles", str(tmp_path)],
        capture_output=True, text=True, timeout=110, env={"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["refused"] > 800 and found["answered"] > 100


def test_a_broken_model_delays_no_other_at_the_start() -> None:
    serve, bucket = deployed(1)
    serve.promote(1, compiled(*KINDS[1]), model="a")
    bucket.put(serve.shelf.pointer("a").aliases["production"].bundle.key + "model.onnx", b"")
    shelf = serve.fresh_shelf()
    shelf.preload()
    before = bucket.reads
    assert shelf.production("m", shelf.pointer("m"))[0].version == 1 and bucket.reads == before


# --- S3 ---------------------------------------------------------------------------------------------------------------


def test_a_read_that_fails_once_fails_at_most_one_call() -> None:
    """Each single one, in a cold environment, of an environment that looks again, and by who asks for a number."""
    for error in (Unavailable("S3 is away."), TooManyRequests("Slow down.")):
        number, went_through = 1, False
        while not went_through:
            serve, bucket = deployed(1, 2)
            serve.register(3, compiled(*KINDS[2]))
            send_traffic("m", 3, 0.5, 0.5, bucket, ANNA)
            bucket.reads = 0
            bucket.fails = lambda at, n=number, e=error: type(e)(e.message) if at == n else None  # type: ignore[misc]
            app = app_of(serve)
            first = asked(app, serve)
            went_through = bucket.reads < number
            bucket.fails = lambda _: None
            assert first[0] in (200, 429, 503) and (first[1] <= {1, 2, 3})
            serve.house.clock.now += 2
            assert asked(app, serve)[1] == {2, 3}, f"read {number}"
            number += 1
        assert number > 10


def test_a_look_that_fails_keeps_what_serves_and_is_made_again() -> None:
    for number in range(1, 9):
        serve, bucket = deployed(1, 2)
        app = app_of(serve)
        assert asked(app, serve) == (200, {2})
        serve.promote(3, compiled(*KINDS[2]))
        bucket.reads = 0
        bucket.fails = lambda at, n=number: Unavailable("S3 is away.") if at == n else None  # type: ignore[misc]
        serve.house.clock.now += 3600
        status, who = asked(app, serve)
        assert status in (200, 503) and who <= {2, 3}
        bucket.fails = lambda _: None
        serve.house.clock.now += 3600
        assert asked(app, serve) == (200, {3})


def test_an_s3_that_is_away_costs_those_who_wait_one_try_together() -> None:
    serve, bucket = deployed(1)
    shelf = serve.fresh_shelf()
    pointer = shelf.pointer("m")
    slow = threading.Event()

    def away(_: int) -> GyreError:
        slow.wait(0.2)
        return Unavailable("S3 is away.")

    bucket.fails, bucket.reads = away, 0
    heard: list[str] = []

    def ask() -> None:
        try:
            shelf.production("m", pointer)
        except Unavailable as error:
            heard.append(error.message)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(heard) == 8 and bucket.reads == 1
    bucket.fails = lambda _: None
    serve.house.clock.now += 1
    assert shelf.production("m", pointer)[0].version == 1


# --- the queues -------------------------------------------------------------------------------------------------------


def test_queues_that_are_down() -> None:
    serve, bucket = deployed(1)
    serve.register(2, compiled(*KINDS[1]))
    send_traffic("m", 2, 0.5, 1.0, bucket, ANNA)
    app = app_of(serve)
    serve.house.shadows.down = True
    assert asked(app, serve)[0] == 200
    serve.outlet.down = True
    assert asked(app, serve) == (503, set())
    wrong = call(app, "/inference", b"{", serve.key)
    assert wrong.status == 422  # what is wrong with a call is worth more to its caller
    serve.outlet.down = False
    assert asked(app, serve)[0] == 200


# --- everything at once -----------------------------------------------------------------------------------------------


def test_whatever_moves_while_many_call_no_row_is_torn() -> None:
    """Eight callers of two environments, while versions are promoted, rolled back, tried, retired and refused, S3 fails
    one read in forty, and the queue one put in fifty."""
    serve, bucket = deployed(1, 2)
    for version in (3, 4):
        serve.register(version, compiled(*KINDS[version - 1]))
    send_traffic("m", 3, 0.5, 0.5, bucket, ANNA)
    apps = [app_of(serve), app_of(serve)]
    for app in apps:
        asked(app, serve)
    bucket.fails = lambda at: Unavailable("S3 is away.") if at % 40 == 0 else None
    until = time.monotonic() + 5
    seen: Counter[tuple[int, int]] = Counter()
    broken: list[BaseException] = []
    numbered = [BODY, BODY, BODY, *(BODY.replace(b'"rows"', b'"release": %d, "rows"' % n, 1) for n in (1, 3, 4))]

    def ask(number: int) -> None:
        try:
            turn = 0
            while time.monotonic() < until and not broken:
                turn += 1
                status, who = asked(apps[number % 2], serve, numbered[(turn + number) % len(numbered)])
                for each in who or {0}:
                    seen[status, each] += 1
        except BaseException as error:  # noqa: BLE001  # told by the test's own thread
            broken.append(error)

    moves: list[Callable[[], Any]] = [
        lambda: promote("m", 1, bucket, ANNA),
        lambda: promote("m", 4, bucket, ANNA),
        lambda: rollback("m", bucket, ANNA),
        lambda: send_traffic("m", 3, 0.3, 0.5, bucket, ANNA),
        lambda: send_traffic("m", 2, 0.9, 0.0, bucket, ANNA),
        lambda: retire("m", 1, bucket, ANNA),
        lambda: promote("m", 2, bucket, ANNA),
        lambda: rollback("m", bucket, ANNA),
    ]
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    made, turn = 0, 0
    while time.monotonic() < until and not broken:
        turn += 1
        try:
            moves[turn % len(moves)]()
            made += 1
        except GyreError:
            pass  # moved already, retired, or S3 was away
        serve.house.clock.now += 6
        serve.outlet.down = turn % 50 == 0
        until_seen = sum(seen.values()) + 8
        while sum(seen.values()) < until_seen and time.monotonic() < until and not broken:
            time.sleep(0.001)
    for each in threads:
        each.join()
    if broken:
        raise broken[0]
    answered = {who for status, who in seen if status == 200}
    assert made > 20 and answered == {1, 2, 3, 4} and sum(seen.values()) > 200, (made, seen)
    # And when it is quiet again, everybody answers by what is production
    bucket.fails, serve.outlet.down = (lambda _: None), False
    promote("m", 4, bucket, ANNA)
    send_traffic("m", 3, 0.0, 0.0, bucket, ANNA)
    for app in apps:
        serve.house.clock.now += 3600
        assert asked(app, serve) == (200, {4})
    for record in serve.outlet.records:
        if record.status == 200:
            for number, row in enumerate(record.rows):
                assert row.version is not None
                assert row.probabilities == pytest.approx(expected(row.version)[number], abs=1e-6)
