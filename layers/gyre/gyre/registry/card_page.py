"""A model card as one page that fetches and runs nothing: what it is for and whether it passed first, limits last."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gyre.datasets.page import page
from gyre.datasets.report_parts import bar, figure, names, number, shown, size, table, terms
from gyre.registry.card_pictures import inlined
from gyre.registry.card_tables import (
    STYLE,
    confusion,
    fairness,
    measured,
    of_one,
    short,
    slices_table,
    text_of,
    values,
    verdict,
)

_MOST_OF_PICTURES = 400_000  # bytes; everything else takes less than as much again
# Beyond these the page names the number of others, and the JSON holds them.
_MOST_CLASSES, _MOST_FEATURES, _MOST_FIGURES, _MOST_PARAMETERS = 60, 25, 40, 12
_SEEN = {
    "confusion_matrix": "Rows by true class and answer", "roc": "ROC", "precision_recall": "Precision and recall",
    "calibration": "How often it is right when it is so sure", "predicted_actual": "Predicted beside true values",
    "residuals": "How far predictions are off", "slices": "Where it is weak", "fairness": "Between whom answers differ",
    "importance": "What it looks at",
}  # fmt: skip
Facts = Mapping[str, Any]


def card_page(card: Facts, plots: Mapping[str, bytes]) -> str:
    """The whole page. Whatever came from data, spec or people is escaped; of the pictures only what draws is taken."""
    drawn, left_out = _drawn(plots)
    beside = {name: drawn.pop(name, "") for name in ("confusion_matrix", "fairness", "slices")}
    drawn.pop("importance", None)  # its table says the same
    parts = (
        _header(card), _gates(card), _figures(card), _gallery(drawn, left_out),
        confusion(card, beside["confusion_matrix"]), _importance(card), fairness(card, beside["fairness"]),
        slices_table(card, beside["slices"]), _data(card), _making(card), _limits(card),
    )  # fmt: skip
    body = (
        f'<main>{"".join(parts)}</main><footer><p class="note">The same stands beside this page as JSON.</p></footer>'
    )
    return page(f"{card['model']} {card['version']}: model card", body, STYLE, pictures=True)


def _header(card: Facts) -> str:
    purpose, gates = card["purpose"], card.get("gates")
    failed = gates is not None and not gates["passed"]
    state = "not judged" if gates is None else "a gate failed" if failed else "passed its gates"
    mark = "·" if gates is None else "✕" if failed else "✓"
    facts = [
        ("task", f"{shown(purpose['task'])}: {purpose['does']}"),
        ("target", f"<code>{shown(purpose['target'])}</code>"),
        *([("owner", shown(purpose["owner"]))] if purpose["owner"] else []),
        ("trained", shown(card["made_at"])),
        ("estimator", f"<code>{shown(card['making']['estimator'])}</code>"),
        ("dataset version", number(card["data"]["dataset"])),
        ("bundle", f"<code>{shown(card['making']['bundle']['hash'][:12])}</code>"),
    ]
    about = shown(purpose["description"] or "Nobody declared what this model is for.", 4_000)
    classes = (
        f"<p>It answers with {names(list(map(text_of, purpose['classes'])), 30)}.</p>" if purpose["classes"] else ""
    )
    return (
        f'<header><div class="verdict{" refused" * failed}"><p class="over">Model card</p>'
        f'<h1><span class="mark" aria-hidden="true">{mark}</span> {shown(card["model"])}, version '
        f"{number(card['version'])}: {state}</h1><p>{about}</p></div>{terms(facts)}"
        f"{classes}<p>It is given {names(purpose['features'], 60)}.</p></header>"
    )


def _gates(card: Facts) -> str:
    if not (gates := card.get("gates")):
        return "<section><h2>Gates</h2><p>No gate has judged this version.</p></section>"
    rows = (verdict(each) for each in gates["verdicts"][:_MOST_FIGURES])
    return f"<section><h2>Gates</h2>{table(('', 'gate', 'figure', '#value', 'limit', 'why'), rows, 'gates')}</section>"


def _figures(card: Facts) -> str:
    found = [each for each in card["figures"] if "." not in each["name"]]
    rows = [_figure(each, each["name"] == card["metric"]) for each in found[:_MOST_FIGURES]]
    count = f" on {number(card['test_rows'])} test rows" if isinstance(card.get("test_rows"), int) else ""
    heads = ("figure", "#value, 95 % interval", "#always the same answer")
    told = table(heads, rows, "figures") if rows else "<p>Nothing was measured.</p>"
    return f"<section><h2>How good it is{count}</h2>{told}{_champion(card)}{_by_class(card)}</section>"


def _figure(each: Facts, best: bool) -> str:
    mark = ' <span class="type">what the search made best</span>' if best else ""
    return (
        f'<tr><th scope="row"><code>{shown(each["name"])}</code>{mark}</th>'
        f"{measured(each['value'], each['low'], each['high'])}{measured(each['baseline'])}</tr>"
    )


def _champion(card: Facts) -> str:
    if not (found := card.get("champion")):
        return ""
    seen = "" if found["unseen_rows_only"] else ", some of which the champion was trained on"
    if found["difference"] is None:
        return f"<p>It could not be compared with the champion, version {number(found['version'])}.</p>"
    better = "better" if found["difference"] >= 0 else "worse"
    sure = f" (95 % interval of the gain {values(found['low'], found['high'])})" if found["low"] is not None else ""
    return (
        f"<p>Beside the champion, version {number(found['version'])}, on the same {number(found['rows'])} rows{seen}: "
        f"<code>{shown(card['metric'])}</code> {short(found['ours'])} against {short(found['theirs'])}, "
        f"{better} by {short(abs(found['difference']))}{sure}.</p>"
    )


def _by_class(card: Facts) -> str:
    """Figures such as recall.red, side by side; a class's name may have dots, a figure's has none."""
    kinds: dict[str, dict[str, Any]] = {}
    for each in card["figures"]:
        kind, dot, name = each["name"].partition(".")
        if dot:
            kinds.setdefault(kind, {})[name] = each
    if not kinds:
        return ""
    classes = list(dict.fromkeys(name for each in kinds.values() for name in each))
    counts = dict(zip(map(text_of, card["purpose"]["classes"]), card.get("class_counts") or (), strict=False))
    rows = (
        f'<tr><th scope="row"><code>{shown(name)}</code></th><td class="n">{figure(counts.get(name))}</td>'
        + "".join(_short(kinds[kind].get(name)) for kind in kinds)
        + "</tr>"
        for name in classes[:_MOST_CLASSES]
    )
    heads = ("class", "#rows", *(f"#{shown(kind)}" for kind in kinds))
    more = len(classes) - _MOST_CLASSES
    rest = f'<p class="note">{number(more)} more classes stand in the JSON.</p>' if more > 0 else ""
    return f"<h3>By class</h3>{table(heads, rows, 'classes')}{rest}"


def _short(each: Facts | None) -> str:
    if not each or each["low"] is None:
        return measured(each and each["value"])
    return f'<td class="n">{short(each["value"])}<br><span class="note">{values(each["low"], each["high"])}</span></td>'


def _drawn(plots: Mapping[str, bytes]) -> tuple[dict[str, str], list[str]]:
    """Pictures by name in the order they are shown, as many as there is room for; and the names of the others."""
    found = {name.removesuffix(".svg"): content for name, content in plots.items() if name.endswith(".svg")}
    order = [*(name for name in _SEEN if name in found), *sorted(found.keys() - _SEEN.keys())]
    drawn: dict[str, str] = {}
    room = _MOST_OF_PICTURES
    for at, name in enumerate(order):
        told = _SEEN.get(name, name)
        # What is left out is the namespaces and the words around a drawing, a small part of it.
        svg = inlined(found[name], f"p{at}", told) if len(found[name]) < 2 * room else None
        if svg and len(svg.encode()) <= room:
            room -= len(svg.encode())
            drawn[name] = f"<figure>{svg}<figcaption>{shown(told)}</figcaption></figure>"
    return drawn, [name for name in order if name not in drawn]


def _gallery(drawn: Mapping[str, str], left_out: Sequence[str]) -> str:
    shown_here = f'<div class="pictures">{"".join(drawn.values())}</div>' if drawn else ""
    rest = f'<p class="note">Too large to be shown here: {names(left_out, 20)}.</p>' if left_out else ""
    return f"<section><h2>Curves</h2>{shown_here}{rest}</section>" if drawn or left_out else ""


def _importance(card: Facts) -> str:
    found = [each for each in card["importance"] if each.get("share") is not None]
    if not found:
        return ""
    most = max(each["share"] for each in found)
    rows = (
        f'<tr><th scope="row"><code>{shown(str(each.get("feature")))}</code></th>'
        f"<td>{bar(round(1_000_000 * each['share']), round(1_000_000 * most), of_one(each['share']))}</td>"
        f'<td class="n">{of_one(each["share"])}</td></tr>'
        for each in found[:_MOST_FEATURES]
    )
    more = len(found) - _MOST_FEATURES
    rest = f'<p class="note">{number(more)} more features stand in the JSON.</p>' if more > 0 else ""
    return f"<section><h2>What it looks at</h2>{table(('feature', '', '#share'), rows, 'bars')}{rest}</section>"


def _data(card: Facts) -> str:
    data = card["data"]
    rule, parts = data["split_rule"], data["parts"]
    by = {"time": "the newest rows", "random": "by chance"}.get(rule["by"], "by chance, each class in its share")
    told = [
        ("dataset version", number(data["dataset"])),
        *((f"{name} rows", number(count)) for name, count in parts.items()),
        ("test part", f"{by}, seed {number(rule['seed'])}"),
        *([("kept together by", f"<code>{shown(rule['group'])}</code>")] if rule["group"] else []),
        *([("upload", f"<code>{shown(data['upload'], 400)}</code>")] if data["upload"] else []),
        *([("taken in", shown(data["at"]))] if data["at"] else []),
        *([("rows in all", number(data["total_rows"]))] if isinstance(data["total_rows"], int) else []),
        *([("SHA-256", f"<code>{shown(data['sha256'])}</code>")] if data["sha256"] else []),
        ("split", f"<code>{shown(data['split'], 400)}</code>"),
    ]
    alerts = "".join(f"<li>{shown(str(each), 300)}</li>" for each in data["alerts"][:20])
    listed = f'<ul class="alerts">{alerts}</ul>' if alerts else ""
    return f"<section><h2>Data</h2>{terms(told)}{listed}</section>"


def _making(card: Facts) -> str:
    making = card["making"]
    bundle = making["bundle"]
    told = [
        ("run", f"<code>{shown(making['run'])}</code>"),
        ("spec version", number(making["spec_version"])),
        ("seed", number(making["seed"])),
        ("calibration", shown(str(making["calibration"]))),
        ("class weight", shown(str(making["class_weight"]))),
        ("reweighed", "yes" if making["reweigh"] else "no"),
        ("code", f"<code>{shown(making['commit'])}</code>"),
        *([("MLflow run", f"<code>{shown(making['tracked'])}</code>")] if making["tracked"] else []),
        ("bundle", f"<code>{shown(bundle['hash'])}</code>"),
        ("bundle size", size(bundle["size"])),
        *((name[:40], f"<code>{shown(str(each), 40)}</code>") for name, each in list(making["versions"].items())[:30]),
    ]
    return (
        f"<section><h2>How it was made</h2><p><code>{shown(making['estimator'])}</code> with "
        f"{_parameters(making['parameters'])}.</p>{terms(told)}{_search(card)}</section>"
    )


def _search(card: Facts) -> str:
    if not (search := card["making"]["search"]):
        return ""
    told = [
        (name, shown(text_of(search[name])) if isinstance(search[name], str) else figure(search[name]))
        for name in ("sampler", "scored", "failed", "seconds", "because")
        if isinstance(search.get(name), str | int | float)
    ]
    rows = (_candidate(each) for each in search["candidates"])
    heads = ("candidate", "estimator", "#mean", "#deviation", "parameters")
    more = search["of"] - len(search["candidates"])
    rest = f'<p class="note">{number(more)} more candidates stand in the folder of the run.</p>' if more > 0 else ""
    listed = table(heads, rows, "candidates") if search["candidates"] else ""
    return f"<h3>The search, by {shown(card['metric'])}, best first</h3>{terms(told)}{listed}{rest}"


def _candidate(each: Facts) -> str:
    state = " (stopped early)" if each["stopped_early"] else ""
    told = shown(str(each["failed"]), 200) if each["failed"] else _parameters(each["parameters"] or {}, digits=4)
    return (
        f'<tr><th scope="row">{figure(each["number"])}{state}</th><td><code>{shown(str(each["estimator"]))}</code></td>'
        f"{measured(each['mean'])}{measured(each['deviation'])}<td>{told}</td></tr>"
    )


def _parameters(told: Mapping[str, Any], digits: int = 12) -> str:
    some = (
        (name, f"{each:.{digits}g}" if isinstance(each, float) else text_of(each))
        for name, each in list(told.items())[:_MOST_PARAMETERS]
    )
    return ", ".join(f"<code>{shown(name, 40)}={shown(each, 40)}</code>" for name, each in some) or "its defaults"


def _limits(card: Facts) -> str:
    lines: Iterable[str] = (f"<li>{shown(each, 600)}</li>" for each in card["limits"])
    return f'<section><h2>What this card does not say</h2><ul class="limits">{"".join(lines)}</ul></section>'
