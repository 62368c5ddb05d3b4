from gyre.registry.releases import Release, releases
from tests.fakes.objects import MemoryBucket


def test_every_model_with_a_pointer_is_told_by_name() -> None:
    artifacts = MemoryBucket()
    artifacts.put("releases/wine.json", b'{"version": 3}')
    artifacts.put("releases/beer.json", b'{"version": "1.2", "history": []}')
    artifacts.put("releases/notes.txt", b"not a pointer")
    artifacts.put("bundles/wine.json", b"{}")
    assert releases(artifacts) == (Release("beer", "1.2"), Release("wine", "3"))


def test_without_a_pointer_there_is_none() -> None:
    assert releases(MemoryBucket()) == ()
