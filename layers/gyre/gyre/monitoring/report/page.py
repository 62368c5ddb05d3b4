"""A look as one page that fetches and runs nothing: the verdict first, then what was done and what moved."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from gyre.datasets.page import page
from gyre.monitoring.found import Level, Look
from gyre.monitoring.report.moved import moved, quality, together
from gyre.monitoring.report.sections import done_about_it, earlier, how_to_read, performance, verdict
from gyre.monitoring.report.style import STYLE
from gyre.monitoring.report.words import LEVELS, summary

__all__ = ["report", "summary"]


def report(
    look: Look,
    history: Sequence[tuple[datetime, Level]] = (),
    done: Sequence[str] = (),
    links: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The whole page, below 1 MB however many columns there are. `history` are earlier verdicts, `done` sentences about
    what followed, `links` names and addresses of other pages."""
    thin = look.verdict.level == "not enough data"
    parts = (
        verdict(look, links), done_about_it(done, look), moved(look), together(look.multivariate, thin),
        performance(look.performance, thin), quality(look.quality, thin), earlier(history), how_to_read(look),
    )  # fmt: skip
    body = (
        f"<main>{''.join(parts)}</main><footer>"
        '<p class="note">Every figure of this page, and those left out, stand beside it as JSON.</p></footer>'
    )
    title = f"{LEVELS[look.verdict.level][0]}: {look.model}, {look.at:%Y-%m-%d}"
    return page(title, body, STYLE).encode()
