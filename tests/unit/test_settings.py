import pytest
from pydantic import ValidationError

from gyre.documented import docstrings
from gyre.settings import (
    DriftSettings,
    InferenceSettings,
    ScienceSettings,
    Settings,
    SettingsError,
    TrainingTriggerSettings,
    hosts_of,
)

GIVEN = {"GYRE_ENVIRONMENT": "local", "GYRE_ARTIFACT_BUCKET": "kept", "GYRE_DATA_BUCKET": "data"}

WATCHED = {"GYRE_MONITORING_STATE_MACHINE": "monitoring"}


def test_a_field_is_read_from_the_variable_of_its_name() -> None:
    given = {**GIVEN, **WATCHED, "GYRE_ENVIRONMENT": "dev", "GYRE_COMMIT": "c0ffee"}
    settings = DriftSettings.read(given)
    assert (settings.environment, settings.artifact_bucket, settings.commit) == ("dev", "kept", "c0ffee")


def test_what_is_not_set_has_its_default() -> None:
    settings = ScienceSettings.read(GIVEN)
    assert (settings.log_level, settings.search_workers, settings.fetch_hosts) == ("INFO", 10, "")


def test_figures_are_read_from_text() -> None:
    settings = ScienceSettings.read({**GIVEN, "GYRE_SEARCH_WORKERS": "6"})
    assert settings.search_workers == 6


def test_who_is_asked_is_one_of_two_words() -> None:
    assert ScienceSettings.read(GIVEN).approval == "declared"
    assert ScienceSettings.read({**GIVEN, "GYRE_APPROVAL": "person"}).approval == "person"
    with pytest.raises(SettingsError, match="GYRE_APPROVAL"):
        ScienceSettings.read({**GIVEN, "GYRE_APPROVAL": "nobody"})


def test_all_problems_are_told_at_once_by_their_variables() -> None:
    with pytest.raises(SettingsError) as refused:
        ScienceSettings.read({"GYRE_SEARCH_WORKERS": "many", "GYRE_ARTIFACT_BUCKET": "kept"})
    for name in ("GYRE_ENVIRONMENT", "GYRE_DATA_BUCKET", "GYRE_SEARCH_WORKERS"):
        assert f"{name}:" in str(refused.value)
    assert "GYRE_ARTIFACT_BUCKET" not in str(refused.value)
    assert "ScienceSettings" in str(refused.value)
    assert "template.yaml" in str(refused.value)


def test_a_function_asks_for_its_own_variables_alone() -> None:
    settings = DriftSettings.read({**GIVEN, **WATCHED, "GYRE_SEARCH_WORKERS": "many"})
    assert not hasattr(settings, "search_workers")


def test_the_process_environment_is_read_when_called(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GIVEN, **WATCHED, "GYRE_ENVIRONMENT": "staging"}.items():
        monkeypatch.setenv(name, value)
    assert DriftSettings.read().environment == "staging"


def test_settings_never_change() -> None:
    settings = DriftSettings.read({**GIVEN, **WATCHED})
    with pytest.raises(ValidationError):
        settings.environment = "production"  # type: ignore[misc]


@pytest.mark.parametrize("settings", Settings.__subclasses__())
def test_every_field_says_what_it_is(settings: type[Settings]) -> None:
    told = {name: docstrings(settings).get(name, "") for name in settings.model_fields}
    assert [name for name, words in told.items() if not words.endswith(".")] == []


@pytest.mark.parametrize("settings", Settings.__subclasses__())
def test_every_class_says_whose_it_is(settings: type[Settings]) -> None:
    assert (settings.__doc__ or "").startswith("functions/")


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", set()),
        (" ", set()),
        (",", set()),
        ("files.example", {"files.example"}),
        (" files.example , other.example,", {"files.example", "other.example"}),
        ("Files.Example", {"files.example"}),
        ("127.0.0.1,::1", {"127.0.0.1", "::1"}),
        ("a.example,a.example", {"a.example"}),
    ],
)
def test_hosts_stand_with_commas_between(text: str, hosts: set[str]) -> None:
    assert hosts_of(text) == hosts


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, "s3+sqlite://kept/mlflow/mlflow.db"),
        ({"MLFLOW_TRACKING_URI": ""}, "s3+sqlite://kept/mlflow/mlflow.db"),
        ({"MLFLOW_TRACKING_URI": "https://mlflow.example"}, "https://mlflow.example"),
        ({"GYRE_MLFLOW_TRACKING_URI": "https://not.ours"}, "s3+sqlite://kept/mlflow/mlflow.db"),
    ],
)
def test_trainings_are_tracked_in_the_bucket_or_by_a_server(given: dict[str, str], where: str) -> None:
    assert ScienceSettings.read(GIVEN | given).tracking == where


def test_a_variable_of_others_is_told_by_its_own_name() -> None:
    assert ScienceSettings.variable("mlflow_tracking_uri") == "MLFLOW_TRACKING_URI"
    assert ScienceSettings.variable("search_workers") == "GYRE_SEARCH_WORKERS"
    with pytest.raises(SettingsError, match="GYRE_SEARCH_WORKERS: "):
        ScienceSettings.read(GIVEN | {"GYRE_SEARCH_WORKERS": "many"})


def test_who_moves_releases_needs_the_function_that_tells_mlflow() -> None:
    with pytest.raises(SettingsError, match="GYRE_TRAIN_TASKS: Field required"):
        TrainingTriggerSettings.read(GIVEN | {"GYRE_TRAINING_STATE_MACHINE": "arn"})


@pytest.mark.parametrize("settings", [TrainingTriggerSettings, ScienceSettings])
def test_who_names_no_host_asks_nobody(settings: type[TrainingTriggerSettings | ScienceSettings]) -> None:
    machines = {"GYRE_TRAINING_STATE_MACHINE": "arn", "GYRE_BATCH_STATE_MACHINE": "arn"}
    given = GIVEN | machines | {"GYRE_TRAIN_TASKS": "train-tasks"}
    assert settings.read(given).hosts == frozenset()
    assert settings.read(given | {"GYRE_FETCH_HOSTS": "a.example,B.Example"}).hosts == {"a.example", "b.example"}


@pytest.mark.parametrize(("memory", "threads"), [(128, 1), (1769, 1), (3537, 1), (3538, 2), (10240, 5)])
def test_a_prediction_takes_as_many_threads_as_there_are_cpus(memory: int, threads: int) -> None:
    queues = {"GYRE_JOURNAL_QUEUE": "journal", "GYRE_SHADOW_QUEUE": "shadow"}
    settings = InferenceSettings.read({**GIVEN, **queues, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)})
    assert settings.threads == threads
