"""A JupyterLab of its own, a browser without a screen, and a notebook open in it, as a person has it."""

from __future__ import annotations

import copy
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
START = 90  # seconds that a server may take on a busy machine
END = 30  # seconds that it may take to end
LOOK = 60_000  # milliseconds that what is expected of a page may take there
_numbers = itertools.count(1)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium or Chrome of this machine. What is expected of a page is waited for as long as a busy one needs."""
    expect.set_options(timeout=LOOK)
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    assert path, "this needs Chromium or Chrome; `make test` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def jupyterlab(home: Path, work: Path, *, extension: bool = True) -> Iterator[str]:
    """A JupyterLab with no settings of the person's; gives its address.

    Args:
        home: a folder for its settings.
        work: the folder that it shows.
        extension: False turns our labextension off.
    """
    disabled = {} if extension else {"aura-jupyter": True}  # one that is named is disabled, whatever is said of it
    (home / "page_config.json").write_text(json.dumps({"disabledExtensions": disabled}), "utf-8")
    (home / "overrides.json").write_text(
        json.dumps({"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}), "utf-8"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment = {**os.environ, **{name: str(home / name.lower()) for name in folders}}
    options = {
        "--ServerApp.port": port,
        "--ServerApp.port_retries": 0,
        "--ServerApp.root_dir": work,
        "--IdentityProvider.token": "test",
        "--LabServerApp.app_settings_dir": home,
        "--LabApp.expose_app_in_browser": True,
        "--JupyterNotebookApp.expose_app_in_browser": True,
    }
    given = [f"{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *given]
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/api?token=test", process, home / "log")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(END)
            except subprocess.TimeoutExpired:  # it waits for a kernel that does not answer; those end with it
                process.kill()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """A server says on no channel that it is up, so its port is knocked at."""
    until = time.monotonic() + START
    while True:
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < until, log.read_text("utf-8")
            time.sleep(0.1)


class Lab:
    """A notebook in a page.

    Args:
        page: the page.
        address: where JupyterLab answers.
        work: the folder that it shows.
        notebook: the code of its cells, or a notebook that is copied with the modules beside it.
        theme: the name of JupyterLab's theme.
        name: the file's name; None makes one.
    """

    def __init__(
        self, page: Page, address: str, work: Path, notebook: list[str] | Path, *, theme: str, name: str | None = None
    ) -> None:
        self.page = page
        self.path = work / (name or f"test-{next(_numbers)}.ipynb")
        self.url = f"{address}/lab/tree/{self.path.name}?reset&token=test"
        self._write(notebook)
        self.open(theme)

    def _write(self, notebook: list[str] | Path) -> None:
        if isinstance(notebook, list):
            spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
            cells = [new_code_cell(code) for code in notebook]
            nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), self.path)
            return
        content = nbformat.read(notebook, as_version=4)
        for cell in content.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(content, self.path)
        for module in notebook.parent.glob("*.py"):
            shutil.copy(module, self.path.parent)

    def open(self, theme: str = "JupyterLab Light") -> None:
        """Open it, or load the page again."""
        self.page.goto(self.url)
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_selector("text=| Idle")  # the indicator says idle before a kernel is connected
        self.command("apputils:change-theme", theme=theme)

    def in_another_tab(self) -> Lab:
        """The same notebook, open in a further tab of the browser."""
        other = copy.copy(self)
        other.page = self.page.context.new_page()
        other.url = self.url.replace("/lab/tree/", "/lab/workspaces/another/tree/")
        other.open()
        return other

    def command(self, name: str, **arguments: Any) -> None:
        """Run a command of JupyterLab's and wait until it is done."""
        self.page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments])

    def code_cell(self, index: int) -> Locator:
        """A code cell, counted from 0."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def run(self, index: int) -> None:
        """Run a code cell without waiting for it."""
        self.code_cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def run_all(self) -> None:
        """Run all cells without waiting."""
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def outputs(self, index: int) -> Locator:
        """The outputs of a code cell."""
        return self.code_cell(index).locator(".jp-OutputArea-output")

    def card(self, index: int) -> Locator:
        """The live card under a code cell."""
        return self.code_cell(index).locator(".aura-card")

    def snapshot(self, index: int) -> Locator:
        """The finished card under a code cell: plain HTML, or drawn from the stored picture by the labextension."""
        return self.code_cell(index).locator(".aura-snapshot, .jp-RenderedAura .aura-card")

    def save(self) -> dict[str, Any]:
        """Save the notebook and give what its file holds."""
        self.command("docmanager:save")
        saved: dict[str, Any] = nbformat.read(self.path, as_version=4)
        return saved
