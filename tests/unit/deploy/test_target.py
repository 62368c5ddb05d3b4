import os
import subprocess
from pathlib import Path

import pytest

from gyre_emulator.record import write_record
from gyre_emulator.settings import Settings
from infra.deploy import DeployError
from infra.deploy.target import commit_of, speak_to, target_named

CONFIG = """
version = 0.1
[default.global.parameters]
region = "us-east-1"
[local.deploy.parameters]
stack_name = "gyre-local"
parameter_overrides = ["Environment=local", 'MonitoringSchedule="rate(1 minute)"']
[production.deploy.parameters]
stack_name = "gyre-production"
region = "eu-central-1"
parameter_overrides = ["Environment=production", "Note=a=b"]
[bare.deploy.parameters]
stack_name = "gyre-bare"
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GYRE_EMULATOR_HOME", str(tmp_path / "emulator"))  # where none runs
    (tmp_path / "samconfig.toml").write_text(CONFIG)
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def committed(root: Path) -> Path:
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "first")
    return root


def test_local_is_the_emulator_on_this_machine(root: Path) -> None:
    target = target_named("local", root)
    assert target.on_emulator
    assert target.endpoint == "http://127.0.0.1:4566"
    assert (target.stack, target.storage_stack, target.region) == ("gyre-local", "gyre-local-storage", "us-east-1")
    assert target.parameters == {"Environment": "local", "MonitoringSchedule": "rate(1 minute)"}


def test_the_emulators_port_is_a_setting(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYRE_EMULATOR_PORT", "5000")
    assert target_named("local", root).endpoint == "http://127.0.0.1:5000"


def test_a_running_emulator_is_found_where_it_listens(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given one that was started on another port, when the variable is gone, then it is still the one that is meant."""
    monkeypatch.setenv("GYRE_EMULATOR_PORT", "5000")
    settings = Settings.from_environment()
    settings.home.mkdir()
    write_record(settings, os.getpid())  # a process that runs
    monkeypatch.delenv("GYRE_EMULATOR_PORT")
    assert target_named("local", root).endpoint == "http://127.0.0.1:5000"


def test_a_port_that_is_none_is_one_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYRE_EMULATOR_PORT", "high")
    with pytest.raises(DeployError, match="'high', which is no port"):
        target_named("local", root)


def test_any_other_environment_is_aws(root: Path) -> None:
    target = target_named("production", root)
    assert not target.on_emulator
    assert (target.region, target.parameters["Note"]) == ("eu-central-1", "a=b")


def test_parameters_may_be_left_out(root: Path) -> None:
    assert target_named("bare", root).parameters == {}


@pytest.mark.parametrize("environment", ["prod", "default", "", "version"])
def test_an_unknown_environment_is_told_with_the_known(root: Path, environment: str) -> None:
    with pytest.raises(DeployError, match="local, production, bare"):
        target_named(environment, root)


def test_the_emulator_never_sees_a_persons_credentials(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "real")
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.setenv(name, "elsewhere")
    speak_to(target_named("local", root))
    assert "real" not in {value for name, value in os.environ.items() if name.startswith("AWS_")}
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert os.environ["AWS_REGION"] == os.environ["AWS_DEFAULT_REGION"] == "us-east-1"


def test_aws_is_reached_with_the_persons_own_credentials(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("AWS_PROFILE", "ann")
    speak_to(target_named("production", root))
    assert os.environ["AWS_PROFILE"] == "ann"
    assert os.environ["AWS_REGION"] == "eu-central-1"


def test_the_commit_is_the_one_that_lies_here(committed: Path) -> None:
    told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=committed, capture_output=True, text=True, check=True)
    assert commit_of(committed) == told.stdout[:12]


@pytest.mark.parametrize("name", ["samconfig.toml", "new.txt"])
def test_a_tree_that_holds_more_is_dirty(committed: Path, name: str) -> None:
    clean = commit_of(committed)
    (committed / name).write_text("changed")
    assert commit_of(committed) == f"{clean}-dirty"


def test_outside_git_the_commit_is_unknown(root: Path) -> None:
    assert commit_of(root) == "unknown"


def test_before_the_first_commit_it_is_unknown(root: Path) -> None:
    git(root, "init")
    assert commit_of(root) == "unknown"


def test_without_git_on_the_machine_it_is_unknown(committed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(committed))
    assert commit_of(committed) == "unknown"
