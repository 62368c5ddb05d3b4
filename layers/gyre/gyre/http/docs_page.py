"""The pages a browser sees: the front page and the list of routes. One string each, no script, nothing fetched."""

import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from gyre import __version__

_DOCUMENT = Path(__file__).with_name("openapi.json")

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p.sub { margin-top: .25rem; opacity: .75; }
table { border-collapse: collapse; width: 100%; }
td { padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--line); vertical-align: top; }
td:first-child { width: 4rem; font-weight: 600; } code { font: .92em ui-monospace, monospace; }
"""


@cache
def openapi_document() -> dict[str, Any]:
    """All routes of all functions; made by `make openapi`, held true by a test."""
    document: dict[str, Any] = json.loads(_DOCUMENT.read_text())
    return document


def front_page(environment: str, commit: str, base: str) -> str:
    """`base` is where its links start from: the page is also read at an address without a slash at its end."""
    return _page(
        "Gyre",
        f"version {__version__} · commit {commit[:12]} · {environment}",
        f'<base href="{escape(base)}">'
        '<p>The whole model loop, serverless. <a href="docs">Every route</a> · <a href="openapi.json">OpenAPI</a> ·'
        ' <a href="health">health</a> · <a href="ready">ready</a></p>',
    )


def docs_page(document: dict[str, Any]) -> str:
    """The routes, grouped by the function that answers them."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, tells in methods.items():
            lock = "" if tells.get("security") == [] else " · needs a key"
            row = f"<tr><td>{method.upper()}</td><td><code>{escape(path)}</code><br>{escape(tells['summary'])}{lock}</td></tr>"
            groups.setdefault(tells["tags"][0], []).append(row)
    body = "".join(f"<h2>{escape(name)}</h2><table>{''.join(rows)}</table>" for name, rows in groups.items())
    return _page("Gyre API", 'Keys go in the header <code>x-api-key</code>. <a href="openapi.json">OpenAPI</a>', body)


def _page(title: str, subtitle: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1><p class="sub">{subtitle}</p>{body}</html>'
    )
