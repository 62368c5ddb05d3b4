"""The budget: who pays for what, and a failure that names the culprit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.packaging import BuildError
from infra.packaging.__main__ import sam_command, size_command
from infra.packaging.archive import digest_of
from tests.packaging.conftest import Small


def grow(small: Small, path: str, megabytes: int) -> None:
    """A file that takes no room on disk and counts in full."""
    target = small.out / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch()
    os.truncate(target, megabytes * 1_000_000)


def test_the_table_has_a_row_per_function_with_its_own_layers(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    grow(small, "layers/serving/python/heavy/lib.so", 100)

    assert size_command(small.shop) == []

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["function", "own", "code", "runtime", "serving", "total", "MB", "budget", "share"]
    assert rows[0].split()[0] == "inference"
    assert rows[0].split()[3:] == ["100.0", "100.0", "230", "43", "%"]
    assert rows[1].split()[0] == "drift"
    assert rows[1].split()[3] == "-"
    assert rows[2].startswith("image science: 0 MB")


def test_over_budget_names_the_function_and_its_biggest_packages(small: Small) -> None:
    grow(small, "layers/serving/python/heavy/lib.so", 120)
    grow(small, "layers/serving/python/heavy.libs/blas.so", 60)
    grow(small, "layers/runtime/python/light/lib.so", 55)

    failures = size_command(small.shop)

    (failure,) = failures
    assert failure.startswith(
        "function inference unpacks to 235.0 MB, the budget is 230 MB; biggest: heavy 180.0 MB, light 55.0 MB, "
    )


def test_an_image_has_a_limit_of_its_own(small: Small) -> None:
    grow(small, "images/gyre-science/big/lib.so", 400)
    assert size_command(small.shop) == []

    grow(small, "images/gyre-science/big/lib.so", 10_001)
    (failure,) = size_command(small.shop)
    assert failure.startswith("image science has 10001 MB, the limit is 10000 MB; biggest: big 10001.0 MB")


def test_what_is_not_built_is_not_measured(small: Small) -> None:
    small.shop.drop_stamp("serving")

    with pytest.raises(BuildError, match="layer serving is not built"):
        size_command(small.shop)


def test_a_function_that_no_part_builds_is_an_error(small: Small) -> None:
    template = small.root / "template.yaml"
    template.write_text(template.read_text().replace("functions/drift", "functions/forgotten"))

    with pytest.raises(BuildError, match="DriftFunction names functions/forgotten, which no part builds"):
        size_command(small.shop)


@pytest.mark.parametrize(
    ("logical_id", "place"), [("DriftFunction", "functions/drift"), ("RuntimeLayer", "layers/runtime")]
)
def test_sam_build_gets_the_same_bytes(small: Small, tmp_path: Path, logical_id: str, place: str) -> None:
    target = tmp_path / "artifacts"
    target.mkdir()

    assert sam_command(small.shop, logical_id, target) == []

    assert digest_of(target) == digest_of(small.out / place)


def test_sam_build_of_something_unknown_is_an_error(small: Small, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no function or layer Other"):
        sam_command(small.shop, "Other", tmp_path)
