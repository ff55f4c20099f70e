"""What the engine costs, beside a bare asyncio loop, a bare pool and pypyr that do the same in the same run.

    python benchmarks/engine.py                  # all of it
    python benchmarks/engine.py steps reading    # some of it
    python benchmarks/engine.py --quick          # roughly

It prints a table and asserts nothing. README.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

import aura_jupyter as aura
from aura_jupyter.engine.plans import plan_for

MICRO, MILLI = 1e6, 1e3
wall = time.perf_counter
cpu = time.thread_time  # for what only computes: leaves out when the machine did something else
Run = Callable[[], Awaitable[float]]  # gives seconds


class Row(NamedTuple):
    """A line of the table."""

    what: str
    ours: str
    beside: str = ""
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        mark = {None: "", True: "reached", False: "MISSED"}[self.reached]
        return f"{self.what:<54} {self.ours:>10}  {self.beside:<26} {ratio:>6}  {self.target:<22} {mark}".rstrip()


HEADING = f"{'':<54} {'aura':>10}  {'beside it':<26} {'ratio':>6}  target"


# --- specs and actions ------------------------------------------------------------------------------------------------

PATH = "{{{{ steps.{0}.output }}}}"
EXPRESSION = "{{{{ steps.{0}.output + 1 }}}}"

_fresh = itertools.count()
_started: list[float] = []


@aura.action
async def bench_add(a: int, b: int = 1) -> int:
    return a + b


@aura.action
def bench_in_thread(a: int) -> int:
    return a


@aura.action
async def bench_sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


@aura.action
async def bench_start() -> None:
    _started.append(wall())


def chain(length: int, template: str = PATH, action: str = "bench_add") -> str:
    """A spec of so many steps, each of which reads the one before. No two calls give the same text."""
    fresh = next(_fresh)
    names = [f"s{fresh}_{i}" for i in range(length)]
    values = ["1", *(template.format(name) for name in names)]
    steps = [
        f"  - name: {name}\n    action: {action}\n    params:\n      a: '{value}'\n"
        for name, value in zip(names, values, strict=False)
    ]
    return "steps:\n" + "".join(steps).replace("'1'", "1")


# --- measuring --------------------------------------------------------------------------------------------------------


async def in_turn(rounds: int, *runs: Run) -> list[list[float]]:
    """The seconds of each run, the runs taken in turn so that the machine's moods meet them all."""
    found: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, seconds in zip(runs, found, strict=True):
            gc.collect()
            seconds.append(await run())
    return found


def ratio_of(ours: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, others, strict=True))


def micro(seconds: Sequence[float], per: int = 1) -> float:
    return statistics.median(seconds) * MICRO / per


def milli(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * MILLI


async def seconds_of(work: Callable[[], Awaitable[object]], clock: Callable[[], float] = cpu) -> float:
    began = clock()
    await work()
    return clock() - began


def task_seconds(scheduler: aura.Scheduler, spec: Any, clock: Callable[[], float] = cpu) -> Awaitable[float]:
    return seconds_of(lambda: scheduler.run_ad_hoc_task(spec), clock)


class Heartbeat:
    """Beats once in each turn of the running loop, and keeps the longest time between two beats."""

    def __init__(self) -> None:
        self.longest = 0.0  # seconds
        self._last = cpu()
        self._beating = True
        asyncio.get_running_loop().call_soon(self._beat)

    def _beat(self) -> None:
        now = cpu()
        self.longest = max(self.longest, now - self._last)
        self._last = now
        if self._beating:
            asyncio.get_running_loop().call_soon(self._beat)

    def stop(self) -> None:
        self._beat()
        self._beating = False


# --- a step -----------------------------------------------------------------------------------------------------------


def nothing(event: object) -> None:
    """A listener."""


def bare_chain(length: int) -> Run:
    """A lookup, a compiled Jinja2 expression, six listener calls and a task for each step."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    names = [f"s{i}" for i in range(length)]
    texts = ["1", *(f"steps.{name}.output + 1" for name in names[:-1])]
    expressions = [environment.compile_expression(text, undefined_to_none=False) for text in texts]
    actions = {"bench_add": bench_add}
    listeners = [nothing] * 3

    async def run() -> float:
        loop = asyncio.get_running_loop()
        done: dict[str, Any] = {}
        began = cpu()
        for name, expression in zip(names, expressions, strict=True):
            action = actions["bench_add"]
            for listener in listeners:
                listener(name)
            value: Any = expression(steps=done)
            done[name] = {"output": await loop.create_task(action(value))}
            for listener in listeners:
                listener(name)
        return cpu() - began

    return run


class Pypyr:
    """Chains of steps in pypyr, which finds pipelines and the modules of their steps in a folder."""

    def __init__(self, folder: str) -> None:
        from pypyr import pipelinerunner  # noqa: PLC0415 - installed for the benchmark only, and one group needs it

        self._run = pipelinerunner.run
        self._folder = Path(folder)
        step = "def run_step(context):\n    context['out'] = context.get_formatted('a') + 1\n"
        (self._folder / "bench_pypyr_step.py").write_text(step)

    def write(self, length: int) -> str:
        """The name of a new pipeline."""
        name = str(self._folder / f"chain{next(_fresh)}")
        step = "  - name: bench_pypyr_step\n    in:\n      a: '{out}'\n"
        Path(f"{name}.yaml").write_text("steps:\n" + step * length)
        return name

    async def run(self, name: str) -> float:
        began = cpu()
        self._run(name, dict_in={"out": 1}, py_dir=self._folder)
        return cpu() - began


async def steps(*, quick: bool) -> AsyncIterator[Row]:
    """A step with an expression, and with a plain path beside pypyr."""
    n = 1000
    async with aura.Scheduler() as heard, aura.Scheduler() as scheduler:
        for hook in ("before_step_run", "after_step_run") * 3:
            heard.hooks.add(nothing, hook)
        with tempfile.TemporaryDirectory() as folder:
            pypyr = Pypyr(folder)
            expressions, paths, pipeline = chain(n, EXPRESSION), chain(n), pypyr.write(n)
            runs: list[Run] = [
                bare_chain(n),
                lambda: task_seconds(heard, expressions),
                lambda: task_seconds(scheduler, paths),
                lambda: pypyr.run(pipeline),
            ]
            await in_turn(2, *runs)
            bare, ours, plain, other = await in_turn(5 if quick else 21, *runs)
    ratio = ratio_of(ours, bare)
    beside = f"bare loop {micro(bare, n):.1f} µs"
    yield Row(
        "an async step, an expression, six listeners", f"{micro(ours, n):.1f} µs", beside, ratio, "1.5", ratio <= 1.5
    )
    ratio = ratio_of(plain, other)
    beside = f"pypyr {micro(other, n):.1f} µs"
    yield Row("an async step, a plain path", f"{micro(plain, n):.1f} µs", beside, ratio, "below pypyr", ratio < 1)


async def first(*, quick: bool) -> AsyncIterator[Row]:
    """The first run of a spec: from a mapping nothing is read, and yet it is checked, planned and run."""
    n = 1000
    async with aura.Scheduler() as scheduler:
        with tempfile.TemporaryDirectory() as folder:
            pypyr = Pypyr(folder)
            runs: list[Run] = [
                lambda: task_seconds(scheduler, data.pop()),
                lambda: task_seconds(scheduler, chain(n)),
                lambda: pypyr.run(names.pop()),
            ]
            rounds = 3 if quick else 9
            data = [yaml.load(chain(n), yaml.CSafeLoader) for _ in range(rounds)]
            names = [pypyr.write(n) for _ in range(rounds)]
            mapping, text, other = await in_turn(rounds, *runs)
    per_step, beside = micro(mapping, n), f"pypyr {micro(other, n):.0f} µs, read too"
    ratio = ratio_of(mapping, other)
    yield Row("the first run, a step, without reading", f"{per_step:.1f} µs", beside, ratio, "40 µs", per_step <= 40)
    yield Row("the first run, a step, with reading", f"{micro(text, n):.1f} µs", beside, ratio_of(text, other))


async def threads(*, quick: bool) -> AsyncIterator[Row]:
    """A step in a thread, one after another."""
    n = 300
    spec = chain(n, action="bench_in_thread")
    with ThreadPoolExecutor(1) as pool:

        async def bare() -> None:
            loop = asyncio.get_running_loop()
            value = 1
            for _ in range(n):
                value = await loop.run_in_executor(pool, bench_in_thread, value)

        async with aura.Scheduler() as scheduler:
            runs: list[Run] = [lambda: seconds_of(bare, wall), lambda: task_seconds(scheduler, spec, wall)]
            await in_turn(2, *runs)
            other, ours = await in_turn(9 if quick else 41, *runs)
    ratio = ratio_of(ours, other)
    beside = f"run_in_executor {micro(other, n):.0f} µs"
    yield Row("a step in a thread", f"{micro(ours, n):.0f} µs", beside, ratio, "1.4", ratio <= 1.4)


# --- tasks ------------------------------------------------------------------------------------------------------------


async def ten_at_once(count: int, one: Callable[[], Coroutine[Any, Any, object]]) -> float:
    """The seconds of so many tasks, ten at once."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await one()

    return await seconds_of(lambda: asyncio.gather(*(work() for _ in range(10))))


async def tasks(*, quick: bool) -> AsyncIterator[Row]:
    """Small tasks one after another, ten at once."""
    count = 2000 if quick else 5000
    spec = chain(3)

    async def three() -> int:
        return await bench_add(await bench_add(await bench_add(1)))

    async with aura.Scheduler() as scheduler:

        async def ours() -> None:
            await scheduler.run_ad_hoc_task(spec)

        async def bare() -> None:
            await asyncio.get_running_loop().create_task(three())

        runs: list[Run] = [lambda: ten_at_once(count, bare), lambda: ten_at_once(count, ours)]
        await in_turn(1, *runs)
        other, own = await in_turn(5 if quick else 11, *runs)
    a_second = count / statistics.median(own)
    beside = f"bare loop {count / statistics.median(other):,.0f}"
    ratio = ratio_of(own, other)
    yield Row("tasks of 3 steps a second, 10 at once", f"{a_second:,.0f}", beside, ratio, "15,000", a_second >= 15_000)


async def submit(*, quick: bool) -> AsyncIterator[Row]:
    """From the submission of a spec that is known to the start of its first step; the median of 100 each time."""
    spec = f"steps: [{{name: s{next(_fresh)}, action: bench_start}}]"

    async def until_start(one: Callable[[], Awaitable[object]]) -> float:
        found = []
        for _ in range(100):
            began = wall()
            await one()
            found.append(_started.pop() - began)
        return statistics.median(found)

    async with aura.Scheduler() as scheduler:
        bare: Run = lambda: until_start(lambda: asyncio.get_running_loop().create_task(bench_start()))  # noqa: E731
        ours: Run = lambda: until_start(lambda: scheduler.run_ad_hoc_task(spec))  # noqa: E731
        other, own = await in_turn(5 if quick else 21, bare, ours)
    most = micro(own)
    yield Row(
        "from submit to the first step's start",
        f"{most:.0f} µs",
        f"create_task {micro(other):.0f} µs",
        ratio_of(own, other),
        "100 µs",
        most <= 100,
    )


async def turns(*, quick: bool) -> AsyncIterator[Row]:
    """1,000 turns of 50 ms, 100 at once."""
    loop = "loop: {times: 1000, parallelism: 100}"
    spec = f"steps: [{{name: s, action: bench_sleep, params: {{seconds: 0.05}}, {loop}}}]"

    async def bare() -> None:
        left = iter(range(1000))

        async def work() -> None:
            for _ in left:
                await bench_sleep(0.05)

        await asyncio.gather(*(work() for _ in range(100)))

    async with aura.Scheduler() as scheduler:
        runs: list[Run] = [lambda: seconds_of(bare, wall), lambda: task_seconds(scheduler, spec, wall)]
        other, own = await in_turn(3 if quick else 9, *runs)
    ratio = statistics.median(own) / 0.5
    beside = f"bare loop {milli(other):.0f} ms"
    yield Row(
        "1,000 turns of 50 ms, 100 at once; limit 500 ms", f"{milli(own):.0f} ms", beside, ratio, "1.04", ratio <= 1.04
    )


# --- reading, checking, planning --------------------------------------------------------------------------------------


async def planned(length: int) -> float:
    text = chain(length)
    began = cpu()
    plan_for(text, None)
    return cpu() - began


async def loaded(length: int) -> float:
    text = chain(length)
    began = cpu()
    yaml.load(text, yaml.CSafeLoader)
    return cpu() - began


async def reading(*, quick: bool) -> AsyncIterator[Row]:
    """A text read, checked and planned, beside PyYAML's C loader, which only reads it."""
    per_step: dict[int, float] = {}
    for length, rounds, most in ((20, 41, 3), (300, 15, None), (1000, 11, 60), (10_000, 3, None)):
        runs: list[Run] = [lambda n=length: planned(n), lambda n=length: loaded(n)]  # type: ignore[misc]
        own, other = await in_turn(3 if quick else rounds, *runs)
        per_step[length] = micro(own, length)
        reached = None if most is None else milli(own) <= most
        target = "" if most is None else f"{most} ms"
        beside = f"yaml.load alone {milli(other):.1f} ms"
        what = f"a text of {length:,} steps read, checked, planned"
        yield Row(what, f"{milli(own):.2f} ms", beside, ratio_of(own, other), target, reached)
    yield growth("the same, a step of 10,000", per_step[10_000], "of 1,000", per_step[1000])


def growth(what: str, large: float, beside: str, small: float) -> Row:
    """Whether a step of many costs what one of few does; microseconds."""
    ratio = large / small
    return Row(what, f"{large:.1f} µs", f"{beside} {small:.1f} µs", ratio, "linear", ratio <= 1.3)


# --- how long the loop is held ----------------------------------------------------------------------------------------


async def held(scheduler: aura.Scheduler, spec: str) -> tuple[float, float]:
    """The seconds of a task whose spec is known, and the longest that it held the loop."""
    gc.collect()
    heart = Heartbeat()
    seconds = await task_seconds(scheduler, spec)
    heart.stop()
    return seconds, heart.longest


async def submitted(scheduler: aura.Scheduler, length: int) -> float:
    """The seconds that the submission of a new spec takes."""
    text = chain(length)
    began = cpu()
    tasklet = scheduler.run_ad_hoc_task(text)
    seconds = cpu() - began
    await tasklet
    return seconds


def turning(count: int, at_once: str) -> str:
    return (
        "steps: [{name: s, action: bench_add, params: {a: '{{ item }}'}, "
        f"loop: {{times: {count}, parallelism: {at_once}}}}}]"
    )


async def loop(*, quick: bool) -> AsyncIterator[Row]:
    """How long the loop is held in one go: by `submit`, by a long task, by a long loop."""
    rounds = 3 if quick else 7
    async with aura.Scheduler() as scheduler:
        very_first = await submitted(scheduler, 1)
        yield Row("the very first submit loads pydantic's models", f"{very_first * MILLI:.0f} ms")
        submits = [await submitted(scheduler, 300) for _ in range(3 * rounds)]
        most = milli(submits)
        beside = f"longest {max(submits) * MILLI:.1f} ms"
        yield Row("submit of 300 steps holds the loop", f"{most:.1f} ms", beside, None, "20 ms", most <= 20)

        pairs = [("20,000 steps", chain(20_000), 20_000, "of 2,000", chain(2000), 2000)]
        for at_once in ("1", "100"):
            what = f"100,000 turns, {at_once} at once,"
            pairs.append((what, turning(100_000, at_once), 100_000, "of 10,000", turning(10_000, at_once), 10_000))
        for what, large, many, beside, small, few in pairs:
            for spec in (large, small):
                plan_for(spec, None)
            found = [(await held(scheduler, large), await held(scheduler, small)) for _ in range(rounds)]
            holds = [longest for (_, longest), _ in found]
            longest = milli(holds)
            yield Row(
                f"{what} hold the loop",
                f"{longest:.1f} ms",
                f"longest {max(holds) * MILLI:.1f} ms",
                None,
                "20 ms",
                longest <= 20,
            )
            big, little = ([pair[i][0] for pair in found] for i in (0, 1))
            yield growth(f"{what} each", micro(big, many), beside, micro(little, few))


# --- what is kept -----------------------------------------------------------------------------------------------------


async def memory(*, quick: bool) -> AsyncIterator[Row]:
    """What a finished step costs while somebody holds its tasklet, and what is left of tasklets that nobody holds."""
    n, count = 2000, 2000 if quick else 10_000
    async with aura.Scheduler() as scheduler:
        spec, small = chain(n), chain(3)
        await scheduler.run_ad_hoc_task(spec)
        await scheduler.run_ad_hoc_task(small)
        tracemalloc.start()
        before = in_use()
        tasklet = scheduler.run_ad_hoc_task(spec)
        await tasklet
        a_step = (in_use() - before) / n
        yield Row("bytes of a finished step", f"{a_step:,.0f}", "", None, "1 kB", a_step <= 1024)

        del tasklet
        before = in_use()
        there: weakref.WeakSet[aura.Tasklet] = weakref.WeakSet()
        for _ in range(count):
            tasklet = scheduler.run_ad_hoc_task(small)
            there.add(tasklet)
            await tasklet
        del tasklet
        await asyncio.sleep(0)  # the loop lets go of the last task
        left = in_use() - before
        records = min(count, len(scheduler.finished))
    yield Row(f"tasklets that live on, of {count:,} finished", f"{len(there)}", "", None, "0", len(there) == 0)
    beside = f"{records:,} records, {left / records:,.0f} bytes each"
    yield Row("bytes that are left of each of them", f"{left / count:,.0f}", beside, None, "a small record")


def in_use() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


# --- imports ----------------------------------------------------------------------------------------------------------

CLOCKED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
LOAD = "get_ipython().run_line_magic('load_ext', 'aura_jupyter')"


async def imports(*, quick: bool) -> AsyncIterator[Row]:
    """The import in a fresh interpreter, and `%load_ext` in a fresh kernel."""
    rounds = 3 if quick else 9

    async def fresh(statement: str) -> float:
        command = [sys.executable, "-c", CLOCKED.format(statement)]
        ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True, text=True)
        return float(ended.stdout)

    async def kernel(statement: str) -> float:
        return await asyncio.to_thread(in_kernel, CLOCKED.format(statement))

    own, other = await in_turn(
        rounds, lambda: fresh("import aura_jupyter"), lambda: fresh("import pypyr.pipelinerunner")
    )
    beside = f"pypyr {milli(other):.0f} ms"
    yield Row("import aura_jupyter", f"{milli(own):.1f} ms", beside, ratio_of(own, other), "30 ms", milli(own) <= 30)
    own, other = await in_turn(rounds // 2 + 1, lambda: kernel(LOAD), lambda: kernel("import ipywidgets"))
    beside = f"import ipywidgets {milli(other):.0f} ms"
    yield Row(
        "%load_ext in a fresh kernel", f"{milli(own):.0f} ms", beside, ratio_of(own, other), "250 ms", milli(own) <= 250
    )


def in_kernel(code: str) -> float:
    from jupyter_client.manager import start_new_kernel  # noqa: PLC0415 - one group needs it

    manager, client = start_new_kernel(kernel_name="python3", stderr=subprocess.DEVNULL)
    printed: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        if message["msg_type"] in ("stream", "error"):
            printed.append(message["content"].get("text") or message["content"]["evalue"])

    try:
        client.execute_interactive(code, timeout=60, output_hook=hear)
        return float(printed[-1])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# --- the table --------------------------------------------------------------------------------------------------------

GROUPS: dict[str, Callable[..., AsyncIterator[Row]]] = {
    group.__name__: group for group in (steps, first, threads, tasks, submit, turns, reading, loop, memory, imports)
}


async def show(name: str, *, quick: bool) -> None:
    async for row in GROUPS[name](quick=quick):
        print(row, flush=True)


async def bare_task() -> float:
    """The microseconds of a task that does nothing."""

    async def many() -> None:
        create = asyncio.get_running_loop().create_task
        for _ in range(1000):
            await create(bench_add(1))

    (found,) = await in_turn(15, lambda: seconds_of(many))
    return micro(found, 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("group", nargs="*", choices=[[], *GROUPS], help=f"of {', '.join(GROUPS)}; all if left out")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--rows", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rows:
        asyncio.run(show(given.group[0], quick=given.quick))
        return
    print(f"A bare task takes {asyncio.run(bare_task()):.1f} µs now, and took 4.6 µs where the targets were set.\n")
    print(HEADING, flush=True)
    for name in given.group or GROUPS:  # each in a fresh interpreter: what one leaves in memory is not the next one's
        command = [sys.executable, __file__, name, "--rows", *(["--quick"] if given.quick else [])]
        subprocess.run(command, check=False)


if __name__ == "__main__":
    main()
