"""What the JupyterLab extension costs a page: bytes, time until a notebook is ready, time for each key.

    python benchmarks/lab.py

It prints a table and asserts nothing. It needs what the browser tests need: JupyterLab, Playwright, Chromium. Pages
with and without the extension are measured in turns, so that a busy machine slows both; times of keys are those of the
page's main thread, without the moments in which the machine ran something else.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, CDPSession, Page, expect  # noqa: E402

from benchmarks.card import Wire  # noqa: E402
from benchmarks.table import Row  # noqa: E402
from benchmarks.timeline import traced  # noqa: E402
from tests.browser.lab import Lab, chromium, jupyterlab  # noqa: E402

BUILT = ROOT / "aura_jupyter" / "labextension" / "static"
STEP = """\
  - name: step_{0}
    action: core.log
    params: {{message: "{{{{ inputs.rate | round(2) }}}} of {0}"}}
"""
SPEC = "%%aura\ninputs: [rate]\nsteps:\n" + "".join(STEP.format(number) for number in range(99))
OPENED = 7  # times that a page is opened with the extension, and as often without
ROUNDS = 6  # of keys with the extension, and as often without
KEYS = 25  # in a round
TASKS = """\
%load_ext aura_jupyter
%config AuraMagics.max_concurrency = 10
import asyncio
import aura_jupyter as aura

async def busy(context: aura.ActionContext, rounds):
    for number in range(rounds):
        context.progress(number, rounds)
        await asyncio.sleep(0.01)

def submit(number, rounds):
    steps = "".join(f"  - {{name: step_{step}, action: busy, params: {{rounds: {rounds}}}}}\\n" for step in range(20))
    return aura.submit(f"meta: {{title: Task {number}}}\\nsteps:\\n{steps}")

for task in [submit(number, 1) for number in range(50)]:
    await task.wait()
many = [submit(50 + number, 40 if number % 10 else 100) for number in range(150)]
"""
EVENTS = re.compile(rb'"events": ?\[')
WATCHED = 10_000  # milliseconds
READY = """() => {
  const look = () => {
    const cell = document.querySelector(".jp-Notebook .jp-CodeCell .cm-content");
    if (cell) window.readyAt = performance.now(); else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def main() -> None:
    """Print the table."""
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {extension: stack.enter_context(_server(folder, extension=extension)) for extension in (True, False)}
        for row in _rows(browser, servers):
            print(row, flush=True)


Servers = dict[bool, tuple[str, Path]]


@contextmanager
def _server(folder: Path, *, extension: bool) -> Iterator[tuple[str, Path]]:
    home, work = folder / f"home-{extension}", folder / f"work-{extension}"
    home.mkdir()
    work.mkdir()
    with jupyterlab(home, work, extension=extension) as address:
        yield address, work


def _rows(browser: Browser, servers: Servers) -> Iterator[Row]:
    yield Row("bytes of the extension's JavaScript", _bytes() / 1000, "KB", 150)
    ready = {extension: [] for extension in servers}
    for _ in range(OPENED):
        for extension, times in ready.items():
            times.append(_time_to_ready(browser, *servers[extension]))
    middle = {extension: statistics.median(times[1:]) for extension, times in ready.items()}
    yield Row("until a notebook's cells are there, without the extension", middle[False], "ms")
    yield Row("the same with the extension", middle[True], "ms")
    yield Row("with / without", middle[True] / middle[False], "")
    with _page(browser) as page:
        lab = Lab(page, *servers[True], ["%load_ext aura_jupyter", SPEC], theme="JupyterLab Light")
        page.wait_for_selector(".cm-foldGutter")
        times = _keys(lab, 1, "Control+End")
        times += _keys(lab, 1, "Control+Home", "End")
        yield Row("a key in a %%aura cell of 300 lines, median", statistics.median(times), "ms", 16)
        yield Row("the same, 95th of 100", statistics.quantiles(times, n=20)[-1], "ms")
    with _page(browser) as page:
        plain = SPEC.removeprefix("%%aura\n")
        lab = Lab(page, *servers[False], ["x = 1", plain], theme="JupyterLab Light")
        times = _keys(lab, 1, "Control+End") + _keys(lab, 1, "Control+Home", "End")
        yield Row("the same lines as Python, without the extension, median", statistics.median(times), "ms")
    yield from _many_cells(browser, servers)
    yield from _panel(browser, servers[True])


def _bytes() -> int:
    return sum(path.stat().st_size for path in BUILT.glob("*.js"))


def _many_cells(browser: Browser, servers: Servers) -> Iterator[Row]:
    """Keys in a Python cell among 500, of which 50 are ours."""
    cells = ["x = 1", *(SPEC if number % 10 == 9 else f"y = {number}\nprint(y)" for number in range(499))]
    found: dict[bool, list[float]] = {True: [], False: []}
    with ExitStack() as stack:
        labs = {}
        for extension, place in servers.items():
            page = stack.enter_context(_page(browser))
            labs[extension] = Lab(page, *place, cells, theme="JupyterLab Light")
            for _ in range(2):  # until JupyterLab has made what is out of sight, too
                _keys(labs[extension], 0, "Control+End")
        for _ in range(ROUNDS):
            for extension, lab in labs.items():
                lab.page.bring_to_front()
                found[extension] += _keys(lab, 0, "Control+End")
    middle = {extension: statistics.median(times) for extension, times in found.items()}
    yield Row("a key in a Python cell of 500 cells, without the extension", middle[False], "ms")
    yield Row("the same with the extension", middle[True], "ms")
    yield Row("with / without", middle[True] / middle[False], "")


def _panel(browser: Browser, place: tuple[str, Path]) -> Iterator[Row]:
    """The side panel with 200 tasks: 10 run, begin steps and tell how far they are, and as they end others begin."""
    for profile in (False, True):
        with _page(browser) as page:
            wire = Wire(page, EVENTS)
            lab = Lab(page, *place, [TASKS], theme="JupyterLab Light")
            lab.command("aura:open-panel")
            lab.run(0)
            items = page.locator("#aura-panel .a-item")
            expect(items).to_have_count(200)
            items.first.locator(".a-title").click()  # its steps are shown, too
            expect(items.first.locator(".a-rows > li")).to_have_count(20)
            with traced(browser, page, profile=profile) as timeline:
                wire.times.clear()
                page.wait_for_timeout(WATCHED)
            if profile:
                yield Row("the same, the extension's own part", timeline.longest_of_ours, "ms")
            else:
                yield Row("messages in a second to a panel of 200 tasks", wire.a_second(), "")
                yield Row("the panel of 200 tasks, 10 of them busy: the page held", timeline.longest, "ms", 50)


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1250, "height": 1000})
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()


def _time_to_ready(browser: Browser, address: str, work: Path) -> float:
    """Milliseconds from the beginning of the navigation until a notebook has its cells."""
    with _page(browser) as page:
        page.add_init_script(f"({READY})()")
        Lab(page, address, work, ["x = 1", SPEC, "y = 2"], theme="JupyterLab Light")
        return float(page.evaluate("window.readyAt"))


def _keys(lab: Lab, cell: int, *go_to: str) -> list[float]:
    """Milliseconds of the main thread for each of some keys, to the frame that shows it."""
    page = lab.page
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    lab.code_cell(cell).locator(".cm-content").click()
    for key in go_to:
        page.keyboard.press(key)
    idle = statistics.median(_cost(session, page, "") for _ in range(KEYS))
    times = [max(0.0, _cost(session, page, "a") - idle) for _ in range(KEYS)]
    session.detach()
    return times


def _cost(session: CDPSession, page: Page, key: str) -> float:
    before = _busy(session)
    if key:
        page.keyboard.press(key)
    page.evaluate(FRAMES)
    return (_busy(session) - before) * 1000


def _busy(session: CDPSession) -> float:
    """Seconds that the page's main thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


if __name__ == "__main__":
    main()
