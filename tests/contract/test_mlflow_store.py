"""MLflow's clients, commands and source against our store of one file in S3, over HTTP with conditional writes."""

import ast
import inspect
import sqlite3
import textwrap
import uuid
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import mlflow.entities as mlflow
import pytest
import sqlalchemy
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.rest_store import RestStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking
from mlflow.tracking._tracking_service.utils import _get_store, _tracking_store_registry

from gyre.aws.mlflow_store import __main__ as command
from gyre.aws.mlflow_store import rules, together
from gyre.aws.mlflow_store.remote import Remote, S3File
from gyre.errors import Conflict, NotFound
from tests.contract import mlflow_crowd
from tests.contract.mlflow_grounds import Command, s3_over_http
from tests.fakes.mlflow_remote import MemoryFile

BUCKET = f"mlflow-{uuid.uuid4().hex[:8]}"

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module", autouse=True)
def s3() -> Iterator[Any]:
    with s3_over_http() as client:
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture(scope="module")
def empty(s3: Any) -> bytes:
    """A file as MLflow begins it; making one takes seconds, so it is made once."""
    _ = MlflowClient(f"s3+sqlite://{BUCKET}/empty.db").get_experiment("0")
    return bytes(s3.get_object(Bucket=BUCKET, Key="empty.db")["Body"].read())


@pytest.fixture
def uri(s3: Any, empty: bytes) -> str:
    """A store that nobody used before."""
    key = f"{uuid.uuid4().hex}/mlflow.db"
    s3.put_object(Bucket=BUCKET, Key=key, Body=empty)
    return f"s3+sqlite://{BUCKET}/{key}"


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return MlflowClient(uri, uri)


@pytest.fixture
def puts(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The ETag that each put replaced, for as many as were tried."""
    tried: list[str | None] = []
    put = S3File.put

    def counted(self: S3File, source: Path, replaces: str | None) -> str:
        tried.append(replaces)
        return put(self, source, replaces)

    monkeypatch.setattr(S3File, "put", counted)
    return tried


@pytest.fixture(params=["fake", "s3"])
def remote(request: pytest.FixtureRequest) -> Remote:
    return MemoryFile() if request.param == "fake" else S3File(BUCKET, uuid.uuid4().hex)


def test_a_file_is_put_new_or_over_what_was_seen_and_fetched_when_it_changed(remote: Remote, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with pytest.raises(NotFound):
        remote.fetch(None, target)
    with pytest.raises(NotFound):
        remote.put(tmp_path / _write(source, b"0"), '"gone"')
    first = remote.put(tmp_path / _write(source, b"1"), None)
    with pytest.raises(Conflict):
        remote.put(source, None)
    assert remote.fetch(None, target) == first and target.read_bytes() == b"1"
    second = remote.put(tmp_path / _write(source, b"2"), first)
    with pytest.raises(Conflict):
        remote.put(source, first)
    assert remote.fetch(second, target) is None
    assert remote.fetch(first, target) == second and target.read_bytes() == b"2"


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return path.name


def test_what_mlflow_writes_it_reads(client: MlflowClient, uri: str) -> None:
    experiment = client.create_experiment("obesity", tags={"team": "us"})
    run = client.create_run(experiment, run_name="first").info.run_id
    client.log_metric(run, "loss", 0.5, step=1)
    client.log_metric(run, "loss", 0.25, step=2)
    client.log_param(run, "depth", 3)
    client.set_tag(run, "stage", "trial")
    client.set_terminated(run)
    client.create_registered_model("obesity")
    version = client.create_model_version("obesity", "s3://bucket/bundle", run, tags={"gate": "passed"})
    client.set_registered_model_alias("obesity", "champion", version.version)

    other = MlflowClient(uri + "?fresh_ms=0", uri)
    found = other.search_runs([experiment], "metrics.loss < 0.3 and tags.stage = 'trial'")
    assert [(each.info.run_id, each.data.params, each.info.status) for each in found] == [
        (run, {"depth": "3"}, "FINISHED")
    ]
    assert [each.value for each in other.get_metric_history(run, "loss")] == [0.5, 0.25]
    assert other.get_model_version_by_alias("obesity", "champion").tags == {"gate": "passed"}
    assert other.get_experiment_by_name("obesity").tags["team"] == "us"
    folder = uri.removeprefix("s3+sqlite://").removesuffix("/mlflow.db")
    assert found[0].info.artifact_uri == f"s3://{folder}/artifacts/{experiment}/{run}/artifacts"


def test_a_batch_is_one_put_and_so_is_what_belongs_together(client: MlflowClient, uri: str, puts: list[Any]) -> None:
    run = client.create_run("0").info.run_id
    assert len(puts) == 1
    client.log_batch(run, [mlflow.Metric(f"m{n}", n, 0, 0) for n in range(100)], [mlflow.Param("a", "1")])
    assert len(puts) == 2
    together(uri, lambda: mlflow_crowd.a_run(client, 1, 1))
    assert len(puts) == 3
    client.get_run(run)
    assert len(puts) == 3


def test_a_failed_write_puts_nothing(client: MlflowClient, puts: list[Any]) -> None:
    run = client.create_run("0").info.run_id
    client.log_param(run, "a", "1")
    with pytest.raises(MlflowException, match="already logged"):
        client.log_batch(run, [mlflow.Metric("loss", 1, 0, 0)], [mlflow.Param("b", "1"), mlflow.Param("a", "2")])
    data = client.get_run(run).data
    assert (data.params, data.metrics, len(puts)) == ({"a": "1"}, {}, 2)


def test_a_write_applied_again_doubles_nothing(
    client: MlflowClient, uri: str, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between each fetch and its put somebody else writes, once."""
    stranger, put, racing = MlflowClient(uri, uri), S3File.put, [False]

    def raced(self: S3File, source: Path, replaces: str | None) -> str:
        racing[0] = not racing[0]
        if racing[0]:
            content = s3.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
            other = source.with_suffix(".other")
            other.write_bytes(content)
            database = sqlite3.connect(other)
            database.execute("CREATE TABLE IF NOT EXISTS strangers (number INTEGER)")
            database.execute("INSERT INTO strangers VALUES (1)")
            database.commit()
            database.close()
            s3.put_object(Bucket=self.bucket, Key=self.key, Body=other.read_bytes())
            other.unlink()
        return put(self, source, replaces)

    monkeypatch.setattr(S3File, "put", raced)
    experiment = client.create_experiment("e")
    runs = [client.create_run(experiment, tags={"n": str(n)}).info.run_id for n in range(3)]
    client.log_metric(runs[0], "loss", 1.0, step=3)
    # What can be read once alone must still be there at the second try.
    client._tracking_client.store.log_batch(runs[0], (mlflow.Metric("many", n, 0, n) for n in range(5)), [], [])
    client.create_registered_model("m")
    versions = [int(client.create_model_version("m", "s3://b/x", runs[0]).version) for _ in range(3)]
    assert racing == [False]
    assert {run.info.run_id for run in stranger.search_runs([experiment])} == set(runs)
    assert len(stranger.get_metric_history(runs[0], "loss")) == 1
    assert [each.step for each in stranger.get_metric_history(runs[0], "many")] == [0, 1, 2, 3, 4]
    assert versions == [1, 2, 3] and len(stranger.search_model_versions("name = 'm'")) == 3


def test_logging_in_the_background_lands(client: MlflowClient) -> None:
    run = client.create_run("0").info.run_id
    client.log_metric(run, "loss", 1.0, synchronous=False).wait()
    client.log_param(run, "a", "1", synchronous=False).wait()
    data = client.get_run(run).data
    assert (data.metrics, data.params) == ({"loss": 1.0}, {"a": "1"})


def test_deleted_runs_are_removed_as_mlflow_gc_does(uri: str, client: MlflowClient, puts: list[Any]) -> None:
    run = client.create_run("0").info.run_id
    client.delete_run(run)
    store = _get_store(uri)
    assert store._get_deleted_runs() == [run]
    store._hard_delete_run(run)
    assert (store._get_deleted_runs(), len(puts)) == ([], 3)


def test_a_write_past_the_rules_fails_aloud(uri: str, puts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    store = _get_store(uri)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # under pytest MLflow itself would notice
    with pytest.raises(MlflowException, match="readonly database"), store.ManagedSessionMaker() as session:
        session.execute(sqlalchemy.text("DELETE FROM experiments"))
    assert not puts


def _writers(base: type) -> Callable[[str], bool]:
    """Whether a method of MLflow's store opens a session to write, itself or through others of the store."""
    known: dict[str, bool] = {}

    def writes(name: str) -> bool:
        if name not in known:
            known[name] = False
            method = getattr(base, name, None)
            if inspect.isfunction(method):
                tree = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(method)))))
                told = (
                    each for node in tree if isinstance(node, ast.Call) for each in node.keywords
                    if each.arg == "read_only"
                )  # fmt: skip
                known[name] = any(ast.unparse(each.value) != "True" for each in told) or any(
                    isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "super()")
                    and node.attr != name and writes(node.attr)
                    for node in tree
                )  # fmt: skip
        return known[name]

    return writes


@pytest.mark.parametrize("base", [Tracking, Registry])
def test_no_method_known_to_read_writes_in_this_mlflow(base: type) -> None:
    names = [name for name in dir(base) if inspect.isfunction(getattr(base, name))]
    names = [name for name in names if not name.startswith("_") or name in rules.PRIVATE]
    writes = _writers(base)
    assert [name for name in names if rules.kind(name) == "read" and writes(name)] == []
    # Those outside call others, which are wrapped; none of them may reach for the tables itself.
    outside = [name for name in names if rules.kind(name) == "outside"]
    assert [name for name in outside if "SessionMaker" in inspect.getsource(getattr(base, name))] == []
    # The look into the source sees what it is made to see.
    wanted = {"create_run", "log_batch"} if base is Tracking else {"create_model_version", "set_registered_model_alias"}
    assert wanted <= {name for name in names if writes(name)}


def test_what_mlflow_calls_of_a_store_in_private_is_there() -> None:
    assert [name for name in rules.PRIVATE if not hasattr(Tracking, name)] == []


def test_the_entry_points_are_found_beside_the_package() -> None:
    for group in ("mlflow.tracking_store", "mlflow.model_registry_store"):
        (ours,) = [each for each in entry_points(group=group) if each.name == "s3+sqlite"]
        assert ours.load().__module__ == "gyre.aws.mlflow_store"


def test_an_http_uri_takes_everything_to_that_server(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert type(MlflowClient()._tracking_client.store) is RestStore
    assert MlflowClient()._registry_uri == "http://127.0.0.1:9"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert isinstance(MlflowClient()._tracking_client.store, Tracking)
    assert {"http", "https", "s3+sqlite"} <= set(_tracking_store_registry._registry)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (f"s3+sqlite://{BUCKET}", "s3\\+sqlite://bucket/mlflow"),
        ("s3+sqlite://no-such-bucket-here/mlflow.db", "no bucket of this name"),
    ],
)
def test_a_wrong_place_is_told_in_mlflows_own_error(uri: str, said: str) -> None:
    with pytest.raises(MlflowException, match=said):
        MlflowClient(uri).get_experiment("0")


def _edited(s3: Any, uri: str, statement: str, folder: Path) -> None:
    """Somebody else's hand in the file."""
    bucket, _, key = uri.removeprefix("s3+sqlite://").partition("/")
    s3.download_file(bucket, key, str(folder / "edited.db"))
    database = sqlite3.connect(folder / "edited.db")
    database.execute(statement)
    database.commit()
    database.close()
    s3.upload_file(str(folder / "edited.db"), bucket, key)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE alembic_version SET version_num = '451aebb31d03'", "older MLflow .*mlflow_store upgrade"),
        ("UPDATE alembic_version SET version_num = 'f00f00f00f00'", "a newer one wrote it"),
        ("DROP TABLE alembic_version", "not MLflow's"),
    ],
)
def test_a_file_of_another_schema_is_refused(s3: Any, uri: str, tmp_path: Path, statement: str, said: str) -> None:
    opened = MlflowClient(uri)
    assert opened.get_experiment("0")
    _edited(s3, uri, statement, tmp_path)
    with pytest.raises(MlflowException, match=said):
        opened.get_experiment("0")
    with pytest.raises(MlflowException, match=said):
        opened.create_experiment("e")


def test_an_older_file_is_upgraded_when_asked(
    s3: Any, uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from alembic import command as alembic
    from mlflow.store.db import utils

    bucket, _, key = uri.removeprefix("s3+sqlite://").partition("/")
    path = tmp_path / "old.db"
    engine = utils.create_sqlalchemy_engine(f"sqlite:///{path}")
    utils.InitialBase.metadata.create_all(engine)
    config = utils._get_alembic_config(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.upgrade(config, "bd07f7e963c5")
    engine.dispose()
    s3.upload_file(str(path), bucket, key)
    with pytest.raises(MlflowException, match="older MLflow"):
        MlflowClient(uri).get_experiment("0")
    assert command.main(["upgrade", uri]) == 0
    assert "bd07f7e963c5 ->" in capsys.readouterr().out
    assert MlflowClient(uri).create_run("0")
    assert command.main(["upgrade", uri.replace("mlflow.db", "none.db")]) == 1


@pytest.mark.timeout(500)
def test_twenty_processes_lose_and_double_nothing(client: MlflowClient, uri: str) -> None:
    made = mlflow_crowd.crowd([(mlflow_crowd.write_runs, uri + "?tries=200", who, 25, 25) for who in range(20)], 3)
    written = {run: (who, number) for each in made for who, number, run in each}
    found = client.search_runs(["0"], max_results=5000)
    assert len(written) == len(found) == 500
    for run in found:
        who, number = written[run.info.run_id]
        assert run.data.metrics == {"score": number, "loss": who} and run.data.params == {"who": str(who)}
        assert run.data.tags["number"] == str(number) and run.info.status == "FINISHED"
    assert all(len(client.get_metric_history(run, "score")) == 1 for run in list(written)[::50])


def test_versions_from_many_processes_are_distinct_and_without_gaps(client: MlflowClient, uri: str) -> None:
    client.create_registered_model("m")
    made = mlflow_crowd.crowd([(mlflow_crowd.write_versions, uri, "m", who, 5) for who in range(4)], 4)
    assert sorted(version for each in made for version, _ in each) == list(range(1, 21))
    found = {int(each.version): each.source for each in client.search_model_versions("name = 'm'")}
    assert found == {version: source for each in made for version, source in each}
    aliases = client.get_registered_model("m").aliases
    assert {alias: int(version) for alias, version in aliases.items()} == {
        f"newest-of-{who}": each[-1][0] for who, each in enumerate(made)
    }


def test_processes_that_begin_at_once_begin_one_file(s3: Any) -> None:
    key = f"{uuid.uuid4().hex}.db"
    mlflow_crowd.crowd([(mlflow_crowd.begin, f"s3+sqlite://{BUCKET}/{key}", who) for who in range(2)], 2)
    client = MlflowClient(f"s3+sqlite://{BUCKET}/{key}")
    assert [each.name for each in client.search_experiments()] == ["Default"]


def test_a_forked_child_has_files_of_its_own(client: MlflowClient, uri: str) -> None:
    run = client.create_run("0").info.run_id
    assert mlflow_crowd.crowd([(mlflow_crowd.tag_from_two, uri, run)], 1) == [0]
    tags = client.get_run(run).data.tags
    assert (tags["from"], tags["and"]) == ("child", "parent")


@pytest.mark.timeout(200)
def test_mlflows_server_and_its_ui_show_and_change_the_file(client: MlflowClient, uri: str, tmp_path: Path) -> None:
    run = client.create_run("0", run_name="from the client").info.run_id
    commands = [Command.start(tmp_path / name, name, "--backend-store-uri", uri) for name in ("server", "ui")]
    try:
        for shown in commands:
            shown.wait()
            assert "<title>MLflow" in shown.page()
            found = shown.ask("runs/search", {"experiment_ids": ["0"]})
            assert [each["info"]["run_id"] for each in found["runs"]] == [run]
        for name, shown in zip(("server", "ui"), commands, strict=True):
            shown.ask("runs/set-tag", {"run_id": run, "key": name, "value": "was here"})
            created = shown.ask("experiments/create", {"name": f"from the {name}"})
            # A server would else keep artifacts on its own disk, where nobody else finds them.
            location = client.get_experiment(created["experiment_id"]).artifact_location
            assert location.startswith(f"s3://{BUCKET}/")
        # What one of them wrote, the other and the client read.
        tags = {"server": "was here", "ui": "was here"}
        assert client.get_run(run).data.tags.items() >= tags.items()
        for shown in commands:
            (found,) = shown.ask("runs/search", {"experiment_ids": ["0"], "filter": "tags.ui = 'was here'"})["runs"]
            assert {each["key"]: each["value"] for each in found["data"]["tags"]}.items() >= tags.items()
    finally:
        for shown in commands:
            shown.stop()
