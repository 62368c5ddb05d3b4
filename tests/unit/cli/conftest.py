"""What every command's tests stand on."""

import pytest

from tests.unit.cli.stack import Stack, Terminal


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack of one's own."""
    monkeypatch.setenv("NO_PROXY", "")  # a client adds itself
    monkeypatch.setenv("no_proxy", "")
    return Stack()


@pytest.fixture
def terminal(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What the commands print on goes to a terminal of 100 columns."""
    stack.screen = made = Terminal()
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    return made
