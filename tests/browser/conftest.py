"""One browser for all tests of pages; a machine without one is told what to install, and nothing is skipped."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import MISSING, Chromium


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    try:
        browser = Chromium(tmp_path_factory.mktemp("chromium"))
    except FileNotFoundError:
        pytest.fail(MISSING, pytrace=False)
    yield browser
    browser.close()
