"""The card in a JupyterLab whose kernel is held by a cell, in a second view, and in a box with another card."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab

SETUP = """\
%load_ext aura_jupyter
import time
from pathlib import Path
import aura_jupyter as aura

@aura.action
def works(context: aura.ActionContext) -> None:
    for done in range(1_000_000):
        if context.cancelled:
            Path("stopped").touch()
            return
        context.progress(done, 1_000_000)
        time.sleep(0.02)
"""
WORK = "%%aura work\nsteps: [{name: work, action: works}]"
HOLD = """\
while not Path("go").exists():
    time.sleep(0.02)
"""
WITHOUT_THE_EXTENSION = "window.addEventListener('aura:ask', event => event.stopImmediatePropagation(), true)"


def appears(path: Path) -> None:
    """Wait until the kernel has made a file; nothing tells of that."""
    limit = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < limit, f"there is no {path.name}"
        time.sleep(0.02)


def goes_on(card: Locator) -> None:
    """Wait until the card tells more of its step's progress than it does now."""
    detail = card.locator("li.a-running .a-d")
    expect(detail).not_to_have_text(detail.inner_text())


@pytest.mark.parametrize("way", ["widget", "page"])
def test_a_held_kernel_is_told_threads_move_on_and_cancel_is_taken_at_once(lab: Callable[..., Lab], way: str) -> None:
    opened = lab([SETUP, WORK, HOLD])
    folder = opened.path.parent
    for name in ("stopped", "go"):
        (folder / name).unlink(missing_ok=True)
    if way == "widget":
        opened.page.evaluate(WITHOUT_THE_EXTENSION)
    for cell in (0, 1):
        opened.run(cell)
    card = opened.card(1)
    expect(card).to_contain_text("of 1,000,000")
    head = card.locator(".a-h2")
    expect(head).not_to_contain_text("busy")
    opened.run(2)
    expect(head).to_contain_text("Running, 0 of 1 step, the kernel is busy with a cell")
    goes_on(card)
    head.locator("button").click()
    expect(head.locator("button")).to_have_text("Cancelling…")
    appears(folder / "stopped")
    expect(head).to_contain_text("waiting for work to stop, the kernel is busy with a cell")
    (folder / "go").touch()
    expect(opened.snapshot(1)).to_contain_text("Cancelled")


def test_what_is_said_of_a_held_kernel_goes_when_it_is_free(lab: Callable[..., Lab]) -> None:
    opened = lab([SETUP, WORK, HOLD, "work.cancel()"])
    (opened.path.parent / "go").unlink(missing_ok=True)
    for cell in (0, 1):
        opened.run(cell)
    head = opened.card(1).locator(".a-h2")
    expect(head).to_contain_text("Running")
    opened.run(2)
    expect(head).to_contain_text("the kernel is busy with a cell")
    (opened.path.parent / "go").touch()
    expect(head).not_to_contain_text("busy")
    goes_on(opened.card(1))
    opened.run(3)
    expect(opened.snapshot(1)).to_contain_text("Cancelled")


def test_a_second_view_of_a_card_lives_and_its_button_works(lab: Callable[..., Lab]) -> None:
    opened = lab([SETUP, WORK])
    for cell in (0, 1):
        opened.run(cell)
    expect(opened.card(1)).to_contain_text("of 1,000,000")
    opened.code_cell(1).locator(".jp-OutputArea-output").click()
    opened.command("notebook:create-output-view")
    view = opened.page.locator(".jp-LinkedOutputView .aura-card")
    expect(view).to_contain_text("of 1,000,000")
    goes_on(view)
    goes_on(opened.card(1))
    view.locator(".a-h2 button").click()
    expect(opened.snapshot(1)).to_contain_text("Cancelled")


def test_two_cards_in_a_box_live_and_both_buttons_work(lab: Callable[..., Lab]) -> None:
    box = """\
from ipywidgets import VBox
tasks = [aura.submit(f"meta: {{title: {name}}}\\nsteps: [{{name: work, action: works}}]") for name in ("one", "two")]
VBox([aura.card(task) for task in tasks])
"""
    opened = lab([SETUP, box])
    for cell in (0, 1):
        opened.run(cell)
    cards = opened.card(1)
    expect(cards).to_have_count(2)
    for at, name in enumerate(("one", "two")):
        card = cards.nth(at)
        expect(card.locator(".a-title")).to_have_text(name)
        expect(card).to_contain_text("of 1,000,000")
        goes_on(card)
        card.locator(".a-h2 button").click()
        expect(card.locator(".a-h2")).to_contain_text("Cancelled, 0 of 1 step")
