"""Reads Prometheus' text format as strictly as it is written down: whatever is not said there is a failure."""

import re
from collections.abc import Mapping
from math import inf

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]

_LABEL = re.compile(r'(?P<name>[a-zA-Z_]\w*)="(?P<value>(?:[^"\\\n\0]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$)', re.ASCII)
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.+)\})? (?P<figure>\S+)", re.ASCII)
_PARTS = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def parsed(text: str) -> Samples:
    """Each family has HELP and TYPE before its samples, has samples, and comes once."""
    samples: Samples = {}
    families: dict[str, str] = {}
    name = ""
    assert text.endswith("\n")
    lines = iter(text[:-1].split("\n"))
    for line in lines:
        if line.startswith("# HELP "):
            assert not name or any(found.startswith(name) for found, _ in samples), f"{name} has no sample"
            _, _, name, told = line.split(" ", 3)
            assert (
                name not in families and told.endswith(".") and "\\" not in told.replace("\\\\", "").replace("\\n", "")
            )
            kind = re.fullmatch(rf"# TYPE {name} (counter|gauge|histogram)", next(lines))
            assert kind, line
            families[name] = kind[1]
            assert (kind[1] == "counter") is name.endswith("_total")
            continue
        found = _SAMPLE.fullmatch(line)
        assert found, line
        assert found["name"] in {name + part for part in _PARTS[families[name]]}, line
        key = (found["name"], frozenset(labels_of(found["labels"] or "").items()))
        assert key not in samples, line
        samples[key] = {"+Inf": inf, "-Inf": -inf}.get(found["figure"]) or float(found["figure"])
        assert families[name] != "counter" or samples[key] >= 0
    for name, kind in families.items():
        if kind == "histogram":
            _check_histogram(name, samples)
    return samples


def labels_of(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _LABEL.match(text, at)
        assert found, text[at:]
        assert found["name"] not in labels
        labels[found["name"]] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], found["value"])
        at = found.end()
    return labels


def _check_histogram(name: str, samples: Mapping[tuple[str, Labels], float]) -> None:
    """Buckets rise with their bounds, and the last one, +Inf, holds them all."""
    spreads: dict[Labels, dict[float, float]] = {}
    for (found, labels), figure in samples.items():
        if found == f"{name}_bucket":
            bound = dict(labels)["le"]
            rest = labels - {("le", bound)}
            spreads.setdefault(rest, {})[inf if bound == "+Inf" else float(bound)] = figure
    for labels, buckets in spreads.items():
        counts = [count for _, count in sorted(buckets.items())]
        assert counts == sorted(counts)
        assert buckets[inf] == samples[f"{name}_count", labels]
        assert (f"{name}_sum", labels) in samples
    assert spreads.keys() == {labels for found, labels in samples if found == f"{name}_count"}
