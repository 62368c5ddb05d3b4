"""A model card as one document: what a version is for, how good it is and for whom, how it was made, what is not known.

It is put together from what a run left, by names; what is not there is left out and, where a reader would miss it,
told under `limits`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gyre.evaluation.metric import higher_is_better
from gyre.registry.gates import Champion, Judgement
from gyre.registry.version import ModelVersion
from gyre.spec.model import ModelSpec

MOST_CANDIDATES = 20
_MOST_SLICES = 20
Facts = Mapping[str, Any]

_TASKS = {
    "binary": "tells which of two classes a row is in",
    "multiclass": "tells which of several classes a row is in",
    "regression": "estimates a number",
}


@dataclass(frozen=True)
class CardFacts:
    """What a card is made of. Documents are as the steps of the run left them; any key of them may be missing."""

    made: ModelVersion
    spec: ModelSpec
    evaluation: Facts
    """evaluation.json, with `baseline` and `importance`."""
    dataset: Facts = field(default_factory=dict)
    """The record of the dataset version."""
    fairness: Facts | None = None
    """`after`, and `before` if rows were weighed."""
    judgement: Judgement | None = None
    champion: Champion | None = None
    search: Facts | None = None
    """`sampler`, `because`, `scored`, `failed`, `seconds`; `candidates`, with `estimator`, `parameters`, `mean` …"""
    manifest: Facts = field(default_factory=dict)
    """Of the bundle: `versions`, `calibration`, `classes`."""


def card(facts: CardFacts) -> dict[str, Any]:
    """The document."""
    made, spec = facts.made, facts.spec
    return {
        "format": 1,
        "model": made.model,
        "version": made.version,
        "made_at": made.at,
        "purpose": {
            "description": spec.description.strip() or None, "owner": spec.owner.strip() or None, "task": spec.task,
            "does": _TASKS[spec.task], "target": spec.target, "features": list(spec.features),
            "protected": list(spec.protected),
            "classes": list(facts.evaluation.get("classes") or facts.manifest.get("classes") or ()),
        },
        "gates": facts.judgement.to_json() if facts.judgement else None,
        "metric": made.metric,
        "figures": list(_figures(facts)),
        "champion": asdict(facts.champion) if facts.champion else None,
        "test_rows": facts.evaluation.get("rows"),
        "confusion": facts.evaluation.get("confusion"),
        "class_counts": facts.evaluation.get("class_counts"),
        "importance": facts.evaluation.get("importance") or [],
        "fairness": facts.fairness,
        "slices": _slices(facts.evaluation),
        "data": _data(facts),
        "making": _making(facts),
        "limits": list(_limits(facts)),
    }  # fmt: skip


def _figures(facts: CardFacts) -> Iterator[dict[str, Any]]:
    """Those of the evaluation with their intervals; without one, those that were registered."""
    baseline = {**facts.made.baseline, **_map(facts.evaluation.get("baseline"))}
    found = _map(facts.evaluation.get("figures")) or {
        name: {"value": each} for name, each in facts.made.figures.items()
    }
    for name, each in found.items():
        told = each if isinstance(each, Mapping) else {"value": each}
        yield {
            "name": name, "value": told.get("value"), "low": told.get("low"), "high": told.get("high"),
            "baseline": baseline.get(name),
        }  # fmt: skip


def _slices(evaluation: Facts) -> dict[str, Any]:
    told = _map(evaluation.get("slices"))
    found = _maps(told.get("slices"))
    worse = [each for each in found if each.get("worse")]
    few = [list(each) for each in told.get("too_few") or ()]
    return {
        "looked_at": len(found), "worse": worse[:_MOST_SLICES], "more": max(0, len(worse) - _MOST_SLICES),
        "too_few": few, "left_out": list(told.get("left_out") or ()),
    }  # fmt: skip


def _data(facts: CardFacts) -> dict[str, Any]:
    made, split, dataset = facts.made, facts.spec.split, facts.dataset
    kept = {name: dataset.get(name) for name in ("upload", "at", "sha256", "mode", "total_rows")}
    return {
        "dataset": made.dataset, **kept, "parts": dict(made.rows), "split": made.split,
        "split_rule": {"by": split.by, "test": split.test, "reference": split.reference, "seed": split.seed,
                       "group": facts.spec.group, "time": facts.spec.time},
        "alerts": list(dataset.get("alerts") or ()),
    }  # fmt: skip


def _making(facts: CardFacts) -> dict[str, Any]:
    made, training, search = facts.made, facts.spec.training, facts.search
    ours = ("number", "round", "estimator", "parameters", "mean", "deviation", "seconds", "stopped_early", "failed")
    candidates = [
        {name: each.get(name) for name in ours} for each in _maps(search.get("candidates") if search else None)
    ]
    return {
        "run": made.run, "estimator": made.estimator, "parameters": dict(made.parameters), "seed": made.seed,
        "calibration": facts.manifest.get("calibration") or training.calibrate, "class_weight": training.class_weight,
        "reweigh": training.reweigh, "spec_version": made.spec_version, "commit": made.commit, "tracked": made.tracked,
        "versions": dict(_map(facts.manifest.get("versions"))), "bundle": asdict(made.bundle),
        "search": {
            **{name: each for name, each in search.items() if name != "candidates"},
            "candidates": _best_first(candidates, made.metric)[:MOST_CANDIDATES], "of": len(candidates),
        } if search else None,
    }  # fmt: skip


def _best_first(candidates: Sequence[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    sign = -1 if higher_is_better(metric) else 1
    return sorted(
        candidates, key=lambda each: (each["mean"] is None, bool(each["stopped_early"]), sign * (each["mean"] or 0.0))
    )


def _limits(facts: CardFacts) -> Iterator[str]:
    """What this card does not say."""
    made, spec, evaluation = facts.made, facts.spec, facts.evaluation
    if not spec.description.strip():
        yield "Nobody declared what this model is for, so nothing here says what it should not be used for."
    rows, by = evaluation.get("rows"), {"time": "the newest rows", "random": "drawn by chance"}
    how = by.get(spec.split.by, "drawn by chance, each class in its share")
    count = f"{rows:,} rows" if isinstance(rows, int) else "the rows"
    yield (
        f"Figures are of {count} of the test part of dataset version {made.dataset} ({how}). Of rows that come from "
        "elsewhere or later they say nothing; that is what monitoring is for."
    )
    yield (
        "An interval is of these test rows drawn anew: it tells how sure a figure is, and not how another training "
        "would differ."
    )
    if unknown := evaluation.get("unknown_rows"):
        yield f"{unknown:,} test rows have a class that no training row had. The model can never answer it."
    if spec.task != "regression" and facts.manifest.get("calibration", spec.training.calibrate) == "none":
        yield "Probabilities are as the model gives them, not calibrated: see calibration_error."
    yield from _unfair(facts)
    slices = _slices(evaluation)
    if slices["too_few"]:
        yield f"{len(slices['too_few']):,} slices have too few test rows to be judged."
    if slices["left_out"]:
        yield f"No slice was made of {_listed(slices['left_out'])}: texts, personal columns, and those beyond a limit."
    if facts.champion and not facts.champion.unseen_rows_only:
        yield "The champion was trained on some of the rows it was compared on, which flatters it."
    if facts.judgement is None:
        yield "The gates have not judged this version."
    yield "What the model looks at is what moves its answers, and not what causes what it predicts."


def _unfair(facts: CardFacts) -> Iterator[str]:
    if not facts.spec.protected:
        yield "No column is declared protected, so nothing is known of how answers differ between groups of people."
    elif not facts.fairness:
        yield "How answers differ between protected groups was not measured."
    elif not _map(facts.fairness.get("after")).get("figures"):
        yield "No two protected groups have rows enough to be compared."
    else:
        yield "Fairness is told of groups that have rows enough, and of the protected columns alone."


def _listed(names: Sequence[Any], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def _map(told: Any) -> Facts:
    return told if isinstance(told, Mapping) else {}


def _maps(told: Any) -> list[Facts]:
    return [each for each in told or () if isinstance(each, Mapping)]
