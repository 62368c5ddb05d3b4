"""Declarations are kept as they were sent, each once, under rising numbers, whoever writes at the same time."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from gyre.errors import Conflict, Invalid, NotFound, NotReady
from gyre.objects import ObjectInfo, StoredObject
from gyre.spec.versions import SpecVersion, add_spec, add_uploaded_spec, models, spec_of, versions
from tests.fakes.objects import EPOCH, MemoryBucket
from tests.unit.spec.texts import SMALL

FIRST = SMALL.encode()
SECOND = f"# better\n{SMALL}".encode()
THIRD = f"{SMALL}owner: me\n".encode()


class BusyBucket(MemoryBucket):
    """Lets somebody else in just before each of the next writes, after the writer has looked."""

    def __init__(self, *others: Callable[[MemoryBucket], object]) -> None:
        super().__init__()
        self._others = list(others)
        self.read_keys: list[str] = []
        self.listed: list[str] = []

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> str:
        if self._others:
            self._others.pop(0)(self)
        return super().write(key, content, content_type=content_type, replaces=replaces, new=new)

    def read(self, key: str, version: str | None = None) -> StoredObject:
        self.read_keys.append(key)
        return super().read(key, version)

    def size(self, key: str, version: str | None = None) -> int:
        return len(super().read(key, version).content)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.listed.append(prefix)
        return super().list(prefix)


def declare(text: bytes) -> Callable[[MemoryBucket], object]:
    return lambda bucket: add_spec(text, bucket)


# --- adding -----------------------------------------------------------------------------------------------------------


def test_the_first_declaration_is_version_1_and_kept_as_it_was_sent() -> None:
    bucket = MemoryBucket()
    added, is_new = add_spec(b"\xef\xbb\xbf" + FIRST, bucket)
    assert is_new
    assert (added.model, added.version, added.spec.target) == ("loans", 1, "repaid")
    assert [each.key for each in bucket.list("")] == ["specs/loans/00000001.yaml"]
    assert bucket.read("specs/loans/00000001.yaml").content == added.text == b"\xef\xbb\xbf" + FIRST


def test_another_text_is_the_next_version_and_leaves_the_first_alone() -> None:
    bucket = MemoryBucket()
    assert [add_spec(text, bucket)[0].version for text in (FIRST, SECOND, THIRD)] == [1, 2, 3]
    assert bucket.read("specs/loans/00000001.yaml").content == FIRST


def test_the_newest_text_again_is_no_new_version() -> None:
    bucket = MemoryBucket()
    add_spec(FIRST, bucket)
    add_spec(SECOND, bucket)
    again, is_new = add_spec(SECOND, bucket)
    assert (again.version, is_new, again.added_at) == (2, False, EPOCH + timedelta(seconds=2))
    assert len(versions("loans", bucket)) == 2


def test_an_earlier_text_is_a_new_version_because_it_is_declared_anew() -> None:
    bucket = MemoryBucket()
    numbers = [add_spec(text, bucket)[0].version for text in (FIRST, SECOND, FIRST)]
    assert numbers == [1, 2, 3]


def test_what_is_wrong_is_not_kept() -> None:
    bucket = MemoryBucket()
    with pytest.raises(Invalid) as caught:
        add_spec(FIRST + b"ownr: me\n", bucket)
    assert [fault["field"] for fault in caught.value.details] == ["ownr"]
    assert list(bucket.list("")) == []


def test_a_number_above_nine_is_above_nine() -> None:
    bucket = MemoryBucket()
    for number in range(1, 13):
        assert add_spec(FIRST + b"#" * number, bucket)[0].version == number
    assert spec_of("loans", bucket).version == 12


def test_after_a_gap_numbers_go_on() -> None:
    bucket = MemoryBucket()
    bucket.put("specs/loans/00000007.yaml", FIRST)
    assert add_spec(SECOND, bucket)[0].version == 8


# --- at the same time -------------------------------------------------------------------------------------------------


def test_who_comes_second_takes_the_number_after() -> None:
    bucket = BusyBucket(declare(SECOND))
    added, is_new = add_spec(FIRST, bucket)
    assert (added.version, is_new) == (2, True)
    assert [spec_of("loans", bucket, number).text for number in (1, 2)] == [SECOND, FIRST]


def test_who_comes_second_with_the_same_text_finds_it_declared() -> None:
    bucket = BusyBucket(declare(FIRST))
    added, is_new = add_spec(FIRST, bucket)
    assert (added.version, is_new) == (1, False)
    assert len(versions("loans", bucket)) == 1


def test_several_may_be_faster() -> None:
    bucket = BusyBucket(declare(SECOND), declare(THIRD))
    # the one that is let in is overtaken itself, and both find their place
    added, _ = add_spec(FIRST, bucket)
    texts = [spec_of("loans", bucket, each.version).text for each in versions("loans", bucket)]
    assert sorted(texts) == sorted([FIRST, SECOND, THIRD])
    assert texts[added.version - 1] == FIRST


def test_it_does_not_try_for_ever() -> None:
    def other(bucket: MemoryBucket) -> None:
        number = len(versions("loans", bucket)) + 1
        bucket.put(f"specs/loans/{number:08}.yaml", FIRST + b"#" * number)

    bucket = BusyBucket(*[other] * 100)
    with pytest.raises(Conflict, match="declaring loans at the same time"):
        add_spec(SECOND, bucket)
    assert len(versions("loans", bucket)) == 5
    assert all(spec_of("loans", bucket, number).text != SECOND for number in range(1, 6))


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket() -> BusyBucket:
    made = BusyBucket()
    for text in (FIRST, SECOND, SMALL.replace("loans", "loans-2").encode(), SMALL.replace("loans", "a").encode()):
        add_spec(text, made)
    for stray in ("specs/", "specs/loans/", "specs/loans/notes.txt", "specs/loans/3.yaml", "specs/x/00000001.json",
                  "specs/loans/old/00000009.yaml", "specs/loans/000000010.yaml"):  # fmt: skip
        made.put(stray, b"")
    made.read_keys.clear()
    made.listed.clear()
    return made


def test_the_newest_is_what_is_declared(bucket: BusyBucket) -> None:
    found = spec_of("loans", bucket)
    expected = SpecVersion("loans", 2, found.spec, SECOND, EPOCH + timedelta(seconds=2))
    assert found == expected
    assert found.spec.model == "loans"


def test_an_earlier_one_by_its_number(bucket: BusyBucket) -> None:
    found = spec_of("loans", bucket, 1)
    assert (found.version, found.text, found.added_at) == (1, FIRST, EPOCH + timedelta(seconds=1))


@pytest.mark.parametrize("version", [0, -1, 3, 9, 10, 123_456_789])
def test_a_number_that_is_not_there(bucket: BusyBucket, version: int) -> None:
    with pytest.raises(NotFound, match=f"loans has no spec version {version}"):
        spec_of("loans", bucket, version)


def test_a_number_of_a_model_that_is_not_declared(bucket: BusyBucket) -> None:
    with pytest.raises(NotFound):
        spec_of("x", bucket, 1)


@pytest.mark.parametrize("model", ["x", "nobody", "loan", "", "loans/old", "../loans"])
def test_a_model_that_is_not_declared_is_told_what_to_do(bucket: BusyBucket, model: str) -> None:
    with pytest.raises(NotReady) as caught:
        spec_of(model, bucket)
    assert "POST /models" in caught.value.message
    assert f"inbox/{model}/" in caught.value.message


def test_which_models_are_declared(bucket: BusyBucket) -> None:
    assert models(bucket) == ["a", "loans", "loans-2"]
    assert models(MemoryBucket()) == []


def test_the_versions_of_a_model_with_their_times(bucket: BusyBucket) -> None:
    found = [(each.version, each.added_at) for each in versions("loans", bucket)]
    assert found == [(1, EPOCH + timedelta(seconds=1)), (2, EPOCH + timedelta(seconds=2))]
    assert versions("nobody", bucket) == []


def test_lists_read_no_object_and_ask_once(bucket: BusyBucket) -> None:
    models(bucket)
    versions("loans", bucket)
    assert (bucket.read_keys, bucket.listed) == ([], ["specs/", "specs/loans/"])


def test_one_is_read_with_one_listing(bucket: BusyBucket) -> None:
    spec_of("loans", bucket)
    spec_of("loans", bucket, 1)
    assert bucket.read_keys == ["specs/loans/00000002.yaml", "specs/loans/00000001.yaml"]
    assert bucket.listed == ["specs/loans/", "specs/loans/00000001.yaml"]


def test_what_an_earlier_gyre_took_and_this_one_would_not_is_told_as_that(bucket: BusyBucket) -> None:
    bucket.put("specs/loans/00000003.yaml", FIRST + b"gone: 1\n")
    with pytest.raises(Invalid, match=r"(?s)Version 3 .* about loans .* earlier Gyre .* no such key") as caught:
        spec_of("loans", bucket)
    assert [fault["field"] for fault in caught.value.details] == ["gone"]
    assert spec_of("loans", bucket, 2).text == SECOND


# --- from the inbox ---------------------------------------------------------------------------------------------------


def test_an_uploaded_declaration_is_kept_as_a_sent_one() -> None:
    bucket = MemoryBucket()
    assert add_uploaded_spec("loans", FIRST, bucket).version == 1
    assert add_uploaded_spec("loans", FIRST, bucket).version == 1
    assert spec_of("loans", bucket).text == FIRST


def test_a_declaration_in_the_inbox_of_another_model_is_a_mistake() -> None:
    bucket = MemoryBucket()
    with pytest.raises(Invalid, match=r"inbox of wine declares loans: upload it to inbox/loans/"):
        add_uploaded_spec("wine", FIRST, bucket)
    assert list(bucket.list("")) == []
