"""Notebook 7 shows the same cards, with our labextension and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import Lab, jupyterlab
from tests.browser.test_life import LOAD, is_final, task


class Notebook7(Lab):
    """A notebook in Notebook 7, which the same server offers."""

    def open(self, _theme: str = "") -> None:
        """Open it, or load the page again."""
        self.page.goto(self.url.replace("/lab/tree/", "/notebooks/"))
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_selector(".jp-NotebookKernelStatus", state="attached")
        self.page.wait_for_function(
            "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )


@pytest.fixture(scope="module", params=[False, True], ids=["without the labextension", "with it"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, bool]]:
    """The address of a server, the folder it shows, and whether the labextension is at work."""
    home, work = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    with jupyterlab(home, work, extension=request.param) as address:
        yield address, work, request.param


@pytest.fixture
def notebook(place: tuple[str, Path, bool], page: Page) -> Notebook7:
    address, work, _ = place
    return Notebook7(page, address, work, [LOAD, task("first"), task("second"), "gate('second').set()"], theme="")


def test_a_card_lives_is_cancelled_and_is_there_after_a_reload(notebook: Notebook7) -> None:
    for cell in range(3):
        notebook.run(cell)
    expect(notebook.card(1)).to_contain_text("Running, 1 of 2 steps")
    expect(notebook.card(2)).to_contain_text("Running, 1 of 2 steps")
    notebook.card(1).get_by_role("button", name="Cancel").click()
    expect(notebook.snapshot(1)).to_contain_text("Cancelled, 1 of 2 steps")
    saved = notebook.save()["cells"]
    assert is_final([output["data"] for output in saved[1]["outputs"]], "CANCELLED")
    notebook.open()
    expect(notebook.snapshot(1)).to_contain_text("Cancelled, 1 of 2 steps")
    expect(notebook.card(2)).to_contain_text("Running, 1 of 2 steps")
    notebook.run(3)
    expect(notebook.card(2)).to_contain_text("Completed, 2 steps")
