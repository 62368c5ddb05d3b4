"""What each function reads from its environment: a class per function, which asks for its own variables alone."""

import os
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import ConfigDict, ValidationError

from gyre.documented import Documented

PREFIX = "GYRE_"
# What others have named already.
_FOREIGN = {"mlflow_tracking_uri": "MLFLOW_TRACKING_URI", "memory": "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"}


class SettingsError(Exception):
    """A variable is missing or malformed: a fault of the deployment, never of a caller."""


class Settings(Documented):
    """What every function has. A field `data_bucket` is read from the variable `GYRE_DATA_BUCKET`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    environment: str
    """Where this runs: local, dev, staging or production."""
    artifact_bucket: str
    """The bucket of keys, releases and bundles."""
    commit: str = "unknown"
    """The commit the stack was deployed from; `/health` shows it."""
    log_level: str = "INFO"
    """The lowest level that is logged."""

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Takes this class's variables from the environment; all problems are told at once."""
        variables = {name: cls.variable(name) for name in cls.model_fields}
        found = {name: environ[variable] for name, variable in variables.items() if variable in environ}
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            told = "; ".join(f"{variables[str(e['loc'][0])]}: {e['msg']}" for e in error.errors())
            raise SettingsError(f"{cls.__name__}: {told}. They are set in template.yaml.") from None

    @classmethod
    def variable(cls, name: str) -> str:
        """Which variable a field is read from."""
        return _FOREIGN.get(name) or PREFIX + name.upper()


class InferenceSettings(Settings):
    """functions/inference."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    journal_queue: str
    """The address of the queue that leads to the journal."""
    shadow_queue: str
    """The address of the queue of calls that a challenger is asked as well."""
    memory: int | None = None
    """In MB, as Lambda tells it; none elsewhere."""

    @property
    def threads(self) -> int:
        """Of a prediction: as many as there are CPUs, of which Lambda gives one for each 1,769 MB."""
        return max(1, (self.memory or 0) // 1769)


class TrainingTriggerSettings(Settings):
    """functions/training_trigger."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    training_state_machine: str
    """The ARN of the state machine that trains."""
    train_tasks: str
    """The function that tells MLflow what serves."""
    fetch_hosts: str = ""
    """The hosts that files may be fetched from, with commas between; nobody may be asked if empty."""

    batch_state_machine: str
    """The ARN of the state machine that predicts whole files."""

    @property
    def hosts(self) -> frozenset[str]:
        """`fetch_hosts`, taken apart."""
        return hosts_of(self.fetch_hosts)


class PredictionLogSettings(Settings):
    """functions/prediction_log."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    journal_queue: str
    """The address of the queue that leads to the journal: dead letters are sent there again."""
    journal_dead_letters: str
    """The ARN of the queue in which SQS puts what that one has handed out too often."""
    journal_tries: int
    """How often it hands a message out before."""
    sink_queue: str = ""
    """The address of the queue that leads to PostgreSQL, too; nothing goes there if empty."""
    erasure_machine: str
    """The ARN of the state machine that erases persons."""
    erasure_tasks: str
    """The function that makes the file of what is kept about a person."""


class TrialGuardSettings(Settings):
    """functions/prediction_log: the guard of trials."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    train_tasks: str
    """The function that tells MLflow what serves."""
    notices_topic: str
    """The ARN of the topic where people hear of what they should."""


class SinkSettings(Settings):
    """functions/prediction_log: the sink."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    sink_secret: str
    """The name of the secret that tells how PostgreSQL is reached."""
    sink_queue: str
    """The address of the queue that leads here."""
    sink_dead_letters: str
    """The address of the queue of what PostgreSQL can never take."""


class SinkErasureSettings(Settings):
    """functions/prediction_log: erasing from the sink."""

    sink_secret: str
    """The name of the secret that tells how PostgreSQL is reached."""


class UpkeepSettings(Settings):
    """functions/prediction_log: the upkeep of the journal's tables."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""


class FeedbackSettings(Settings):
    """functions/prediction_log: files of labels."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""


class DriftSettings(Settings):
    """functions/drift."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    monitoring_state_machine: str
    """The ARN of the state machine that watches."""


class ScienceSettings(Settings):
    """functions/science: the tasks that train."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    fetch_hosts: str = ""
    """The hosts that files may be fetched from, with commas between; nobody may be asked if empty."""
    search_workers: int = 10
    """How many candidates of a search are scored side by side, at most."""
    approval: Literal["declared", "person"] = "declared"
    """Whether here a person is asked about every model that passed its gates, or where its spec says so."""
    mlflow_tracking_uri: str = ""
    """Of an MLflow server; empty: one file in the artifact bucket."""

    @property
    def hosts(self) -> frozenset[str]:
        """`fetch_hosts`, taken apart."""
        return hosts_of(self.fetch_hosts)

    @property
    def tracking(self) -> str:
        """Where trainings are tracked and versions are registered."""
        return self.mlflow_tracking_uri or f"s3+sqlite://{self.artifact_bucket}/mlflow/mlflow.db"


class MonitorTasksSettings(Settings):
    """functions/science: the tasks that watch."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    training_state_machine: str
    """The ARN of the state machine that trains: a verdict may start it."""
    notices_topic: str
    """The ARN of the topic where people hear of what they should."""


class ErasureTasksSettings(Settings):
    """functions/science: the tasks that erase persons."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    sink_erasure: str = ""
    """The function that erases from PostgreSQL, too; nothing lies there if empty."""


class BatchTasksSettings(Settings):
    """functions/science: the tasks that predict whole files."""

    data_bucket: str
    """The bucket of uploads, datasets, the journal and what is computed from them."""
    journal_queue: str
    """The address of the queue that leads to the journal."""
    batch_workers: int = 10
    """How many ranges of a file are predicted side by side, at most."""


def hosts_of(told: str) -> frozenset[str]:
    """Names with commas between, in small letters, as addresses are compared."""
    return frozenset(name.strip().lower() for name in told.split(",") if name.strip())
