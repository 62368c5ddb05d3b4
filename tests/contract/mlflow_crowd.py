"""What the many processes of the tests of MLflow do. Loaded once by the server that they are forked from."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import mlflow.entities as mlflow
from mlflow import MlflowClient

import gyre.aws.mlflow_store.stores
from gyre.aws.mlflow_store import registry_store, schema, together
from gyre.aws.mlflow_tracking import MlflowTracking
from gyre.registry.tracking import Registration

# What each process would otherwise do again.
schema.newest()
assert gyre.aws.mlflow_store.stores


def crowd(tasks: list[tuple[Any, ...]], at_once: int) -> list[Any]:
    """A process for each task; forked from one that has imported MLflow, which takes seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ours = (dict(os.environ),)
    with ProcessPoolExecutor(at_once, context, set_environment, ours, max_tasks_per_child=1) as pool:
        return [each.result() for each in [pool.submit(*task) for task in tasks]]


def set_environment(values: dict[str, str]) -> None:
    """The server that forks us may be older than the test's own settings."""
    os.environ.update(values)


def a_run(client: MlflowClient, who: int, number: int) -> str:
    run = str(client.create_run("0", run_name=f"{who}-{number}").info.run_id)
    score, loss = mlflow.Metric("score", number, 0, 0), mlflow.Metric("loss", who, 0, 0)
    client.log_batch(run, [score, loss], [mlflow.Param("who", str(who))], [mlflow.RunTag("number", str(number))])
    client.set_terminated(run)
    return run


def write_runs(uri: str, who: int, runs: int, alone: int) -> list[tuple[int, int, str]]:
    """Every `alone`-th run in three puts, as MLflow has it; the others in one each."""
    client, made = MlflowClient(uri, uri), []
    for number in range(runs):
        if number % alone == 0:
            run = a_run(client, who, number)
        else:
            run = together(uri, lambda number=number: a_run(client, who, number))  # type: ignore[misc]
        made.append((who, number, run))
    return made


def write_versions(uri: str, name: str, who: int, versions: int) -> list[tuple[int, str]]:
    """Each version is given an alias of its writer's, which moves on."""
    client, made = MlflowClient(uri, uri), []
    for number in range(versions):
        version = client.create_model_version(name, f"s3://bucket/{who}/{number}").version
        client.set_registered_model_alias(name, f"newest-of-{who}", version)
        made.append((int(version), f"s3://bucket/{who}/{number}"))
    return made


def tag_from_two(uri: str, run: str) -> int:
    """A process with an open store forks; tells how the child ended."""
    client = MlflowClient(uri, uri)
    client.get_run(run)
    child = os.fork()
    if not child:
        try:
            client.set_tag(run, "from", "child")
            os._exit(0)
        finally:
            os._exit(1)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    client.set_tag(run, "and", "parent")
    return ended


def begin(uri: str, who: int) -> Any:
    """Opens a store where there may be none yet."""
    return registry_store(uri).search_registered_models() and who


def register(uri: str, made: Registration) -> int:
    """A version."""
    return MlflowTracking(uri).register(made)
