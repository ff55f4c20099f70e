"""Fixtures that give a real JupyterLab and a real page. Chromium is driven without a screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.lab import Lab, chromium, jupyterlab


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser for all tests."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a JupyterLab of its own, and the folder it shows."""
    home, work = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    with jupyterlab(home, work) as address:
        yield address, work


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page, whose time-outs bear a busy machine."""
    context = browser.new_context(viewport={"width": 1250, "height": 1500})
    context.set_default_timeout(60_000)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def lab(server: tuple[str, Path], page: Page) -> Callable[..., Lab]:
    """Opens a notebook in JupyterLab: `lab(cells)` or `lab(path)`."""
    address, work = server

    def opened(notebook: list[str] | Path, *, theme: str = "JupyterLab Light") -> Lab:
        return Lab(page, address, work, notebook, theme=theme)

    return opened
