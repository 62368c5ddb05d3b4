import json

import pytest

from gyre.datasets.upload import Upload
from gyre.errors import Invalid, NotFound
from gyre.training.profiling import ProfileKept, profile_upload
from tests.fakes.objects import MemoryBucket

KEY = "inbox/wine/2026/a.csv"


def test_the_profile_is_kept_beside_the_run() -> None:
    bucket = MemoryBucket()
    bucket.put(KEY, b"a,b\n1,x\n2,y\n")
    kept = profile_upload("run-1", Upload("wine", KEY), bucket)
    assert kept == ProfileKept("runs/wine/run-1/profile.json", rows=2, columns=2)
    told = json.loads(bucket.read(kept.key).content)
    assert (told["run"], told["model"], told["rows"]) == ("run-1", "wine", 2)
    assert told["upload"] == {"model": "wine", "key": KEY, "version": None}
    assert [column["kind"] for column in told["columns"]] == ["number", "text"]


def test_the_version_that_was_told_is_read() -> None:
    bucket = MemoryBucket()
    old = bucket.put(KEY, b"a\n1\n")
    bucket.put(KEY, b"a\n1\n2\n3\n")
    assert profile_upload("run-1", Upload("wine", KEY, old), bucket).rows == 1
    assert profile_upload("run-2", Upload("wine", KEY), bucket).rows == 3


def test_a_second_try_keeps_the_same() -> None:
    bucket = MemoryBucket()
    bucket.put(KEY, b"a\n1\n")
    first, second = (profile_upload("run-1", Upload("wine", KEY), bucket) for _ in range(2))
    assert first == second
    assert [each.key for each in bucket.list("runs/")] == [first.key]


def test_what_is_kept_is_json_that_every_reader_takes() -> None:
    bucket = MemoryBucket()
    bucket.put(KEY, b"a\ninf\n1\n")
    kept = profile_upload("run-1", Upload("wine", KEY), bucket)
    for constant in (b"NaN", b"Infinity"):
        assert constant not in bucket.read(kept.key).content


def test_a_broken_upload_keeps_nothing() -> None:
    bucket = MemoryBucket()
    bucket.put(KEY, b"")
    with pytest.raises(Invalid):
        profile_upload("run-1", Upload("wine", KEY), bucket)
    with pytest.raises(NotFound):
        profile_upload("run-1", Upload("wine", "inbox/wine/missing.csv"), bucket)
    assert list(bucket.list("runs/")) == []
