"""One engine per session. Where there is none, every test that needs it is skipped with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docker.engine import Engine, NoEngine, engine

NOTES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOTES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for note in config.stash[NOTES]:
        terminalreporter.write_line(f"docker: {note}")


@pytest.fixture(scope="session")
def notes(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the summary: on what the tests really ran."""
    return request.config.stash[NOTES]


@pytest.fixture(scope="session")
def docker(notes: list[str]) -> Iterator[Engine]:
    opened = engine()
    try:
        found = opened.__enter__()
    except NoEngine as reason:
        pytest.skip(str(reason))
    notes.append(f"the engine was {found.origin}")
    try:
        yield found
    finally:
        opened.__exit__(None, None, None)
