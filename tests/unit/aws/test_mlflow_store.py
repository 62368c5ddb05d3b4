"""The file in S3 without MLflow: copies, races, answers lost on their way, files that are not ours."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gyre.aws.mlflow_store import files, rules
from gyre.aws.mlflow_store.address import Address, Habits
from gyre.aws.mlflow_store.copies import Copies
from gyre.aws.mlflow_store.database import LONGEST_PAUSE, Database
from gyre.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from infra.packaging.recipe import ENTRY_POINTS, PARTS
from tests.fakes.mlflow_remote import MemoryFile

USUAL = Habits()
ADDRESS = Address("bucket", "mlflow.db")


def a_database(remote: MemoryFile, **options: Callable[..., Any]) -> Database:
    return Database(ADDRESS, remote, **{"pause": lambda seconds: None, **options})


def insert(database: Database, value: str) -> Callable[[], str]:
    """A write of one row."""

    def work() -> str:
        path, writable = database.place()
        assert writable
        with files.opened(path) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS rows (value TEXT)")
            connection.execute("INSERT INTO rows VALUES (?)", (value,))
        return value

    return work


def rows(database: Database) -> list[str]:
    with database.reading(USUAL):
        path, writable = database.place()
        assert not writable
        with files.opened(path) as connection:
            return [value for (value,) in connection.execute("SELECT value FROM rows")]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3+sqlite://b/mlflow.db", Address("b", "mlflow.db")),
        ("s3+sqlite://b/a/c.db?fresh_ms=500&tries=3", Address("b", "a/c.db", Habits(fresh_ms=500, tries=3))),
    ],
)
def test_an_address_is_read(uri: str, expected: Address) -> None:
    assert Address.parse(uri) == expected


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("s3+sqlite://b", "bucket/mlflow"),
        ("s3+sqlite://b/folder/", "bucket/mlflow"),
        ("s3://b/key", "bucket/mlflow"),
        ("s3+sqlite://b/k?fresh=1", "no option 'fresh'"),
        ("s3+sqlite://b/k?tries=0", "tries is a whole number"),
        ("s3+sqlite://b/k?fresh_ms=-1", "fresh_ms is a whole number"),
    ],
)
def test_a_wrong_address_names_what_is_wrong(uri: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        Address.parse(uri)


def test_artifacts_lie_beside_the_file() -> None:
    assert Address("b", "mlflow/m.db").artifacts == "s3://b/mlflow/artifacts"
    assert Address("b", "m.db").artifacts == "s3://b/artifacts"


def test_what_one_writes_the_other_reads() -> None:
    remote = MemoryFile()
    one, other = a_database(remote), a_database(remote)
    assert one.write(USUAL, insert(one, "a")) == "a"
    other.write(USUAL, insert(other, "b"))
    assert rows(one) == rows(other) == ["a", "b"]


def test_a_write_that_lost_the_race_is_applied_to_what_the_winner_left() -> None:
    remote = MemoryFile()
    one, other = a_database(remote), a_database(remote)
    one.write(USUAL, insert(one, "first"))
    remote.before_put = [lambda: other.write(USUAL, insert(other, "winner"))]
    one.write(USUAL, insert(one, "loser"))
    assert rows(one) == ["first", "winner", "loser"]


def test_of_two_first_writers_both_are_kept() -> None:
    remote = MemoryFile()
    one, other = a_database(remote), a_database(remote)
    remote.before_put = [lambda: other.write(USUAL, insert(other, "winner"))]
    one.write(USUAL, insert(one, "loser"))
    assert rows(one) == ["winner", "loser"]


def test_a_write_gives_up_after_its_tries_and_says_what_to_do() -> None:
    remote = MemoryFile()
    one, other = a_database(remote), a_database(remote)
    remote.before_put = [lambda n=n: other.write(USUAL, insert(other, str(n))) for n in range(3)]
    with pytest.raises(Conflict, match=r"3 times in a row.*MLFLOW_TRACKING_URI"):
        one.write(Habits(tries=3), insert(one, "never"))
    assert rows(one) == ["0", "1", "2"]


def test_pauses_grow_with_the_crowd_and_shrink_again() -> None:
    remote, pauses = MemoryFile(), list[float]()
    one = a_database(remote, pause=pauses.append, draw=lambda least, most: most)
    other = a_database(remote)
    remote.before_put = [lambda n=n: other.write(USUAL, insert(other, str(n))) for n in range(4)]
    one.write(USUAL, insert(one, "a"))
    assert pauses == [0.04, 0.08, 0.16, 0.32]
    for _ in range(5):
        one.write(USUAL, insert(one, "b"))
    assert pauses[4:] == [0.08, 0.04]  # lost four, and each write won halves them


def test_no_pause_is_longer_than_the_longest_or_shorter_than_none() -> None:
    remote, drawn = MemoryFile(), list[tuple[float, float]]()

    def draw(least: float, most: float) -> float:
        drawn.append((least, most))
        return least

    one, other = a_database(remote, draw=draw), a_database(remote)
    remote.before_put = [lambda n=n: other.write(USUAL, insert(other, str(n))) for n in range(12)]
    one.write(USUAL, insert(one, "a"))
    assert {least for least, _ in drawn} == {0}
    assert [most for _, most in drawn][-5:] == [LONGEST_PAUSE] * 5


@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_put_whose_answer_was_lost_is_not_done_twice(meanwhile: bool) -> None:
    remote = MemoryFile()
    one, other = a_database(remote), a_database(remote)
    one.write(USUAL, insert(one, "first"))
    others = insert(other, "other") if meanwhile else None
    remote.after_put = [lambda: _lost(other, others)]
    assert one.write(USUAL, insert(one, "once")) == "once"
    assert rows(one) == ["first", "once", *(["other"] if meanwhile else [])]


def test_a_last_try_that_landed_is_no_failure() -> None:
    remote = MemoryFile()
    one, other = a_database(remote), a_database(remote)
    remote.after_put = [lambda: _lost(other, None)]
    assert one.write(Habits(tries=1), insert(one, "once")) == "once"
    assert rows(one) == ["once"]


def _lost(other: Database, work: Callable[[], str] | None) -> None:
    if work:
        other.write(USUAL, work)
    raise Unavailable("the connection broke")


def test_an_unknown_outcome_is_called_unknown() -> None:
    remote = MemoryFile()
    one = a_database(remote)
    one.write(USUAL, insert(one, "first"))
    remote.after_put = [remote.break_down]
    with pytest.raises(Unavailable, match="not known"):
        one.write(USUAL, insert(one, "perhaps"))


def test_a_failed_write_puts_nothing_and_leaves_nothing() -> None:
    remote = MemoryFile()
    one = a_database(remote)
    one.write(USUAL, insert(one, "a"))

    def half() -> None:
        insert(one, "half")()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        one.write(USUAL, half)
    assert (rows(one), remote.puts) == (["a"], 1)


def test_a_write_within_a_write_joins_it() -> None:
    remote = MemoryFile()
    one = a_database(remote)

    def both() -> list[str]:
        insert(one, "a")()
        one.write(USUAL, insert(one, "b"))
        path, _ = one.place()
        with one.reading(USUAL):
            assert one.place() == (path, True)
        return ["a", "b"]

    assert one.write(USUAL, both) == ["a", "b"]
    assert (rows(one), remote.puts) == (["a", "b"], 1)


def test_a_write_that_changes_nothing_puts_nothing() -> None:
    remote = MemoryFile()
    one = a_database(remote)
    one.write(USUAL, insert(one, "a"))
    assert one.write(USUAL, lambda: 5) == 5
    assert remote.puts == 1


def test_a_write_within_a_read_is_refused() -> None:
    one = a_database(MemoryFile())
    one.write(USUAL, insert(one, "a"))
    with one.reading(USUAL), pytest.raises(Invalid, match="rules"):
        one.write(USUAL, insert(one, "b"))


def test_a_read_sees_one_content_to_its_end() -> None:
    remote = MemoryFile()
    one, other = a_database(remote), a_database(remote)
    one.write(USUAL, insert(one, "a"))
    with one.reading(USUAL):
        path, _ = one.place()
        other.write(USUAL, insert(other, "b"))
        thread = threading.Thread(target=one.write, args=(USUAL, insert(one, "c")))
        thread.start()
        thread.join()
        assert one.place() == (path, False) and path.exists()
    assert not path.exists()
    assert rows(one) == ["a", "b", "c"]


def test_an_unchanged_file_is_not_fetched_and_a_trusted_one_not_asked_for() -> None:
    remote = MemoryFile()
    one = a_database(remote)
    one.write(USUAL, insert(one, "a"))
    rows(one)
    assert (remote.asked, remote.fetched) == (2, 0)
    with one.reading(Habits(fresh_ms=60_000)):
        pass
    assert remote.asked == 2


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\x00" + bytes(200)])
def test_what_is_no_whole_file_is_refused_and_left_alone(content: bytes) -> None:
    remote = MemoryFile(content)
    one = a_database(remote)
    with pytest.raises(Invalid, match=r"s3://bucket/mlflow\.db is not a whole SQLite file"):
        one.write(USUAL, insert(one, "a"))
    assert remote.content == content


def test_a_torn_file_is_refused_and_left_alone() -> None:
    remote = MemoryFile()
    one = a_database(remote)
    one.write(USUAL, insert(one, "a"))
    torn = remote.replace(remote.content[:-1])
    with pytest.raises(Invalid, match="not a whole"):
        a_database(remote).write(USUAL, insert(one, "b"))
    assert remote.content == torn


def test_a_file_that_logs_ahead_is_one_file_again(tmp_path: Path) -> None:
    path = tmp_path / "wal.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE rows (value TEXT)")
    connection.close()
    remote = MemoryFile(path.read_bytes())
    assert files.header(path).logs_ahead
    one = a_database(remote)
    one.write(USUAL, insert(one, "a"))
    path.write_bytes(remote.content)
    assert not files.header(path).logs_ahead and rows(one) == ["a"]


def test_a_file_that_vanished_is_not_begun_anew() -> None:
    remote = MemoryFile()
    one = a_database(remote)
    one.write(USUAL, insert(one, "a"))
    remote.vanish()
    with pytest.raises(NotFound, match="is gone"):
        one.write(USUAL, insert(one, "b"))
    with pytest.raises(NotFound, match="is gone"):
        rows(one)


def test_a_file_above_its_limit_is_not_put_but_may_shrink() -> None:
    remote = MemoryFile()
    one, small = a_database(remote), Habits(max_mb=1)
    one.write(USUAL, insert(one, "x" * 2_000_000))
    with pytest.raises(TooLarge, match="above max_mb=1"):
        one.write(small, insert(one, "y" * 9_000))

    def clear() -> None:
        with files.opened(one.place()[0]) as connection:
            connection.execute("DELETE FROM rows")

    one.write(small, clear)
    assert len(remote.content) < 20_000  # the hole was taken out


def test_a_file_remembers_its_last_writes_alone() -> None:
    remote = MemoryFile()
    one = a_database(remote)

    def many() -> None:
        for n in range(files.MARKS + 5):
            files.seal(one.place()[0], f"mark{n}")

    one.write(USUAL, many)
    with one.reading(USUAL):
        path, _ = one.place()
        assert files.marked(path, ["mark0"]) is None
        assert files.marked(path, ["mark0", f"mark{files.MARKS}"]) == f"mark{files.MARKS}"


def test_what_a_killed_process_left_is_swept_and_what_a_live_one_holds_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    live = Copies()
    code = "import os; from gyre.aws.mlflow_store.copies import Copies; kept = Copies(); kept.draft(); os._exit(0)"
    environment = {"PYTHONPATH": "layers/gyre", "TMPDIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, timeout=60).returncode == 0
    assert len(list(tmp_path.iterdir())) == 2
    for folder in tmp_path.iterdir():
        os.utime(folder, (0, 0))
    newer = Copies()
    assert live.draft().exists() and newer.draft().exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_threads_write_one_after_the_other() -> None:
    remote = MemoryFile()
    one = a_database(remote)
    threads = [threading.Thread(target=one.write, args=(USUAL, insert(one, str(n)))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(rows(one)) == [str(n) for n in range(8)]
    assert remote.puts == 8


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("get_run", "read"),
        ("search_runs", "read"),
        ("create_run", "write"),
        ("get_or_create_user_queue", "write"),
        ("something_new", "write"),
        ("log_batch_async", "outside"),
        ("flush_async_logging", "outside"),
        ("_hard_delete_run", "write"),
        ("_get_deleted_runs", "read"),
    ],
)
def test_what_is_not_known_to_read_is_a_write(name: str, kind: str) -> None:
    assert rules.kind(name) == kind


def test_neither_the_other_adapters_nor_the_entry_points_import_mlflow() -> None:
    code = "import gyre.aws.s3, gyre.aws.mlflow_store, sys; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "layers/gyre"}, timeout=60).returncode == 0


def test_the_entry_points_travel_where_mlflow_does_and_nowhere_else() -> None:
    assert [part.name for part in PARTS if ENTRY_POINTS in part.sources] == ["science"]
    assert (Path(ENTRY_POINTS.folder) / "entry_points.txt").read_text().count("gyre.aws.mlflow_store:") == 2
