"""Cards that survive everything: what the keeper of the JupyterLab extension does, in a real JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import Lab
from tests.browser.lab_tasks import EYE, LOAD, LOST, MIME, PANEL, SAVED, Tasks, no_widget_was_missed, tab, task

Opened = Callable[..., Tasks]


@pytest.fixture
def tasks(lab: Callable[..., Lab], page: Page) -> Opened:
    """Opens a notebook with an eye on each frame."""
    page.add_init_script(EYE)
    return lambda cells, **options: Tasks(lab(cells, **options))


WATCH_FRAMES = """() => {
  window.boxes = []; window.shifts = [];
  new PerformanceObserver(list => shifts.push(...list.getEntries().map(e => e.value))).observe({type: "layout-shift"});
  const look = () => {
    const card = document.querySelector(".aura-card"), below = document.querySelectorAll(".jp-Notebook .jp-Cell")[2];
    const {x, y, width, height} = card ? card.getBoundingClientRect() : {};
    const box = JSON.stringify([x, y, width, height, below.getBoundingClientRect().y]);
    if (boxes.at(-1) !== box) boxes.push(box);
    requestAnimationFrame(look);
  };
  look();
}"""


def test_the_end_takes_the_place_of_the_live_card_without_moving_a_pixel(tasks: Opened) -> None:
    no_result = task("swap").rpartition("  - ")[0]  # a row for the result comes at the end
    it = tasks([LOAD, no_result, "1"])
    it.run(0)
    it.run(1)
    expect(it.lab.card(1)).to_contain_text("Running, 1 of 2 steps")
    it.page.evaluate(WATCH_FRAMES)
    it.release("swap")
    expect(it.lab.code_cell(1).locator(".jp-RenderedAura")).to_contain_text("Completed, 2 steps")
    expect(it.lab.code_cell(1).locator(".jupyter-widgets")).to_have_count(0)
    it.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert len(it.page.evaluate("boxes")) == 1
    assert it.page.evaluate("shifts") == []
    (picture,) = it.pictures()
    assert (picture["status"], picture["final"]) == ("COMPLETED", True)


def test_rows_log_and_graph_of_a_finished_card_open_as_far_as_they_were_saved(tasks: Opened) -> None:
    it = tasks([LOAD, task("tabs")])
    it.release("tabs")
    it.run(0, 1)
    expect(it.lab.snapshot(1)).to_contain_text("Completed, 3 steps")
    it.lab.save()
    it.end_kernel()
    it.lab.open()
    card = it.lab.snapshot(1)
    tab(card, "Log").click()
    expect(card.locator(".a-lines")).to_contain_text("first  hello")
    tab(card, "Graph").click()
    expect(card.locator(".a-graph .n.a-completed")).to_have_count(3)
    expect(card.get_by_role("button", name="Run again")).to_be_hidden()


def test_a_page_loaded_again_shows_the_card_and_stores_its_end(tasks: Opened) -> None:
    it = tasks([LOAD, task("again")])
    it.run(0)
    it.start(1)
    (picture,) = it.pictures()
    assert picture["phrase"][0] == ["b", "Running"]
    it.lab.open()
    expect(it.lab.card(1)).to_contain_text("Running, 1 of 3 steps")
    expect(it.lab.card(1).get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    seen = it.seen()
    assert seen[0].startswith(SAVED)
    assert no_widget_was_missed(seen)
    assert not it.dirty()
    it.release("again")
    expect(it.lab.code_cell(1).locator(".jp-RenderedAura")).to_contain_text("Completed, 3 steps")
    assert it.dirty()
    (picture,) = it.pictures()
    assert picture["status"] == "COMPLETED"


def test_the_end_of_a_task_is_stored_though_the_page_was_closed(tasks: Opened) -> None:
    it = tasks([LOAD, task("closed")])
    it.run(0)
    it.start(1)
    it.lab.save()
    it.leave()
    it.release("closed")
    it.wait_for("ended-closed")
    it.lab.open()
    expect(it.lab.snapshot(1)).to_contain_text("Completed, 3 steps")
    assert no_widget_was_missed(it.seen())
    assert it.dirty()
    (picture,) = it.pictures()
    assert picture["final"]

    opened: list[str] = []
    it.page.on("websocket", lambda socket: socket.on("framesent", lambda data: opened.append(str(data))))
    before = it.lab.path.read_bytes()
    it.lab.open()
    expect(it.lab.snapshot(1)).to_contain_text("Completed, 3 steps")
    it.run(0)
    assert any("execute_request" in frame for frame in opened), "the frames are read"
    assert not any('"target_name":"aura"' in frame.replace(" ", "") for frame in opened), "nothing waits for the hub"
    it.page.evaluate(f"{PANEL}.context.model.dirty = false")
    assert it.lab.path.read_bytes() == before


def test_a_kernel_that_stops_leaves_the_card_as_it_was_last_seen(tasks: Opened) -> None:
    it = tasks([LOAD, task("restarted"), task("crashed"), "os._exit(1)"])
    for cell in (1, 2):
        it.run(0)
        it.start(cell)
        it.lab.save()
        if cell == 1:
            it.page.evaluate(f"void {PANEL}.sessionContext.session.kernel.restart()")
        else:
            it.lab.run(3)
            it.page.locator(".jp-Dialog button").click()  # JupyterLab says that the kernel has died
        expect(it.lab.card(cell)).to_contain_text(LOST)
        expect(it.lab.card(cell)).to_contain_text("1 of 3 steps")
        expect(it.lab.card(cell).locator(".a-row", has_text="gate")).to_contain_text("Was running")
        expect(it.lab.card(cell).get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
        assert it.dirty()
        expect(it.page.locator("text=| Idle")).to_be_visible()
    assert [(picture["lost"], len(picture["rows"])) for picture in it.pictures()] == [(True, 3)] * 2


def test_a_kernel_that_is_shut_down_cancels_its_tasks_or_leaves_the_card_as_it_was(tasks: Opened) -> None:
    it = tasks([LOAD, task("shut")])
    it.run(0)
    it.start(1)
    it.page.evaluate(f"void {PANEL}.sessionContext.shutdown()")
    expect(it.lab.card(1)).to_contain_text(re.compile(f"{LOST}|Cancelled, "))
    expect(it.lab.card(1).get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
    (picture,) = it.pictures()
    assert picture["final"] or picture["lost"]


def test_a_card_saved_in_the_middle_says_so_when_its_kernel_has_gone(tasks: Opened) -> None:
    it = tasks([LOAD, task("gone")])
    it.run(0)
    it.start(1)
    it.lab.save()
    it.leave()
    it.end_kernel()
    before = it.lab.path.read_bytes()
    it.lab.open()
    expect(it.lab.card(1)).to_contain_text(LOST)
    expect(it.lab.card(1)).to_contain_text("1 of 3 steps")
    seen = it.seen()
    assert seen[0].startswith(SAVED)
    assert no_widget_was_missed(seen)
    assert not it.dirty()
    assert it.lab.path.read_bytes() == before

    it.leave()
    it.edit(lambda notebook: notebook.cells[0].update(source=LOAD + "\n# by another hand"))
    it.lab.open()
    assert not it.page.evaluate(f"{PANEL}.context.model.cells.get(1).trusted")
    expect(it.lab.card(1)).to_contain_text(LOST)
    assert no_widget_was_missed(it.seen())
    assert not it.dirty()
    it.run(0)
    expect(it.lab.card(1)).to_contain_text(LOST)
    it.run(1)
    expect(it.lab.card(1)).to_contain_text("Running, 1 of 3 steps")


COUNT = """\
def count(name, context: aura.ActionContext):
    done = 0
    while not context.cancelled:
        done = sum(1 for _ in pathlib.Path().glob(f"count-{name}-*"))
        context.progress(done, 4)
        pathlib.Path(f"counted-{name}-{done}").touch()
        time.sleep(0.02)
"""
COUNTING = """\
%%aura filled
meta: {title: Task filled}
steps:
  - {name: counted, action: count, params: {name: filled}}
"""


FROM_THE_FUTURE = f"""() => {{
  const {{outputs}} = {PANEL}.content.widgets[1].model;
  const output = outputs.get(0).toJSON();
  const picture = {{...output.data["{MIME}"], now: 4e12}};
  outputs.set(0, {{...output, data: {{...output.data, "{MIME}": picture}}}});
}}"""


def test_a_page_loaded_again_while_a_cell_holds_the_kernel_is_filled_in_by_the_server(tasks: Opened) -> None:
    it = tasks([LOAD + COUNT, COUNTING, "hold('go-fill')"])

    def count(done: int) -> None:
        (it.work / f"count-filled-{done}").touch()
        it.wait_for(f"counted-filled-{done}")

    it.run(0, 1)
    row = it.lab.card(1).locator(".a-row", has_text="counted")
    count(1)
    expect(row).to_contain_text("25 %")
    it.page.evaluate(FROM_THE_FUTURE)  # a file may say any time
    assert it.pictures()[0]["now"] == 4e12
    it.lab.run(2)
    it.wait_for("go-fill.held")
    it.page.goto(it.lab.url)
    expect(it.lab.card(1)).to_contain_text(SAVED)
    for done, percent in ((2, "50 %"), (3, "75 %")):
        count(done)
        expect(row).to_contain_text(percent)
        expect(it.lab.card(1)).to_contain_text(SAVED)
    assert not (it.work / "go-fill").exists(), "the cell holds the kernel still"
    assert not it.dirty()
    it.release("fill")
    cancel = it.lab.card(1).get_by_role("button", name="Cancel", exact=True)
    expect(cancel).to_be_visible()
    count(4)
    expect(row).to_contain_text("100 %")
    assert no_widget_was_missed(it.seen())
    assert not it.dirty()
    cancel.click()
    expect(it.lab.snapshot(1)).to_contain_text("Cancelled, 0 of 1 step")
    assert it.pictures()[0]["status"] == "CANCELLED"


SLOW_KERNEL = """\
import pathlib, runpy, sys, time
gate = pathlib.Path(sys.argv.pop(1))
while not gate.exists():
    time.sleep(0.05)
runpy.run_module("ipykernel_launcher", run_name="__main__")
"""
BY_ANOTHER_FRONT_END = """\
import json, sys
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbformat.sign import NotebookNotary

folder = pathlib.Path("slow-kernel")
folder.mkdir()
argv = [sys.executable, str(pathlib.Path("slow.py").resolve()), str(pathlib.Path("go-kernel").resolve())]
spec = {"argv": [*argv, "-f", "{connection_file}"], "display_name": "Slow", "language": "python"}
(folder / "kernel.json").write_text(json.dumps(spec))
KernelSpecManager().install_kernel_spec(str(folder), "slow", user=True)
notebook = nbformat.read(PATH, as_version=4)
notebook.metadata.kernelspec = {"name": "slow", "display_name": "Slow", "language": "python"}
for output in notebook.cells[1].outputs:
    view = {"model_id": "0" * 32, "version_major": 2, "version_minor": 1}
    output.data["application/vnd.jupyter.widget-view+json"] = view
nbformat.write(notebook, PATH)
NotebookNotary().sign(notebook)
pathlib.Path("changed").touch()
"""


def test_nobody_sees_a_missing_widget_however_slowly_the_kernel_starts(tasks: Opened) -> None:
    """The file is one that a front end without the extension has saved: it holds the widget's view, and is trusted."""
    it = tasks([LOAD, task("slow"), "exec(pathlib.Path('change.py').read_text())"])
    it.run(0)
    it.start(1)
    it.lab.save()
    (it.work / "slow.py").write_text(SLOW_KERNEL, "utf-8")
    (it.work / "change.py").write_text(BY_ANOTHER_FRONT_END.replace("PATH", repr(it.lab.path.name)), "utf-8")
    it.lab.run(2)
    it.wait_for("changed")
    it.leave()
    it.end_kernel()
    it.page.goto(it.lab.url)
    expect(it.lab.card(1)).to_contain_text(SAVED)
    it.page.wait_for_function(f"{PANEL}.sessionContext.session?.kernel?.name === 'slow'")
    assert it.page.evaluate(f"{PANEL}.context.model.cells.get(1).trusted")
    expect(it.lab.card(1)).to_contain_text(SAVED)
    it.release("kernel")
    expect(it.lab.card(1)).to_contain_text(LOST)
    assert no_widget_was_missed(it.seen())
    assert not it.dirty()
    assert it.pictures()[0]["lost"]


def test_a_reader_is_left_where_he_reads_when_the_task_ends(tasks: Opened) -> None:
    it = tasks([LOAD, task("read")])
    it.run(0)
    it.start(1)
    card = it.lab.card(1)
    card.get_by_role("button", name="first").click()
    expect(card.locator(".a-open")).to_contain_text("core.log")
    card.get_by_role("tab", name="Log").click()
    expect(card.get_by_role("tabpanel", name="Log")).to_contain_text("hello")
    it.release("read")
    ended = it.lab.snapshot(1)
    expect(ended).to_contain_text("Completed, 3 steps")
    expect(ended.get_by_role("tabpanel", name="Log")).to_contain_text("hello")
    ended.get_by_role("tab", name="Steps").click()
    expect(ended.get_by_role("button", name="first")).to_have_attribute("aria-expanded", "true")
    expect(ended.locator(".a-open")).to_contain_text("core.log")
