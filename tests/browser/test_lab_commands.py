"""The commands of the JupyterLab extension, and what is told of tasks that end unseen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab
from tests.browser.lab_tasks import LOAD, PANEL, Tasks, task

ENABLED = "([name, args]) => window.jupyterapp.commands.isEnabled(name, args)"


@pytest.fixture
def tasks(lab: Callable[..., Lab]) -> Callable[[list[str]], Tasks]:
    """Opens a notebook."""
    return lambda cells: Tasks(lab(cells))


def test_the_commands_are_in_the_palette_and_in_the_menu_and_do_what_they_say(
    tasks: Callable[[list[str]], Tasks],
) -> None:
    it = tasks([LOAD, task("one"), task("two"), *("1" for _ in range(40))])
    page = it.page
    it.run(0)
    it.select(0)
    assert not page.evaluate(ENABLED, ["aura:run-cell", {}])
    it.select(1)
    assert page.evaluate(ENABLED, ["aura:run-cell", {}])
    assert not page.evaluate(ENABLED, ["aura:cancel", {}])
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Aura").hover()
    expect(page.locator(".lm-Menu-item:visible", has_text="Run a Task File…")).to_be_visible()
    page.locator(".lm-Menu-item", has_text="Run the Task of This Cell").click()
    expect(it.lab.card(1)).to_contain_text("Running, 1 of 3 steps")
    it.start(2)

    it.select(42)
    expect(it.lab.card(1)).not_to_be_in_viewport()
    it.lab.command("aura:go-to-cell")
    expect(it.lab.card(1)).to_be_in_viewport()
    assert page.evaluate(f"{PANEL}.content.activeCellIndex") == 1
    it.lab.command("aura:cancel")
    expect(it.lab.snapshot(1)).to_contain_text("Cancelled, 1 of 3 steps")
    it.lab.command("aura:cancel-all")
    expect(it.lab.snapshot(2)).to_contain_text("Cancelled, 1 of 3 steps")

    it.select(2)
    page.keyboard.press("Control+Shift+C")
    page.keyboard.type("Aura example")
    page.locator(".lm-CommandPalette-item", has_text="Insert an Example Task").click()
    expect(it.lab.code_cell(3)).to_contain_text("%%aura hello")
    it.run(3)
    expect(it.lab.snapshot(3)).to_contain_text("Completed, 1 step")


def test_the_end_of_a_long_task_that_nobody_saw_is_told(tasks: Callable[[list[str]], Tasks]) -> None:
    it = tasks(
        [LOAD + "%config AuraMagics.notify_after = 0.001", task("seen"), task("unseen"), *("1" for _ in range(40))]
    )
    toast = it.page.locator(".Toastify__toast", has_text="Task ")
    it.run(0)
    it.start(1)
    it.start(2)
    it.select(1)
    it.release("seen")
    expect(it.lab.snapshot(1)).to_contain_text("Completed, 3 steps")
    it.select(42)
    expect(it.lab.card(2)).not_to_be_in_viewport()
    it.release("unseen")
    expect(toast).to_contain_text("Task unseen completed in ")
    toast.get_by_role("button", name="Go to cell").click()
    expect(it.lab.snapshot(2)).to_be_in_viewport()
    expect(it.page.locator(".Toastify__toast", has_text="Task seen")).to_have_count(0)
