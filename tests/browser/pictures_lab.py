"""The pictures of the JupyterLab extension: its side panel, its editor, and cards in high contrast."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.camera import PICTURES, THEMES, new_page, save, save_around, wear
from tests.browser.lab import Lab
from tests.browser.lab_tasks import LOAD
from tests.browser.test_lab_editor import Editor, of_notebook
from tests.browser.test_lab_panel import Panel

CONTRAST = "JupyterLab Dark High Contrast"
PANEL_CELLS = [
    LOAD
    + """
%config AuraMagics.max_concurrency = 2
async def read(context: aura.ActionContext):
    context.progress(42_000, 100_000)
    await until("never")

async def publish(context: aura.ActionContext):
    return await context.ask("Publish the table to the shared folder?")

import pandas as pd
flights = pd.DataFrame(0, index=range(336_776), columns=list("abcdefghijklmnopqrs"))
weather = flights[list("abcdefghijklmno")].head(26_115)
""",
    """\
%%aura
meta: {title: Flights of New York 2013}
steps:
  - {name: fetch, action: core.log, params: {message: fetch}}
  - {name: join, action: file.read, params: {path: planes-2013.csv}}""",
    "%%aura\nmeta: {title: Fetch each day}\nsteps: [{action: core.sleep, params: {seconds: 1.3}}]",
    "%%aura\nmeta: {title: Delays by airport and hour}\nsteps: [{name: read, action: read}]",
    """\
%%aura
meta: {title: Flights of New York 2013}
steps:
  - {name: fetch, action: core.log, params: {message: fetch}}
  - {name: read, action: read}
  - {name: join, action: core.log, params: {message: join}}
  - {name: summarise, action: core.log, params: {message: summarise}}
""",
    """\
%%aura
meta: {title: Nightly report}
steps:
  - {name: count, action: core.log, params: {message: count}}
  - {name: publish, action: publish}
""",
    "%%aura\nmeta: {title: Fetch the weather of 2013}\nsteps: [{name: read, action: read}]",
    "%%aura\nmeta: {title: 'Arrival delays of United and JetBlue'}\nsteps: [{name: read, action: read}]",
]
FORM = """\
meta: {title: Flights of New York 2013}
inputs:
  - {name: flights, description: All flights of the year}
  - {name: origin, type: string, default: JFK, enum: [JFK, LGA, EWR], description: Where the flights leave}
  - {name: rate, type: number, min: 0, max: 1, description: Share of the rows to read}
  - {name: days, type: "list[integer]", default: [1, 2, 3]}
  - {name: token, type: secret}
  - {name: by_month, type: boolean, default: true}
steps:
  - {name: read, action: core.log, params: {message: read}}
"""


def panel(browser: Browser, address: str, work: Path) -> None:
    """The side panel with tasks, its form with a value that is refused, and a card in high contrast."""
    page = new_page(browser, width=1100, height=740)
    cells = [cell.strip() for cell in PANEL_CELLS]
    beside = Panel(Lab(page, address, work, cells, theme=THEMES["light"], name="delays.ipynb"))
    it = beside.it
    it.run(0, 1, 2, 3)
    beside.press("Delays by airport and hour", "Cancel")
    expect(beside.items("Recent")).to_have_count(3)
    it.run(4, 5, 6, 7)
    running = beside.items("Running").filter(has_text="Flights of New York 2013")
    running.get_by_role("button", name="Flights of New York 2013").click()
    expect(running).to_contain_text("42 %")
    expect(beside.items("Running")).to_contain_text(["1 of 4 steps", "Waiting for you"])
    expect(beside.items("Queued")).to_have_count(2)
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(1_000, 700)
    it.select(4)
    page.screenshot(path=PICTURES / "jupyterlab.png", animations="disabled")
    for theme, name in THEMES.items():
        wear(page, name)
        save(beside.node, f"panel-{theme}")
    wear(page, CONTRAST)
    it.select(1)
    save(it.lab.snapshot(1), "card-failed-contrast")
    it.select(4)
    save(it.lab.card(4), "card-running-contrast")
    (work / "flights.aura.yaml").write_text(FORM, "utf-8")
    it.lab.command("docmanager:open", path="flights.aura.yaml")
    page.locator("[data-jp-item-name=aura-run]:visible").click()
    form = beside.node.locator("form")
    form.get_by_label("token").fill("s3cret-token")
    form.get_by_label("rate").fill("1.5")
    beside.button("Run").click()
    expect(form).to_contain_text("the largest value is 1")
    expect(form).to_contain_text("1 problem")
    page.evaluate("document.activeElement.blur()")  # the ring of the focus hides the border
    for theme, name in THEMES.items():
        wear(page, name)
        save(form, f"panel-form-{theme}")
    it.lab.command("aura:cancel-all")
    page.context.close()


EDITOR_CELLS = [
    '''\
%load_ext aura_jupyter

def clean(frame, origin="JFK"):
    """Take the flights of one airport."""
    return frame
''',
    """\
%%aura delays
inputs:
  - flights
  - {name: origin, type: string, default: JFK}
steps:
  - name: pick
    action: clean
    params: {frame: "{{ inputs.flights }}", origin: "{{ inputs.orgin }}"}
    timeout: 5m
""",
    """\
%%aura delays
inputs: [flights]
steps:
  - name: pick
    action: clean
    params: {frame: "{{ inputs.flights }}"}
  - name: note
    action: core.""",
]


def editor(browser: Browser, address: str, work: Path) -> None:
    """What is said of a mistake in a cell, and what is offered."""
    page = new_page(browser, width=1100, height=900)
    lab = Lab(page, address, work, [cell.strip() for cell in EDITOR_CELLS], theme=THEMES["light"], name="edited.ipynb")
    lab.command("application:toggle-left-area")
    _, wrong, begun = of_notebook(lab, 3)
    lab.run(0)
    expect(wrong.explain("clean")).to_contain_text(
        "Take the flights of one airport."
    )  # so it is the kernel that answers
    expect(wrong.underlined).to_have_text(["inputs.orgin"])
    for theme, name in THEMES.items():
        wear(page, name)
        problem(page, wrong, theme)
        completion(page, begun, theme)
    page.context.close()


def problem(page: Page, cell: Editor, theme: str) -> None:
    """A problem that is pointed at."""
    cell.content.click()
    page.keyboard.press("Control+End")
    tip = cell.tip_of(cell.underlined)
    save_around(page, f"editor-problem-{theme}", cell.box.locator(".jp-Cell-inputWrapper"), tip)
    expect(tip).to_be_visible()  # an answer of the kernel's that came meanwhile would have closed it
    page.mouse.move(1, 1)
    expect(cell.tip).to_have_count(0)


def completion(page: Page, cell: Editor, theme: str) -> None:
    """What is offered at the end of a cell."""
    cell.at_end()
    cell.ask()
    offered = page.locator(".jp-Completer:visible")
    save_around(page, f"editor-completion-{theme}", cell.box.locator(".jp-Cell-inputWrapper"), offered)
    page.keyboard.press("Escape")
    expect(offered).to_have_count(0)
