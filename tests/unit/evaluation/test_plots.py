"""Pictures: all of them, the same bytes for the same figures, readable by an XML parser, small."""

import io
from xml.etree import ElementTree as Xml

import matplotlib.image
import numpy as np
import pytest

from gyre.bundle.predict import Predictions
from gyre.evaluation.drawing import shown
from gyre.evaluation.evaluate import evaluate
from gyre.evaluation.fairness import fairness
from gyre.evaluation.importance import Importance
from gyre.evaluation.matrix_plot import matrix_plot
from gyre.evaluation.plots import plots
from gyre.evaluation.targets import Targets
from tests.unit.evaluation.parts import classified, measured, people, said
from tests.unit.training.models import declared

OF_CLASSES = {"confusion_matrix", "roc", "precision_recall", "calibration", "slices", "importance", "fairness"}
OF_NUMBERS = {"predicted_actual", "residuals", "slices", "importance", "fairness"}


def drawn(truth: Targets, found: Predictions, rows: int, features: int = 30) -> dict[str, bytes]:
    spec = declared("regression" if not truth.classes else "binary" if len(truth.classes) == 2 else "multiclass")
    by = people(1, rows)
    importances = [Importance(f"x{at}", 2.0**-at, 2.0**-at / 2) for at in range(features)]
    return plots(evaluate(spec, truth, found, by, seed=1), importances, fairness(spec, truth, found, {"on": by["on"]}))


def texts(svg: bytes) -> list[str]:
    return ["".join(each.itertext()) for each in Xml.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("answers", [classified(1, 500, 2), classified(1, 500, 24, unknown=0.05), measured(1, 500)])
def test_every_picture_is_drawn_small_and_with_text(answers) -> None:
    found = drawn(*answers, 500)
    wanted = OF_CLASSES if answers[0].classes else OF_NUMBERS
    assert found.keys() == {f"{name}.{ending}" for name in wanted for ending in ("svg", "png")}
    for name, content in found.items():
        if name.endswith("svg"):
            assert len(content) < 60_000 and texts(content), name
        else:
            picture = matplotlib.image.imread(io.BytesIO(content))
            assert picture.std() > 0.02 and 250 < picture.shape[1] < 1_600, name


def test_the_same_figures_give_the_same_bytes() -> None:
    answers = classified(1, 300, 3, unknown=0.1)
    assert drawn(*answers, 300, features=3) == drawn(*answers, 300, features=3)


def test_odd_names_are_shown_as_they_are_or_shortened() -> None:
    # given
    names = ("$x^2$", "_hidden", "<b>&", "two\nlines", "a very long name of a class that goes on", "\x00\ud800", "顧客")
    truth, found = classified(1, 700, 7)
    truth = Targets(names, truth.values)
    # when
    pictures = plots(evaluate(declared("multiclass"), truth, said(names, found.probabilities), {}, seed=1), [])
    # then
    told = texts(pictures["confusion_matrix.svg"])
    assert {"$x^2$", "_hidden", "<b>&", "two lines", "a very long nam…", "顧客"} <= set(told)
    legend = " ".join(texts(pictures["roc.svg"]))
    assert all(each in legend for each in ("$x^2$", "_hidden", "<b>&", "顧客"))


def test_of_many_classes_the_rest_is_one() -> None:
    judged = evaluate(declared("multiclass"), *classified(1, 2_000, 60), {}, seed=1)
    told = texts(matrix_plot(judged.confusion)["confusion_matrix.svg"])
    assert "(41 others)" in told and "Confusion, the most frequent of 60 classes" in told


def test_what_cannot_be_told_is_not_drawn() -> None:
    one = classified(1, 40, 3)
    spec = declared("multiclass")
    judged = evaluate(spec, Targets(one[0].classes, np.ones(40, np.int64)), one[1], {}, seed=1)
    assert {name.partition(".")[0] for name in plots(judged, [])} == {"confusion_matrix", "calibration"}
    nothing = evaluate(spec, *classified(1, 0, 3), {}, seed=1)
    assert plots(nothing, [], fairness(spec, *classified(1, 0, 3), {})) == {}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [np.full(30, 5.0), np.arange(30.0) * 1e12, np.array([0.0] * 29 + [1e-9])])
def test_odd_numbers_are_drawn(values) -> None:
    judged = evaluate(declared("regression"), Targets((), values), Predictions(values=values * 1.1), {}, seed=1)
    assert len(plots(judged, [])) == 4


def test_a_name_as_a_picture_takes_it() -> None:
    assert shown("a $b$") == r"a \$b\$"
    assert shown("  a \t\n b\u202e ") == "a b"
    assert shown("x" * 30, 5) == "xxxx…"
