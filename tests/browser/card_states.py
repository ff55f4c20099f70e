"""Pictures of real tasks in every state, for looking at the card and for its browser tests.

python tests/browser/card_states.py FOLDER     writes a page with all of them, light, dark and narrow
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

import aura_jupyter as aura
from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.engine.tasklet import Tasklet
from aura_jupyter.notebook.card.snapshot import to_html
from aura_jupyter.view import graph, lines
from aura_jupyter.view.opened import opened
from aura_jupyter.view.picture import LivePicture, stored

CARD = Path(__file__).parents[2] / "aura_jupyter" / "notebook" / "card"


@dataclass
class Gate:
    """Lets a test hold a task at a step until its picture is taken."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: int = 1

    async def pass_through(self) -> None:
        self.wanted -= 1
        if self.wanted <= 0:
            self.reached.set()
        await self.open.wait()


def frame(rows: int, columns: int) -> pd.DataFrame:
    return pd.DataFrame(0, index=range(rows), columns=[f"c{number}" for number in range(columns)])


FLIGHTS, PLANES = frame(336_776, 19), frame(3_322, 9)
SUMMARY = pd.DataFrame(
    {
        "flights": [31947, 54049, 47658, 57782],
        "dep_delay": [8.57, 12.97, 9.22, 12.02],
        "age": [25.88, 6.69, 16.37, 13.21],
    },
    index=pd.Index(["AA", "B6", "DL", "UA"], name="carrier"),
)
gate = Gate()
pace = 0.0  # how long the actions take: pictures for people show real times


async def read_flights(flights: Any, context: aura.ActionContext) -> Any:
    context.log("reading flights.csv.gz")
    await asyncio.sleep(0.3 * pace)
    context.log("336,776 flights")
    return flights


async def clean_delays(context: aura.ActionContext) -> Any:
    context.log("9,430 without an arrival")
    context.log("35 columns have mixed types", "warning")
    context.progress(141_446, 336_776)
    await gate.pass_through()
    await asyncio.sleep(1.4 * pace)
    return frame(1000, 19)


def join_planes(left: pd.DataFrame, on: str) -> pd.DataFrame:
    """Add the plane of each flight."""
    right = PLANES.rename(columns={"year": "built"})
    return left.merge(right, on=on, how="left")


async def waits(context: aura.ActionContext) -> str:
    await gate.pass_through()
    return "done"


async def measured(context: aura.ActionContext) -> str:
    context.progress(17_759, 26_115)
    await gate.pass_through()
    return "done"


async def turn(number: int) -> int:
    if number in {3, 8}:
        raise ValueError("no sample")
    if number >= 317:
        await gate.pass_through()
    return number


async def no_answer() -> None:
    raise ConnectionError("no answer from weather.example in 5 s")


async def publish(context: aura.ActionContext) -> str:
    return await context.ask("Publish the table of 4 carriers to the shared folder? The one of last week is replaced.")


async def some_day(number: int) -> int:
    await asyncio.sleep(0.004 * pace)
    if number in {212, 300}:
        raise RuntimeError("503 for 2013-07-31")
    if number >= 399:
        await gate.pass_through()
    return number


async def quick() -> pd.DataFrame:
    await asyncio.sleep(0.2 * pace)
    return SUMMARY


async def add_planes() -> pd.DataFrame:
    await asyncio.sleep(1.1 * pace)
    return frame(1000, 27)


async def by_carrier(frame: pd.DataFrame, keep: list[str]) -> pd.DataFrame:
    await asyncio.sleep(0.2 * pace)
    return SUMMARY


class Names(dict[str, Any]):
    """The variables of a notebook."""

    def find(self, name: str) -> Any:
        return self.get(name)

    def names(self) -> list[str]:
        return list(self)


NAMESPACE = Names(
    (function.__name__, function)
    for function in (
        read_flights, clean_delays, join_planes, waits, measured, turn, no_answer, publish, some_day, quick,
        add_planes, by_carrier,
    )
)  # fmt: skip

PLAIN = """
meta: {title: Flights of New York 2013}
inputs:
  - flights
  - planes
  - {name: carriers, default: [UA, AA, B6, DL]}
  - {name: token, type: secret}
steps:
  - name: fetch
    action: read_flights
    params: {flights: "{{ inputs.flights }}"}
  - name: clean
    action: clean_delays
  - name: join
    action: JOIN
    params: PARAMS
  - name: summarise
    action: by_carrier
    params: {frame: "{{ steps.join.output }}", keep: [UA, AA, B6, DL]}
  - name: report
    action: core.log
    params: {message: "reports/carriers.ipynb"}
"""
GOOD = PLAIN.replace("JOIN", "add_planes").replace("    params: PARAMS\n", "")
BAD = PLAIN.replace("JOIN", "join_planes").replace("PARAMS", '{left: "{{ steps.clean.output }}", on: tailnumber}')
CLOSED = f"""{GOOD}
finally:
  - name: close
    action: core.log
    params: {{message: closed}}
returns: "{{{{ steps.summarise.output }}}}"
"""
BESIDE = """
meta: {title: Flights of New York 2013}
steps:
  - {name: fetch, action: quick}
  - {name: weather, action: measured, depends_on: [fetch]}
  - {name: planes, action: waits, depends_on: [fetch]}
  - name: bootstrap
    action: turn
    depends_on: [fetch]
    params: {number: "{{ item }}"}
    loop: {times: 1000, parallelism: 8, on_error: continue}
  - {name: summarise, action: quick}
  - {name: report, action: notebook.run, params: {path: report.ipynb}, description: Write the report}
"""
RETRY = """
meta: {title: Fetch the weather of 2013}
steps:
  - {name: stations, action: quick}
  - {name: fetch, action: no_answer, retry: {attempts: 3, delay: 4s}}
  - {name: tidy, action: quick}
"""
ASKS = """
meta: {title: Flights of New York 2013}
steps:
  - {name: fetch, action: quick}
  - {name: summarise, action: quick}
  - {name: publish, action: publish}
"""
KINDS = """
meta: {title: Nightly report}
steps:
  - name: load
    action: core.run_task
    params:
      task:
        steps:
          - {name: fetch, action: quick}
          - {name: clean, action: quick}
  - name: weather
    action: no_answer
    on_error:
      - {name: use_cache, action: quick}
      - {name: tell, action: core.log, params: {message: "no weather: no answer from weather.example"}}
  - {name: summarise, action: quick}
finally:
  - {name: close, action: core.log, params: {message: closed}}
returns: "{{ steps.summarise.output }}"
"""
MANY = "meta: {title: Fetch each day and carrier}\nsteps:\n" + "".join(
    f"  - {{name: fetch_{number:04}, action: some_day, params: {{number: {number}}}, on_error: continue"
    + (", depends_on: [fetch_0398]" if 399 <= number <= 405 else "")
    + "}\n"
    for number in range(1, 1001)
)
LONG = """
meta:
  title: Arrival delays of United, American, JetBlue and Delta at Newark, Kennedy and LaGuardia in 2013, by carrier,
    month and age of the plane, with the weather of the hour and of the day before
steps:
  - {name: read_the_flights_of_all_three_airports_from_the_archive, action: quick}
  - {name: 航班延误数据清洗与合并, action: quick}
  - {name: 遅延の集計と天気データの結合処理を実行する, action: measured}
  - {name: summarise_by_carrier_month_and_age_of_the_plane, action: quick}
  - {name: 보고서_작성, action: quick}
"""
ODD = """
meta: {title: "<img src=x onerror=alert(1)> & <b>bold</b>"}
steps:
  - {name: "<script>alert(1)</script>", action: no_answer}
"""


class Stage:
    """A scheduler to make pictures with."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        scheduler.manager.person = lambda tasklet, step: True

    def submit(self, spec: str, inputs: dict[str, Any] | None = None, wanted: int = 1) -> Tasklet:
        global gate  # noqa: PLW0603 - the actions' door to the stage
        gate = Gate(wanted=wanted)
        return self.scheduler.run_ad_hoc_task(spec, inputs or {})

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition that events bring about."""
        event = asyncio.Event()
        listener = lambda _: event.set() if condition() else None  # noqa: E731
        self.scheduler.hooks.add(listener)
        while not condition():
            event.clear()
            await event.wait()
        self.scheduler.hooks.remove(listener)

    async def end(self, tasklet: Tasklet) -> None:
        gate.open.set()
        tasklet.cancel()
        await tasklet.wait()


Take = Callable[[str, Tasklet], None]


async def one_after_another(stage: Stage, take: Take) -> None:
    """A plain task in each of its states."""
    inputs = {"flights": FLIGHTS, "planes": PLANES, "token": "s3cret-token"}

    first = stage.submit(CLOSED, inputs)
    second, third = (stage.scheduler.run_ad_hoc_task(GOOD, inputs) for _ in range(2))
    await gate.reached.wait()
    take("queued", third)
    second.cancel()
    third.cancel()
    take("running", first)
    first.cancel()
    take("cancelling", first)
    await first.wait()
    take("cancelled", first)

    task = stage.submit(CLOSED, inputs)
    await gate.reached.wait()
    gate.open.set()
    await task.wait()
    take("completed", task)

    task = stage.submit(BAD, inputs)
    gate.open.set()
    await task.wait()
    take("failed", task)


async def under_way(stage: Stage, take: Take) -> None:
    """What is special in one way or another."""
    task = stage.submit(BESIDE, wanted=10)
    await gate.reached.wait()
    take("side by side", task)
    await stage.end(task)

    task = stage.submit(RETRY)
    await stage.until(lambda: task.steps["fetch"].retry_at is not None)
    take("retry", task)
    await stage.end(task)

    task = stage.submit(ASKS)
    await stage.until(lambda: task.steps["publish"].question is not None)
    take("asks", task)
    await stage.end(task)

    task = stage.submit(KINDS)
    await task.wait()
    take("kinds", task)

    task = stage.submit(MANY)
    await gate.reached.wait()
    take("many", task)
    await stage.end(task)

    task = stage.submit(LONG)
    await gate.reached.wait()
    take("long", task)
    await stage.end(task)

    task = stage.submit(ODD)
    await task.wait()
    take("odd", task)


async def all_states() -> dict[str, dict[str, Any]]:
    """Every state by name: its picture, what opens under its rows, its snapshot."""
    found: dict[str, dict[str, Any]] = {}

    def take(name: str, tasklet: Tasklet) -> None:
        live = LivePicture(tasklet, can_run_again=True)
        picture = live.whole()
        more = {
            row["id"]: {"kind": "opened", "row": row["id"], "key": row["key"], "blocks": opened(tasklet, row["id"])}
            for row in picture["rows"]
            if row.get("more")
        }
        last, written, _ = lines.after(tasklet.logs, 0, tasklet.secrets.mask)
        found[name] = {
            "picture": picture,
            "opened": more,
            "steps": {"kind": "steps", **live.steps()},
            "rows": live.rows_of(range(len(tasklet.steps))),
            "graph": {"kind": "graph", "graph": graph.graph(tasklet)},
            "log": {"kind": "log", "after": 0, "last": last, "lines": written, "more": False},
            "html": to_html(stored(tasklet)),
        }

    async with Scheduler(namespace=NAMESPACE, max_concurrency=1) as scheduler:
        stage = Stage(scheduler)
        await one_after_another(stage, take)
        await under_way(stage, take)
    return found


THEMES = {
    "light": {
        "page": "#fff", "layout-color1": "#fff", "ui-font-color1": "rgba(0,0,0,.87)", "border-color1": "#bdbdbd",
        "border-color2": "#e0e0e0", "brand-color1": "#1976d2", "success-color1": "#388e3c", "error-color1": "#d32f2f",
        "warn-color0": "#e65100",
    },
    "dark": {
        "page": "#111", "layout-color1": "#212121", "ui-font-color1": "rgba(255,255,255,.87)",
        "border-color1": "#616161", "border-color2": "#424242", "brand-color1": "#2196f3", "success-color1": "#4caf50",
        "error-color1": "#f44336", "warn-color0": "#f57c00",
    },
    "contrast": {
        "page": "#000", "layout-color1": "#111", "ui-font-color1": "#fff", "border-color1": "#fff",
        "border-color2": "#e0e0e0", "brand-color1": "#319bf2", "success-color1": "#4caf50", "error-color1": "#f44336",
        "warn-color0": "#f57c00",
    },
}  # fmt: skip


def page(states: dict[str, dict[str, Any]], theme: str, ahead: dict[str, int] | None = None) -> str:
    """A page that loads the card's module and draws the states; `?narrow` gives 320 px.

    Args:
        states: what `all_states` gave.
        theme: light, dark, or contrast as in "JupyterLab Dark High Contrast".
        ahead: for each state how far its clocks are ahead, in milliseconds; 9 s without a word. None: they are right.
    """
    variables = ";".join(f"--jp-{name}:{value}" for name, value in THEMES[theme].items())
    data = json.dumps(states).replace("<", "\\u003c")
    module, second = (
        json.dumps((CARD / name).read_text("utf-8")).replace("<", "\\u003c") for name in ("card.js", "card_more.js")
    )
    second_css = json.dumps((CARD / "card_more.css").read_text("utf-8")).replace("<", "\\u003c")
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>The card</title>
<style>{(CARD / "card.css").read_text("utf-8")}
body{{margin:16px;background:var(--jp-page);color:var(--jp-ui-font-color1);font:13px system-ui;{variables};
--jp-ui-font-size1:13px;--jp-border-radius:2px;--jp-code-font-family:menlo,"DejaVu Sans Mono",monospace}}
main{{display:grid;grid-template-columns:repeat(auto-fill,minmax(660px,1fr));gap:16px;align-items:start}}
.narrow main{{grid-template-columns:repeat(auto-fill,320px)}}h2{{font-size:13px;margin:0 0 4px}}</style>
<main></main><script type="module">
const states = {data}, ahead = {json.dumps(ahead)};
const load = text => import(URL.createObjectURL(new Blob([text], {{type: "text/javascript"}})));
const {{draw, merge}} = await load({module});
const more = async () => ({{...await load({second}), css: {second_css}}});
document.body.classList.toggle("narrow", location.search.includes("narrow"));
window.asked = [];
window.sources = {{}};
for (const [name, {{picture, opened, rows, ...answers}}] of Object.entries(states)) {{
  const box = document.createElement("section"); box.id = name.replaceAll(" ", "-");
  const title = document.createElement("h2"); title.textContent = name; box.append(title);
  document.querySelector("main").append(box);
  const listeners = new Set();
  const source = {{state: picture, opened: {{}},
    skew: Date.now() - picture.now - (ahead?.[name] ?? (ahead ? 9000 : 0)), get: () => source.state,
    on: f => (listeners.add(f), () => listeners.delete(f)), more, tell: m => listeners.forEach(f => f(m)),
    merge: m => {{ source.state = merge(source.state, m); source.tell({{kind: "change", ...m}}); }},
    send: m => {{ window.asked.push(m); setTimeout(() => {{
      if (m.kind === "rows") return source.tell({{kind: "rows", rows: m.steps.map(i => rows[i])}});
      const answer = m.kind === "open" ? opened[m.row] : answers[m.kind];
      if (m.kind === "open" && answer) source.opened[m.row] = answer;
      if (answer) source.tell(answer); }}); }}}};
  window.sources[name] = source;
  source.off = draw(box, source);
}}
document.body.dataset.ready = "yes";
</script></html>"""


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    states = asyncio.run(asyncio.wait_for(all_states(), 60))
    for theme in THEMES:
        (folder / f"{theme}.html").write_text(page(states, theme), "utf-8")
    snapshots = "<br>".join(each["html"] for each in states.values())
    panes = "".join(
        f'<div style="padding:16px;{style}">{snapshots}</div>' for style in ("", "background:#111;color:#ddd")
    )
    body = (
        f'<body style="margin:0;display:grid;grid-template-columns:1fr 1fr;font:14px/1.4 system-ui;color:#222">{panes}'
    )
    (folder / "snapshot.html").write_text(f'<!doctype html><meta charset="utf-8">{body}', "utf-8")
    (folder / "plain.html").write_text(f'<!doctype html><meta charset="utf-8">{snapshots}', "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
