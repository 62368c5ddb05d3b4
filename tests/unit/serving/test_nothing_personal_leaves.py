"""Whatever is sent, right or wrong: no value of a personal column is in a record, a message or a line of the log."""

import copy
import json
import re
import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.serving.personal import COLUMNS, PERSONAL, People, compiled

STATUSES = Counter[int]()
# No pseudonym, name or number of ours has these letters in a row, so that what is found is what was sent.
TOKEN = st.text(alphabet="qxzjkw", min_size=9, max_size=12)
NUMBER = st.integers(10**13, 10**15)
AROUND = st.text(max_size=5)
SECRET = st.one_of(
    st.builds(lambda token, a, b: f"{a}{token}{b}", TOKEN, AROUND, AROUND), NUMBER, NUMBER.map(float), NUMBER.map(str),
    TOKEN.map(lambda token: {"first": token}), TOKEN.map(lambda token: [token, 1]),
)  # fmt: skip
PLAIN = st.fixed_dictionaries(
    {"age": st.sampled_from([30, 31.5, None, "old", 500, True, [], 1e308, float("inf")])},
    optional={
        "size": st.sampled_from(["s", "m", "xxl", 7, None, {}]),
        "note": st.text(max_size=5),
        "unheard_of": st.none(),
    },
)
JUNK = st.sampled_from([None, 5, "x", [], {}, True, "latest", "challenger", "2", -1, 10**9])


def roots(told: Any) -> Iterator[str]:
    """The parts of a value by which it would be found again."""
    if isinstance(told, dict | list):
        for each in told.values() if isinstance(told, dict) else told:
            yield from roots(each)
    elif isinstance(told, str):
        yield from re.findall(r"[qxzjkw]{9,}|[0-9]{13,}", told)
    elif told > 1:
        yield str(int(told))


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows with the same id twice, now and then, or with none."""
    known = draw(st.lists(SECRET, min_size=1, max_size=3))
    sent = []
    for _ in range(draw(st.integers(1, 3))):
        who = {name: draw(st.sampled_from(known)) for name in PERSONAL if draw(st.booleans())}
        row: dict[str, Any] = {"features": {**draw(PLAIN), **who}}
        if draw(st.booleans()):
            row["id"] = draw(st.sampled_from(known))
        sent.append(row)
    return sent


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body that may be spoilt; within a personal value nothing is ours."""
    yield path
    if path and path[-1] in PERSONAL:
        return
    if isinstance(body, dict | list):
        for key, each in body.items() if isinstance(body, dict) else enumerate(body):
            yield from places(each, (*path, key))


@st.composite
def spoilt(draw: st.DrawFn, body: Any) -> Any:
    """The body with faults: something left out, put elsewhere, said twice, or of another kind."""
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(0, 2))):
        path = draw(st.sampled_from(list(places(body))))
        holder = body
        for key in path[:-1]:
            holder = holder[key]
        here = holder[path[-1]] if path else body
        how = draw(st.sampled_from(["wrap", "object", "junk", "drop", "again", "whole"]))
        new = {"wrap": [here], "object": {"rows": here}, "junk": None, "whole": copy.deepcopy(body)}.get(how)
        new = draw(JUNK) if how == "junk" else new
        if not path:
            body = new if how in ("wrap", "object", "junk") else body
        elif how == "drop":
            del holder[path[-1]]
        elif how == "again" and isinstance(holder, list):
            holder.append(copy.deepcopy(here))
        elif how == "again":
            holder[f"{path[-1]}s"] = here
        else:
            holder[path[-1]] = new
    return body


@pytest.fixture(scope="module")
def world() -> People:
    """A trial: some rows go to a challenger, all of them to the shadow."""
    people = People().promote()
    people.trial(2, share=0.4, shadow=1.0, made=compiled(COLUMNS.replace("[s, m, l]", "[s, m]")))
    return people


def check(people: People, sent: list[dict[str, Any]], status: int) -> None:
    """Everything that left is searched for everything that was sent."""
    STATUSES[status] += 1
    try:
        assert status in (200, 404, 409, 413, 422), people.log.getvalue()[-2000:]
        people.shadowed()
        left = people.left()
        assert people.outlet.records, "every call is recorded"
        for row in sent:
            values = [row["features"][name] for name in PERSONAL if name in row["features"]]
            for value in (*values, *([row["id"]] if "id" in row else [])):
                for root in roots(value):
                    assert root not in left, (root, left[max(0, left.find(root) - 300) : left.find(root) + 100])
    finally:
        people.outlet.records.clear()
        people.shadows.calls.clear()
        people.log.seek(0)
        people.log.truncate()


FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(sent=rows(), data=st.data())
@FEW
def test_through_inference(world: People, sent: list[dict[str, Any]], data: st.DataObject) -> None:
    more = data.draw(st.fixed_dictionaries({}, optional={"partial": st.booleans(), "explain": st.just(True)}))
    body = data.draw(spoilt({"model": "m", "rows": sent, **more}))
    cut = data.draw(st.one_of(st.none(), st.integers(1, 400)))
    answer = world.client.post("/inference", content=json.dumps(body).encode()[:cut])
    check(world, sent, answer.status_code)


@given(sent=rows(), data=st.data())
@FEW
def test_through_predict(world: People, sent: list[dict[str, Any]], data: st.DataObject) -> None:
    features = [each["features"] for each in sent]
    body = data.draw(spoilt(data.draw(st.sampled_from([features, features[0]]))))
    way = data.draw(
        st.sampled_from(["/predict/m", "/predict/m?top=2", "/predict/m?release=2", "/predict/m/explanation.svg"])
    )
    answer = world.client.post(way, content=json.dumps(body).encode())
    check(world, [{"features": each} for each in features], answer.status_code)


@given(sent=rows(), data=st.data())
@FEW
def test_through_the_protocol(world: People, sent: list[dict[str, Any]], data: st.DataObject) -> None:
    features = [{**dict.fromkeys(PERSONAL), "age": 30.0, "size": "m", **each["features"]} for each in sent]
    kinds = {"age": "FP64", "social": data.draw(st.sampled_from(["INT64", "BYTES"]))}
    inputs = [
        {
            "name": name, "datatype": kinds.get(name, "BYTES"), "shape": [len(features)],
            "data": [each.get(name) if isinstance(each.get(name), int) else _text(each.get(name)) for each in features],
        }
        for name in ("age", "size", *PERSONAL)
    ]  # fmt: skip
    inputs[0]["data"] = [each["age"] for each in features]
    body = data.draw(spoilt({"inputs": inputs}))
    answer = world.client.post("/v2/models/m/infer", content=json.dumps(body).encode())
    check(world, [{"features": each["features"]} for each in sent], answer.status_code)


@given(sent=st.lists(TOKEN, min_size=1, max_size=3), cut=st.integers(0, 12), told=st.integers(-3, 3))
@FEW
def test_through_the_protocol_as_bytes(world: People, sent: list[str], cut: int, told: int) -> None:
    blob = b"".join(struct.pack("<I", len(each)) + each.encode() for each in sent)
    blob = blob[: len(blob) - cut]
    head = json.dumps(
        {
            "inputs": [
                {"name": "age", "datatype": "FP64", "shape": [len(sent)], "data": [30] * len(sent)},
                {"name": "size", "datatype": "BYTES", "shape": [len(sent)], "data": ["m"] * len(sent)},
                {
                    "name": "person", "datatype": "BYTES", "shape": [len(sent)],
                    "parameters": {"binary_data_size": len(blob) + told},
                },
            ]
        }
    ).encode()  # fmt: skip
    headers = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
    answer = world.client.post("/v2/models/m/infer", content=head + blob, headers=headers)
    check(world, [{"features": {"person": each}} for each in sent], answer.status_code)


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list | float) else value


def test_what_would_leave_is_found(world: People) -> None:
    """Given a column that is not personal, when such a value stands in it, then the search above finds it."""
    body = {"model": "m", "rows": [{"features": {"age": 30, "size": "m", "note": "qxzjkwqxz"}}]}
    answer = world.client.post("/inference", json=body)
    with pytest.raises(AssertionError, match="qxzjkwqxz"):
        check(world, [{"features": {"person": "qxzjkwqxz"}}], answer.status_code)


def test_right_calls_and_wrong_ones_were_among_them(world: People) -> None:
    """Else nothing could have left."""
    if sum(STATUSES.values()) < 100:
        pytest.skip("the tests before this one make the calls")
    assert STATUSES[200] > 20 and STATUSES[422] > 100, STATUSES
