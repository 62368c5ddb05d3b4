"""gyre feedback: tell what turned out to be true of rows that were predicted."""

import argparse
import sys
from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.options import Commands, add_json, command, model
from cli.stack import stack
from cli.tables import table
from cli.text import as_json, shown, when
from gyre.errors import GyreError, Invalid, NotFound

if TYPE_CHECKING:
    from cli.client import GyreClient

_AT_ONCE = 1_000
_MOST_SHOWN = 20


def add(groups: Commands) -> None:
    """The command; it stands beside the groups."""
    parser = command(
        groups, "feedback", feedback, "tell what was true of predictions, or show what was said of one",
        "A file has the columns label and event_id (and row, where a call had several) or id, and happened_at if it is "
        "known; the exit status is 1 if a line of it is wrong: those before the thousand that it stands in are kept, "
        "and the same file again doubles nothing. Of several labels about one row the last one that came counts.",
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", nargs="?", help="the labels: CSV or JSON Lines, both also .gz")
    parser.add_argument(
        "--model", metavar="MODEL", type=model,
        help="the model; needed with a file and with --id, and with --event while the journal lacks it",
    )  # fmt: skip
    parser.add_argument("--event", metavar="ID", help="the event id that came with the prediction")
    parser.add_argument("--row", metavar="N", type=int, help="the row's place in that call, from 0, if it had several")
    parser.add_argument("--id", metavar="ID", help="your own id of the row, in place of --event")
    parser.add_argument("--label", metavar="LABEL", help="what was true: a class, or a number")
    parser.add_argument("--at", metavar="MOMENT", help="when that was known, as 2026-11-21T09:00")
    add_json(parser)


def feedback(options: argparse.Namespace) -> int:
    one = {"event_id": options.event, "row": options.row, "id": options.id}
    if options.file is not None:
        given = (*one.values(), options.label, options.at)
        if any(each is not None for each in given):
            raise Invalid("a file says of each line whose it is: --event, --row, --id, --label and --at go without one")
        return _bring(options, _needed_model(options, "a file"))
    if (options.event is None) == (options.id is None):
        raise Invalid("name a file, or a row by --event or by --id")
    if options.id is not None:
        _needed_model(options, "--id")
    with stack(options) as gyre:
        if options.label is None:
            return _show(gyre, options)
        label = {**one, "model": options.model, "label": options.label, "happened_at": options.at}
        told = gyre.feedback([label])
    if options.json:
        print(as_json(told))
    else:
        print("the row has this label already" if told["repeated"] else "kept")
        _remark(told, [0])
    return 0


def _needed_model(options: argparse.Namespace, what: str) -> str:
    if options.model is None:
        raise Invalid(f"{what} needs --model: ids are known within a model alone")
    return str(options.model)


def _show(gyre: "GyreClient", options: argparse.Namespace) -> int:
    """What was said before."""
    told = gyre.labels(event=options.event, model=options.model if options.id else None, named=options.id)
    if options.json:
        print(as_json(told))
        return 0
    rows = [
        (row["event_id"], row["row"], each["label"], when(each["received_at"]), each["source"], _counts(each, row))
        for row in told["rows"]
        for each in row["history"]
        if options.row in (None, row["row"])
    ]
    if rows:
        print(table(("event", "row", "label", "received (UTC)", "by", ""), rows))
    if not rows or not told["known"]:
        print(f"gyre: {'nothing was said of it' if not rows else 'the journal does not hold it yet'}", file=sys.stderr)
    return 0


def _counts(label: dict[str, Any], row: dict[str, Any]) -> str:
    return "counts" if label == row["history"][-1] else ""


def _bring(options: argparse.Namespace, model_name: str) -> int:
    """A thousand lines in each call."""
    from cli.polling import CallFailed
    from gyre.feedback.sayings import Said

    file, total = Path(options.file), {"kept": 0, "repeated": 0, "unknown": 0, "lines": 0}
    with stack(options) as gyre:
        for part in batched(_lines(file, model_name), _AT_ONCE):
            wrong = [each for each in part if not isinstance(each, Said)]
            said = [each for each in part if isinstance(each, Said)]
            if wrong:
                return _refused([(each.at, each.field, each.message) for each in wrong], total)
            names = ("label", "event_id", "row", "id", "happened_at")
            labels = [{name: getattr(each, name) for name in names} for each in said]
            places = [each.at for each in said]
            try:
                told = gyre.feedback(labels, model=model_name)
            except CallFailed as error:
                if not (faults := error.error.get("details")):
                    raise
                return _refused([(places[e["label"]], e["field"], e["message"]) for e in faults], total)
            for name, much in (("kept", told["kept"]), ("repeated", told["repeated"]), ("lines", len(said))):
                total[name] += much
            total["unknown"] += told["unknown_count"]
            if not options.json:
                _remark({**told, "unknown_count": 0}, places)
    if options.json:
        print(as_json(total))
    else:
        print(f"{total['kept']:,} kept, {total['repeated']:,} said before, {total['unknown']:,} of unknown rows")
    return 0


def _lines(file: Path, model_name: str) -> Iterator[Any]:
    from gyre.feedback.label_file import LabelFile

    if not file.is_file():
        raise NotFound(f"{shown(str(file))} {'is no file' if file.exists() else 'does not exist'}")
    try:
        with file.open("rb") as stream:
            yield from LabelFile(file.name, model_name, stream).lines()
    except PermissionError as error:
        raise GyreError(f"{shown(str(file))} cannot be read: {error.strerror}") from None


def _refused(faults: list[tuple[int, str, str]], total: dict[str, int]) -> int:
    for line, name, message in faults[:_MOST_SHOWN]:
        print(f"line {line:,}, {name}: {shown(message)}", file=sys.stderr)
    more = f" and {len(faults) - _MOST_SHOWN:,} more" if len(faults) > _MOST_SHOWN else ""
    print(
        f"gyre: {len(faults):,} lines are wrong{more}; the {total['lines']:,} before were taken. Mend them and bring "
        "the file again: nothing is doubled.",
        file=sys.stderr,
    )
    return 1


def _remark(told: dict[str, Any], places: list[int]) -> None:
    for each in told["warnings"][:_MOST_SHOWN]:
        line = f"line {places[each['label']]:,}: " if len(places) > 1 else ""
        print(f"gyre: {line}{shown(each['message'])}", file=sys.stderr)
    if told["unknown_count"]:
        print("gyre: the journal does not hold this row yet; the label joins it when it does", file=sys.stderr)
