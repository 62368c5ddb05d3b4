"""What a user declares about training, judging, releasing and watching a model."""

from typing import Annotated, Literal

from pydantic import Field

from gyre.spec.base import ColumnName, Section, Share
from gyre.spec.columns import Action

Estimator = Literal["linear", "random_forest", "extra_trees", "boosting", "naive_bayes"]
Bound = float | int | str | bool | None


class Dataset(Section):
    """How uploads become dataset versions."""

    mode: Literal["append", "replace"] = "append"
    """append: a version holds this upload and all before it. replace: a version holds its upload alone."""


class Quality(Section):
    """Limits of a whole upload; what crosses one is told in a notice, or refuses the upload."""

    minimum_rows: Annotated[int, Field(ge=1)] = 1
    """Fewer accepted rows refuse the upload."""
    rejected: Share = 0.2
    """A greater share of rejected rows refuses the upload; nothing of it is taken."""
    missing: Share = 0.5
    """A greater share of missing values in a column raises an alert."""
    flagged: Share = 0.1
    """A greater share of flagged rows raises an alert."""
    duplicates: Literal["reject", "flag", "keep"] = "flag"
    """What happens to a row that is equal to an earlier one of the same upload in every column."""


class Split(Section):
    """How a dataset version is divided. The same version, spec and seed always give the same parts."""

    test: Annotated[float, Field(gt=0, lt=0.9)] = 0.2
    """The share that the model is judged on."""
    reference: Annotated[float, Field(ge=0, lt=0.9)] = 0.1
    """The share that drift is measured against; never trained on."""
    by: Literal["stratified", "random", "time"] = "stratified"
    """stratified: each class (or quantile of a numeric target) in its share everywhere. time: the newest rows are the
    test part, the rows before them the reference, the oldest are trained on."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 7
    """Of the shuffle."""


class Search(Section):
    """How hyper-parameters are looked for."""

    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """How the next candidates are proposed."""
    candidates: Annotated[int, Field(ge=1, le=1_000)] = 24
    """How many are scored at most."""
    rounds: Annotated[int, Field(ge=1, le=50)] = 3
    """In how many rounds; each learns from those before it."""
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Of the cross-validation."""
    patience: Annotated[int, Field(ge=1)] = 2
    """Rounds without a gain after which the search ends."""
    minutes: Annotated[float, Field(gt=0, le=600)] = 30
    """No further round begins after so long."""


class Training(Section):
    """What is trained, and what counts as good."""

    on_upload: bool = True
    """Whether an upload starts a training. If not, it becomes a dataset version, and a training starts on request."""
    estimators: Annotated[tuple[Estimator, ...], Field(min_length=1)] = ("linear", "boosting")
    """Which kinds of model compete."""
    space: dict[Estimator, dict[str, tuple[Bound, ...]]] = Field(default_factory=dict)
    """Hyper-parameters by estimator: the values to try, or two numbers to search between. Ours, if left out."""
    metric: Literal[
        "f1_macro", "f1_weighted", "accuracy", "balanced_accuracy", "roc_auc", "log_loss", "rmse", "mae", "r2"
    ] | None = None  # fmt: skip
    """What the search makes best: f1_macro, or rmse for a regression, if left out."""
    search: Search = Search()
    """How hyper-parameters are looked for."""
    class_weight: Literal["balanced", "none"] = "none"
    """balanced: rare classes count more."""
    calibrate: Literal["none", "sigmoid", "isotonic"] = "none"
    """Makes probabilities mean what they say."""
    reweigh: bool = False
    """Weighs rows so that protected groups and outcomes are independent in training."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 7
    """Of everything random in a training."""


class Limit(Section):
    """A bound on one figure."""

    at_least: float | None = None
    """The figure must not be below."""
    at_most: float | None = None
    """The figure must not be above."""


class Gates(Section):
    """What a model must reach before it may be released."""

    metrics: dict[str, Limit] = Field(default_factory=dict)
    """By figure of the evaluation, such as f1_macro or recall.Obese: its bounds."""
    fairness: dict[str, Limit] = Field(default_factory=dict)
    """By fairness figure, such as demographic_parity_difference, over every protected column: its bounds."""
    champion_tolerance: Annotated[float, Field(ge=0)] | None = 0.0
    """How much worse than the champion on the same rows is still good enough; null: the champion is not asked."""
    baseline: bool = True
    """It must beat the model that always says the same."""
    latency_ms: Annotated[float, Field(gt=0)] | None = None
    """The most that one prediction may take in the compile step's measurement."""
    bundle_mb: Annotated[float, Field(gt=0)] = 100
    """The most that the bundle may weigh."""


class Monitoring(Section):
    """How the model is watched."""

    window_hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24
    """How far back a window reaches."""
    minimum_rows: Annotated[int, Field(ge=10)] = 200
    """Below this many predictions the verdict is `not enough data`."""
    chunks: Annotated[int, Field(ge=1, le=1_000)] = 5
    """Into how many parts a window is cut, so that a report shows a course; verdicts are about the whole window."""
    chunk_by: Literal["count", "time"] = "count"
    """count: parts of as many rows each. time: parts of as many hours each."""
    every_hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24
    """How often it is looked …"""
    every_rows: Annotated[int, Field(ge=10)] | None = None
    """… or as soon as so many predictions came since the last look; null: the clock alone decides."""
    numeric: Literal["jensen_shannon", "kolmogorov_smirnov", "wasserstein", "hellinger"] = "jensen_shannon"
    """The measure of drift of numbers."""
    categorical: Literal["jensen_shannon", "chi2", "l_infinity", "hellinger"] = "jensen_shannon"
    """The measure of drift of categories."""
    thresholds: dict[ColumnName, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """By column, the drift above which it matters. Left out: 0.1; of wasserstein a quarter of the reference's standard
    deviation. Whatever it is, drift counts only where it is more than chance, too."""
    multivariate: Literal["reconstruction", "domain_classifier", "none"] = "reconstruction"
    """How all features together are watched. reconstruction: how well rows are put together again from principal
    components. domain_classifier: how well a classifier tells the window's rows from the reference's; it sees more, and
    takes longer."""
    performance_drop: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """A fall of the metric by this much, estimated or realised, is an alert."""
    cool_down_hours: Annotated[float, Field(ge=0)] = 24
    """How long one incident stays silent after its notice."""


class Retrain(Section):
    """When the model is trained again by itself."""

    when: Literal["never", "alert", "warn"] = "never"
    """The verdict that counts."""
    verdicts: Annotated[int, Field(ge=1, le=100)] = 2
    """How many such verdicts are needed …"""
    of_last: Annotated[int, Field(ge=1, le=100)] = 3
    """… among so many of the last."""
    wait_hours: Annotated[float, Field(ge=0)] = 24
    """The least time between two trainings that nobody asked for."""
    every_hours: Annotated[float, Field(ge=1, le=24 * 366)] | None = None
    """Train on the newest data this often, whatever is seen; null: the clock starts nothing."""
    journal: bool = False
    """Whether predictions with a known truth are added to the data it is trained on, if a verdict starts it."""


class Trial(Section):
    """What a challenger with traffic must keep to; it is withdrawn by itself as soon as it is certain that it does
    not."""

    minimum_rows: Annotated[int, Field(ge=10)] = 50
    """With fewer rows of its own nothing is judged."""
    faults: Share | None = 0.02
    """The share of rows above which it fails too often, or refuses what production takes; null: no limit."""
    latency_ratio: Annotated[float, Field(gt=1)] | None = 3.0
    """How many times as long as production it may take, at the 95th percentile of calls that are alike; null: no
    limit."""
    latency_ms: Annotated[float, Field(gt=0)] | None = None
    """The most milliseconds for a row, at the 95th percentile of its calls."""
    window_minutes: Annotated[float, Field(ge=1, le=24 * 60)] = 15
    """How far back it is looked."""


class Release(Section):
    """How a model that passed its gates comes to serve."""

    approval: Literal["automatic", "person"] = "automatic"
    """person: it waits until somebody approves it."""
    serve_unlogged: bool = False
    """Whether predictions are answered although the journal's queue does not take them."""
    cache_seconds: Annotated[float, Field(ge=1, le=300)] = 5
    """How soon a warm function notices a promotion."""
    trial: Trial = Trial()
    """When a challenger is withdrawn by itself."""


class Retention(Section):
    """How long data is kept."""

    journal_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    """Predictions older than this are removed from the journal."""


__all__ = [
    "Action",
    "Dataset",
    "Gates",
    "Limit",
    "Monitoring",
    "Quality",
    "Release",
    "Retention",
    "Retrain",
    "Search",
    "Split",
    "Training",
    "Trial",
]
