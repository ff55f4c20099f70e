"""What a person sees of a task in JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.lab import Lab

QUICKSTART = Path(__file__).resolve().parents[2] / "notebooks" / "01-quickstart.ipynb"
LOAD = """\
%load_ext aura_jupyter
import asyncio
import aura_jupyter as aura

gate = asyncio.Event()

async def wait_for_gate():
    await gate.wait()
    return 42
"""
WAITS = """\
%%aura waiting
meta: {title: Waiting}
steps:
  - {name: first, action: core.log, params: {message: hello}}
  - {name: gate, action: wait_for_gate}
  - {name: last, action: core.log, params: {message: "{{ steps.gate.output }}"}}
"""


def test_the_quickstart_runs_and_its_card_moves_from_running_to_completed(lab: Callable[..., Lab]) -> None:
    notebook = lab(QUICKSTART)
    notebook.run_all()
    card = notebook.card(2)
    expect(card).to_contain_text("Delays from JFK")
    expect(card).to_contain_text(re.compile(r"Running, \d of 5 steps"))
    expect(notebook.outputs(3)).to_contain_text("4983")  # the next cell answers meanwhile
    assert card.is_visible() or notebook.snapshot(2).is_visible()
    expect(notebook.snapshot(2)).to_contain_text("Completed, 5 steps")
    expect(notebook.outputs(4).first).to_contain_text("Hawaiian Airlines")
    expect(notebook.snapshot(6)).to_contain_text("Completed, 1 step")
    saved = notebook.save()
    outputs = [output for cell in saved["cells"] for output in cell.get("outputs", [])]
    assert not any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)


def test_a_cell_answers_while_a_task_runs(lab: Callable[..., Lab]) -> None:
    notebook = lab([LOAD, WAITS, "6 * 7", "gate.set()"])
    for index in range(3):
        notebook.run(index)
    expect(notebook.card(1)).to_contain_text("Running, 1 of 3 steps")
    expect(notebook.outputs(2)).to_contain_text("42")
    expect(notebook.card(1)).to_contain_text("Running, 1 of 3 steps")
    notebook.run(3)
    expect(notebook.snapshot(1)).to_contain_text("Completed, 3 steps")


def test_cancel_stops_the_task_and_the_card_says_so(lab: Callable[..., Lab]) -> None:
    notebook = lab([LOAD, WAITS])
    notebook.run(0)
    notebook.run(1)
    notebook.card(1).get_by_role("button", name="Cancel").click()
    expect(notebook.snapshot(1)).to_contain_text("Cancelled, 1 of 3 steps")


def test_a_mistake_is_shown_under_its_line_without_a_traceback(lab: Callable[..., Lab]) -> None:
    notebook = lab([LOAD, "%%aura\nsteps:\n  - name: a\n    action: core.log\n    parms: {message: x}\n"])
    notebook.run(0)
    notebook.run(1)
    expect(notebook.outputs(1)).to_contain_text("Line 5: step 'a' has no key 'parms'")
    expect(notebook.outputs(1)).to_contain_text("Write 'params'.")
    expect(notebook.outputs(1)).not_to_contain_text("Traceback")


def test_a_reopened_notebook_shows_the_finished_card(lab: Callable[..., Lab]) -> None:
    notebook = lab([LOAD, WAITS, "gate.set()"])
    for index in range(3):
        notebook.run(index)
    expect(notebook.snapshot(1)).to_contain_text("Completed, 3 steps")
    notebook.save()
    notebook.open()
    expect(notebook.snapshot(1)).to_contain_text("Completed, 3 steps")
    expect(notebook.code_cell(1)).not_to_contain_text("model not found")


def test_a_page_loaded_again_shows_the_card_as_it_is_now(lab: Callable[..., Lab]) -> None:
    """That its end is then stored too takes the labextension: the page has forgotten which output has which id."""
    notebook = lab([LOAD, WAITS, "gate.set()"])
    notebook.run(0)
    notebook.run(1)
    expect(notebook.card(1)).to_contain_text("Running, 1 of 3 steps")
    notebook.save()
    notebook.open()
    expect(notebook.card(1)).to_contain_text("Running, 1 of 3 steps")
    notebook.run(2)
    expect(notebook.card(1)).to_contain_text("Completed, 3 steps")


def test_the_log_the_graph_and_a_row_open_while_the_task_runs(lab: Callable[..., Lab]) -> None:
    notebook = lab([LOAD, WAITS, "gate.set()"])
    notebook.run(0)
    notebook.run(1)
    card = notebook.card(1)
    expect(card).to_contain_text("Running, 1 of 3 steps")
    card.get_by_role("tab", name="Log").click()
    expect(card.locator(".a-lines")).to_contain_text("first  hello")
    card.get_by_role("tab", name="Graph").click()
    expect(card.locator(".a-graph .n")).to_have_count(3)
    expect(card.locator(".a-graph .n.a-running")).to_have_count(1)
    card.get_by_role("tab", name="Steps").click()
    card.locator(".a-row", has_text="first").click()
    expect(card.locator(".a-open")).to_contain_text("'hello'")
    notebook.run(2)
    expect(notebook.snapshot(1)).to_contain_text("Completed, 3 steps")


ASKS = """\
%%aura asking
meta: {title: Asking}
steps:
  - {name: ask, action: human.approve, params: {message: "Publish it?"}}
  - {name: after, action: core.log, params: {message: "{{ steps.ask.output }}"}}
"""


def test_a_person_approves_in_the_card(lab: Callable[..., Lab]) -> None:
    notebook = lab([LOAD, ASKS])
    notebook.run(0)
    notebook.run(1)
    card = notebook.card(1)
    expect(card).to_contain_text("Publish it?")
    expect(card).to_contain_text("Waiting for you, 0 of 2 steps")
    card.get_by_role("button", name="Approve").click()
    expect(notebook.snapshot(1)).to_contain_text("Completed, 2 steps")
