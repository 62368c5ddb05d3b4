"""Answers as tensors: what no small model of the other tests tells."""

import json
from typing import Any

import numpy as np
import pytest

from gyre.serving.protocol import metadata, told
from gyre.serving.protocol_tensors import Request, Tensor, Wanted, packed
from gyre.serving.question import Answer, RowAnswer
from tests.unit.training.models import declared

ASKED = Request("r-1", (), (), binary=False)


def answer(*rows: RowAnswer, task: str = "multiclass") -> Answer:
    return Answer(rows, (), declared(task), "log_odds")


def outputs(*rows: RowAnswer, asked: Request = ASKED, task: str = "multiclass") -> dict[str, Any]:
    found = json.loads(told(asked, "m", answer(*rows, task=task), "event-0001").content)
    return {each["name"]: each for each in found["outputs"]}


@pytest.mark.parametrize(
    ("labels", "datatype", "data"),
    [
        ((1, 2), "INT64", [1, 2]),
        ((True, False), "BOOL", [True, False]),
        (("a", "b"), "BYTES", ["a", "b"]),
        (("a", 2), "BYTES", ["a", "2"]),
        ((True, 2), "BYTES", ["true", "2"]),
    ],
)
def test_labels_have_the_type_of_their_classes(labels: tuple[Any, Any], datatype: str, data: list[Any]) -> None:
    found = outputs(*(RowAnswer(None, 1, label, {"x": 1.0}, 1.0) for label in labels))["prediction"]
    assert (found["datatype"], found["data"]) == (datatype, data)


@pytest.mark.parametrize(
    ("classes", "datatype"), [((0, 1), "INT64"), ((False, True), "BOOL"), (("a", "b"), "BYTES"), ((), "FP64")]
)
def test_the_metadata_says_the_same(classes: tuple[Any, ...], datatype: str) -> None:
    found = metadata("m", declared("multiclass" if classes else "regression"), classes, [1])["outputs"][0]
    assert (found["name"], found["datatype"]) == ("prediction", datatype)


def test_rows_of_two_releases_are_told_with_the_classes_of_both() -> None:
    # given: the challenger knows another class
    rows = (
        RowAnswer(None, 1, "a", {"a": 0.7, "b": 0.3}, 0.7),
        RowAnswer(None, 2, "c", {"a": 0.1, "c": 0.9}, 0.9),
    )
    # when
    body = json.loads(told(ASKED, "m", answer(*rows), "event-0001").content)
    # then
    assert body["parameters"] == {"event_id": "event-0001", "versions": "1,2"} and "model_version" not in body
    assert outputs(*rows)["probabilities"]["data"] == [0.7, 0.3, None, 0.1, None, 0.9]
    classes = Request(None, (), (Wanted("classes", binary=False),), binary=False)
    assert outputs(*rows, asked=classes)["classes"]["data"] == ["a", "b", "c"]


def test_an_answer_that_was_not_recorded_says_so() -> None:
    body = json.loads(told(ASKED, "m", answer(RowAnswer(None, 1, 2.5)), "event-0001", logged=False).content)
    assert body["parameters"] == {"event_id": "event-0001", "logged": False, "version": "1"}


def test_an_infinite_value_is_null_in_json_and_itself_in_bytes() -> None:
    rows = (RowAnswer(None, 1, float("inf")), RowAnswer(None, 1, 2.5))
    assert outputs(*rows, task="regression")["prediction"]["data"] == [None, 2.5]
    in_bytes = Request(None, (), (Wanted("prediction", binary=True),), binary=False)
    found = told(in_bytes, "m", answer(*rows, task="regression"), "event-0001")
    assert np.frombuffer(found.content[found.json_length :], "<f8").tolist() == [float("inf"), 2.5]


@pytest.mark.parametrize(
    ("datatype", "values", "content"),
    [
        ("INT64", [1, -2], np.array([1, -2], "<i8").tobytes()),
        ("INT64", [2**53 + 1], np.array([2**53 + 1], "<i8").tobytes()),
        ("BOOL", [True, False], b"\1\0"),
        ("BYTES", ["ä", ""], b"\2\0\0\0\xc3\xa4\0\0\0\0"),
        ("FP64", [0.5], np.array([0.5], "<f8").tobytes()),
    ],
)
def test_bytes_are_little_endian_and_whole(datatype: str, values: list[Any], content: bytes) -> None:
    assert packed(Tensor("x", datatype, (len(values),), values)) == content
