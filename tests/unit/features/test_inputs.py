import os
import subprocess
import sys

import numpy as np
import pytest

from gyre.features.inputs import MISSING, MOST_WORDS, feature_of, inputs, layout
from tests.unit.features.parts import objects, spec

NAN = float("nan")


def test_numbers_and_words_stand_in_two_matrices_by_feature() -> None:
    # Given columns of every type, one of which the model does not see
    declared = spec(
        "age: {type: number}, mood: {type: category}, on: {type: boolean}, at: {type: time}, said: {type: text}, "
        "name: {type: category, personal: true}, kids: {type: integer, prepare: {indicate_missing: true}}, "
        "eyes: {type: category, prepare: {indicate_missing: true}}",
        derived="""
          half: {formula: age / 2}
          adult: {formula: age >= 18}
          years: {bin: age, edges: [18]}
        """,
    )
    columns = {
        "age": np.array([20, NAN]),
        "mood": objects("good", None),
        "on": np.array([1, NAN]),
        "at": np.array(["1970-01-03T12", "NaT"], dtype="M8[us]"),
        "said": objects("Oh, no!", None),
        "name": objects("Ann", "Bob"),
        "kids": np.array([NAN, 2]),
        "eyes": objects(None, "blue"),
    }
    # When a model is given them
    wanted = layout(declared)
    made = inputs(wanted, columns)
    # Then each feature has its column, and what is missing says so in the way of its matrix
    assert [each.name for each in wanted.numbers] == [
        "age", "on", "at", "kids", "half", "adult", "`kids` is missing", "`eyes` is missing"
    ]  # fmt: skip
    np.testing.assert_array_equal(made.numbers, [[20, 1, 2.5, NAN, 10, 1, 1, 1], [NAN, NAN, NAN, 2, NAN, NAN, 0, 0]])
    assert made.numbers.dtype == np.float32
    assert [each.name for each in wanted.words] == ["mood", "said", "eyes", "years"]
    assert made.words.tolist() == [["good", "oh no", MISSING, ">=18"], [MISSING, "", "blue", MISSING]]
    assert {feature_of(each.name) for each in (*wanted.numbers, *wanted.words)} == set(declared.features)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Größe, ÄPFEL; 東京", "größe äpfel 東京"),
        ("don't DON\N{RIGHT SINGLE QUOTATION MARK}T 'quoted'", "don't don't quoted"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "café"),
        (" \t\n", ""),
        ("...", ""),
        ("a_b 3.5", "a_b 3 5"),
    ],
)
def test_a_text_is_its_words(text: str, expected: str) -> None:
    made = inputs(layout(spec("said: {type: text}")), {"said": objects(text)})
    assert made.words.tolist() == [[expected]]


def test_case_stays_where_the_spec_wants_it() -> None:
    wanted = layout(spec("said: {type: text, prepare: {lowercase: false}}"))
    assert inputs(wanted, {"said": objects("Oh NO")}).words.tolist() == [["Oh NO"]]


def test_the_end_of_a_very_long_text_is_not_read() -> None:
    made = inputs(layout(spec("said: {type: text}")), {"said": objects("so " * (MOST_WORDS + 1))})
    assert made.words[0, 0].split() == ["so"] * MOST_WORDS


def test_a_number_beyond_single_precision_is_missing() -> None:
    made = inputs(layout(spec("x: {type: number}")), {"x": np.array([1e300, -np.inf, 1e-300])})
    np.testing.assert_array_equal(made.numbers[:, 0], [NAN, NAN, 0])


def test_a_graph_is_fed_what_it_takes() -> None:
    numbers = inputs(layout(spec("x: {type: number}")), {"x": np.array([1.0])})
    words = inputs(layout(spec("x: {type: category}")), {"x": objects("a")})
    assert list(numbers.feeds()) == ["numbers"]
    assert list(words.feeds()) == ["words"]


def test_the_request_path_loads_nothing_scientific() -> None:
    heavy = "{'pandas', 'sklearn', 'scipy', 'onnx', 'skl2onnx'} & set(sys.modules)"
    code = f"import sys, gyre.features.compute, gyre.features.inputs; assert not ({heavy}), {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": os.pathsep.join(sys.path)})
