"""Tasks whose end a test decides, also while no page is open, and an eye on what a page shows in each frame."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Lab

MIME = "application/vnd.aura.task+json"
VIEW = "application/vnd.jupyter.widget-view+json"
LOST = "The kernel stopped while this ran. Last seen at "
SAVED = "As last saved at "
LIMIT = 60  # seconds
LOAD = """\
%load_ext aura_jupyter
import asyncio, os, pathlib, time
import aura_jupyter as aura

async def until(path):
    while not pathlib.Path(path).exists():
        await asyncio.sleep(0.02)

def hold(path):
    pathlib.Path(path + ".held").touch()
    while not pathlib.Path(path).exists():
        time.sleep(0.02)
"""
EYE = """
window.frames_seen = [];
(() => {
  let last = "";
  const look = () => {
    const outputs = [...document.querySelectorAll(".jp-OutputArea-output")].map(node => node.textContent);
    const bad = outputs.filter(text => /Loading widget|model not found/.test(text)).join();
    const heads = [...document.querySelectorAll(".aura-card .a-h2 p")].map(node => node.textContent).join(" | ");
    const now = bad || heads;
    if (now && now !== last) frames_seen.push(last = now);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
PANEL = "window.jupyterapp.shell.currentWidget"
SELECT = f"""async cell => {{
  const notebook = {PANEL}.content;
  notebook.activeCellIndex = cell;
  notebook.deselectAll();
  await notebook.scrollToItem(cell);
}}"""
RUN = f"""async cell => {{
  {PANEL}.content.activeCellIndex = cell;
  await window.jupyterapp.commands.execute("notebook:run-cell");
}}"""


def task(name: str) -> str:
    """A cell with a task that waits for `release`."""
    return f"""\
%%aura {name}
meta: {{title: Task {name}}}
steps:
  - {{name: first, action: core.log, params: {{message: hello}}}}
  - {{name: gate, action: until, params: {{path: go-{name}}}}}
  - {{name: last, action: file.write, params: {{path: ended-{name}, text: ended}}}}
"""


class Tasks:
    """A notebook open in JupyterLab, with tasks.

    Args:
        lab: the notebook.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.page: Page = lab.page
        self.work: Path = lab.path.parent
        loaded = self.page.evaluate("window.jupyterapp.commands.hasCommand('aura:cancel')")
        assert loaded, "this JupyterLab has not loaded the extension: `make lab`"

    def run(self, *cells: int) -> None:
        """Run cells one after another, and wait for the end of each."""
        for cell in cells:
            self.page.evaluate(RUN, cell)

    def select(self, cell: int) -> None:
        """Make a cell the active one, and scroll to it."""
        self.page.evaluate(SELECT, cell)

    def start(self, cell: int) -> None:
        """Run the cell of a task and wait until it waits for its release."""
        self.run(cell)
        expect(self.lab.card(cell)).to_contain_text("Running, 1 of 3 steps")

    def release(self, name: str) -> None:
        """Let a task or a held cell go on."""
        (self.work / f"go-{name}").touch()

    def wait_for(self, file: str) -> None:
        """Wait for a file that a task or a cell writes."""
        until = time.monotonic() + LIMIT
        while not (self.work / file).exists():
            assert time.monotonic() < until, f"{file} was not written"
            time.sleep(0.05)

    def dirty(self) -> bool:
        """Whether the notebook is marked as changed."""
        return bool(self.page.evaluate(f"{PANEL}.context.model.dirty"))

    def pictures(self) -> list[dict[str, Any]]:
        """Save, and give the pictures in the file; no output may hold a widget's view beside one."""
        return pictures(self.lab.save())

    def seen(self) -> list[str]:
        """What the page has shown since it was loaded, frame by frame: cards' heads, or a widget that is not there."""
        shown: list[str] = self.page.evaluate("frames_seen")
        return shown

    def leave(self) -> None:
        """Close the page."""
        self.page.goto("about:blank")

    def rest(self, method: str, path: str, content: object = None) -> Any:
        """Ask Jupyter Server."""
        address = self.lab.url.partition("/lab/")[0]
        place = path.replace("lab:", "lab/api/") if path.startswith("lab:") else f"api/{path}"
        data = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": "token test", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}/{place}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def setting(self, plugin: str, **settings: object) -> None:
        """Set what a person has set of a plugin; it counts at the next load of the page."""
        self.rest("PUT", f"lab:settings/{plugin}", {"raw": json.dumps(settings)})

    def end_kernel(self) -> None:
        """Shut down the kernel of this notebook."""
        (session,) = (each for each in self.rest("GET", "sessions") if each["path"] == self.lab.path.name)
        self.rest("DELETE", f"sessions/{session['id']}")

    def edit(self, change: Any) -> None:
        """Change the file behind JupyterLab's back; its cells are no longer trusted."""
        notebook = nbformat.read(self.lab.path, as_version=4)
        change(notebook)
        nbformat.write(notebook, self.lab.path)


def pictures(notebook: Any) -> list[dict[str, Any]]:
    """The pictures in a stored notebook; no output may hold a widget's view beside one."""
    found = [
        output.data for cell in notebook.cells for output in cell.get("outputs", []) if MIME in output.get("data", {})
    ]
    assert not any(VIEW in data for data in found)
    return [data[MIME] for data in found]


def no_widget_was_missed(seen: list[str]) -> bool:
    """Whether no frame showed a widget's view that was not there."""
    return not any("Loading widget" in text or "model not found" in text for text in seen)


def tab(card: Locator, name: str) -> Locator:
    """A tab of a card."""
    return card.get_by_role("tab", name=name)
