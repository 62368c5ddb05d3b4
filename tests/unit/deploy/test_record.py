import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from infra.deploy import DeployError
from infra.deploy.record import StackRecord, environment_path, read_record, write_record

RECORD = StackRecord(**{field.name: field.name for field in fields(StackRecord)})


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GYRE_STACK", str(tmp_path / ".gyre" / "stack.json"))
    return tmp_path / ".gyre" / "stack.json"


def test_a_record_comes_back_as_it_was_written(path: Path) -> None:
    write_record(RECORD)
    assert read_record(path) == RECORD


def test_only_its_owner_reads_it(path: Path) -> None:
    write_record(RECORD)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_record_that_others_could_read_is_replaced_by_one_they_cannot(path: Path) -> None:
    path.parent.mkdir()
    for file in (path, path.with_suffix(".new")):
        file.write_text("left over")
        file.chmod(0o644)
    write_record(RECORD)
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in path.parent.iterdir()) == ["stack.environment.json", "stack.json"]


def test_another_environment_replaces_the_current_record_and_keeps_the_first(path: Path) -> None:
    """Given production's key, when the emulator is deployed to, then the key is still there."""
    production = replace(RECORD, environment="production", api_key="theirs")
    write_record(production)
    write_record(replace(RECORD, environment="local"))
    assert read_record(path).environment == "local"
    assert read_record(environment_path("production")) == production
    assert environment_path("production").stat().st_mode & 0o777 == 0o600


def test_a_missing_record_says_what_to_run(path: Path) -> None:
    with pytest.raises(DeployError, match="make up deploy"):
        read_record(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps({**asdict(RECORD), "more": 1}),
        json.dumps({name: value for name, value in asdict(RECORD).items() if name != "api_key"}),
    ],
)
def test_a_stale_record_says_what_to_run(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(DeployError, match="make deploy"):
        read_record(path)
