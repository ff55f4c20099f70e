"""Finished cards where there is neither a kernel nor a widget: pages of nbconvert, and HTML alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page, Route, expect

LOAD = "%load_ext aura_jupyter\ndef add(a, b=1):\n    return a + b"
GOOD = "%%aura good --wait\nmeta: {title: Adds}\nsteps: [{name: sum, action: add, params: {a: 1}}]"
LARGE = """\
import aura_jupyter as aura
steps = [{"name": f"a_step_with_a_rather_long_name_{n:05}", "action": "core.log", "depends_on": [],
          "params": {"message": "x" * 200}, **({"when": False} if n % 2 else {})} for n in range(10_000)]
large = aura.submit({"meta": {"title": "Large"}, "steps": steps})
await large
large
"""


@pytest.fixture(scope="module")
def stored() -> nbformat.NotebookNode:
    """A notebook that nbclient ran: a small task and one of 10,000 steps."""
    notebook = new_notebook(cells=[new_code_cell(code) for code in (LOAD, GOOD, LARGE)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def exported(notebook: nbformat.NotebookNode, path: Path) -> Path:
    """The page that nbconvert makes of it."""
    text, _ = HTMLExporter(theme="light").from_notebook_node(notebook)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def offline(page: Page) -> Callable[[Path], set[str]]:
    """Opens a page with no network; gives the addresses it asked for."""

    def opened(path: Path) -> set[str]:
        asked: set[str] = set()

        def refuse(route: Route) -> None:
            asked.add(route.request.url)
            route.abort()

        page.route("http*://**", refuse)
        page.goto(path.as_uri(), wait_until="load")
        return asked

    return opened


def test_a_page_of_nbconvert_shows_the_card_and_asks_for_nothing_because_of_it(
    stored: nbformat.NotebookNode, offline: Callable[[Path], set[str]], page: Page, tmp_path: Path
) -> None:
    without = new_notebook(cells=[new_code_cell("1 + 1")], metadata=stored.metadata)
    usual = offline(exported(without, tmp_path / "without.html"))
    asked = offline(exported(stored, tmp_path / "with.html"))
    assert asked == usual  # nbconvert's own two scripts
    card = page.locator(".aura-snapshot").first
    expect(card).to_be_visible()
    expect(card).to_contain_text("Adds")
    expect(card).to_contain_text("Completed, 1 step")
    assert card.evaluate("card => card.scrollWidth <= card.clientWidth + 1")
    assert card.locator("script, style, link, img[src^=http]").count() == 0


def test_a_stored_card_of_ten_thousand_steps_is_bounded_and_says_what_it_leaves_out(
    stored: nbformat.NotebookNode, offline: Callable[[Path], set[str]], page: Page, tmp_path: Path
) -> None:
    data = stored.cells[2].outputs[-1].data
    picture = data["application/vnd.aura.task+json"]
    assert len(json.dumps(picture, ensure_ascii=False).encode()) <= 100_000
    assert len(picture["rows"]) <= 210  # 200, and what is not a step
    assert len(data["text/html"]) <= 300_000
    offline(exported(stored, tmp_path / "large.html"))
    card = page.locator(".aura-snapshot").last
    expect(card).to_contain_text("Completed, 10,000 steps")
    expect(card).to_contain_text("Not stored: ")


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_html_alone_keeps_its_table_and_its_words_without_any_style(
    stored: nbformat.NotebookNode, page: Page, ground: str
) -> None:
    """As a reader of mails or feeds shows it that takes every style away."""
    html = stored.cells[1].outputs[0].data["text/html"]
    page.set_content(f'<body bgcolor="{ground}">{html}')
    page.evaluate("for (const node of document.querySelectorAll('[style]')) node.removeAttribute('style')")
    expect(page.get_by_role("row", name="✓ sum Completed, 2 <0.1 s")).to_be_visible()
    assert "Completed, 1 step" in page.inner_text("body")
