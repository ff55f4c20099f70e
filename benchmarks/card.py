"""What the card costs, in a real kernel and a real browser.

    python benchmarks/card.py

It prints a table and asserts nothing. It needs what the browser tests need: JupyterLab, Playwright, Chromium.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, expect  # noqa: E402

from benchmarks.table import Row  # noqa: E402
from benchmarks.timeline import traced  # noqa: E402
from tests.browser.lab import Lab, chromium, jupyterlab  # noqa: E402

MESSAGE = re.compile(rb'"msg_type": ?"(\w+)"')
DATE = re.compile(rb'"date": ?"([^"]+)"')
OF_WIDGET = re.compile(rb'"method": ?"')
STATIC = ROOT / "aura_jupyter" / "notebook" / "card" / "static"


# --- in the kernel ----------------------------------------------------------------------------------------------------

SETUP = """\
%load_ext aura_jupyter
import asyncio, json, statistics, time
import aura_jupyter as aura
from aura_jupyter.engine.tasklet import StepStatus
from aura_jupyter.notebook.card.board import board_of, card_of, final_bundle
from aura_jupyter.notebook.card.card import Card

gates = {}
async def quick(number=0): return number
async def gated(name):
    await gates.setdefault(name, asyncio.Event()).wait()
async def busy(context: aura.ActionContext):
    for number in range(400):
        context.progress(number, 400)
        await asyncio.sleep(0.01)
def steps(count, action="quick", beside=False):
    extra = ", depends_on: []" if beside else ""
    return "steps:\\n" + "".join(f"  - {{name: s{at:05}, action: {action}{extra}}}\\n" for at in range(count))
def waiting(count):
    gate = "steps:\\n  - {name: gate, action: gated, params: {name: gate}}\\n"
    return gate + steps(count - 1).removeprefix("steps:\\n")
"""
KERNEL = """\
found = {}
def median(function, rounds=40):
    took = []
    for _ in range(rounds):
        began = time.thread_time(); function(); took.append(time.thread_time() - began)
    return statistics.median(took) * 1000
tasks = [aura.submit(waiting(10)) for _ in range(40)]
await asyncio.sleep(0.1)
made = iter(tasks)
found["create"] = median(lambda: card_of(next(made)))
found["comms"] = len({card_of(task).comm.comm_id for task in tasks}) / len(tasks)
for task in tasks: task.cancel()
for task in tasks: await task.wait()
for size in (1_000, 10_000):
    task = aura.submit(waiting(size))
    await asyncio.sleep(0.3)
    card = card_of(task)
    some = iter(list(task.steps.values())[2:])
    def update():
        for _ in range(10):
            step = next(some)
            step.status, step.started_at, step.duration = StepStatus.COMPLETED, 1.0, 1.0
            card._changed.add(step)
        card.send_changes()
    found[f"update {size}"] = median(update)
    found[f"final {size}"] = median(lambda: final_bundle(task, awaited=True), 5)
    picture = final_bundle(task)["application/vnd.aura.task+json"]
    found[f"stored {size}"] = len(json.dumps(picture, ensure_ascii=False).encode()) / 1000
    task.cancel()
    await task.wait()
await asyncio.sleep(0.5)
for _ in range(30):
    task = aura.submit(steps(2)); card_of(task); await task.wait()
await asyncio.sleep(1)
found["open"] = sum(card.comm is not None for card in board_of(task.scheduler)._cards.values())
print(json.dumps(found))
"""


def in_kernel(lab: Lab) -> Iterator[Row]:
    lab.run(0)
    lab.run(1)
    expect(lab.outputs(1).last).to_contain_text('"open"')
    found = json.loads(lab.outputs(1).last.inner_text())
    yield Row("create a card of 10 steps, text and HTML not counted", found["create"], "ms", 1)
    yield Row("an update of a 1,000-step task, 10 steps changed", found["update 1000"], "ms", 5)
    yield Row("an update of a 10,000-step task, 10 steps changed", found["update 10000"], "ms")
    yield Row("the stored bundle of a 1,000-step task: made in", found["final 1000"], "ms")
    yield Row("the stored bundle of a 10,000-step task: made in", found["final 10000"], "ms")
    yield Row("the stored picture of a 10,000-step task", found["stored 10000"], "KB", 100)
    yield Row("comms for each card", found["comms"], "", 1)
    yield Row("finished cards that stay open, of 30", found["open"], "", 20)


# --- in the browser ---------------------------------------------------------------------------------------------------


class Wire:
    """Notes when the kernel sent something to the page's comms; it may arrive later, and then much at once.

    Args:
        page: the page.
        of: what stands in the messages that count; those of widgets unless told.
    """

    def __init__(self, page: Page, of: re.Pattern[bytes] = OF_WIDGET) -> None:
        self.times: list[float] = []
        self._of = of
        page.on("websocket", lambda socket: socket.on("framereceived", self._hear))

    def _hear(self, frame: Any) -> None:
        raw = frame if isinstance(frame, bytes) else str(frame).encode()
        kind = MESSAGE.search(raw)  # the first one is the header's, the next is that of the message it answers
        date = DATE.search(raw)
        if kind and kind[1] == b"comm_msg" and date and self._of.search(raw):
            self.times.append(datetime.fromisoformat(date[1].decode()).timestamp())

    def a_second(self) -> int:
        """The most messages within a second. The first two seconds are left out: then cards are made."""
        times = [at for at in self.times if at > self.times[0] + 2]
        return max((sum(at <= other < at + 1 for other in times) for at in times), default=0)


BUSY = "%%aura\nmeta: {title: Busy}\nsteps: [{name: work, action: busy}]\n"
FIFTY = "for _ in range(50):\n    display(aura.submit('steps: [{name: work, action: busy}]'))\n"
LARGE = """\
text = "meta: {title: Large}\\n" + steps(10_000, "slow", beside=True)
limit = asyncio.Semaphore(1)
async def slow():
    async with limit:
        await asyncio.sleep(0.001)
large = aura.submit(text)
large
"""


def one_card(browser: Browser, open_lab: Any) -> Iterator[Row]:
    page = new_page(browser)
    wire = Wire(page)
    lab = open_lab(page, [SETUP, BUSY])
    lab.run(0)
    page.wait_for_timeout(1500)
    wire.times.clear()
    lab.run(1)
    expect(lab.snapshot(1)).to_contain_text("Completed")
    yield Row("messages in a second, one busy card", wire.a_second(), "", 10)
    page.context.close()


def fifty_cards(browser: Browser, open_lab: Any) -> Iterator[Row]:
    page = new_page(browser)
    wire = Wire(page)
    lab = open_lab(page, [SETUP, FIFTY])
    lab.run(0)
    page.wait_for_timeout(1500)
    with traced(browser, page, profile=True) as timeline:
        lab.run(1)
        expect(lab.code_cell(1).locator(".aura-card")).to_have_count(50)
        wire.times.clear()
        page.wait_for_timeout(3500)
    yield Row("messages in a second, 50 busy cards", wire.a_second(), "", 50)
    yield Row("50 cards made and busy: the page held by the card's code", timeline.longest_of_ours, "ms", 50)
    yield Row("50 cards made and busy: the page held by JupyterLab and the card", timeline.longest, "ms")
    page.context.close()


def large_card(browser: Browser, open_lab: Any) -> Iterator[Row]:
    page = new_page(browser)
    lab = open_lab(page, [SETUP, LARGE])
    lab.run(0)
    page.wait_for_timeout(1500)
    lab.run(1)
    card = lab.card(1)
    expect(card).to_contain_text("of 10,000 steps")
    with traced(browser, page) as timeline:
        page.wait_for_timeout(3000)
    yield Row("10,000 steps, folded: the page held", timeline.longest, "ms", 50)
    box = card.locator(".a-box")
    card.locator("input").fill("s0")
    expect(box.locator("li").first).to_contain_text("s00000")
    with traced(browser, page) as timeline:
        for _ in range(30):
            box.evaluate("box => { box.scrollTop += 4000; }")
            page.wait_for_timeout(100)
    yield Row("10,000 steps, filtered and scrolled: the page held", timeline.longest, "ms", 50)
    page.context.close()


def new_page(browser: Browser) -> Page:
    """An empty page."""
    context = browser.new_context(viewport={"width": 1250, "height": 1000})
    context.set_default_timeout(60_000)
    return context.new_page()


def sizes() -> Iterator[Row]:
    def size(part: str) -> float:
        return sum((STATIC / f"{part}.min.{kind}").stat().st_size for kind in ("js", "css")) / 1000

    yield Row("JavaScript and CSS with each card", size("card"), "KB", 12)
    yield Row("JavaScript and CSS with the first use", size("card_more"), "KB")


def main() -> None:
    rows = [*sizes()]
    for row in rows:
        print(row)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home, work = Path(folder, "home"), Path(folder, "work")
        home.mkdir()
        work.mkdir()
        with jupyterlab(home, work) as address:

            def open_lab(page: Page, cells: list[str]) -> Lab:
                return Lab(page, address, work, cells, theme="JupyterLab Light")

            page = new_page(browser)
            for row in in_kernel(open_lab(page, [SETUP, KERNEL])):
                print(row, flush=True)
            page.context.close()
            for part in (one_card, fifty_cards, large_card):
                for row in part(browser, open_lab):
                    print(row, flush=True)


if __name__ == "__main__":
    main()
