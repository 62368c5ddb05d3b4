"""Pictures set into a page: only what draws is taken over, so that nothing in them can run, fetch or dress the page."""

import re
from collections.abc import Iterator
from html import escape
from xml.etree import ElementTree as ET

from gyre.datasets.report_parts import shown

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_ELEMENTS = frozenset({
    "g", "defs", "clipPath", "use", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan",
    "image",
})  # fmt: skip
_ATTRIBUTES = frozenset({
    "id", "d", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry", "width", "height", "points",
    "transform", "clip-path", "clipPathUnits", "preserveAspectRatio",
})  # fmt: skip
# What matplotlib writes as a style is given as attributes: these reach no further than their element.
_DECLARED = frozenset({
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin",
    "stroke-dasharray", "stroke-dashoffset", "stroke-opacity", "stroke-miterlimit", "opacity", "font-size",
    "font-weight", "font-style", "text-anchor", "dominant-baseline", "clip-path",
})  # fmt: skip
_SPACE = re.compile(r"\s+")
_HARMLESS = re.compile(r"[\w\s.,#%()+-]*")
_WITHIN = re.compile(r"(url\()?#([\w.:-]+)(\))?")
_PICTURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=\s]+")
_BOX = re.compile(r"\s*0(?:\.0*)?[\s,]+0(?:\.0*)?[\s,]+([0-9.]{1,9})[\s,]+([0-9.]{1,9})\s*")
_DEEPEST, _LONGEST = 50, 1_000


def inlined(content: bytes, name: str, told: str) -> str | None:
    """The picture as a part of a page, or None if it is none. `name` keeps its ids apart from those of others; `told`
    says what is to be seen."""
    if b"<!ENTITY" in content:
        return None
    try:
        root = ET.fromstring(content)  # noqa: S314  # without entities; expat fetches nothing
    except (ET.ParseError, ValueError, LookupError):  # no XML, or in an encoding that nobody knows
        return None
    box = _BOX.fullmatch(root.get("viewBox", ""))
    if root.tag != f"{_SVG}svg" or not box:
        return None
    drawn = "".join(part for child in root for part in _parts(child, name, _DEEPEST))
    size = f'viewBox="0 0 {box[1]} {box[2]}" width="{box[1]}" height="{box[2]}"'
    return f'<svg class="picture" role="img" aria-label="{shown(told)}" {size}>{drawn}</svg>'


def _parts(element: ET.Element, name: str, deeper: int) -> Iterator[str]:
    tag = str(element.tag).removeprefix(_SVG)
    if tag not in _ELEMENTS or not deeper:
        return
    attributes = dict(_attributes(element, name))
    inner = "".join(part for child in element for part in _with_tail(child, name, deeper - 1))
    text = _words(element.text) if tag in ("text", "tspan") else ""
    if tag == "g" and not inner and not text:
        return
    told = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    yield f"<{tag}{told}>{text}{inner}</{tag}>"


def _with_tail(child: ET.Element, name: str, deeper: int) -> Iterator[str]:
    yield from _parts(child, name, deeper)
    if str(child.tag).removeprefix(_SVG) == "tspan":
        yield _words(child.tail)


def _words(text: str | None) -> str:
    return shown(_SPACE.sub(" ", text or ""), _LONGEST)


def _attributes(element: ET.Element, name: str) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        if key == "style":
            yield from _declared(value, name)
        elif key in (_LINK, "href"):
            if (link := _link(element, value, name)) is not None:
                yield "href", link
        elif key == "id":
            if _WITHIN.fullmatch(f"#{value}"):
                yield "id", f"{name}-{value}"
        elif key in _ATTRIBUTES | _DECLARED and (safe := _safe(value, name)) is not None:
            yield key, safe


def _declared(style: str, name: str) -> Iterator[tuple[str, str]]:
    for declaration in style.split(";"):
        key, _, value = (each.strip() for each in declaration.partition(":"))
        if key in _DECLARED and (safe := _safe(value, name)) is not None:
            yield key, safe


def _safe(value: str, name: str) -> str | None:
    if found := _WITHIN.fullmatch(value.strip()):
        return f"url(#{name}-{found[2]})" if found[1] and found[3] else value
    squeezed = " ".join(value.split())
    return squeezed if _HARMLESS.fullmatch(squeezed) and "url" not in squeezed.lower() else None


def _link(element: ET.Element, value: str, name: str) -> str | None:
    """To a part of the same picture, or a picture in itself."""
    if element.tag == f"{_SVG}image":
        return value if _PICTURE.fullmatch(value) else None
    found = _WITHIN.fullmatch(value.strip())
    return f"#{name}-{found[2]}" if found and not found[1] else None
