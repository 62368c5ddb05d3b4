import pytest

from gyre.datasets.receive import ADDRESS_SECONDS, MOST_BYTES, address_for, receive
from gyre.datasets.upload import Upload
from gyre.errors import Invalid, TooLarge
from tests.fakes.objects import MemoryBucket


@pytest.fixture
def data() -> MemoryBucket:
    return MemoryBucket()


def test_a_file_lands_in_the_inbox_pinned_to_its_bytes(data: MemoryBucket) -> None:
    first, second = (receive("wine", "a.csv", content, data) for content in (b"\x00\xff", b"other"))
    assert first == Upload("wine", "inbox/wine/a.csv", "v1")
    assert second.version == "v2"
    assert data.read(first.key, first.version).content == b"\x00\xff"


def test_nothing_is_no_file(data: MemoryBucket) -> None:
    with pytest.raises(Invalid, match=r"a\.csv is empty") as refused:
        receive("wine", "a.csv", b"", data)
    assert refused.value.field == "body"
    assert list(data.list("")) == []


def test_what_no_request_carries_is_told_the_other_way(data: MemoryBucket) -> None:
    assert receive("wine", "a.csv", b"x" * MOST_BYTES, data)
    with pytest.raises(TooLarge, match=r"4,500,001 bytes.*4,500,000.*POST /models/wine/uploads"):
        receive("wine", "b.csv", b"x" * (MOST_BYTES + 1), data)
    assert [each.key for each in data.list("")] == ["inbox/wine/a.csv"]


def test_as_base64_the_largest_file_fits_into_an_event() -> None:
    """Lambda takes 6 MB in all, and the headers need some of it."""
    assert MOST_BYTES * 4 / 3 < 6 * 1024 * 1024 - 64 * 1024


@pytest.mark.parametrize(("model", "name"), [("Wine", "a.csv"), ("../x", "a.csv"), ("wine", "../a.csv"), ("wine", "a")])
def test_what_is_no_name_is_no_key(data: MemoryBucket, model: str, name: str) -> None:
    with pytest.raises(Invalid):
        receive(model, name, b"x", data)
    with pytest.raises(Invalid):
        address_for(model, name, data)
    assert list(data.list("")) == []


def test_no_two_addresses_are_one(data: MemoryBucket) -> None:
    addresses = [address_for("wine", "a.csv", data) for _ in range(50)]
    assert len({each.key for each in addresses}) == 50
    assert all(each.key.startswith("inbox/wine/") and each.key.endswith("/a.csv") for each in addresses)
    assert {each.put_url for each in addresses} == {f"memory://{each.key}?for={ADDRESS_SECONDS}" for each in addresses}
