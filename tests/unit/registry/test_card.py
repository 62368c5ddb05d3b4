"""A card says what its run left, whatever of that there is; its page runs and fetches nothing, whatever it names."""

import base64
import json
import re
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyre.bundle.predict import Predictor
from gyre.evaluation.evaluate import evaluate
from gyre.evaluation.fairness import fairness
from gyre.evaluation.importance import importance
from gyre.evaluation.plots import plots
from gyre.evaluation.targets import truth_of
from gyre.registry.card import CardFacts, card
from gyre.registry.card_page import card_page
from gyre.registry.card_pictures import inlined
from gyre.registry.gates import Asked, Champion, judge
from gyre.spec.model import ModelSpec
from gyre.spec.policy import Gates, Limit
from tests.fakes.objects import MemoryBucket
from tests.unit.datasets.test_report_page import EVIL, Reader
from tests.unit.registry.house import registered
from tests.unit.training.models import FEATURES, compiled, declared, rows, target

MB = 1_000_000


@cache
def left_by_a_run(task: str) -> tuple[CardFacts, dict[str, bytes]]:
    """What a run of a real small model left."""
    spec = declared(task, FEATURES["mixed"].replace("town: {", "town: {protected: true, "), more="owner: cellar\n")
    bundle, columns = compiled("linear", task, "mixed").bundle, rows(3, 400)
    predictor = Predictor(bundle)
    found, truth = predictor.predict(columns), truth_of(spec, bundle.manifest.classes, target(columns, task))
    told = evaluate(spec, truth, found, {name: columns[name] for name in ("age", "mood")}, seed=7)
    fair, looks = fairness(spec, truth, found, {"town": columns["town"]}), importance(predictor, columns)
    values, metric = dict(told.values), told.metric
    champion = Champion(3, 400, False, values[metric], values[metric], 0.0, -0.02, 0.03)
    asked = Asked(values, metric, task != "regression", 0.1, champion, 1.5, MB, fair.figures)
    made = registered("m", 4, MemoryBucket(), metric=metric, figures=values, baseline={metric: 0.1}, tracked="0a1b")
    candidates = [
        {"number": n, "estimator": "linear", "parameters": {"C": 1 / n}, "mean": None if n == 3 else 0.5 + n / 100,
         "deviation": 0.01, "stopped_early": n == 9, "failed": "no memory" if n == 3 else None}
        for n in range(1, 31)
    ]  # fmt: skip
    facts = CardFacts(
        made=made, spec=spec, dataset={"upload": "inbox/m/a.csv", "total_rows": 12_000, "sha256": "9f86d0"},
        evaluation=told.to_json() | {"importance": [asdict(each) for each in looks], "baseline": {metric: 0.1}},
        fairness={"after": fair.to_json(), "before": fair.to_json()}, champion=champion,
        judgement=judge(Gates(metrics={"f1_makro": Limit(at_least=0.9)}, baseline=False), asked),
        search={"sampler": "tpe", "because": "3 rounds are over", "scored": 29, "failed": 1, "candidates": candidates},
        manifest={"versions": {"numpy": "2.1"}, "calibration": "none"},
    )  # fmt: skip
    return facts, plots(told, looks, fair)


def page_of(facts: CardFacts, drawn: dict[str, bytes] | None = None) -> str:
    told = card(facts)
    return card_page(json.loads(json.dumps(told, allow_nan=False)), drawn or {})


def facts_of(task: str = "multiclass") -> CardFacts:
    return left_by_a_run(task)[0]


def bare(spec: ModelSpec | None = None) -> CardFacts:
    made = registered("m", 4, MemoryBucket(), figures={}, baseline={})
    return CardFacts(made, spec or declared(), {})


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_card_of_a_real_run_says_all_of_it(task: str) -> None:
    facts, drawn = left_by_a_run(task)
    page = page_of(facts, drawn)
    text = Reader(page).text
    for said in (
        "m, version 4: a gate failed", "did you mean f1_macro" if task != "regression" else "has no f1_makro",
        "not asked: gates.latency_ms is null", facts.made.metric, "what the search made best", "on 400 test rows",
        "always the same answer", "Beside the champion, version 3", "some of which the champion was trained on",
        "By town", "without weights", "What it looks at", "pay", "train rows", "inbox/m/a.csv", "12\u202f000", "9f86d0",
        "max_iter=100", "c0ffee", "0a1b", facts.made.bundle.hash, "numpy", "3 rounds are over",
        "10 more candidates", "What this card does not say", "Nobody declared what this model is for",
    ):  # fmt: skip
        assert said in text, said
    assert ("By class" in text) == ("What it takes for what" in text) == (task != "regression")
    assert page.count('class="picture"') >= 4
    assert len(page.encode()) < 200_000


def test_the_best_candidates_are_told_first() -> None:
    search = card(facts_of())["making"]["search"]
    assert [each["number"] for each in search["candidates"][:3]] == [30, 29, 28]
    assert (len(search["candidates"]), search["of"]) == (20, 30)
    few = replace(facts_of(), search={"candidates": list((facts_of().search or {})["candidates"][:9])})
    text = Reader(page_of(few)).text
    assert "9 (stopped early)" in text and text.index("9 (stopped early)") < text.index("no memory")
    errors = card(facts_of("regression"))["making"]["search"]
    assert [each["number"] for each in errors["candidates"][:3]] == [1, 2, 4]


def test_what_passed_is_said_to_have_passed() -> None:
    facts = facts_of()
    asked = Asked({"f1_macro": 0.8}, "f1_macro", True, 0.1, None, None, MB)
    assert "version 4: passed its gates" in Reader(page_of(replace(facts, judgement=judge(Gates(), asked)))).text
    assert "version 4: not judged" in Reader(page_of(replace(facts, judgement=None))).text


def test_a_card_without_anything_is_a_card() -> None:
    told = card(bare())
    text = Reader(page_of(bare())).text
    assert told["figures"] == [] and told["gates"] is None and told["fairness"] is None
    for said in ("No gate has judged", "Nothing was measured", "No column is declared protected"):
        assert said in text


def test_figures_that_were_registered_stand_in_for_an_evaluation() -> None:
    made = registered("m", 4, MemoryBucket(), figures={"f1_macro": 0.75}, baseline={"f1_macro": 0.25})
    assert card(CardFacts(made, declared(), {}))["figures"] == [
        {"name": "f1_macro", "value": 0.75, "low": None, "high": None, "baseline": 0.25}
    ]


@pytest.mark.parametrize(
    "key", ["task", "rows", "unknown_rows", "classes", "class_counts", "figures", "confusion", "importance", "slices"]
)
@pytest.mark.parametrize("value", ["missing", None])
def test_no_key_of_an_evaluation_is_needed(key: str, value: str | None) -> None:
    facts = facts_of()
    told = {name: each for name, each in facts.evaluation.items() if name != key}
    Reader(page_of(replace(facts, evaluation=told if value else told | {key: None})))


@pytest.mark.parametrize("after", [None, {}, {"figures": {}}, {"attributes": [{"groups": []}]}, {"notes": ["odd"]}])
def test_fairness_may_be_empty(after: dict[str, Any] | None) -> None:
    spec = facts_of().spec
    for before in (None, {}, {"figures": {}}):
        facts = replace(bare(spec), fairness={"after": after, "before": before})
        assert "No two protected groups" in Reader(page_of(facts)).text


def test_limits_tell_what_there_was_and_was_not() -> None:
    said = " ".join(card(replace(facts_of(), fairness=None))["limits"])
    assert "was not measured" in said and "not calibrated" in said and "dataset version 3" in said
    unknown = replace(facts_of(), evaluation={**facts_of().evaluation, "unknown_rows": 1_234})
    assert any(each.startswith("1,234 test rows") for each in card(unknown)["limits"])


# --- what it never does -----------------------------------------------------------------------------------------------


def hostile(text: str) -> tuple[CardFacts, dict[str, bytes]]:
    """Everything that has a name has this one."""

    def renamed(told: Any) -> Any:
        match told:
            case str():
                return text
            case dict():
                return {name: renamed(each) for name, each in told.items()}
            case list():
                return [renamed(each) for each in told]
        return told

    facts, drawn = left_by_a_run("multiclass")
    evaluation, after = renamed(dict(facts.evaluation)), renamed(facts.fairness["after"] if facts.fairness else {})
    evaluation["figures"] |= {f"recall.{text}": {"value": 0.5, "low": 0.4, "high": 0.6}, text: {"value": 1.0}}
    after["figures"] = {f"demographic_parity_difference.{text}": 0.1}
    for each in after["attributes"]:
        for group in each["groups"]:
            group["selection_rate"] = {text: 0.5}
    spec = facts.spec.model_copy(update={"description": text, "owner": text, "target": text, "group": text})
    made = replace(
        facts.made, model=text, run=text, at=text, commit=text, tracked=text, split=text, estimator=text,
        parameters={text: text}, metric="f1_macro", rows={text: 1},
    )  # fmt: skip
    limits = {text: Limit(at_least=0.5)}
    asked = Asked({text: 0.1}, text, True, 0.1, facts.champion, 1.5, MB, {text: 0.4})
    return replace(
        facts, made=made, spec=spec, evaluation=evaluation, fairness={"after": after, "before": after},
        judgement=judge(Gates(metrics=limits, fairness=limits), asked), dataset=renamed(dict(facts.dataset)) | {
            "alerts": [text], "at": text},
        search=renamed(dict(facts.search or {})), manifest={"versions": {text: text}, "calibration": text},
    ), {f"{text}.svg": next(iter(drawn.values()))}  # fmt: skip


def test_what_came_from_data_and_people_is_text_and_nothing_else() -> None:
    page = page_of(*hostile(EVIL))
    read = Reader(page)
    assert "<script" not in page and "script" not in {tag for tag, _ in read.tags}
    assert read.text.count(EVIL) > 30
    assert not [name for _, attributes in read.tags for name in attributes if "alert" in name or name.startswith("on")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200))
def test_every_text_makes_a_sound_page(text: str) -> None:
    page = page_of(*hostile(text))
    Reader(page)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", page)
    page.encode()


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_the_page_runs_and_fetches_nothing(task: str) -> None:
    page = page_of(*left_by_a_run(task))
    tags = Reader(page).tags
    assert not {"script", "link", "img", "iframe", "a", "form", "object", "style"} & {tag for tag, _ in tags[7:]}
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("letter", ["x", "&", "\u20ac", '"'])
def test_a_thousand_classes_and_features_stay_below_a_megabyte(letter: str) -> None:
    facts, drawn = hostile(letter * 400)
    many = [f"{letter * 400}{n}" for n in range(1_000)]
    figure = {"value": 0.123456, "low": 0.1, "high": 0.2}
    evaluation = {
        **facts.evaluation, "classes": many, "class_counts": [5] * 1_000,
        "figures": {f"{kind}.{name}": figure for kind in ("recall", "precision", "f1") for name in many}
        | dict.fromkeys(many, figure),
        "importance": [{"feature": name, "share": 0.001} for name in many],
        "confusion": {"classes": many[:50], "matrix": [[1] * 51] * 51, "most_confused": [[a, a, 5] for a in many[:20]]},
        "slices": {"slices": [{"column": a, "value": a, "rows": 5, "metric": 0.1, "worse": True} for a in many]},
    }  # fmt: skip
    group = {"name": many[0], "rows": 50, "accuracy": 0.5, "selection_rate": {many[0]: 0.5}}
    after = {
        "figures": {f"demographic_parity_difference.{name}": 0.5 for name in many}, "notes": many,
        "attributes": [{"attribute": name, "groups": [group] * 100} for name in many[:30]],
    }  # fmt: skip
    candidates = [
        {"number": n, "parameters": dict.fromkeys(many[:50], letter * 400), "mean": 0.5} for n in range(1_000)
    ]
    asked = Asked({}, "f1_macro", True, 0.1, None, 1.5, MB)
    wide = replace(
        facts, evaluation=evaluation, fairness={"after": after, "before": after},
        made=replace(facts.made, parameters=dict.fromkeys(many, letter * 400)), search={"candidates": candidates},
        judgement=judge(Gates(metrics=dict.fromkeys(many[:200], Limit(at_least=0.5))), asked),
        manifest={"versions": dict.fromkeys(many, letter * 400)}, dataset={"alerts": many},
        spec=facts.spec.model_copy(update={"description": letter * 9_000}),
    )  # fmt: skip
    huge = {f"picture{n}.svg": drawn[next(iter(drawn))] for n in range(150)}
    page = page_of(wide, huge)
    assert len(page.encode()) < MB
    text = Reader(page).text
    assert "940 more classes" in text and "975 more features" in text and "980 more candidates" in text
    assert "Too large to be shown here" in text


# --- pictures ---------------------------------------------------------------------------------------------------------


def svg(inner: str, head: str = 'viewBox="0 0 9 9"') -> bytes:
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"<svg {space} {head}>{inner}</svg>".encode()


def test_a_picture_of_matplotlib_keeps_all_that_draws() -> None:
    _, drawn = left_by_a_run("multiclass")
    for name in ("roc", "confusion_matrix", "calibration", "slices", "fairness"):
        source = drawn[f"{name}.svg"].decode()
        found = inlined(source.encode(), "p1", name) or ""
        for tag in ("path", "use", "text", "image", "clipPath", "rect"):
            assert found.count(f"<{tag} ") == source.count(f"<{tag} "), (name, tag)
        assert found.count(' d="') == source.count(' d="') and found.count(' fill="') == source.count("fill: ")
        read = Reader(found)
        ids = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
        links = re.findall(r'(?:href="|url\()#([^)"]+)', found)
        assert links and set(links) <= ids and all(each.startswith("p1-") for each in ids)


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<g><script href="x"/><path d="M0 0"/></g>',
        '<path d="M0 0" onload="alert(1)"/>',
        '<a xlink:href="javascript:alert(1)"><path d="M0 0"/></a>',
        '<use xlink:href="https://evil.example/x.svg#a"/>',
        '<use href="data:image/svg+xml;base64,PHN2Zz4="/>',
        '<image xlink:href="https://evil.example/pixel.png"/>',
        '<image href="data:image/svg+xml,alert"/>',
        '<foreignObject><p xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="alert(1)"/></p></foreignObject>',
        "<style>body{background:url(https://evil.example)}</style>",
        '<path d="M0 0" style="fill:url(https://evil.example);background:url(//evil.example)"/>',
        '<path d="M0 0" fill="url(https://evil.example)"/>',
        '<path d="M0 0" clip-path="url( &quot;https://evil.example&quot; )"/>',
        '<animate attributeName="href" to="javascript:alert(1)"/><set attributeName="onload" to="alert(1)"/>',
        '<path id="&quot;&gt;&lt;script&gt;alert(1)" d="&quot;&gt;&lt;script&gt;alert(1)"/>',
        "<text>&lt;script&gt;alert(1)&lt;/script&gt;</text>",
        '<html:script xmlns:html="http://www.w3.org/1999/xhtml">alert(1)</html:script>',
    ],
)
def test_nothing_of_a_picture_runs_or_fetches(inner: str) -> None:
    found = inlined(svg(inner), "p1", EVIL) or ""
    assert not re.search(r"<script|javascript:|evil\.example|<style|<foreign|<animate|<set|<a |<img", found)
    for tag, attributes in Reader(found).tags:
        assert tag in {"svg", "g", "path", "use", "image", "text"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert not attributes.get("href")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<svg", b"\xff\xfe", b"<html/>", svg("", ""),
        svg("", 'viewBox="0 0 100% 9"'), svg("", 'viewBox="1 2 3 4"'),
        b'<?xml version="1.0" encoding="klingon"?><svg/>',
        b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + svg("<text>&b;</text>"),
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE s [<!ENTITY a "x">]><svg/>'.encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_left_out(content: bytes) -> None:
    assert inlined(content, "p1", "told") is None


def test_words_in_a_picture_stay_as_they_are() -> None:
    # as matplotlib writes ten to the power of one, with a line feed between the parts
    _, drawn = left_by_a_run("regression")
    page = inlined(drawn["predicted_actual.svg"], "p1", "told") or ""
    assert "\ufffd" not in page and "residual" in (inlined(drawn["residuals.svg"], "p1", "told") or "")
    found = inlined(svg("<text>\n <tspan>1</tspan>\n <tspan>0 &lt; 1</tspan>\u202e\n</text>"), "p1", "told") or ""
    assert Reader(found).text.split() == ["1", "0", "<", "1\ufffd"]


def test_a_picture_within_a_picture_stays() -> None:
    png = base64.b64encode(b"png").decode()
    assert png in (
        inlined(svg(f'<image xlink:href="data:image/png;base64,{png}" width="9" height="9"/>'), "p", "") or ""
    )


def test_a_picture_that_is_nested_too_deeply_ends_somewhere() -> None:
    deep = svg("<g>" * 5_000 + '<path d="M0 0"/>' + "</g>" * 5_000)
    assert "path" not in (inlined(deep, "p1", "told") or "")
    assert "path" in (inlined(svg("<g>" * 40 + '<path d="M0 0"/>' + "</g>" * 40), "p1", "told") or "")
