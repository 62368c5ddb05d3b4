"""What was made of a dataset version."""

from dataclasses import replace

from gyre.datasets.kept_split import KeptSplit, keep_split
from gyre.datasets.lineage import Lineage, lineage_of
from tests.fakes.objects import MemoryBucket
from tests.unit.datasets.test_version import FIRST

SPLIT = KeptSplit("m", 1, 1, "datasets/m/splits/00000001-a.parquet", "0" * 64, {"train": 1}, 0, "random", 7)


def keep(data: MemoryBucket, *splits: tuple[int, str]) -> list[KeptSplit]:
    made = [
        replace(SPLIT, dataset=number, key=f"datasets/m/splits/{number:08}-{name}.parquet") for number, name in splits
    ]
    for each in made:
        data.put(each.key, b"parts")
        keep_split(each.key.replace(".parquet", ".json"), each, data)
    return made


def test_a_version_has_its_own_splits_and_no_others() -> None:
    # Given
    data = MemoryBucket()
    made = keep(data, (1, "a"), (1, "b"), (2, "a"), (11, "a"))
    # When and then
    assert lineage_of(FIRST, data) == Lineage(FIRST, (made[0], made[1]))
    assert lineage_of(replace(FIRST, version=2), data).splits == (made[2],)


def test_a_version_that_was_never_split_has_none() -> None:
    assert lineage_of(FIRST, MemoryBucket()) == Lineage(FIRST, ())


def test_parts_without_their_record_are_no_split_yet() -> None:
    # Given a run that was ended between the parts and the record
    data = MemoryBucket()
    data.put("datasets/m/splits/00000001-a.parquet", b"parts")
    # When and then
    assert lineage_of(FIRST, data).splits == ()
