"""MLServer's scikit-learn runtime with explanations: what it lacks, written as its documentation says."""

import json

import joblib
import numpy as np
import shap
from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri
from mlserver_sklearn import SKLearnModel


class ExplainedModel(SKLearnModel):
    async def load(self) -> bool:
        self._model = joblib.load(await get_model_uri(self._settings))
        self._prepare, estimator = self._model["prepare"], self._model["model"]
        self._explainer = shap.TreeExplainer(estimator)
        self._columns = list(self._prepare.get_feature_names_out())
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = self._prepare.transform(self.decode_request(payload, default_codec=PandasCodec))
        found = self._model["model"].predict_proba(rows)
        likeliest = int(found[0].argmax())
        weights = self._explainer.shap_values(rows, check_additivity=False)[0, :, likeliest]
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
