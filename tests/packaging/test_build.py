"""What a build leaves behind: complete, the same each time, and no more work than the change asks for."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.packaging import build as building
from infra.packaging.archive import digest_of, files_of
from infra.packaging.workshop import ROOT
from tests.packaging.conftest import Small


def fingerprints(small: Small) -> dict[str, str]:
    """A digest for each zip and each folder that was built."""
    zips = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in small.out.glob("*/*.zip")}
    folders = {part.place: digest_of(small.shop.folder(part)) for part in small.shop.parts}
    return zips | folders


def test_two_builds_in_two_places_give_the_same_bytes(
    original: Small, make_small: Callable[[Path], Small], tmp_path: Path
) -> None:
    there = make_small(tmp_path / "another" / "path")

    assert there.build() == []

    assert there.built() == {"runtime", "serving", "inference", "drift", "science"}
    assert fingerprints(there) == fingerprints(original)
    for path in files_of(there.out / "images"):
        assert str(there.root).encode() not in path.read_bytes()


def test_the_zip_holds_what_the_folder_holds(original: Small) -> None:
    for part in (part for part in original.shop.parts if part.zipped):
        folder = original.shop.folder(part)
        with zipfile.ZipFile(original.shop.archive(part)) as archive:
            assert sorted(archive.namelist()) == sorted(p.relative_to(folder).as_posix() for p in files_of(folder))
            assert len(set(archive.namelist())) == len(archive.namelist())
            for entry in archive.infolist():
                assert entry.date_time == (1980, 1, 1, 0, 0, 0)
                assert entry.external_attr >> 16 == 0o100644
                assert archive.read(entry) == (folder / entry.filename).read_bytes()
    assert (original.out / "layers/runtime/python/gyre/rooms/schema.json").is_file()
    assert (original.out / "images/gyre-science/gyre/__init__.py").is_file()
    assert not (original.out / "images/gyre-science.zip").exists()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("layers/runtime/python/gyre/__init__.py", "/opt/python/gyre/__init__.py"),
        ("layers/runtime/python/demo/__init__.py", "/opt/python/demo/__init__.py"),
        ("functions/inference/app.py", "/var/task/app.py"),
        ("images/gyre-science/gyre/__init__.py", "/var/task/gyre/__init__.py"),
    ],
)
def test_bytecode_names_the_path_at_run_time_and_asks_for_no_check(original: Small, path: str, shown: str) -> None:
    compiled = Path(importlib.util.cache_from_source(str(original.out / path))).read_bytes()

    assert int.from_bytes(compiled[4:8], "little") == 0b01, "unchecked-hash: valid whatever the file times are"
    assert marshal.loads(compiled[16:]).co_filename == shown


def test_after_unzipping_the_bytecode_is_what_runs(original: Small, tmp_path: Path) -> None:
    with zipfile.ZipFile(original.shop.archive(original.shop.part("runtime"))) as archive:
        archive.extractall(tmp_path / "opt")
    (tmp_path / "opt/python/gyre/__init__.py").write_text("raise SystemExit('the source was read')\n")

    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'opt/python')!r}); import gyre; print(gyre.answer())"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=30)

    assert done.stdout.strip() == "42", done.stderr


def test_dependencies_are_trimmed_and_keep_their_metadata(original: Small) -> None:
    site = original.out / "layers/runtime/python"
    found = {path.relative_to(site).as_posix() for path in files_of(site) if path.suffix != ".pyc"}

    assert found == {
        "demo/__init__.py", "demo/kernel.so", "demo/testing/__init__.py", "demo/data/tests.csv", "demo/template.py",
        "demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/entry_points.txt", "demo-1.0.dist-info/top_level.txt",
        "gyre/__init__.py", "gyre/rooms/__init__.py", "gyre/rooms/schema.json",
    }  # fmt: skip


def test_a_pick_takes_the_named_files_of_a_package_and_nothing_else(original: Small) -> None:
    assert [path.name for path in files_of(original.out / "layers/serving/python")] == ["kernel.so"]


def test_nothing_changed_nothing_built(small: Small) -> None:
    before = fingerprints(small)
    started = time.monotonic()

    assert small.build() == []

    assert time.monotonic() - started < 1.5
    assert small.built() == set()
    assert not any(line.startswith("check") for line in small.lines)
    assert fingerprints(small) == before


def test_a_change_in_gyre_rebuilds_what_contains_it_and_installs_nothing(small: Small) -> None:
    small.write("layers/gyre/gyre/__init__.py", "def answer():\n    return 43\n")

    assert small.build() == []

    assert small.built() == {"runtime", "science"}
    assert small.installed == set()
    assert {line.split()[1] for line in small.lines if line.startswith("check")} == {"inference", "drift", "science"}
    assert "43" in (small.out / "layers/runtime/python/gyre/__init__.py").read_text()


def test_a_change_in_one_function_rebuilds_that_one(small: Small) -> None:
    small.write("functions/drift/more.py", "x = 1\n")

    small.build()

    assert small.built() == {"drift"}
    assert [line.split()[1] for line in small.lines if line.startswith("check")] == ["drift"]


def test_a_deleted_source_leaves_the_part(small: Small) -> None:
    extra = small.write("functions/drift/more.py", "x = 1\n")
    small.build("drift")
    extra.unlink()

    small.build("drift")

    assert [path.name for path in files_of(small.out / "functions/drift")] == ["app.py", "app.cpython-312.pyc"]


def test_a_changed_lock_is_installed_again(small: Small) -> None:
    lock = small.root / "requirements/small.lock"
    lock.write_text(lock.read_text() + "# resolved anew\n")

    small.build()

    # `science` stands on the same lock; serving's pick looks at its own package's entry alone.
    assert small.built() == {"runtime", "science"}


@pytest.mark.parametrize("lost", ["layers/runtime.zip", "layers/runtime", "images/gyre-science"])
def test_a_lost_result_is_built_again(small: Small, lost: str) -> None:
    (small.out / lost).rename(small.root / "lost")

    assert small.build() == []

    assert (small.out / lost).exists()


@pytest.mark.parametrize("step", ["take_over", "write_own", "pack", "swap"])
def test_an_interrupted_build_never_looks_finished(small: Small, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    wanted = fingerprints(small)
    small.write("layers/gyre/gyre/__init__.py", "def answer():\n    return 43\n")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            small.build()

    assert small.shop.stamp("runtime") == {}
    small.write("layers/gyre/gyre/__init__.py", "def answer():\n    return 42\n")
    assert small.build() == []
    assert fingerprints(small) == wanted
    assert not small.shop.temporary.exists()


def test_our_files_come_and_go_in_a_folder_that_is_taken_over(small: Small) -> None:
    """Given an image whose dependencies stay, when our files change, then nothing of before is left."""
    small.write("functions/science/extra/more.py", "X = 1\n")
    assert small.build() == []
    image = small.out / "images/gyre-science"
    assert (image / "extra/more.py").is_file()
    dependency = (image / "demo/__init__.py").stat().st_ino
    shutil.rmtree(small.root / "functions/science/extra")
    assert small.build() == []
    assert not (image / "extra").exists()
    assert (image / "demo/__init__.py").stat().st_ino == dependency
    changed = fingerprints(small)
    shutil.rmtree(image)
    assert small.build() == []
    assert fingerprints(small) == changed


def test_what_a_killed_build_left_is_removed(small: Small) -> None:
    left = small.shop.temporary / "layers/runtime/python"
    left.mkdir(parents=True)
    (left / "half.py").touch()

    assert small.build() == []

    assert not small.shop.temporary.exists()
    assert not (small.out / "layers/runtime/python/half.py").exists()


def test_one_failing_part_stops_no_other(small: Small) -> None:
    (small.root / "functions/drift/app.py").unlink()

    failures = small.build()

    assert failures == ["function drift: functions/drift/app.py is missing"]
    assert small.shop.stamp("inference")


def missing_lock(small: Small) -> str:
    (small.root / "requirements/none.lock").unlink()
    return "layer serving: requirements/none.lock is missing: `make lock` resolves it"


def missing_folder(small: Small) -> str:
    small.root.joinpath("functions/drift").rename(small.root / "elsewhere")
    return "function drift: functions/drift/ is missing"


def syntax_error(small: Small) -> str:
    small.write("functions/drift/app.py", "import gyre\n\ndef handler(:\n")
    return "function drift: functions/drift/app.py:3: SyntaxError: invalid syntax"


def hidden_dependency(small: Small) -> str:
    small.write("functions/science/demo/__init__.py", "")
    return "image science: functions/science/demo/__init__.py would hide a file of small.lock"


def unlocked_pick(small: Small) -> str:
    lock = small.root / "requirements/small.lock"
    lock.write_text(lock.read_text().replace("demo==", "other=="))
    return "layer serving: requirements/small.lock does not lock demo"


@pytest.mark.parametrize("break_it", [missing_lock, missing_folder, syntax_error, hidden_dependency, unlocked_pick])
def test_a_failure_is_one_clear_line(small: Small, break_it: Callable[[Small], str]) -> None:
    expected = break_it(small)

    assert expected in small.build()


def test_a_wheel_with_another_hash_is_refused(small: Small) -> None:
    lock = small.root / "requirements/small.lock"
    lock.write_text(re.sub("sha256:....", "sha256:0000", lock.read_text()))

    (line,) = small.build("runtime")

    assert line.startswith("layer runtime: could not install requirements/small.lock for ")
    assert "Hash mismatch for `demo==1.0`" in line
    assert "\n" not in line
    assert small.shop.stamp("runtime") == {}


def test_every_folder_of_functions_is_built_by_a_part() -> None:
    from infra.packaging.recipe import PARTS

    sources = {source.folder for part in PARTS for source in part.sources}
    folders = {f"functions/{path.parent.name}" for path in (ROOT / "functions").glob("*/app.py")}

    assert folders <= sources
