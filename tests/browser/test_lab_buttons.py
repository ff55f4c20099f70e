"""The buttons of cards over the control channel, with the JupyterLab extension."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab
from tests.browser.lab_tasks import LOAD, MIME, PANEL, Tasks, task

BOX = "import ipywidgets\nipywidgets.VBox([aura.card(boxed_1), aura.card(boxed_2)])"
IN_THREAD = """\
%%aura {name}
meta: {{title: Task {name}}}
steps:
  - {{name: gate, action: in_thread, params: {{name: {name}}}}}
"""
ACTION = """\
def in_thread(name, context: aura.ActionContext):
    while not context.cancelled:
        time.sleep(0.01)
    pathlib.Path(f"stopped-{name}").touch()
"""


@pytest.fixture
def tasks(lab: Callable[..., Lab]) -> Callable[[list[str]], Tasks]:
    """Opens a notebook."""
    return lambda cells: Tasks(lab(cells))


def test_cancel_works_while_a_cell_holds_the_kernel_in_the_card_in_a_second_view_and_in_a_box(
    tasks: Callable[[list[str]], Tasks],
) -> None:
    names = ("direct", "viewed", "boxed_1", "boxed_2")
    it = tasks([LOAD + ACTION, *(IN_THREAD.format(name=name) for name in names), BOX, "hold('go-cancel')"])
    it.run(0, 1, 2, 3, 4, 5)
    for cell in (1, 2, 3, 4):
        expect(it.lab.card(cell)).to_contain_text("Running, 0 of 1 step")
    it.select(2)
    it.lab.command("notebook:create-output-view")
    view = it.page.locator(".jp-LinkedOutputView .aura-card")
    expect(view).to_contain_text("Running, 0 of 1 step")
    boxed = it.lab.code_cell(5).locator(".aura-card", has_text="Task boxed_1")
    it.lab.run(6)
    it.wait_for("go-cancel.held")
    for name, card in (("direct", it.lab.card(1)), ("viewed", view), ("boxed_1", boxed)):
        card.get_by_role("button", name="Cancel", exact=True).click()
        it.wait_for(f"stopped-{name}")
    assert not (it.work / "go-cancel").exists(), "the cell holds the kernel still"
    it.release("cancel")
    for cell in (1, 2, 3):
        expect(it.lab.snapshot(cell)).to_contain_text("Cancelled, ")
    expect(boxed).to_contain_text("Cancelled, ")
    expect(it.lab.card(4)).to_contain_text("Running, 0 of 1 step")
    it.lab.card(4).get_by_role("button", name="Cancel", exact=True).click()
    expect(it.lab.snapshot(4)).to_contain_text("Cancelled, ")


ASKS = """\
%%aura asks
meta: {title: Asks}
steps:
  - {name: publish, action: human.approve, params: {message: "Publish the report?"}}
"""
FORGE = f"""([cell, id]) => {{
  const rows = [{{id: "0", icon: "asks", name: "poll", detail: [], open: true,
                 blocks: [{{ask: "Do you like kittens?", choices: ["Approve"]}}]}}];
  const picture = {{version: 1, task_id: id, title: "Poll", icon: "asks", phrase: [["b", "Waiting"]], said: "",
                   final: true, now: 1, bar: [], rows, log: 0}};
  const {{outputs}} = {PANEL}.content.widgets[cell].model;
  outputs.add({{output_type: "display_data", data: {{"{MIME}": picture}}, metadata: {{}}}});
}}"""


def test_a_made_up_card_in_a_file_answers_no_task_that_runs(tasks: Callable[[list[str]], Tasks]) -> None:
    it = tasks([LOAD, ASKS, "'a cell of somebody else'"])
    it.run(0, 1, 2)
    expect(it.lab.card(1)).to_contain_text("Publish the report?")
    it.page.evaluate(FORGE, [2, it.pictures()[0]["task_id"]])
    forged = it.lab.code_cell(2).locator(".aura-card")
    expect(forged).to_contain_text("Do you like kittens?")
    forged.get_by_role("button", name="Approve").click()
    it.lab.card(1).get_by_role("button", name="Reject").click()  # goes the same way, after it
    expect(it.lab.snapshot(1)).to_contain_text("Failed in publish")


def test_a_kernel_that_does_not_answer_is_said_to_and_told_once_it_does(
    tasks: Callable[[list[str]], Tasks],
) -> None:
    it = tasks([LOAD, task("silent"), "pathlib.Path('pid').write_text(str(os.getpid()))"])
    it.run(0, 2)
    it.start(1)
    pid = int((it.work / "pid").read_text("utf-8"))
    os.kill(pid, signal.SIGSTOP)
    try:
        it.lab.card(1).get_by_role("button", name="Cancel", exact=True).click()
        expect(it.lab.card(1)).to_contain_text("The kernel does not answer")
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(it.lab.snapshot(1)).to_contain_text("Cancelled, 1 of 3 steps")
