import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.datasets.upload import MODEL_PATTERN, SUFFIXES, Upload, checked_file, checked_model, is_spec, upload_at
from gyre.errors import Invalid


def test_a_key_tells_model_and_file() -> None:
    assert upload_at("inbox/wine/2026/a.csv", "v1") == Upload("wine", "inbox/wine/2026/a.csv", "v1")


@pytest.mark.parametrize(
    "key", ["", "inbox", "inbox/", "inbox/wine", "inbox/wine/", "outbox/wine/a.csv", "wine/a.csv", "/inbox/wine/a.csv"]
)
def test_a_key_that_is_no_upload_is_invalid(key: str) -> None:
    with pytest.raises(Invalid, match="inbox/<model>/<file>") as refused:
        upload_at(key)
    assert refused.value.field == "upload"


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


@pytest.mark.parametrize("ending", SUFFIXES)
def test_a_file_ends_as_what_can_be_read(ending: str) -> None:
    for name in (f"a{ending}", f"A{ending.upper()}", f"a b (1)+2{ending}", "a" * (200 - len(ending)) + ending):
        assert checked_file(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".csv", " a.csv", "-a.csv", "a/b.csv", "../a.csv", "a\\b.csv", "a\n.csv", "a.csv\n", "a\x00.csv", "ä.csv",
     "a*.csv", "a" * 197 + ".csv", "a%20b.csv"],
)  # fmt: skip
def test_what_is_no_name_of_a_file_is_invalid(name: str) -> None:
    with pytest.raises(Invalid, match="is not a file's name") as refused:
        checked_file(name)
    assert refused.value.field == "name"
    assert len(refused.value.message) < 300


@pytest.mark.parametrize("name", ["a", "a.xlsx", "a.csv.zip", "a.parquet.gz", "csv", "a.yaml", "a.csv ", "a.csv."])
def test_an_unknown_ending_is_told_with_the_known(name: str) -> None:
    with pytest.raises(Invalid, match=r"unknown ending: .*\.csv, .*\.jsonl\.gz, .*\.parquet") as refused:
        checked_file(name, field="url")
    assert refused.value.field == "url"


@given(st.text(max_size=210))
def test_no_name_of_a_file_leads_elsewhere(name: str) -> None:
    try:
        taken = checked_file(name)
    except Invalid:
        return
    assert not set(taken) & set("/\\\n\r\x00%") and taken[0] != "."


@pytest.mark.parametrize(
    ("key", "is_one"),
    [
        ("inbox/wine/model.yaml", True),
        ("inbox/wine/x/any.YML", True),
        ("inbox/wine/yaml", False),
        ("a.yaml.csv", False),
    ],
)
def test_a_model_yaml_is_told_from_data(key: str, is_one: bool) -> None:
    assert is_spec(key) is is_one
