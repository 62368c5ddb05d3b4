import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gyre import __version__
from gyre.monitoring.metrics import exposition
from gyre.monitoring.watch import Finding, Verdict, Watched

END = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

LABEL = re.compile(r'(?P<name>[a-zA-Z_]\w*)="(?P<value>(?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$)')
SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<figure>\S+)", re.ASCII)


def parsed(text: str) -> Samples:
    """Prometheus' text format, strictly: each family has HELP and TYPE before its samples and comes once."""
    samples: Samples = {}
    families: list[str] = []
    assert text.endswith("\n")
    lines = iter(text[:-1].split("\n"))
    for line in lines:
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in families
            families.append(name)
            assert next(lines) == f"# TYPE {name} gauge"
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        assert found["name"] == families[-1]
        key = (found["name"], frozenset(labels_of(found["labels"] or "").items()))
        assert key not in samples
        samples[key] = float(found["figure"])
    return samples


def labels_of(text: str) -> dict[str, str]:
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, text[at:]
        labels[found["name"]] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], found["value"])
        at = found.end()
    return labels


def watched(*verdicts: tuple[str, Verdict]) -> Watched:
    findings = tuple(Finding(model, verdict, 20, 2, END, END, "so") for model, verdict in verdicts)
    return Watched("run-1", END - timedelta(hours=1), END, findings)


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_a_system_that_was_never_watched_shows_its_version_alone() -> None:
    samples = parsed(exposition("c0ffee", None))
    assert samples == {("gyre_info", frozenset({("version", __version__), ("commit", "c0ffee")})): 1.0}


def test_each_model_has_its_figures() -> None:
    samples = parsed(exposition("c0ffee", watched(("wine", "warn"), ("beer", "ok"))))
    assert sample(samples, "gyre_window_calls", model="wine") == 20
    assert sample(samples, "gyre_window_failed_calls", model="beer") == 2
    assert sample(samples, "gyre_monitoring_window_end_seconds") == END.timestamp()


def test_exactly_one_verdict_of_a_model_is_one() -> None:
    samples = parsed(exposition("c0ffee", watched(("wine", "warn"))))
    verdicts = {dict(labels)["verdict"]: value for (name, labels), value in samples.items() if name == "gyre_verdict"}
    assert verdicts == {"ok": 0.0, "warn": 1.0, "not enough data": 0.0}


def test_a_window_without_a_call_is_still_told() -> None:
    assert sample(parsed(exposition("c0ffee", watched())), "gyre_monitoring_window_end_seconds")


@given(st.text())
def test_any_label_is_read_back_as_it_was(commit: str) -> None:
    samples = parsed(exposition(commit, None))
    assert [dict(labels)["commit"] for _, labels in samples] == [commit]


def test_quotes_backslashes_and_lines_are_escaped() -> None:
    assert 'commit="a\\"b\\\\c\\nd"' in exposition('a"b\\c\nd', None)
