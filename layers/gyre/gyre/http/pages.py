"""Pages and documents that the functions keep, as answers."""

from typing import Literal

from fastapi import Response

# No page of ours holds a script, and a browser is told to run none.
NOTHING_RUNS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}


def page_answer(content: bytes, form: Literal["html", "json"]) -> Response:
    """A page, or the document it was made from."""
    if form == "json":
        return Response(content, media_type="application/json")
    return Response(content, media_type="text/html", headers=NOTHING_RUNS)
