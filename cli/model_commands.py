"""gyre model: the models, their versions, what each is worth, what serves."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from cli import comparison_command, release_commands
from cli.options import Commands, add_json, add_model, add_number, command, group, number, write_new
from cli.stack import stack
from cli.tables import facts, table
from cli.text import as_json, figure, shown, when
from gyre.errors import Invalid

Facts = dict[str, Any]
_VERDICT = {True: "passed", False: "FAILED", None: "not asked"}


def add(groups: Commands) -> None:
    """The group, with its commands: those that read here, those that move releases beside them."""
    commands = group(groups, "model", "models: their versions, figures, gates and cards; promote, roll back, approve")
    add_json(command(commands, "list", list_models, "every model: what is declared, the newest data, what serves"))
    parser = command(commands, "show", show, "one model: what it predicts from what, and what serves")
    add_model(parser)
    add_json(parser)
    parser = command(commands, "versions", versions, "the versions of a model, newest first")
    add_model(parser)
    parser.add_argument("--limit", metavar="N", type=_page, default=20, help="so many, up to 100; 20 by itself")
    parser.add_argument("--before", metavar="N", type=number, help="only those below this number")
    add_json(parser)
    parser = command(commands, "version", version, "one version: what it was made of, its figures, every gate")
    add_model(parser)
    add_number(parser)
    parser.add_argument("--all", action="store_true", help="also the figures of each class")
    add_json(parser)
    parser = command(
        commands, "card", card, "the model card of a version: what it is for, how good it is, and for whom",
        "It is a page of HTML, and goes to a file or a pipe.",
    )  # fmt: skip
    add_model(parser)
    add_number(parser)
    parser.add_argument("--out", metavar="FILE", help="write it there; never over another file")
    parser.add_argument("--json", action="store_true", help="the card as JSON, which may go to a terminal, too")
    parser = command(commands, "history", history, "what was production when, who moved it and why; newest first")
    add_model(parser)
    parser.add_argument("--limit", metavar="N", type=number, default=20, help="so many moves, up to 500; 20 by itself")
    add_json(parser)
    comparison_command.add(commands)
    release_commands.add(commands)


def _page(text: str) -> int:
    found = number(text)
    if found > 100:
        raise argparse.ArgumentTypeError(f"{found} are more than the 100 of a page: go on with --before")
    return found


def list_models(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.get("models")
    if options.json:
        print(as_json(told))
        return 0
    found = told["models"]
    if not found:
        print("gyre: no model is declared yet: POST /models, or put a model.yaml into the inbox", file=sys.stderr)
        return 0
    names = ("model", "spec_version", "dataset", "version", "fault")
    heads = ("model", "spec", "dataset", "serves", "fault")
    kept = 5 if any(each.get("fault") for each in found) else 4
    print(table(heads[:kept], [[each.get(name) for name in names[:kept]] for each in found]))
    return 0


def show(options: argparse.Namespace) -> int:
    from cli.client import CallFailed

    with stack(options) as gyre:
        told = gyre.get(f"models/{options.model}")
        try:
            told["release"] = gyre.release(options.model)
        except CallFailed as error:
            if error.status != 404:
                raise
            told["release"] = None  # nothing was ever released
    if options.json:
        print(as_json(told))
        return 0
    print(facts(_shown_model(told)))
    print()
    print(table(("column", "type", ""), [(name, each["type"], _marks(each)) for name, each in told["columns"].items()]))
    return 0


def _shown_model(told: Facts) -> Facts:
    release = told["release"] or {}
    aliases = {name: f"version {each['version']}" for name, each in release.get("aliases", {}).items()}
    aliases.pop("champion", None)  # it moves with production
    if "challenger" in aliases:
        gets = release_commands.shares(release.get("traffic") or {}) or "no calls"
        aliases["challenger"] += f", gets {gets}"
    last = release.get("last", {})
    moved = f"{last['action']} by {last['actor']}, {when(last['at'])} UTC" if last else None
    lag = None if not release or release["mirrored"] else f"lags: gyre model mirror {told['model']} repairs it"
    return {
        "model": told["model"], "about": (told.get("description") or "").strip(), "owner": told.get("owner"),
        "predicts": f"{told['target']} ({told['task']}) from {_counted(told['features'])}",
        "spec": f"version {told['spec_version']}",
        "data": f"dataset version {told['dataset']}" if told.get("dataset") else "none yet",
        **({"production": "nothing serves yet"} | aliases),
        "retired": ", ".join(map(str, release.get("retired", ()))), "last move": moved, "MLflow": lag,
    }  # fmt: skip


def _counted(features: Sequence[str]) -> str:
    return f"{len(features)} feature{'' if len(features) == 1 else 's'}"


def _marks(column: Facts) -> str:
    return ", ".join(name for name in ("required", "unique", "personal", "protected") if column.get(name))


def versions(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.versions(options.model, limit=options.limit, before=options.before)
    if options.json:
        print(as_json(told))
        return 0
    found = told["versions"]
    if not found:
        below = f" below {options.before}" if options.before else ""
        print(f"gyre: {options.model} has no version{below} yet: gyre train {options.model}", file=sys.stderr)
        return 0
    heads = ("version", "made (UTC)", "estimator", "metric", "value", "gates", "stands", "dataset", "run")
    print(table(heads, [_line(each) for each in found]))
    if told.get("before"):
        print(f"gyre: older ones: gyre model versions {options.model} --before {told['before']}", file=sys.stderr)
    return 0


def _line(each: Facts) -> tuple[Any, ...]:
    made = (each["version"], when(each["at"]), each["estimator"], each["metric"], each.get("value"))
    return (*made, each.get("gates") or "not judged", _stands(each), each["dataset"], each["run"])


def _stands(each: Facts) -> str:
    aliases = [name for name in each.get("aliases", ()) if name != "champion"]
    return ", ".join([*aliases, *(["retired"] if each.get("retired") else [])])


def version(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        told = gyre.version(options.model, options.version)
    if options.json:
        print(as_json(told))
        return 0
    for line in _whole(told, every=options.all):
        print(line)
    return 0


def _whole(told: Facts, *, every: bool) -> Iterator[str]:
    rows = ", ".join(f"{part} {figure(count)}" for part, count in told["rows"].items())
    chosen = ", ".join(f"{name} {figure(each)}" for name, each in told["parameters"].items())
    yield facts({
        "version": f"{told['version']} of {told['model']}", "made": f"{when(told['at'])} UTC by {told['run']}",
        "stands": _stands(told) or "no alias points to it",
        "data": f"dataset version {told['dataset']}: {rows}", "spec": f"version {told['spec_version']}",
        "estimator": f"{told['estimator']}{f' ({chosen})' if chosen else ''}", "seed": str(told["seed"]),
        "commit": told["commit"], "bundle": f"{told['bundle']['hash'][:12]}, {figure(told['bundle']['size'])} bytes",
        "MLflow": told.get("tracked"),
    })  # fmt: skip
    yield ""
    known = [name for name in told["figures"] if every or "." not in name or name == told["metric"]]
    heads = ("figure", "value", "baseline", "")
    chosen_by = {told["metric"]: "what the search made best"}
    yield table(
        heads, [(name, told["figures"][name], told["baseline"].get(name), chosen_by.get(name, "")) for name in known]
    )
    if more := len(told["figures"]) - len(known):
        yield f"and {more} of single classes: --all shows them"
    yield ""
    yield from _gates(told)
    if told.get("waits_for_approval"):
        yield f"waits for approval: gyre model approve {told['model']} {told['version']} (--decline refuses it)"


def _gates(told: Facts) -> Iterator[str]:
    judged = told.get("judgement")
    if not judged:
        yield "the gates have not judged it"
        return
    verdicts = judged["verdicts"]
    rows = [(each["gate"], each["figure"], each["value"], each["limit"], _VERDICT[each["passed"]]) for each in verdicts]
    yield table(("gate", "figure", "value", "limit", "verdict"), rows)
    yield from (f"FAILED {each['gate']}: {shown(each['because'])}" for each in verdicts if each["passed"] is False)


def card(options: argparse.Namespace) -> int:
    here = f"gyre model card {options.model} {options.version}"
    if not (options.json or options.out) and sys.stdout.isatty():
        raise Invalid(f"The card is a page for a browser: {here} --out card.html writes it, --json prints its facts")
    with stack(options) as gyre:
        told = gyre.card(options.model, options.version, "json" if options.json else "html")
    text = as_json(told) + "\n" if options.json else str(told)
    if options.out is None:
        sys.stdout.write(text)
        return 0
    write_new(options.out, text, "")
    print(f"gyre: wrote {shown(options.out)}", file=sys.stderr)
    return 0


def history(options: argparse.Namespace) -> int:
    with stack(options) as gyre:
        moves = gyre.history(options.model, limit=min(options.limit, 500))
    if options.json:
        print(as_json({"moves": moves}))
        return 0
    if not moves:
        print(f"gyre: nothing of {options.model} was ever released", file=sys.stderr)
        return 0
    heads = ("move", "when (UTC)", "what", "alias", "version", "before", "by", "why")
    print(table(heads, [_move(each) for each in moves]))
    return 0


def _move(each: Facts) -> tuple[Any, ...]:
    why = each.get("comment") or each.get("reason") or each.get("run")
    gets = release_commands.shares(each)
    what = (each["revision"], when(each["at"]), f"{each['action']}{f': {gets}' if gets else ''}", each.get("alias"))
    return (*what, each.get("version"), each.get("before"), each["actor"], why)
