"""Cards and what a person does with their cells, outputs, files and kernels, with the JupyterLab extension."""

from __future__ import annotations

from collections.abc import Callable

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import Lab
from tests.browser.lab_tasks import EYE, LOAD, LOST, MIME, PANEL, SAVED, Tasks, no_widget_was_missed, task

Opened = Callable[..., Tasks]


@pytest.fixture
def tasks(lab: Callable[..., Lab], page: Page) -> Opened:
    """Opens a notebook with an eye on each frame."""
    page.add_init_script(EYE)
    return lambda cells, **options: Tasks(lab(cells, **options))


def test_cards_live_on_in_cells_that_are_run_together_moved_copied_hidden_and_shown_twice(tasks: Opened) -> None:
    it = tasks([LOAD, task("moved"), task("other")])
    it.lab.run_all()
    for cell in (1, 2):
        expect(it.lab.card(cell)).to_contain_text("Running, 1 of 3 steps")
    it.select(1)
    it.lab.command("notebook:move-cell-down")
    expect(it.lab.card(2)).to_contain_text("Task moved")
    expect(it.lab.card(2).get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    it.select(2)
    it.lab.command("notebook:copy-cell")
    it.lab.command("notebook:paste-cell-below")
    expect(it.lab.card(3).get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    it.select(1)
    it.lab.command("notebook:hide-cell-outputs")
    saved = it.pictures()
    assert [picture["title"] for picture in saved] == ["Task other", "Task moved", "Task moved"]
    assert [picture["phrase"][0] for picture in saved] == [["b", "Running"]] * 3

    it.select(3)
    it.page.evaluate(f"{PANEL}.context.model.sharedModel.undoManager.stopCapturing()")  # undone on its own
    it.lab.command("notebook:delete-cell")
    expect(it.lab.card(3)).to_have_count(0)
    it.select(2)
    it.lab.command("notebook:create-output-view")
    view = it.page.locator(".jp-LinkedOutputView .aura-card")
    expect(view).to_contain_text("Running, 1 of 3 steps")
    it.release("moved")
    expect(view).to_contain_text("Completed, 3 steps")
    it.lab.command("application:close")
    expect(it.lab.snapshot(2)).to_contain_text("Completed, 3 steps")
    it.lab.command("notebook:undo-cell-action")
    expect(it.lab.code_cell(3).locator(".jp-RenderedAura")).to_contain_text("Completed, 3 steps")
    assert [picture["final"] for picture in it.pictures()] == [False, True, True]


def test_a_cell_that_is_cleared_or_run_again_goes_its_own_way(tasks: Opened) -> None:
    it = tasks([LOAD, task("cleared"), task("rerun")])
    it.run(0)
    it.start(1)
    it.start(2)
    it.select(1)
    it.lab.command("notebook:clear-cell-output")
    (before,) = it.pictures()
    it.start(2)
    it.release("cleared")
    it.wait_for("ended-cleared")
    (picture,) = it.pictures()
    assert picture["task_id"] != before["task_id"]
    assert not picture["final"]
    it.release("rerun")
    expect(it.lab.snapshot(2)).to_contain_text("Completed, 3 steps")
    expect(it.lab.card(1)).to_have_count(0)
    assert len(it.pictures()) == 1


def test_a_card_of_another_kernel_is_lost_and_one_of_this_lives_when_the_file_is_read_again(tasks: Opened) -> None:
    it = tasks([LOAD, task("mine"), "1"])
    it.run(0)
    it.start(1)
    it.lab.save()

    def add_foreign(notebook: nbformat.NotebookNode) -> None:
        (output,) = (nbformat.from_dict(each) for each in notebook.cells[1].outputs)
        output.data[MIME] = {**output.data[MIME], "task_id": "another", "title": "Of another kernel"}
        notebook.cells[2].outputs = [output]

    it.edit(add_foreign)
    it.page.evaluate(f"{PANEL}.context.revert()")
    expect(it.lab.card(2)).to_contain_text("Of another kernel")
    expect(it.lab.card(2)).to_contain_text(LOST)
    expect(it.lab.card(1)).to_contain_text(SAVED)  # by another hand, so not trusted: no widget there
    assert not it.dirty()
    it.release("mine")
    expect(it.lab.snapshot(1)).to_contain_text("Completed, 3 steps")
    assert it.dirty()


def test_a_card_far_out_of_view_is_kept_where_only_cells_in_view_are_drawn(tasks: Opened) -> None:
    it = tasks([LOAD, task("far"), *("1" for _ in range(150))])
    it.setting("@jupyterlab/notebook-extension:tracker", windowingMode="full")
    try:
        it.lab.open()
        it.run(0)
        it.start(1)
        it.select(151)
        it.page.wait_for_function("document.querySelectorAll('.jp-Notebook .jp-CodeCell').length < 150")
        (picture,) = it.pictures()
        assert picture["phrase"][0] == ["b", "Running"]
        it.release("far")
        it.wait_for("ended-far")
        it.page.wait_for_function(f"{PANEL}.context.model.cells.get(1).outputs.get(0).data['{MIME}'].final")
        assert it.pictures()[0]["final"]
        it.select(1)
        expect(it.page.locator(".jp-RenderedAura")).to_contain_text("Completed, 3 steps")
    finally:
        it.setting("@jupyterlab/notebook-extension:tracker")


def test_a_page_loaded_again_while_a_cell_holds_the_kernel_shows_what_was_saved_until_it_is_free(tasks: Opened) -> None:
    it = tasks([LOAD, task("held"), "hold('go-hold')"])
    it.run(0)
    it.start(1)
    it.lab.save()
    it.lab.run(2)
    it.wait_for("go-hold.held")
    it.page.goto(it.lab.url)
    expect(it.lab.card(1)).to_contain_text(SAVED)
    expect(it.lab.card(1).get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
    it.page.wait_for_function(f"{PANEL}.sessionContext.session?.kernel")
    it.release("hold")
    expect(it.lab.card(1)).to_contain_text("Running, 1 of 3 steps")
    expect(it.lab.card(1).get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    assert no_widget_was_missed(it.seen())
    assert not it.dirty()


def test_of_two_tabs_one_stores_the_ends_and_the_other_when_the_first_is_closed(tasks: Opened) -> None:
    it = tasks([LOAD, task("pressed"), task("stored"), task("left")])
    it.run(0)
    for cell in (1, 2, 3):
        it.start(cell)
    it.lab.save()
    other = Tasks(it.lab.in_another_tab())
    cancel = other.lab.card(1).get_by_role("button", name="Cancel", exact=True)
    expect(cancel).to_be_visible()
    cancel.click()
    for tab in (it, other):
        expect(tab.lab.snapshot(1)).to_contain_text("Cancelled, 1 of 3 steps")
    assert (it.dirty(), other.dirty()) == (True, False)
    assert [picture["final"] for picture in it.pictures()] == [True, False, False]

    it.lab.open()  # now the other one was there first
    expect(it.lab.card(2).get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    it.release("stored")
    for tab in (it, other):
        expect(tab.lab.snapshot(2)).to_contain_text("Completed, 3 steps")
    assert (it.dirty(), other.dirty()) == (False, True)

    it.release("left")
    expect(it.lab.snapshot(3)).to_contain_text("Completed, 3 steps")
    assert not it.dirty()
    other.page.close()
    it.page.wait_for_function(f"{PANEL}.context.model.dirty")
    assert [picture["final"] for picture in it.pictures()] == [True, True, True]


def test_two_panels_of_a_notebook_have_one_keeper(tasks: Opened) -> None:
    it = tasks([LOAD, task("twice")])
    it.run(0)
    it.start(1)
    it.lab.command("docmanager:clone")
    expect(it.page.locator(".aura-card")).to_have_count(2)
    it.release("twice")
    expect(it.page.locator(".jp-RenderedAura .aura-card")).to_have_count(2)
    (picture,) = it.pictures()
    assert picture["final"]
