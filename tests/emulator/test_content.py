"""Where code, layers and images are."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from gyre_emulator.content import ContentError, image_folder, merge_layers, search_paths


def layer(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / "python" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("uri", ["science", "science:1", "registry.example:5000/team/science:2", "x/science@sha256:ab"])
def test_an_image_is_the_folder_of_its_last_name(tmp_path: Path, uri: str) -> None:
    # given
    (tmp_path / "science").mkdir()
    # when / then
    assert image_folder(uri, tmp_path) == tmp_path / "science"


def test_a_missing_image_folder_is_named_with_its_remedy(tmp_path: Path) -> None:
    # when
    with pytest.raises(ContentError) as missing:
        image_folder("x/science:1", tmp_path)
    # then
    assert str(tmp_path / "science") in str(missing.value)
    assert "make package" in str(missing.value)


@pytest.mark.parametrize("uri", ["", "x/..", "x/.:1"])
def test_an_image_cannot_lead_out_of_the_folder(tmp_path: Path, uri: str) -> None:
    with pytest.raises(ContentError):
        image_folder(uri, tmp_path)


def test_no_layers_no_opt() -> None:
    assert merge_layers([]) is None


def test_later_layers_replace_files_of_earlier_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = layer(tmp_path / "first", shared="first", one="1")
    second = layer(tmp_path / "second", shared="second", two="2")
    # when
    merged = merge_layers([first, second])
    # then
    assert merged is not None
    found = {path.name: path.read_text() for path in (merged / "python").iterdir()}
    assert found == {"shared.py": "second", "one.py": "1", "two.py": "2"}
    assert (first / "python" / "shared.py").read_text() == "first"


def test_merging_again_gives_the_same_folder_and_another_order_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first, second = layer(tmp_path / "first", shared="first"), layer(tmp_path / "second", shared="second")
    # when
    one, again, other = (merge_layers(order) for order in ([first, second], [first, second], [second, first]))
    # then
    assert one == again != other
    assert other is not None
    assert (other / "python" / "shared.py").read_text() == "first"


def test_code_comes_before_layers() -> None:
    # when
    paths = search_paths(Path("/venv/bin/python"), Path("/code"), Path("/opt/x"), "/extra")
    # then
    assert paths["PYTHONPATH"].split(":") == [
        "/code", "/extra", "/opt/x/python/lib/python3.12/site-packages", "/opt/x/python",
    ]  # fmt: skip
    assert paths["LD_LIBRARY_PATH"].split(":") == ["/code", "/code/lib", "/opt/x/lib"]
    assert paths["PATH"].startswith("/venv/bin:")
