"""MLServer's scikit-learn runtime with explanations: what it lacks, written as its documentation says."""

import json

import joblib  # type: ignore[import-untyped]
import numpy as np
import shap  # type: ignore[import-untyped]
from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec  # type: ignore[import-not-found]
from mlserver.types import InferenceRequest, InferenceResponse  # type: ignore[import-not-found]
from mlserver.utils import get_model_uri  # type: ignore[import-not-found]
from mlserver_sklearn import SKLearnModel  # type: ignore[import-not-found]


class ExplainedModel(SKLearnModel):  # type: ignore[misc]
    """Loaded by MLServer from the name in its settings."""

    async def load(self) -> bool:
        self._model = joblib.load(await get_model_uri(self._settings))
        self._prepare, estimator = self._model[:-1], self._model["model"]
        self._explainer = shap.TreeExplainer(estimator)
        self._columns = list(self._model["prepare"].get_feature_names_out())
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = self._prepare.transform(self.decode_request(payload, default_codec=PandasCodec))
        found = self._model["model"].predict_proba(rows)
        likeliest = int(found[0].argmax())
        weights = self._explainer.shap_values(rows)[0, :, likeliest]
        told = [
            {"feature": self._columns[at], "value": float(rows[0, at]), "contribution": float(weights[at])}
            for at in np.argsort(-np.abs(weights))[:5]
        ]
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output("predict_proba", found),
                StringCodec.encode_output("explanation", [json.dumps(told)]),
            ],
        )
