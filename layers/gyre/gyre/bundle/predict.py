"""Rows in, answers out: numpy and onnxruntime alone, on the path of every request."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]

from gyre.bundle.explain import Explainer, Explanations
from gyre.bundle.format import Bundle
from gyre.bundle.scores import Floats
from gyre.errors import Invalid
from gyre.features.compute import Array, Columns
from gyre.features.inputs import inputs

MOST_ROWS = 4_096
# Of the transformed matrix at one time; it is dense, and a text has thousands of columns: 80 MB.
_MOST_CELLS = 20_000_000


@dataclass(frozen=True)
class Predictions:
    """By row: of classes a label and every class's probability, of a regression the value."""

    labels: npt.NDArray[np.object_] | None = None
    probabilities: Floats | None = None
    """By row and class, in the order of `Manifest.classes`."""
    values: Floats | None = None


class Predictor:
    """A bundle that answers."""

    def __init__(self, bundle: Bundle, *, threads: int = 1, most_rows: int = MOST_ROWS) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads  # one is the fastest for a row, and leaves the others to other calls
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # what it warns of, no caller can change
        self.bundle = bundle
        self._session = onnxruntime.InferenceSession(
            bundle.model, sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._classes = np.array([*bundle.manifest.classes, None], dtype=object)[:-1]
        self._answer = "probabilities" if bundle.manifest.classes else "values"
        self._needed = bundle.layout.spec.needed
        self._derived = bundle.layout.spec.derived.keys()
        self._most_rows = max(1, min(most_rows, _MOST_CELLS // bundle.manifest.width))
        self._explainer: Explainer | None = None

    def predict(self, columns: Columns) -> Predictions:
        """The answers to these rows, which may be none."""
        found = [self._run(chunk, self._answer)[0] for chunk in self._chunks(columns)]
        return self._told(np.concatenate(found) if found else self._nothing())

    def explain(self, columns: Columns) -> tuple[Predictions, Explanations]:
        """The answers, and why each row was given its label or value."""
        answers, told = [self._nothing()], []
        for chunk in self._chunks(columns):
            answer, transformed = self._run(chunk, self._answer, "transformed")
            answers.append(answer)
            told.append(self._explain(answer, transformed))
        if not told:
            told = [self._explain(self._nothing(), np.zeros((0, self.bundle.manifest.width), np.float32))]
        return self._told(np.concatenate(answers)), _together(told)

    def scores(self, columns: Columns) -> Floats:
        """What contributions add up to: by row one score, or one for each of several classes."""
        width = self.bundle.scores.scores
        return np.concatenate([np.zeros((0, width)), *(self._run(each, "scores")[0] for each in self._chunks(columns))])

    def transformed(self, columns: Columns) -> Array:
        """What the estimator itself is given."""
        nothing = np.zeros((0, self.bundle.manifest.width), np.float32)
        return np.concatenate([nothing, *(self._run(each, "transformed")[0] for each in self._chunks(columns))])

    def _explain(self, answer: Array, transformed: Array) -> Explanations:
        if self._explainer is None:
            self._explainer = Explainer(self.bundle)  # a model that nobody asks why needs none
        chosen = answer.argmax(axis=1) if len(self._classes) else np.zeros(len(answer), np.int64)
        return self._explainer.explain(transformed, chosen)

    def _run(self, columns: Columns, *outputs: str) -> list[Array]:
        found: list[Array] = self._session.run(list(outputs), inputs(self.bundle.layout, columns).feeds())
        return found

    def _chunks(self, columns: Columns) -> list[Columns]:
        if absent := sorted(self._needed - columns.keys()):
            raise Invalid(f"{absent[0]} is missing: {self.bundle.layout.spec.model} needs it.", field=absent[0])
        wanted = {name: columns[name] for name in sorted(self._needed | (self._derived & columns.keys()))}
        rows = len(next(iter(wanted.values())))
        if rows <= self._most_rows:
            return [wanted] if rows else []
        starts = range(0, rows, self._most_rows)
        return [{name: each[at : at + self._most_rows] for name, each in wanted.items()} for at in starts]

    def _nothing(self) -> Floats:
        return np.zeros((0, len(self._classes)) if len(self._classes) else 0)

    def _told(self, answer: Array) -> Predictions:
        if not len(self._classes):
            return Predictions(values=answer)
        return Predictions(labels=self._classes[answer.argmax(axis=1)], probabilities=answer)


def _together(told: list[Explanations]) -> Explanations:
    if len(told) == 1:
        return told[0]
    joined = {
        name: np.concatenate([getattr(each, name) for each in told]) for name in ("base", "contributions", "parts")
    }
    return Explanations(features=told[0].features, names=told[0].names, **joined)
