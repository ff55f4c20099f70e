"""Makes the pictures of the docs: `python -m tests.browser.pictures` (`make pictures`) writes docs/pictures/*.png.

With names, such as `python -m tests.browser.pictures panel editor`, only those are made.
What runs is shown in a JupyterLab; the other states, which last too short or come too seldom to be caught there, in a
page of their own, drawn by the same code from pictures of real tasks.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import io
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import Browser, expect

from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.view.text import TerminalLines
from tests.browser import card_states
from tests.browser.camera import PICTURES, THEMES, new_page, save, wear
from tests.browser.lab import Lab, chromium, jupyterlab
from tests.browser.pictures_lab import editor, panel

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "notebooks" / "01-quickstart.ipynb"
STATES = {
    "queued": "queued",
    "loop": "side by side",
    "retry": "retry",
    "failed": "failed",
    "cancelled": "cancelled",
    "completed": "completed",
    "approval": "asks",
    "kinds": "kinds",
    "thousand": "many",
}


def quickstart(browser: Browser, address: str, work: Path) -> None:
    """The quickstart's card while it runs, as the README shows it; a longer delay leaves time to take it."""
    folder = work / "slow"
    folder.mkdir()
    slow = folder / QUICKSTART.name
    slow.write_text(QUICKSTART.read_text("utf-8").replace("delay: 1s", "delay: 5s"), "utf-8")
    for module in QUICKSTART.parent.glob("*.py"):
        shutil.copy(module, folder)
    for theme, name in THEMES.items():
        lab = Lab(new_page(browser), address, work, slow, theme=name)
        lab.run(0)
        expect(lab.outputs(0)).to_contain_text("336,776 flights")
        lab.run(1)
        lab.run(2)
        card = lab.card(2)
        expect(card.locator(".a-open")).to_contain_text("the register of airlines is busy")
        expect(card).to_contain_text(re.compile(r"[3-8] of 12"))
        save(card, "card-running" if theme == "light" else "card-running-dark")
        lab.page.context.close()


def states(browser: Browser, folder: Path, found: dict[str, dict[str, Any]]) -> None:
    """Every other state, the log and the graph."""
    for theme in THEMES:
        path = folder / f"{theme}.html"
        path.write_text(card_states.page(found, theme, ahead={"retry": 1_000, "asks": 171_000}), "utf-8")
        page = new_page(browser, width=720)
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")
        page.wait_for_selector("#many .a-find button")
        page.locator("#completed .a-row", has_text="summarise").click()
        page.wait_for_selector("#completed .a-open")
        page.mouse.move(0, 0)
        for name, state in STATES.items():
            save(page.locator(f"#{state.replace(' ', '-')} .aura-card"), f"card-{name}-{theme}")
        for state, tab in (("side-by-side", "Graph"), ("failed", "Log")):
            page.locator(f"#{state} [role=tab]", has_text=tab).click()
            page.wait_for_selector(f"#{state} .a-{'graph' if tab == 'Graph' else 'log'}")
            page.mouse.move(0, 0)
            save(page.locator(f"#{state} .aura-card"), f"card-{tab.lower()}-{theme}")
        page.context.close()
        narrow(browser, path, theme)


def narrow(browser: Browser, path: Path, theme: str) -> None:
    """The card in 320 pixels, as in a narrow window or beside a panel."""
    page = new_page(browser, width=352)
    page.goto(f"{path.as_uri()}?narrow")
    page.wait_for_selector("body[data-ready]")
    page.wait_for_selector("#failed .a-open")
    for state in ("loop", "failed"):
        save(page.locator(f"#{STATES[state].replace(' ', '-')} .aura-card"), f"narrow-{state}-{theme}")
    page.context.close()


LOAD_READ = """\
%load_ext aura_jupyter
import pathlib, time
import aura_jupyter as aura

@aura.action
def read(context: aura.ActionContext):
    for done in range(42_000, 100_000):
        if context.cancelled:
            return
        context.progress(done, 100_000)
        time.sleep(0.5)
"""
READ = """\
%%aura
meta: {title: Flights of New York 2013}
steps:
  - {name: read, action: read}
  - {name: clean, action: core.log, params: {message: clean}}
"""
HOLD = "while not pathlib.Path('free').exists():\n    time.sleep(0.1)"


def held(browser: Browser, address: str, work: Path) -> None:
    """A card while a cell holds the kernel: the step in a thread goes on."""
    busy = [LOAD_READ, READ, HOLD]
    for theme, name in THEMES.items():
        lab = Lab(new_page(browser), address, work, busy, theme=name)
        for cell in range(3):
            lab.run(cell)
        expect(lab.card(1)).to_contain_text("the kernel is busy with a cell")
        expect(lab.card(1)).to_contain_text("42 %")
        save(lab.card(1), f"card-busy-{theme}")
        (work / "free").touch()
        expect(lab.code_cell(2).locator(".jp-InputPrompt")).to_have_text("[3]:")
        (work / "free").unlink()
        lab.page.context.close()


def untrusted(browser: Browser, address: str, work: Path, found: dict[str, dict[str, Any]]) -> None:
    """The finished cards in a notebook that JupyterLab does not trust."""
    cells = [
        new_code_cell("%%aura", outputs=[new_output("display_data", {"text/html": found[name]["html"]})])
        for name in ("completed", "failed")
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    source = work / "of-somebody.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), source)
    for theme, name in THEMES.items():
        page = new_page(browser, width=1000)
        page.goto(f"{address}/lab/tree/{source.name}?reset&token=test")
        page.wait_for_selector(".jp-Notebook .aura")
        wear(page, name)
        for number, state in enumerate(("completed", "failed")):
            save(page.locator(".jp-OutputArea-output").nth(number), f"snapshot-{state}-{theme}")
        page.context.close()


class Terminal(io.StringIO):
    """Takes colours."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


async def terminal_lines() -> str:
    """What a terminal gets of a task with a retry, and of one that fails."""
    stream = Terminal()
    async with Scheduler(namespace=card_states.NAMESPACE) as scheduler:
        scheduler.hooks.add(TerminalLines(stream, environ={}))
        for spec in (card_states.KINDS, card_states.BAD):
            card_states.gate = card_states.Gate()
            card_states.gate.open.set()
            inputs = {"flights": card_states.FLIGHTS, "planes": card_states.PLANES, "token": "s3cret-token"}
            await scheduler.run_ad_hoc_task(spec, inputs if spec is card_states.BAD else {}).wait()
            stream.write("\n")
    return stream.getvalue().rstrip()


COLOURS = {"31": "#e06c75", "32": "#98c379", "33": "#d19a66", "36": "#56b6c2"}


def terminal(browser: Browser, folder: Path, lines: str) -> None:
    """The lines in a terminal."""

    def styled(found: re.Match[str]) -> str:
        codes = found[1].split(";")
        if codes == ["0"]:
            return "</span>"
        styles = ["font-weight:bold"] * ("1" in codes) + ["opacity:.6"] * ("2" in codes)
        return f'<span style="{";".join(styles + [f"color:{COLOURS[code]}" for code in codes if code in COLOURS])}">'

    lines = re.sub("\x1b\\[([0-9;]+)m", styled, html.escape(lines))
    style = "margin:0;padding:16px;background:#282c34;color:#dcdfe4;font:13px/18px 'DejaVu Sans Mono',monospace"
    path = folder / "terminal.html"
    path.write_text(f'<!doctype html><meta charset="utf-8"><body style="margin:0"><pre style="{style}">{lines}</pre>')
    page = new_page(browser, width=780)
    page.goto(path.as_uri())
    save(page.locator("pre"), "terminal")
    page.context.close()


async def all_of_them() -> tuple[dict[str, dict[str, Any]], str]:
    """What there is to be drawn, made before the browser takes the thread's loop."""
    return await card_states.all_states(), await terminal_lines()


ALIVE = {"quickstart": quickstart, "busy": held, "panel": panel, "editor": editor}
DRAWN = ("states", "saved", "terminal")


def named() -> list[str]:
    """The pictures that are wanted: those that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description="Make the docs' pictures.")
    every = [*ALIVE, *DRAWN]
    parser.add_argument("names", nargs="*", metavar="name", help=f"which; all without one: {', '.join(every)}")
    names: list[str] = parser.parse_args().names
    if unknown := set(names) - set(every):
        parser.error(f"no pictures are called {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    return names or every


def main() -> None:
    names = named()
    PICTURES.mkdir(parents=True, exist_ok=True)
    card_states.pace = 1.0
    drawn = bool({*names} & {*DRAWN})
    found, lines = asyncio.run(asyncio.wait_for(all_of_them(), 120)) if drawn else ({}, "")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home, work = folder / "home", folder / "work"
        home.mkdir()
        work.mkdir()
        browser = stack.enter_context(chromium())
        address = stack.enter_context(jupyterlab(home, work))
        for name, make in ALIVE.items():
            if name in names:
                make(browser, address, work)
        if "states" in names:
            states(browser, folder, found)
        if "saved" in names:
            untrusted(browser, address, work, found)
        if "terminal" in names:
            terminal(browser, folder, lines)


if __name__ == "__main__":
    main()
