"""Good calls with one thing broken: never a 500, never a hang, one record each, and the next good call is answered."""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyre.http.answering import MOST_BYTES
from tests.unit.serving.house import ROW, Serve
from tests.unit.serving.wire import DOCUMENTED, JSON_TYPE, Heard, call, refused
from tests.unit.training.models import compiled

MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=60)

_TENSORS = [
    {"name": "age", "shape": [2], "datatype": "FP64", "data": [30, None]},
    {"name": "pay", "shape": [2, 1], "datatype": "INT64", "data": [20, 21]},
    {"name": "on", "shape": [2], "datatype": "BOOL", "data": [True, None]},
    *(
        {"name": name, "shape": [2], "datatype": "BYTES", "data": [ROW[name], None]}
        for name in ("mood", "size", "town")
    ),
]  # fmt: skip
GOOD: dict[str, Any] = {
    "/inference": {
        "model": "m", "release": "production", "explain": {"top": 2}, "partial": False,
        "rows": [{"id": "a", "features": ROW}, {"id": 2, "features": {"age": 3}}],
    },
    "/predict/m": [ROW, {"age": 3.5}],
    "/predict/m/explanation.svg": ROW,
    "/v2/models/m/infer": {
        "id": "x", "inputs": _TENSORS, "parameters": {"binary_data_output": False},
        "outputs": [{"name": "prediction"}, {"name": "contributions", "parameters": {"binary_data": False}}],
    },
}  # fmt: skip
PATHS = sorted(GOOD)

_DEEP = st.integers(1, 3000).flatmap(
    lambda n: st.sampled_from(["[" * n + "]" * n, '{"a":' * n + "1" + "}" * n, "[" * n, '[{"b":' * n])
)
# As they stand in the text, so that they may be what no Python value is.
BROKEN = st.one_of(
    st.sampled_from(
        [
            "NaN", "-NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "3.4e38", "-3.4e38", "1.7e308", "-0.0",
            "null", "true", "false", "[]", "{}", '""', '" "', "0", "-1", "1.5", str(2**63), str(-(2**63) - 1),
            str(2**64), "1" * 309, "9" * 4300, "9" * 4301, "9" * 100_000, '"' + "x" * 100_000 + '"', '"\\ud800"',
            '"\\udfff\\ud800"', '"\\u0000"', '"\\u202e"', '"a\\nb\\r\\tc"', '"../../releases/m"', '"v1/../2"',
            '"%2e%2e"', '"1;2"', '"' + "e\\u0301" * 20_000 + '"', '"e' + "\\u0301\\u0327" * 30_000 + '"',
            '"2026-13-40T99:99"',
            '"' + "9" * 5000 + '"', '"latest"', '"challenger"', "01", "+1", "1_000", "0x10", "'a'", "undefined", "",
            '[null]', '[[[[1]]]]', '{"a":{"a":{"a":1}}}', '[1,2,3]', '["a","b"]', '{"top":10000}', '{"top":1e3}',
        ]
    ),
    _DEEP,
    st.text(max_size=30).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.integers().map(str), st.floats(allow_nan=False, allow_infinity=False).map(repr),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(["", " ", "rows", "features", "__proto__", "x" * 100_000, "age\u0000", "Age", "id", "\u202eage"]),
    st.text(max_size=20),
)


@cache
def serve() -> Serve:
    made = Serve()
    made.house.outlet = made.outlet
    made.promote(1, compiled("linear", "multiclass", "mixed"))
    made.trial(2, share=0.5, shadow=0.2, made=compiled("boosting", "multiclass", "mixed"))
    return made


@cache
def app() -> Any:
    return serve().house.app(*serve().house.serving())


def sent(path: str, body: Any, **more: Any) -> Heard:
    """A call, and what must be true whatever it was."""
    found = serve()
    found.outlet.records.clear()
    heard = call(app(), path, body, found.key, **more)
    assert heard.status in DOCUMENTED, heard
    assert heard.headers["x-request-id"] and "total;dur=" in heard.headers["server-timing"]
    if heard.status != 200:
        refused(heard, path)
    elif "json" in heard.headers["content-type"]:
        heard.json()
    return heard


def recorded(heard: Heard) -> None:
    record = serve().outlet.one()
    assert (record.status, record.correlation_id) == (heard.status, heard.headers["x-request-id"])
    assert record.error is None or (len(record.error.message) <= 2000 and len(record.error.field or "") <= 200)


def still_answers() -> None:
    heard = call(app(), "/predict/m", json.dumps(ROW).encode(), serve().key, query=b"release=1")
    assert heard.status == 200 and heard.json()["prediction"] == expected()


@cache
def expected() -> str:
    return str(serve().ask(ROW, release=1).json()["predictions"][0]["prediction"])


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document: everywhere."""
    yield at
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*at, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*at, number))


def changed(value: Any, at: tuple[Any, ...], change: Any) -> Any:
    """The document with one place changed; `change` takes what stood there, and its holder's other members."""
    if not at:
        return change(value)
    here, *rest = at
    if isinstance(value, dict):
        return {name: changed(each, tuple(rest), change) if name == here else each for name, each in value.items()}
    return [changed(each, tuple(rest), change) if number == here else each for number, each in enumerate(value)]


_MARK = "@@here@@"


def with_text(path: str, at: tuple[Any, ...], text: str) -> bytes:
    """The good call with this text in a place."""
    told = json.dumps(changed(GOOD[path], at, lambda _: _MARK), ensure_ascii=False)
    return told.replace(json.dumps(_MARK), text).encode("utf-8", "surrogatepass")


damaged_paths = st.sampled_from(PATHS).flatmap(
    lambda path: st.tuples(st.just(path), st.sampled_from(list(places(GOOD[path]))))
)


@pytest.mark.parametrize("path", PATHS)
def test_the_calls_are_good_before_they_are_broken(path: str) -> None:
    heard = sent(path, json.dumps(GOOD[path]).encode())
    assert heard.status == 200, heard
    recorded(heard)


@given(damaged_paths, BROKEN)
@MANY
def test_a_value_that_is_broken(where: tuple[str, tuple[Any, ...]], text: str) -> None:
    heard = sent(where[0], with_text(*where, text))
    recorded(heard)
    still_answers()


WORST = [
    "NaN", "1e400", "9" * 4300, "9" * 4301, "3.4e38", '"\\ud800"', '"' + "x" * 100_000 + '"', "[" * 150 + "]" * 150,
    "null", '"\\u0000"', "[]", "{}", "-1", "true",
]  # fmt: skip


@pytest.mark.parametrize("text", WORST, ids=[each[:8] for each in WORST])
@pytest.mark.parametrize("path", PATHS)
def test_the_worst_values_in_every_place(path: str, text: str) -> None:
    for at in places(GOOD[path]):
        recorded(sent(path, with_text(path, at, text)))
    still_answers()


@given(damaged_paths, NAMES, st.sampled_from(["added", "renamed", "taken", "twice"]), BROKEN)
@MANY
def test_a_name_that_is_broken(where: tuple[str, tuple[Any, ...]], name: str, how: str, text: str) -> None:
    path, at = where

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [] if how == "taken" else [*value, *value] if how == "twice" else [*value, None]
        if not isinstance(value, dict):
            return value
        first, *rest = [*value, "nothing"]
        match how:
            case "added" | "twice":
                return {**value, name if how == "added" else _MARK: 1}
            case "renamed":
                return {name: value.get(first), **{each: value[each] for each in rest if each in value}}
        return {each: value[each] for each in rest if each in value}

    told = json.dumps(changed(GOOD[path], at, change))
    twice = told.replace(f'"{_MARK}": 1', f'"age": 1, "age": {text}, "model": "m", "model": 3')
    heard = sent(path, twice.encode("utf-8", "surrogatepass"))
    recorded(heard)
    still_answers()


@given(st.sampled_from(PATHS), st.data())
@MANY
def test_bytes_that_are_broken(path: str, data: st.DataObject) -> None:
    content = json.dumps(GOOD[path]).encode()
    at = data.draw(st.integers(0, len(content)))
    cut = data.draw(st.integers(0, 5))
    put = data.draw(
        st.one_of(st.binary(max_size=8), st.sampled_from([b"\xed\xa0\x80", b"\xff\xfe", b"\xc0\x80", b"\x00"]))
    )
    heard = sent(path, content[:at] + put + content[at + cut :])
    recorded(heard)
    still_answers()


WHOLE: list[bytes] = [
    b"", b" ", b"\xef\xbb\xbf{}", json.dumps(GOOD["/predict/m"]).encode("utf-16"), b"\x00" * 1000, b"[" * 1_000_000,
    b'{"a":' * 1_000_000, gzip.compress(json.dumps(GOOD["/predict/m"]).encode()), b"--x\r\n\r\n--x--", b"a=1&b=2",
    b'"' + b"x" * 5_900_000 + b'"', b"[" + b"{}," * 1_500_000 + b"{}]", b"{" + b'"a":1,' * 900_000 + b'"a":1}',
    b"{" + b",".join(b'"k%d":1' % n for n in range(400_000)) + b"}", b"9" * 5_000_000, b"[]", b"[[]]", b"[null]",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("at", range(len(WHOLE)))
def test_a_body_that_is_something_else(path: str, at: int) -> None:
    heard = sent(path, WHOLE[at])
    assert heard.status == 422
    recorded(heard)
    still_answers()


@given(
    st.sampled_from(PATHS),
    st.one_of(
        st.sampled_from(
            [b"", b"text/plain", b"application/json; charset=utf-16", b"application/json;;;", b"APPLICATION/JSON",
             b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded", b"application/vnd.x+json",
             b"json", b"*/*", b"application/octet-stream", b"\xff\xfe", b"a" * 60_000, b"image/svg+xml", b"+json"]
        ),
        st.binary(max_size=30).filter(lambda each: b"\r" not in each and b"\n" not in each),
    ),
    st.sampled_from([None, b"gzip", b"identity", b"br, gzip", b"", b"\xff", b"IDENTITY"]),
    st.sampled_from([None, b"0", b"5", b"100000", b"-1", b"1e3", b"\xb2", b"99999999999999999999", b"five"]),
    st.sampled_from([None, b"1", b"0", b"99999999", b"-5", b"x" * 5000]),
)  # fmt: skip
@MANY
def test_headers_that_say_something_else(
    path: str, kind: bytes, coding: bytes | None, json_length: bytes | None, length: bytes | None
) -> None:
    told = {
        b"content-type": kind, b"content-encoding": coding, b"inference-header-content-length": json_length,
        b"content-length": length,
    }  # fmt: skip
    headers = [(name, value) for name, value in told.items() if value is not None]
    heard = sent(path, json.dumps(GOOD[path]).encode(), headers=headers)
    assert heard.status in (200, 415, 422)
    recorded(heard)


@given(
    st.sampled_from(["/predict/m", "/predict/m/explanation.svg"]),
    st.one_of(
        st.sampled_from(
            [b"top=0", b"top=-1", b"top=1e3", b"top=NaN", b"top=" + b"9" * 400, b"top=" + b"9" * 5000, b"top=",
             b"top=%00", b"release=", b"release=%00", b"release=../../x", b"release=%ed%a0%80",
             b"release=" + b"9" * 5000, b"release=0", b"release=production&release=9",
             b"release=%20PRODUCTION%20", b"release=v1", b"release=-1", b"release=1e0",
             b"release=" + b"x" * 100_000, b"%", b"&&&", b"=", b"a[]=1", b"top=1;release=1", b"release=\xff\xfe"]
        ),
        st.binary(max_size=40),
    ),
)  # fmt: skip
@MANY
def test_a_query_that_is_broken(path: str, query: bytes) -> None:
    heard = sent(path, json.dumps(GOOD["/predict/m/explanation.svg"]).encode(), query=query)
    recorded(heard)


@given(
    st.sampled_from(
        ["/predict/{}", "/predict/{}/explanation.svg", "/v2/models/{}/infer", "/v2/models/m/versions/{}/infer"]
    ),
    st.one_of(
        st.sampled_from(
            ["..", "M", "m ", "m\n", "m\u0000", "x" * 100_000, "%2e%2e", "nobody", "m.json", "\u202em", "-m", ""]
        ),
        st.text(max_size=20).map(lambda text: text.replace("/", "")),
    ),
)  # fmt: skip
@FEW
def test_a_path_that_is_broken(path: str, name: str) -> None:
    which = "/v2/models/m/infer" if path.startswith("/v2") else "/predict/m/explanation.svg"
    heard = sent(path.format(name), json.dumps(GOOD[which]).encode())
    assert heard.status in (200, 404, 405, 409, 422)
    if name:  # without one it is another path, and nobody's question
        recorded(heard)


@pytest.mark.parametrize("path", PATHS)
def test_blocks_without_end_are_not_read_to_their_end(path: str) -> None:
    blocks = [b"x" * 1_000_000] * 50
    heard = sent(path, blocks, headers=[JSON_TYPE, (b"content-length", b"10")])
    assert heard.status == 413 and len(blocks) == 50 - MOST_BYTES // 1_000_000 - 1
    recorded(heard)
    still_answers()


@pytest.mark.parametrize("path", PATHS)
def test_who_hangs_up_in_the_middle_is_told_nothing_and_recorded_nowhere(path: str) -> None:
    serve().outlet.records.clear()
    heard = call(app(), path, [b'{"model"'], serve().key, hangs_up=True)
    assert heard.status == 0 and not serve().outlet.records
    still_answers()


IDS = st.one_of(
    st.text(max_size=250), st.integers(), st.booleans(), st.floats(), st.none(), st.lists(st.integers(), max_size=2)
)


@given(st.lists(IDS, min_size=1, max_size=4))
@MANY
def test_ids_of_all_kinds(ids: list[Any]) -> None:
    body = {"model": "m", "rows": [{"id": each, "features": ROW} for each in ids]}
    heard = sent("/inference", json.dumps(body).encode("utf-8", "surrogatepass"))
    recorded(heard)
    if heard.status == 200:
        told = [row["id"] for row in heard.json()["predictions"]]
        assert told == ids and len({str(each) for each in told if each is not None}) == sum(
            each is not None for each in told
        )
