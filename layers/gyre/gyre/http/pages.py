"""Pages and documents that the functions keep, as answers."""

from typing import Literal

from fastapi import Response


def page_answer(content: bytes, form: Literal["html", "json"]) -> Response:
    """It holds no scripts, and a browser is told to run none."""
    if form == "json":
        return Response(content, media_type="application/json")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return Response(content, media_type="text/html", headers={"content-security-policy": policy})
