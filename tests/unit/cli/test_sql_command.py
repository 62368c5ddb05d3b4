"""`gyre journal sql`: as a person reads it, and as a script does."""

import json

import pytest

from gyre.errors import Invalid
from gyre.journal.sql import Found
from tests.unit.cli.stack import Stack

Out = pytest.CaptureFixture[str]
QUERY = "select model, count(*) as calls from predictions group by model"


def test_rows_stand_in_columns(stack: Stack, capsys: Out) -> None:
    assert stack.call("journal", "sql", QUERY) == 0
    out, errors = capsys.readouterr()
    assert out.splitlines() == ["model  calls", "wine       3", "-          1"]
    assert (errors, stack.house.queries.asked) == ("", [(QUERY, 1_000)])


def test_more_rows_than_were_asked_for_are_told_of(stack: Stack, capsys: Out) -> None:
    stack.house.queries.found = Found(("n",), ("Int64",), ((1,),), cut=True)
    assert stack.call("journal", "sql", QUERY, "--limit", "1") == 0
    out, errors = capsys.readouterr()
    assert (out, errors) == ("n\n1\n", "gyre: there is more than these 1 rows\n")
    assert stack.house.queries.asked == [(QUERY, 1)]


def test_a_script_gets_csv_or_json(stack: Stack, capsys: Out) -> None:
    stack.house.queries.found = Found(("a", "b"), ("Utf8", "Utf8"), (('x "y", z', None),), cut=False)
    assert stack.call("journal", "sql", QUERY, "--csv") == 0
    assert capsys.readouterr().out == 'a,b\n"x ""y"", z",\n'
    assert stack.call("journal", "sql", QUERY, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [['x "y", z', None]]


def test_a_query_may_come_from_a_pipe(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.read", lambda: QUERY)
    assert stack.call("journal", "sql", "-") == 0
    assert stack.house.queries.asked == [(QUERY, 1_000)]


def test_what_is_wrong_with_it_is_told(stack: Stack, capsys: Out) -> None:
    stack.house.queries.fault = Invalid("table 'nothing' not found", field="sql")
    assert stack.call("journal", "sql", "select * from nothing") == 1
    assert "table 'nothing' not found" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_limit_is_a_number(stack: Stack, limit: str) -> None:
    with pytest.raises(SystemExit) as ended:
        stack.call("journal", "sql", QUERY, "--limit", limit)
    assert ended.value.code == 2
