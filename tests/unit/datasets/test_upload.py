import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.datasets.upload import MODEL_PATTERN, Upload, checked_model, upload_at
from gyre.errors import Invalid


def test_a_key_tells_model_and_file() -> None:
    assert upload_at("inbox/wine/2026/a.csv", "v1") == Upload("wine", "inbox/wine/2026/a.csv", "v1")


@pytest.mark.parametrize(
    "key", ["", "inbox", "inbox/", "inbox/wine", "inbox/wine/", "outbox/wine/a.csv", "wine/a.csv", "/inbox/wine/a.csv"]
)
def test_a_key_that_is_no_upload_is_invalid(key: str) -> None:
    with pytest.raises(Invalid, match="inbox/<model>/<file>") as refused:
        upload_at(key)
    assert refused.value.field == "dataset"


@pytest.mark.parametrize("name", ["", "Wine", "1wine", "-wine", "wi ne", "wi.ne", "wine\n", "w" * 64, "ẃine"])
def test_what_is_no_models_name_is_invalid(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_model(name)
    assert refused.value.field == "model"


@given(st.from_regex(MODEL_PATTERN, fullmatch=True).map(str.rstrip), st.text(min_size=1, max_size=50))
def test_every_model_and_file_make_an_upload(model: str, file: str) -> None:
    assert upload_at(f"inbox/{model}/{file}").model == model


def test_a_long_key_is_told_in_short() -> None:
    with pytest.raises(Invalid) as refused:
        upload_at("x" * 5000)
    assert len(refused.value.message) < 400
