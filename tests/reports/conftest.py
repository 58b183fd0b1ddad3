"""One browser for a file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.reports.browser import CHROMEDRIVER, CHROMIUM, Browser, browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not (CHROMEDRIVER and CHROMIUM):
        pytest.skip("needs chromium and chromedriver")
    with browser() as session:
        yield session
