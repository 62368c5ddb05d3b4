import pytest

from gyre.errors import Invalid
from gyre.workflow import checked_run_name


@pytest.mark.parametrize("name", ["a", "train_20261121T090000-0a1b2c3d", "x" * 80])
def test_the_name_of_a_run_passes_as_it_is(name: str) -> None:
    assert checked_run_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 81, "a b", "a/b", "a:b", "a.b", "ä", "../a", "a\n", "\na"])
def test_what_could_leave_the_arn_is_invalid(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_run_name(name)
    assert refused.value.field == "run"
