"""Outliers begin at Tukey's fences around the quartiles of the upload itself."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gyre.datasets.fences import fences_of
from gyre.datasets.source import Chunk, Malformed
from gyre.errors import Conflict, GyreError, Invalid, TooLarge
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec


def spec(x: str = "type: number, outliers: 1.5", **more: Any) -> ModelSpec:
    told = "\n".join(f"{key}: {value}" for key, value in more.items())
    return read_spec(
        f"model: m\ntask: binary\ntarget: y\n{told}\n"
        f"columns: {{x: {{{x}}}, z: {{type: number}}, y: {{type: boolean}}}}\n"
    )


def chunk(cells: Sequence[str | None], name: str = "x") -> Chunk:
    rows = pa.record_batch({name: pa.array(cells, pa.string())})
    return Chunk(rows, pa.array(range(1, len(cells) + 1), pa.int64()), ())


def fences(*chunks: Chunk, of: ModelSpec | None = None) -> dict[str, tuple[float, float]]:
    return fences_of(of or spec(), iter(chunks))


def test_the_fences_stand_so_many_interquartile_ranges_outside_the_quartiles() -> None:
    # Given 0 … 100: its quartiles are 25 and 75
    cells = [str(each) for each in range(101)]
    # When and then
    assert fences(chunk(cells)) == {"x": (25 - 1.5 * 50, 75 + 1.5 * 50)}
    assert fences(chunk(cells), of=spec("type: integer, outliers: 3")) == {"x": (25 - 3 * 50, 75 + 3 * 50)}


def test_however_a_file_is_cut_its_fences_are_those_of_all_of_it() -> None:
    cells = [str(each) for each in range(101)]
    assert fences(chunk(cells[:7]), chunk([]), chunk(cells[7:60]), chunk(cells[60:])) == fences(chunk(cells))


def test_what_is_missing_or_no_number_does_not_count() -> None:
    cells = [str(each) for each in range(101)]
    assert fences(chunk([*cells, None, "NA", "much", "inf", "1e999"])) == fences(chunk(cells))


def test_numbers_are_read_as_the_spec_says() -> None:
    told = spec("type: number, outliers: 1.5, missing: ['99999']", read='{decimal: ","}')
    cells = [f"{each},5" for each in range(101)]
    assert fences(chunk([*cells, "99999", "99999"]), of=told) == {"x": (25.5 - 75, 75.5 + 75)}


@pytest.mark.parametrize(
    "chunks",
    [[], [chunk([])], [chunk([None, "NA", "x"])], [chunk(["1", "2"], name="other")]],
    ids=["no chunks", "no rows", "no numbers", "no such column"],
)
def test_without_numbers_there_are_no_fences(chunks: list[Chunk]) -> None:
    assert fences(*chunks) == {}


def test_a_chunk_whose_rows_are_all_malformed_is_passed_by() -> None:
    # Given
    ragged = Chunk(chunk([]).rows, chunk([]).numbers, (Malformed(1, "ragged", "1,2,3"),))
    # When and then
    assert fences(ragged, chunk([str(each) for each in range(101)])) == {"x": (-50, 150)}


def test_only_columns_that_declare_outliers_are_looked_at() -> None:
    assert fences(chunk(["1", "2"], name="z")) == {}


def test_a_sample_of_a_large_chunk_comes_near() -> None:
    # Given as many rows as a chunk may have
    values = np.random.default_rng(3).normal(size=65_536)
    # When
    low, high = fences(chunk([repr(float(each)) for each in values]))["x"]
    # Then (quartiles of a normal distribution: -0.674 and 0.674)
    assert low == pytest.approx(-2.698, abs=0.15)
    assert high == pytest.approx(2.698, abs=0.15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_numbers_at_the_ends_of_what_a_float_holds_are_no_outliers_and_make_no_noise(count: int) -> None:
    cells = (["-1.7e308", "1.7e308"] * count)[:count]
    low, high = fences(chunk(cells))["x"]
    assert not low > -1.7e308 and not high < 1.7e308


@pytest.mark.parametrize("error", [Invalid("broken"), TooLarge("a bomb")])
def test_a_file_that_breaks_off_has_the_fences_of_what_was_read(error: GyreError) -> None:
    def broken() -> Iterator[Chunk]:
        yield chunk([str(each) for each in range(101)])
        raise error

    assert fences_of(spec(), broken()) == {"x": (-50, 150)}


def test_a_failure_that_is_none_of_the_file_comes_out() -> None:
    def broken() -> Iterator[Chunk]:
        yield chunk(["1"])
        raise Conflict("somebody replaced it")

    with pytest.raises(Conflict):
        fences_of(spec(), broken())
