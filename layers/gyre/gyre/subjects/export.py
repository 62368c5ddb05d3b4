"""What is kept about a person as one file, made by a task when somebody asks, and kept for some days.

Standard library alone: the function that answers callers has no science."""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gyre.errands import Errands
from gyre.errors import NotFound
from gyre.objects import ObjectStore, remove_all
from gyre.subjects.subject import Subject, erasures_of
from gyre.subjects.work import ERASURES

EXPORTS = f"{ERASURES}exports/"
TASK = "export"
SECONDS = 900
# What was asked for is not asked for again so soon: a task has 15 minutes.
_PATIENCE = timedelta(minutes=15)
# Then it is made anew, for what came since.
_FRESH = timedelta(hours=1)
_JSON = "application/json"


@dataclass(frozen=True)
class Export:
    """A file that is there, and its address for a while."""

    made_at: str
    get_url: str
    seconds: int


@dataclass(frozen=True)
class Order:
    """Whom an export is about. `etag` names this very order: one that is given again is another."""

    name: str
    subject: Subject
    etag: str


class ExportOffice:
    """Has exports made."""

    def __init__(self, data: ObjectStore, errands: Errands) -> None:
        self._data, self._errands = data, errands

    def ask(self, subject: Subject, *, may_begin: bool = True) -> Export | None:
        """The file, if there is a fresh one; else it is being made from now on, if that may begin."""
        name, now = erasures_of(subject)[0], datetime.now(UTC)
        made = next((each for each in self._data.list(export_key(name)) if each.key == export_key(name)), None)
        if made is not None and made.changed_at > now - _FRESH:
            address = self._data.get_address(made.key, SECONDS)
            return Export(made.changed_at.isoformat(timespec="seconds"), address, SECONDS)
        if not may_begin:
            return None
        asked = next((each for each in self._data.list(order_key(name)) if each.key == order_key(name)), None)
        if asked is None or asked.changed_at < now - _PATIENCE:
            self._data.write(order_key(name), _order(subject), content_type=_JSON)
            self._errands.send(TASK, {"export": name})
        return None


def export_key(name: str) -> str:
    return f"{EXPORTS}{name}.json"


def order_key(name: str) -> str:
    return f"{EXPORTS}orders/{name}.json"


def ordered(name: str, data: ObjectStore) -> Order:
    """The order of an export, or `NotFound` if it was made already."""
    try:
        found = data.read(order_key(name))
    except NotFound:
        raise NotFound(f"The export {name} is not asked for (any more).") from None
    return Order(name, Subject.from_json(found.content), found.etag)


def keep_export(order: Order, told: dict[str, Any], data: ObjectStore) -> bool:
    """Puts the file there; the order, which names the person, goes. False, and nothing is kept, if an erasure took the
    order back meanwhile."""
    if not _stands(order, data):
        return False
    content = json.dumps(told, ensure_ascii=False, default=str, indent=1).encode()
    remove_all(data, export_key(order.name))
    data.write(export_key(order.name), content, content_type=_JSON)
    # Again: an erasure takes back the order before it looks for the file.
    is_kept = _stands(order, data)
    remove_all(data, order_key(order.name) if is_kept else export_key(order.name))
    return is_kept


def forget_exports(subject: Subject, data: ObjectStore) -> None:
    """All that were made or asked for about a person. The orders first: who makes one keeps nothing without."""
    for name in erasures_of(subject):
        remove_all(data, order_key(name))
        remove_all(data, export_key(name))


def _order(subject: Subject) -> bytes:
    return json.dumps({**json.loads(subject.to_json()), "order": secrets.token_hex(8)}).encode()


def _stands(order: Order, data: ObjectStore) -> bool:
    try:
        return data.read(order_key(order.name)).etag == order.etag
    except NotFound:
        return False
