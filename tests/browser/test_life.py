"""The whole life of a card in JupyterLab.

What only the labextension can keep is marked with `keeper`: each such test asserts what is so without it, and what is
to be so with it.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import Browser, Page, expect

from tests.browser.lab import Lab, jupyterlab

VIEW = "application/vnd.jupyter.widget-view+json"
TASK = "application/vnd.aura.task+json"
LOAD = """\
%load_ext aura_jupyter
import asyncio
import aura_jupyter as aura

gates = {}

def gate(name):
    return gates.setdefault(name, asyncio.Event())

async def wait_at(name):
    await gate(name).wait()
    return name
"""


def spec(name: str) -> str:
    """A task that waits at the gate of its name."""
    return f"""\
meta: {{title: Task {name}}}
steps:
  - {{name: begin, action: core.log, params: {{message: hello}}}}
  - {{name: wait, action: wait_at, params: {{name: {name}}}}}
"""


def task(name: str) -> str:
    """The cell of such a task."""
    return f"%%aura {name}\n{spec(name)}"


class Desk(Lab):
    """A notebook that several tests share: each has cells of its own.

    Args:
        runtime: where the connection files of the server's kernels are.
    """

    def __init__(self, page: Page, address: str, work: Path, runtime: Path, cells: list[str]) -> None:
        self.address, self.runtime = address, runtime
        super().__init__(page, address, work, cells, theme="JupyterLab Light")

    def add(self, *cells: str) -> list[int]:
        """Put cells at the end; gives their numbers."""
        first = self.notebook(
            """shown.model.sharedModel.cells.length; shown.model.sharedModel.insertCells(value, argument.map(
            source => ({cell_type: 'code', source, metadata: {}, outputs: [], execution_count: null})))""",
            list(cells),
        )
        return list(range(first, first + len(cells)))

    def notebook(self, code: str, argument: Any = None) -> Any:
        """The value of JavaScript over the notebook `shown` and the application `app`."""
        return self.page.evaluate(
            f"""argument => {{ const app = window.jupyterapp;
            const panel = [...app.shell.widgets('main')].find(each => each.hasClass('jp-NotebookPanel'));
            const shown = panel.content; const value = {code}; return value; }}""",
            argument,
        )

    def select(self, index: int) -> None:
        """Make a cell the active one."""
        self.notebook("app.shell.activateById(panel.id); shown.activeCellIndex = argument", index)

    def trusts(self) -> bool:
        """Whether JupyterLab trusts what is in the outputs."""
        return bool(self.notebook("[...shown.model.cells].every(cell => cell.trusted)"))

    def session(self) -> dict[str, Any]:
        """What the server says of the notebook's session."""
        with urllib.request.urlopen(f"{self.address}/api/sessions?token=test") as answer:
            sessions: list[dict[str, Any]] = json.load(answer)
        return next(each for each in sessions if each["path"] == self.path.name)

    def elsewhere(self, code: str) -> None:
        """Run code in the kernel as another program does, to its end."""
        kernel = self.session()["kernel"]["id"]
        client = BlockingKernelClient(connection_file=str(self.runtime / f"kernel-{kernel}.json"))
        client.load_connection_file()
        client.start_channels()
        try:
            reply = client.execute_interactive(code, timeout=60, output_hook=lambda _: None, store_history=False)
        finally:
            client.stop_channels()
        assert reply["content"]["status"] == "ok", reply["content"]

    def stop_kernel(self) -> None:
        """End the kernel, as the list of running kernels does."""
        url = f"{self.address}/api/sessions/{self.session()['id']}?token=test"
        with urllib.request.urlopen(urllib.request.Request(url, method="DELETE")):
            pass

    def leave(self) -> None:
        """Close the page. What was not saved is lost."""
        self.page.goto("about:blank")

    def data(self, index: int) -> list[dict[str, Any]]:
        """What the file holds as outputs of a cell, once saved."""
        return [output.get("data", {}) for output in self.save()["cells"][index]["outputs"]]


def is_final(data: list[dict[str, Any]], status: str = "COMPLETED") -> bool:
    """Whether one output is stored: the finished card, and no widget that nobody can show any more."""
    return len(data) == 1 and VIEW not in data[0] and data[0].get(TASK, {}).get("status") == status


# all of it holds with True as well; what the labextension adds is tested in test_lab_cards.py and test_lab_cells.py
@pytest.fixture(scope="module", params=[pytest.param(False, id="without the labextension")])
def keeper(request: pytest.FixtureRequest) -> bool:
    """Whether the labextension is at work."""
    return bool(request.param)


@pytest.fixture(scope="module")
def place(keeper: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Path]]:
    """The address of a JupyterLab, the folder it shows, and where its kernels' connection files are."""
    home, work = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    with jupyterlab(home, work, extension=keeper) as address:
        yield address, work, home / "jupyter_runtime_dir"


@pytest.fixture(scope="module")
def shared_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1250, "height": 1500})
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def desk(place: tuple[str, Path, Path], shared_page: Page) -> Desk:
    """The notebook that the tests share, with Aura loaded."""
    address, work, runtime = place
    desk = Desk(shared_page, address, work, runtime, [LOAD])
    desk.run(0)
    expect(desk.code_cell(0).locator(".jp-InputPrompt")).to_have_text("[1]:")
    return desk


def test_two_views_of_one_card_live_and_each_has_its_own_open_rows(desk: Desk) -> None:
    (cell,) = desk.add(task("twice"))
    desk.run(cell)
    card = desk.card(cell)
    expect(card).to_contain_text("Running, 1 of 2 steps")
    card.locator(".a-row", has_text="begin").click()
    expect(card.locator(".a-open")).to_contain_text("hello")
    desk.select(cell)
    desk.command("notebook:create-output-view")
    second = desk.page.locator(".jp-LinkedOutputView")
    expect(second.locator(".aura-card")).to_contain_text("Running, 1 of 2 steps")
    expect(second.locator(".a-open")).to_have_count(0)
    second.get_by_role("button", name="Cancel").click()
    expect(desk.snapshot(cell)).to_contain_text("Cancelled, 1 of 2 steps")
    expect(second).to_contain_text("Cancelled, 1 of 2 steps")
    desk.notebook("app.shell.currentWidget.dispose(); app.shell.activateById(panel.id)")
    assert is_final(desk.data(cell), "CANCELLED")


def test_a_cell_that_is_moved_keeps_its_card(desk: Desk, keeper: bool) -> None:
    """Only the labextension can store the end: a cell that is moved forgets which output has which display id."""
    first, second = desk.add(task("moved"), "gate('moved').set()")
    desk.run(first)
    expect(desk.card(first)).to_contain_text("Running, 1 of 2 steps")
    desk.select(first)
    desk.command("notebook:move-cell-down")
    expect(desk.card(second)).to_contain_text("Running, 1 of 2 steps")
    desk.run(first)
    expect(desk.snapshot(second) if keeper else desk.card(second)).to_contain_text("Completed, 2 steps")
    assert is_final(desk.data(second)) is keeper


def test_when_its_output_is_cleared_a_task_goes_on_and_can_be_shown_again(desk: Desk) -> None:
    cell, opens, again = desk.add(task("cleared"), "gate('cleared').set()\nawait cleared", "%aura show cleared")
    desk.run(cell)
    expect(desk.card(cell)).to_contain_text("Running, 1 of 2 steps")
    desk.select(cell)
    desk.command("notebook:clear-cell-output")
    expect(desk.outputs(cell)).to_have_count(0)
    desk.run(opens)
    expect(desk.outputs(opens)).to_have_text("'cleared'")
    desk.run(again)
    expect(desk.snapshot(again)).to_contain_text("Completed, 2 steps")
    assert desk.data(cell) == []


def test_a_cell_run_again_shows_the_new_task_while_the_old_one_goes_on(desk: Desk) -> None:
    cell, keeps, opens = desk.add(
        task("again"), "old = again", "gate('again').set()\nawait old.wait(), await again.wait()\nold is again"
    )
    desk.run(cell)
    expect(desk.card(cell)).to_contain_text("Running, 1 of 2 steps")
    first = desk.card(cell).evaluate("card => card.aura().task_id")
    desk.run(keeps)
    desk.run(cell)
    expect(desk.card(cell)).to_contain_text("Running, 1 of 2 steps")
    desk.page.wait_for_function(
        "([cell, first]) => document.querySelectorAll('.jp-Notebook .jp-CodeCell')[cell]"
        ".querySelector('.aura-card')?.aura().task_id !== first",
        arg=[cell, first],
    )
    desk.run(opens)
    expect(desk.outputs(opens)).to_have_text("False")
    expect(desk.snapshot(cell)).to_contain_text("Completed, 2 steps")
    expect(desk.outputs(cell)).to_have_count(1)
    data = desk.data(cell)
    assert is_final(data)
    assert data[0][TASK]["task_id"] != first


def test_cards_in_a_box_live_and_end_in_it(desk: Desk) -> None:
    boxed, opens = desk.add(
        "import ipywidgets\n"
        f"left, right = aura.submit({spec('left')!r}), aura.submit({spec('right')!r})\n"
        "ipywidgets.VBox([aura.card(left), aura.card(right)])",
        "gate('left').set()",
    )
    desk.run(boxed)
    cards = desk.card(boxed)
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("Running, 1 of 2 steps")
    cards.last.get_by_role("button", name="Cancel").click()
    expect(cards.last).to_contain_text("Cancelled, 1 of 2 steps")
    desk.run(opens)
    expect(cards.first).to_contain_text("Completed, 2 steps")
    (data,) = desk.data(boxed)
    assert sorted(data) == sorted(["text/plain", VIEW])  # a box is a widget like any other: only a kernel can show it


def test_a_press_while_a_cell_holds_the_kernel_counts_when_the_cell_has_ended(desk: Desk, tmp_path: Path) -> None:
    end = tmp_path / "end"
    cell, holds = desk.add(
        task("held"),
        f"import time, pathlib\nwhile not pathlib.Path({str(end)!r}).exists():\n    time.sleep(0.05)\n"
        "held.status.value",
    )
    desk.run(cell)
    expect(desk.card(cell)).to_contain_text("Running, 1 of 2 steps")
    desk.run(holds)
    expect(desk.page.get_by_text("| Busy")).to_be_visible()
    desk.card(cell).get_by_role("button", name="Cancel").click()
    expect(desk.card(cell).locator(".a-h2 button")).to_have_text("Cancelling…")
    end.touch()
    expect(desk.snapshot(cell)).to_contain_text("Cancelled, 1 of 2 steps")
    assert is_final(desk.data(cell), "CANCELLED")


def test_fifty_cards_are_shown_and_all_their_ends_are_stored(desk: Desk) -> None:
    cell, opens = desk.add(
        f"for number in range(50):\n    get_ipython().run_cell_magic('aura', f'many{{number}}', {spec('many')!r})",
        "gate('many').set()",
    )
    desk.run(cell)
    cards = desk.card(cell)
    expect(cards).to_have_count(50)
    expect(cards.filter(has_text="Running, 1 of 2 steps")).to_have_count(10)
    expect(cards.filter(has_text="40th in the queue")).to_have_count(1)
    desk.run(opens)
    expect(desk.snapshot(cell).filter(has_text="Completed, 2 steps")).to_have_count(50)
    data = desk.data(cell)
    assert len(data) == 50
    assert all(is_final([each]) for each in data)


def test_a_page_loaded_again_shows_the_card_and_its_end(desk: Desk, keeper: bool) -> None:
    """Only the labextension can store that end: the page has forgotten which output has which display id."""
    cell, opens = desk.add(task("reloaded"), "gate('reloaded').set()")
    desk.run(cell)
    expect(desk.card(cell)).to_contain_text("Running, 1 of 2 steps")
    desk.save()
    desk.open()
    expect(desk.card(cell)).to_contain_text("Running, 1 of 2 steps")
    desk.run(opens)
    expect(desk.snapshot(cell) if keeper else desk.card(cell)).to_contain_text("Completed, 2 steps")
    data = desk.data(cell)
    if keeper:
        assert is_final(data)
    else:
        assert VIEW in data[0]
        assert data[0][TASK]["status"] != "COMPLETED"


def test_a_task_that_ends_while_the_page_is_closed_is_seen_to_have_ended(desk: Desk, keeper: bool) -> None:
    """Only the labextension can store that end; without it the widget shows it, as long as the kernel lives."""
    cell, run = desk.add(task("closed"), "closed.result")
    desk.run(cell)
    expect(desk.card(cell)).to_contain_text("Running, 1 of 2 steps")
    desk.save()
    desk.leave()
    desk.elsewhere("gate('closed').set()\nawait closed")
    desk.open()
    expect(desk.snapshot(cell) if keeper else desk.card(cell)).to_contain_text("Completed, 2 steps")
    desk.run(run)
    expect(desk.outputs(run)).to_have_text("'closed'")
    assert is_final(desk.data(cell)) is keeper


def test_when_the_kernel_restarts_the_card_stands_still_and_says_so(desk: Desk, keeper: bool) -> None:
    (cell,) = desk.add(task("orphan"))
    desk.run(cell)
    expect(desk.card(cell)).to_contain_text("Running, 1 of 2 steps")
    desk.notebook("void panel.sessionContext.restartKernel()")
    expect(desk.card(cell)).to_contain_text("The kernel stopped while this ran. Last seen at ")
    expect(desk.card(cell)).to_contain_text("Was running")
    (data,) = desk.data(cell)
    assert (VIEW in data) is not keeper  # only the labextension can take the dead widget out of the file


def test_a_card_out_of_view_ends_as_others_do(place: tuple[str, Path, Path], shared_page: Page) -> None:
    """Under the setting by which JupyterLab handles only the cells in view."""
    address, work, runtime = place
    url = f"{address}/lab/api/settings/@jupyterlab/notebook-extension:tracker?token=test"

    def show_cells(mode: str) -> None:
        data = json.dumps({"raw": json.dumps({"windowingMode": mode})}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, method="PUT")):
            pass

    show_cells("full")
    try:
        others = [f"# cell {number}\n" * 10 for number in range(60)]
        notebook = Desk(shared_page, address, work, runtime, [LOAD, task("away"), *others])
        first, last = (notebook.page.locator(f".jp-Cell[data-windowed-list-index='{at}']") for at in (1, 61))
        notebook.run(0)
        notebook.run(1)
        expect(first.locator(".aura-card")).to_contain_text("Running, 1 of 2 steps")
        notebook.notebook("void shown.scrollToItem(61)")
        expect(last).to_be_in_viewport()
        expect(first).not_to_be_in_viewport()
        notebook.notebook("void shown.scrollToItem(0)")
        expect(first.locator(".aura-card")).to_be_in_viewport()
        expect(first.locator(".aura-card")).to_contain_text("Running, 1 of 2 steps")
        notebook.notebook("void shown.scrollToItem(61)")
        expect(first).not_to_be_in_viewport()
        notebook.elsewhere("gate('away').set()\nawait away")
        notebook.notebook("void shown.scrollToItem(0)")
        expect(first.locator(".aura-snapshot, .jp-RenderedAura")).to_contain_text("Completed, 2 steps")
        assert is_final(notebook.data(1))
    finally:
        show_cells("contentVisibility")


@pytest.fixture(scope="module")
def stopped(place: tuple[str, Path, Path], shared_page: Page) -> Desk:
    """A notebook that was saved while one task had ended and one was running, whose kernel was stopped."""
    address, work, runtime = place
    box = "import ipywidgets\nipywidgets.VBox([aura.card(running)])"
    desk = Desk(shared_page, address, work, runtime, [LOAD, task("ended"), task("running"), box, "gate('ended').set()"])
    desk.run_all()
    expect(desk.snapshot(1)).to_contain_text("Completed, 2 steps")
    expect(desk.card(3)).to_contain_text("Running, 1 of 2 steps")
    desk.save()
    desk.leave()
    desk.stop_kernel()
    return desk


def test_reopened_without_its_kernel_the_finished_card_is_there(stopped: Desk, keeper: bool) -> None:
    """Only the labextension can draw the card of a task that had not ended; a box needs its kernel with it, too."""
    stopped.open()
    assert stopped.trusts()
    expect(stopped.snapshot(1)).to_contain_text("Completed, 2 steps")
    if keeper:
        expect(stopped.code_cell(2)).to_contain_text("The kernel stopped while this ran")
    else:
        expect(stopped.outputs(2)).to_contain_text("Error displaying widget: model not found")
    expect(stopped.outputs(3)).to_contain_text("Error displaying widget: model not found")


def test_reopened_untrusted_every_card_is_there(stopped: Desk, keeper: bool) -> None:
    """A box in it is a line of text."""
    content = nbformat.read(stopped.path, as_version=4)
    content.cells[0].source += "\n# changed by another program"
    nbformat.write(content, stopped.path)
    stopped.open()
    assert not stopped.trusts()
    expect(stopped.snapshot(1)).to_contain_text("Completed, 2 steps")
    running = "The kernel stopped while this ran" if keeper else "Its end is not recorded here."
    expect(stopped.code_cell(2)).to_contain_text(running)
    expect(stopped.code_cell(2).get_by_role("button", name="Cancel")).to_have_count(0)
    expect(stopped.outputs(3)).to_contain_text("VBox(")
