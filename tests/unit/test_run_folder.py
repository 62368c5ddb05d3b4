"""The folder of a run."""

import pytest

from gyre.errors import NotFound
from gyre.objects import Written
from gyre.run_folder import RunFolder
from tests.fakes.objects import MemoryBucket


@pytest.fixture
def folder() -> RunFolder:
    return RunFolder(MemoryBucket(), "wine", "run-1")


def test_what_was_written_is_read_back(folder: RunFolder) -> None:
    assert folder.write("plots/roc.svg", b"<svg/>") == "runs/wine/run-1/plots/roc.svg"
    assert folder.read("plots/roc.svg") == b"<svg/>"
    folder.write("plots/roc.svg", b"again")
    assert folder.read("plots/roc.svg") == b"again"


def test_json_comes_back_as_it_was(folder: RunFolder) -> None:
    told = {"süß": ["✗", None, True, 0.1, -0.0, 10**20], "": {}}
    folder.write_json("a.json", told)
    assert folder.read_json("a.json") == folder.find_json("a.json") == told
    assert "süß" in folder.read("a.json").decode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_is_no_json_is_not_written(folder: RunFolder, value: object) -> None:
    folder.write_json("a.json", 1)
    with pytest.raises(ValueError, match="JSON"):
        folder.write_json("a.json", value)
    assert folder.read_json("a.json") == 1


def test_what_is_not_there_is_not_found_or_nothing(folder: RunFolder) -> None:
    with pytest.raises(NotFound, match=r"runs/wine/run-1/a\.json"):
        folder.read_json("a.json")
    assert folder.find_json("a.json") is None


def test_runs_of_like_names_are_apart(folder: RunFolder) -> None:
    store = folder.store
    for model, run in (("wine", "run-10"), ("wine2", "run-1"), ("wine", "run-1")):
        RunFolder(store, model, run).write_json("steps/fit.json", [model, run])
    assert [each.key for each in folder.list()] == ["runs/wine/run-1/steps/fit.json"]
    assert folder.read_json("steps/fit.json") == ["wine", "run-1"]


def test_names_are_those_below_a_folder(folder: RunFolder) -> None:
    for name in ("plots/b.svg", "plots/a.png", "plotting.json", "evaluation.json"):
        folder.write(name, b"x")
    assert list(folder.names("plots/")) == ["a.png", "b.svg"]
    assert list(folder.names("nothing/")) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.json", "application/json"), ("a.html", "text/html; charset=utf-8"), ("plots/a.svg", "image/svg+xml"),
        ("a.b.png", "image/png"), ("a.bin", "application/octet-stream"), ("a", "application/octet-stream"),
    ],
)  # fmt: skip
def test_a_file_says_what_it_is(name: str, kind: str) -> None:
    kinds: dict[str, str] = {}

    class Told(MemoryBucket):
        def write(
            self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
        ) -> Written:
            kinds[key] = content_type
            return super().write(key, content, content_type=content_type, replaces=replaces, new=new)

    folder = RunFolder(Told(), "wine", "run-1")
    assert kinds == {} and kinds.get(folder.write(name, b"x")) == kind
