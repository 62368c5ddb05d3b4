"""FastAPI, a pickled scikit-learn pipeline and shap.TreeExplainer, as many teams serve a model: no journal, no keys, no
check of values, one model, read from a local file."""

import os
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import shap  # type: ignore[import-untyped]
from fastapi import FastAPI
from pydantic import BaseModel


class Asked(BaseModel):
    features: dict[str, float | str]
    top: int = 0


class Contribution(BaseModel):
    feature: str
    value: float | str
    contribution: float


class Answer(BaseModel):
    prediction: str
    probabilities: dict[str, float]
    explanation: list[Contribution] | None = None


class Model:
    """What is made once and used by every call."""

    def __init__(self, path: Path) -> None:
        kept = joblib.load(path)
        self.pipeline, self.classes = kept["pipeline"], kept["classes"]
        self.prepare, self.model = self.pipeline[:-1], self.pipeline["model"]
        self.explainer = shap.TreeExplainer(self.model)
        self.columns = list(self.pipeline["prepare"].get_feature_names_out())

    def answer(self, asked: Asked) -> Answer:
        rows = self.prepare.transform(pd.DataFrame([asked.features]))
        found = self.model.predict_proba(rows)[0]
        likeliest = int(found.argmax())
        return Answer(
            prediction=self.classes[likeliest],
            probabilities=dict(zip(self.classes, found.tolist(), strict=True)),
            explanation=self.explain(rows, likeliest, asked.top) if asked.top else None,
        )

    def explain(self, rows: Any, likeliest: int, top: int) -> list[Contribution]:
        found = self.explainer.shap_values(rows)[0, :, likeliest]
        return [
            Contribution(feature=self.columns[at], value=float(rows[0, at]), contribution=float(found[at]))
            for at in np.argsort(-np.abs(found))[:top]
        ]


def compose() -> FastAPI:
    app, folder = FastAPI(), Path(os.environ["BENCH_MODELS"])
    models = {name: Model(folder / f"{name}.joblib") for name in os.environ["BENCH_SERVED"].split(",")}

    # async: the quicker way for one short call after another, because no thread is asked.
    @app.post("/predict/{model}")
    async def predict(model: str, asked: Asked) -> Answer:
        return models[model].answer(asked)

    return app
