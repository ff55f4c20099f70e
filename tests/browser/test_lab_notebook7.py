"""Cards in Notebook 7, with the extension."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab_tasks import EYE, LOAD, LOST, SAVED, Tasks, no_widget_was_missed, tab, task
from tests.browser.test_notebook7 import Notebook7


@pytest.fixture
def tasks(server: tuple[str, Path], page: Page) -> Callable[[list[str]], Tasks]:
    """Opens a notebook in Notebook 7."""
    page.add_init_script(EYE)
    return lambda cells: Tasks(Notebook7(page, *server, cells, theme=""))


def test_a_card_lives_is_cancelled_while_a_cell_runs_survives_a_reload_and_a_lost_kernel(
    tasks: Callable[[list[str]], Tasks],
) -> None:
    it = tasks([LOAD, task("seven_a"), task("seven_b"), task("seven_c"), "hold('go-seven')"])
    it.run(0)
    for cell in (1, 2, 3):
        it.start(cell)
    it.lab.run(4)
    it.wait_for("go-seven.held")
    it.lab.card(1).get_by_role("button", name="Cancel", exact=True).click()
    it.release("seven")
    expect(it.lab.snapshot(1)).to_contain_text("Cancelled, 1 of 3 steps")
    it.pictures()

    it.lab.open()
    expect(it.lab.card(2)).to_contain_text("Running, 1 of 3 steps")
    assert any(SAVED in text for text in it.seen())
    assert no_widget_was_missed(it.seen())
    assert not it.dirty()
    it.release("seven_b")
    expect(it.lab.snapshot(2)).to_contain_text("Completed, 3 steps")
    tab(it.lab.snapshot(2), "Graph").click()
    expect(it.lab.snapshot(2).locator(".a-graph .n")).to_have_count(3)
    assert [picture["final"] for picture in it.pictures()] == [True, True, False]

    it.leave()
    it.end_kernel()
    it.lab.open()
    expect(it.lab.card(3)).to_contain_text(LOST)
    expect(it.lab.snapshot(2)).to_contain_text("Completed, 3 steps")
    assert no_widget_was_missed(it.seen())
