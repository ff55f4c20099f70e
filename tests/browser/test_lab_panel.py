"""The side panel of the JupyterLab extension: the tasks of the open notebooks' kernels, and the form that runs one."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.lab import Lab
from tests.browser.lab_tasks import LIMIT, LOAD, PANEL, Tasks, task
from tests.browser.test_notebook7 import Notebook7

SPEC = """\
meta: {title: Flights}
inputs:
  - {name: flights, description: All flights of the year}
  - {name: origin, type: string, default: JFK, enum: [JFK, LGA]}
  - {name: rate, type: number, min: 0, max: 1}
  - {name: token, type: secret}
  - {name: by_month, type: boolean, default: true}
steps:
  - action: file.write
    params: {path: given, text: "{{ inputs.flights }} {{ inputs.origin }} {{ inputs.rate }} {{ inputs.by_month }}"}
"""
FAILS = "%%aura broken\nsteps: [{name: join, action: file.read, params: {path: nowhere.txt}}]"
CELLS = [
    f"{LOAD}%config AuraMagics.max_concurrency = 2\nflights, others = [1, 2, 3], {{'b': 2}}\n{'long_name_' * 5} = 1",
    *(task(f"panel_{name}") for name in ("a", "b", "c", "d")),
    FAILS,
    "hold('go-held')",
    f"%%aura\n{SPEC}",
    *("1" for _ in range(30)),
]

ASK = """async ([path, content]) => {
  const widgets = [...window.jupyterapp.shell.widgets("main")];
  const { kernel } = widgets.find(({ context }) => context?.path === path).sessionContext.session;
  const header = { msg_id: "a-test", msg_type: "aura_request", session: kernel.clientId, username: "", version: "5.3" };
  const message = { header, channel: "control", content, metadata: {}, parent_header: {}, buffers: [] };
  await kernel.sendControlMessage(message, true, true).done;
}"""


class Panel:
    """The panel beside a notebook."""

    def __init__(self, lab: Lab) -> None:
        self.it = Tasks(lab)
        self.page: Page = lab.page
        self.node = self.page.locator("#aura-panel")
        lab.command("aura:open-panel")
        expect(self.node).to_be_visible()

    def items(self, part: str) -> Locator:
        """The tasks of a part of the list."""
        return self.node.locator("section", has=self.page.locator("h2", has_text=part)).locator(".a-item")

    def item(self, title: str) -> Locator:
        """A task."""
        return self.node.locator(".a-item", has=self.page.get_by_role("button", name=title, exact=True))

    def press(self, title: str, label: str) -> None:
        """Press a button of a task."""
        self.item(title).get_by_role("button", name=label).click()

    def button(self, label: str) -> Locator:
        """A button of the panel."""
        return self.node.get_by_role("button", name=label, exact=True)


@pytest.fixture(scope="module")
def shared_page(browser: Browser) -> Iterator[Page]:
    """One page for the tests of this module, one after another."""
    context = browser.new_context(viewport={"width": 1250, "height": 900})
    context.set_default_timeout(LIMIT * 1000)
    yield context.new_page()
    context.close()


@pytest.fixture
def opened(server: tuple[str, Path], shared_page: Page) -> Callable[[list[str]], Panel]:
    """Opens a notebook with the panel beside it."""
    return lambda cells: Panel(Lab(shared_page, *server, cells, theme="JupyterLab Light"))


def test_an_empty_panel_teaches(opened: Callable[[list[str]], Panel]) -> None:
    panel = opened(["1"])
    it, page = panel.it, panel.page
    expect(panel.node).to_contain_text("Aura is not loaded")
    expect(panel.node).to_contain_text(f"{it.lab.path.name} has a kernel, but Aura is not loaded in it.")
    panel.button("Load Aura").click()
    expect(panel.node).to_contain_text("No tasks yet")
    panel.button("Insert this example").click()
    expect(it.lab.code_cell(1)).to_contain_text("%%aura hello")
    it.run(1)
    expect(panel.items("Recent")).to_have_count(1)
    expect(panel.item("hello")).to_contain_text("Completed")
    it.end_kernel()
    expect(panel.node).to_contain_text("No kernel")
    expect(panel.node).to_contain_text(f"Tasks run in a kernel, and {it.lab.path.name} has none.")
    expect(panel.item("hello").get_by_role("button", name="Run again")).to_be_hidden()
    it.lab.save()
    page.evaluate(f"{PANEL}.close()")
    expect(panel.node).to_contain_text("No notebook is open")
    expect(panel.button("New notebook")).to_be_visible()


def test_the_panel_lists_tasks_and_its_buttons_act(opened: Callable[[list[str]], Panel]) -> None:
    panel = opened(CELLS)
    it, page = panel.it, panel.page
    it.run(0, 5)
    it.select(1)
    it.start(1)
    it.start(2)
    it.run(3, 4)
    expect(panel.items("Running")).to_have_count(2)
    expect(panel.items("Queued")).to_contain_text(["Task panel_c", "Task panel_d"])
    expect(panel.item("broken")).to_contain_text("Failed in join")
    expect(page.locator(".lm-TabBar-tab[data-id=aura-panel]")).to_have_attribute("data-aura-running", "2")
    expect(page.locator(".aura-Status")).to_have_text("Aura: 2 running, 2 queued")

    panel.press("Task panel_d", "Move up")
    expect(panel.items("Queued")).to_contain_text(["Task panel_d", "Task panel_c"])
    expect(panel.item("Task panel_d").get_by_role("button", name="Move down")).to_be_focused()
    expect(panel.item("Task panel_d").get_by_role("button", name="Move up")).to_be_disabled()

    panel.item("Task panel_a").get_by_role("button", name="Task panel_a").click()
    expect(panel.item("Task panel_a").locator(".a-rows > li")).to_contain_text(["first", "gate", "last"])
    expect(panel.item("Task panel_a").locator(".a-rows > .a-running")).to_contain_text("gate")
    page.keyboard.press("ArrowDown")
    expect(panel.button("Task panel_b")).to_be_focused()

    panel.node.get_by_label("Status").select_option("failed")
    expect(panel.node.locator(".a-item")).to_have_count(1)
    panel.node.get_by_label("Filter tasks").fill("weather")
    expect(panel.node).to_contain_text("No task matches “weather”")
    expect(panel.node).to_contain_text("5 tasks are hidden by the filter.")
    panel.button("Clear the filter").click()
    clock = panel.item("Task panel_b").locator(".a-t").first
    expect(clock).not_to_have_text(re.compile("^[01] s$"))
    panel.node.get_by_label("Filter tasks").fill("PANEL_B test-")
    expect(panel.node.locator(".a-item")).to_contain_text(["Task panel_b"])
    assert clock.inner_text() not in {"0 s", "1 s"}  # it goes on where the list is drawn anew
    panel.node.get_by_label("Filter tasks").fill("")
    expect(panel.item("Task panel_a").locator(".a-rows > .a-running")).to_contain_text("gate")  # still open

    it.lab.command("aura:cancel-all")
    expect(panel.items("Recent")).to_have_count(5)


def test_a_question_is_answered_in_the_panel_and_its_choices_can_be_read(opened: Callable[[list[str]], Panel]) -> None:
    choices = "[Publish it, Ask me again tomorrow when the numbers of the last week are there, Reject]"
    params = f"{{message: 'Publish the table?', choices: {choices}}}"
    load = f"{LOAD}pathlib.Path('asking').write_text(str(os.getpid()))"
    panel = opened([load, f"%%aura asks\nsteps: [{{name: publish, action: human.approve, params: {params}}}]"])
    panel.it.run(0, 1)
    panel.button("asks").click()
    buttons = panel.item("asks").locator(".a-btns button")
    expect(buttons).to_have_count(3)
    whole = """node => node.scrollWidth <= node.clientWidth
        && node.getBoundingClientRect().right < node.closest(".aura-Panel").getBoundingClientRect().right"""
    assert [button.evaluate(whole) for button in buttons.all()] == [True, True, True]
    buttons.nth(1).click()
    expect(panel.item("asks")).to_contain_text("Completed")

    panel.press("asks", "Run again")
    panel.items("Running").get_by_role("button", name="asks").click()
    expect(buttons).to_have_count(3)
    os.kill(int((panel.it.work / "asking").read_text("utf-8")), signal.SIGKILL)
    expect(panel.node).to_contain_text("The kernel stopped while this ran")
    expect(panel.node).to_contain_text("Was running")
    expect(buttons).to_have_count(0)


def test_the_list_is_live_also_while_a_cell_holds_the_kernel(opened: Callable[[list[str]], Panel]) -> None:
    panel = opened([cell.replace("panel_", "live_") for cell in CELLS])
    it, page = panel.it, panel.page
    it.run(0)
    it.start(1)
    it.start(2)
    it.run(3, 4)
    it.select(len(CELLS) - 1)
    expect(it.lab.card(2)).not_to_be_in_viewport()
    panel.press("Task live_b", "Go to cell")
    expect(it.lab.card(2)).to_be_in_viewport()

    it.release("live_a")
    expect(panel.item("Task live_a")).to_contain_text("Completed")
    expect(panel.items("Recent").first).to_contain_text("Task live_a")
    expect(panel.items("Running")).to_contain_text(["Task live_b", "Task live_c"])
    panel.press("Task live_a", "Run again")
    expect(panel.items("Queued")).to_contain_text(["Task live_d", "Task live_a"])

    it.select(6)
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-cell')")
    it.wait_for("go-held.held")
    panel.press("Task live_c", "Cancel")
    expect(panel.item("Task live_c")).to_contain_text("Cancelling…")
    expect(panel.item("Task live_c").get_by_role("button", name="Cancel")).to_be_disabled()
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    expect(panel.node).to_be_hidden()
    it.lab.command("aura:open-panel")
    expect(panel.item("Task live_b")).to_contain_text("1 of 3 steps")
    (it.work / "go-held").touch()
    expect(panel.item("Task live_c")).to_contain_text("Cancelled")

    it.lab.command("aura:cancel-all")
    expect(page.locator(".aura-Status")).to_be_hidden()
    expect(page.locator(".lm-TabBar-tab[data-id=aura-panel]")).not_to_have_attribute(
        "data-aura-running", re.compile(".")
    )


def run_the_cell_with_a_variable_and_with_yaml(panel: Panel) -> None:
    it, form = panel.it, panel.node.locator("form")
    flights = form.get_by_label("flights", exact=True)
    it.select(7)
    panel.button("Run cell…").click()
    expect(form).to_contain_text("The task of the current cell")
    flights.select_option("others, dict of 1")
    form.get_by_label("rate").fill("1")
    form.get_by_label("token").fill("s3cret")
    panel.button("Run").click()
    expect(panel.items("Recent")).to_have_count(2)
    assert (it.work / "given").read_text("utf-8").startswith("{'b': 2} JFK 1")

    it.select(7)
    panel.button("Run cell…").click()
    flights.select_option("Write it as YAML…")
    form.get_by_label("flights as YAML").fill("{a: [1")
    form.get_by_label("rate").fill("1")
    expect(form.get_by_label("flights as YAML")).to_have_attribute("aria-invalid", "true")
    expect(flights).not_to_have_attribute("aria-invalid", "true")
    form.get_by_label("flights as YAML").fill("{a: [1]}")
    form.get_by_label("token").fill("s3cret")
    panel.button("Run").click()
    expect(panel.items("Recent")).to_have_count(3)
    assert (it.work / "given").read_text("utf-8").startswith("{'a': [1]} JFK 1")


def test_a_form_checks_its_values_and_runs_a_file_or_the_cell(opened: Callable[[list[str]], Panel]) -> None:
    panel = opened(CELLS)
    it, page = panel.it, panel.page
    it.run(0)
    (it.work / "flights.aura.yaml").write_text(SPEC, "utf-8")
    it.lab.command("filebrowser:activate")
    it.lab.command("filebrowser:refresh")
    page.locator(".jp-DirListing-item", has_text="flights.aura.yaml").click(button="right")
    page.locator(".lm-Menu-item", has_text="Run the Task…").click()
    form = panel.node.locator("form")
    expect(form).to_contain_text("Flights, 1 step.")
    expect(form).to_contain_text(f"Runs in the kernel of {it.lab.path.name}.")
    flights = form.get_by_label("flights", exact=True)
    expect(flights).to_be_focused()
    expect(flights.locator("option").first).to_have_text("flights, list of 3")
    expect(form).to_contain_text(f"A variable of {it.lab.path.name}.")
    expect(form.get_by_label("token")).to_have_attribute("type", "password")
    expect(form.get_by_label("origin")).to_have_value('"JFK"')
    form.get_by_label("rate").fill("1.5")
    form.get_by_label("by_month").uncheck()
    expect(form.locator(".aura-Panel-field", has_text="rate")).to_contain_text("the largest value is 1")
    expect(form).not_to_contain_text("A value is needed.")
    panel.button("Run").click()
    expect(form).to_contain_text("2 problems")
    assert panel.node.evaluate("node => node.scrollWidth <= node.clientWidth")
    expect(form).to_contain_text("A value is needed.")
    expect(form.get_by_label("rate")).to_be_focused()
    expect(form.get_by_label("rate")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("origin")).not_to_have_attribute("aria-invalid", "true")
    form.get_by_label("rate").fill("0.5")
    form.get_by_label("token").fill("s3cret")
    form.get_by_label("origin").select_option("LGA")
    page.keyboard.press("Tab")
    form.get_by_label("rate").press("Enter")
    expect(panel.item("Flights")).to_contain_text("Completed")
    assert (it.work / "given").read_text("utf-8") == "[1, 2, 3] LGA 0.5 False"
    expect(panel.item("Flights").get_by_role("button", name="Go to cell")).to_be_hidden()

    it.lab.command("docmanager:open", path="flights.aura.yaml")
    page.locator(".jp-FileEditor").wait_for()
    page.evaluate("window.jupyterapp.shell.currentWidget.context.model.fromString('steps:\\n  - actoin: core.log\\n')")
    page.locator("[data-jp-item-name=aura-run]:visible").click()
    expect(form).to_contain_text(re.compile("Line 2: .*actoin"))
    panel.button("Run").press("Escape")
    expect(form).to_have_count(0)

    it.lab.command("docmanager:open", path=it.lab.path.name)
    run_the_cell_with_a_variable_and_with_yaml(panel)


def test_a_kernel_that_answers_late_does_not_change_the_form_of_another(opened: Callable[[list[str]], Panel]) -> None:
    panel = opened([f"{LOAD}pathlib.Path('slow').write_text(str(os.getpid()))\nflights = [1]"])
    it, page = panel.it, panel.page
    it.run(0)
    cells = [new_code_cell(f"{LOAD}flights = [1, 2]")]
    nbformat.write(new_notebook(cells=cells, metadata=nbformat.read(it.lab.path, 4).metadata), it.work / "quick.ipynb")
    it.lab.command("docmanager:open", path="quick.ipynb")
    page.wait_for_function("window.jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === 'idle'")
    expect(panel.node).to_contain_text("Aura is not loaded")
    it.run(0)
    expect(panel.node).to_contain_text("No tasks yet")
    (it.work / "late.aura.yaml").write_text(SPEC, "utf-8")
    it.lab.command("aura:run-file", path="late.aura.yaml")
    form = panel.node.locator("form")
    flights = form.get_by_label("flights", exact=True).locator("option").first
    expect(flights).to_have_text("flights, list of 2")
    kernel = int((it.work / "slow").read_text("utf-8"))
    os.kill(kernel, signal.SIGSTOP)
    form.get_by_label("Kernel of").select_option(it.lab.path.name)
    flights.evaluate("node => { node.id = 'drawn-before'; }")
    form.get_by_label("Kernel of").select_option("quick.ipynb")
    expect(form.locator("#drawn-before")).to_have_count(0)
    os.kill(kernel, signal.SIGCONT)
    page.evaluate(ASK, [it.lab.path.name, {"kind": "inputs", "task_spec": SPEC}])  # its answer comes after the late one
    expect(flights).to_have_text("flights, list of 2")
    panel.button("Back").click()


def test_the_panel_is_there_after_a_reload_and_axe_finds_nothing(opened: Callable[[list[str]], Panel]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    panel = opened(CELLS)
    it, page = panel.it, panel.page
    it.run(0, 5)
    it.select(1)
    it.start(1)
    it.start(2)
    it.run(3, 4)
    panel.item("Task panel_a").get_by_role("button", name="Task panel_a").click()
    expect(panel.item("Task panel_a").locator(".a-rows > li")).to_have_count(3)
    until = time.monotonic() + LIMIT
    while "aura-panel" not in str(it.rest("GET", "lab:workspaces/default")["data"].get("layout-restorer:data")):
        assert time.monotonic() < until, "the layout was not saved"
        page.wait_for_timeout(100)
    page.goto(it.lab.url.replace("reset&", ""))
    expect(panel.items("Running")).to_have_count(2)
    expect(panel.items("Queued")).to_have_count(2)
    expect(panel.item("broken")).to_contain_text("Failed in join")
    panel.item("Task panel_a").get_by_role("button", name="Task panel_a").click()
    expect(panel.item("Task panel_a").locator(".a-rows > li")).to_have_count(3)

    def judge() -> None:
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            it.lab.command("apputils:change-theme", theme=theme)
            page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")
            results = axe.run(page, context={"include": [["#aura-panel"]]})
            assert not results.response["violations"], results.generate_report()

    judge()
    it.select(7)
    panel.button("Run cell…").click()
    panel.button("Run").click()
    expect(panel.node).to_contain_text("2 problems")
    judge()
    it.lab.command("apputils:change-theme", theme="JupyterLab Light")
    it.end_kernel()


def test_notebook_7_has_the_panel(server: tuple[str, Path], shared_page: Page) -> None:
    panel = Panel(Notebook7(shared_page, *server, CELLS, theme=""))
    it = panel.it
    it.run(0)
    it.start(1)
    expect(panel.item("Task panel_a")).to_contain_text("1 of 3 steps")
    it.select(7)
    panel.button("Run cell…").click()
    panel.node.get_by_label("rate").fill("2")
    panel.button("Run").click()
    expect(panel.node).to_contain_text("2 problems")
    panel.node.get_by_label("rate").fill("1")
    panel.node.get_by_label("token").fill("s3cret")
    panel.button("Run").click()
    expect(panel.item("Flights")).to_contain_text("Completed")
    panel.press("Task panel_a", "Cancel")
    expect(panel.item("Task panel_a")).to_contain_text("Cancelled")
