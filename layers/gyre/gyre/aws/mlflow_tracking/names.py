"""Names of ours as MLflow allows them. It allows fewer characters; no two of ours become one of its.

A character that it does not know, and the colon that marks them, stands as its number between colons: `<=50K` is
`:3c::3d:50K`. Slashes and points are escaped too where MLflow would read a path in them. Names that grow too long are
cut and told apart by a hash; all others can be read back.
"""

from __future__ import annotations

import hashlib
import posixpath
import re

LONGEST = 250

_UNKNOWN = re.compile(r"[^\w./ -]")
_UNKNOWN_IN_PARTS = re.compile(r"[^\w -]")
_ESCAPED = re.compile(r":([0-9a-f]*):")
# No escaped name begins like this: after its first colon comes a number or a colon.
_CUT = ":-"


def told(name: str) -> str:
    """The name in MLflow."""
    if not name:
        return "::"
    escaped = _UNKNOWN.sub(_number, name)
    if posixpath.normpath(escaped) != escaped or escaped.startswith((".", "/")):
        escaped = _UNKNOWN_IN_PARTS.sub(_number, name)
    if len(escaped) <= LONGEST:
        return escaped
    head = f"{_CUT}{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:32]} "
    return head + _UNKNOWN_IN_PARTS.sub("_", name)[: LONGEST - len(head)]


def read(name: str) -> str | None:
    """Our name again; None of one that was cut."""
    if name.startswith(_CUT):
        return None
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "", name)


def _number(found: re.Match[str]) -> str:
    return f":{ord(found[0]):x}:"
