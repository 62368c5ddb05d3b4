"""What measures and metrics are called, wherever people read of them."""

from collections.abc import Mapping
from typing import Final

MEASURES: Final[Mapping[str, str]] = {
    "jensen_shannon": "Jensen-Shannon distance", "kolmogorov_smirnov": "Kolmogorov-Smirnov statistic",
    "wasserstein": "Wasserstein distance", "hellinger": "Hellinger distance", "l_infinity": "L-infinity distance",
    "chi2": "Cramér's V",
}  # fmt: skip
METRICS: Final[Mapping[str, str]] = {
    "roc_auc": "ROC AUC", "f1": "F1", "mae": "mean absolute error", "rmse": "root mean squared error",
}  # fmt: skip
