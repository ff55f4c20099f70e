"""What the kernel's door costs who asks: with an idle kernel, while a cell holds it, and while one awaits.

    python benchmarks/door.py            # all of it
    python benchmarks/door.py --quick    # roughly

It prints a table and asserts nothing. Times are those of a client on the same machine, from sending to the answer.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from jupyter_client.manager import start_new_kernel  # noqa: E402

from tests.kernel.doors import Program, program  # noqa: E402
from tests.kernel.kernels import Kernel  # noqa: E402

SPEC = "steps: [{action: core.log, params: {message: hello}}]"
SETUP = "%load_ext aura_jupyter\nimport asyncio, time"
STATES = {
    "idle": None,
    "a sync cell": "print('held', flush=True)\ntime.sleep(1000)",
    "a busy cell": "print('held', flush=True)\nwhile True: pass",
    "an async cell": "print('held', flush=True)\nawait asyncio.sleep(1000)",
}


class Row(NamedTuple):
    """A line of the table."""

    what: str
    state: str
    took: list[float]  # seconds

    def __str__(self) -> str:
        ordered = sorted(self.took)
        middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
        return f"{self.what:<32} {self.state:<16} {middle * 1000:>9.1f} {late * 1000:>9.1f} {len(ordered):>6}"


HEADING = f"{'milliseconds':<32} {'kernel':<16} {'p50':>9} {'p99':>9} {'n':>6}"


@contextmanager
def doing(kernel: Kernel, code: str | None) -> Iterator[None]:
    """A kernel that runs a cell meanwhile."""
    if code is None:
        yield
        return
    start = len(kernel.messages)
    cell = kernel.start(code)
    kernel.wait_for_text("held", start)
    yield
    kernel.interrupt()
    kernel.finish(cell)


def timed(function: Callable[[], object], rounds: int) -> list[float]:
    """The seconds that each of so many calls took."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        function()
        took.append(time.perf_counter() - began)
    return took


def first_event(visitor: Program) -> float:
    """Submit a task after a silence; the seconds until the first event of it."""
    time.sleep(0.25)  # no event waits for its turn
    visitor.iopub.clear()
    began = time.perf_counter()
    task_id = visitor.run(SPEC)
    visitor.wait_for_event(lambda event: event.task.task_id == task_id)
    return time.perf_counter() - began


def in_a_state(visitor: Program, state: str, rounds: int) -> Iterator[Row]:
    ids: list[str] = []
    yield Row("hello", state, timed(lambda: visitor.ask("hello"), rounds))
    yield Row("run_ad_hoc", state, timed(lambda: ids.append(visitor.run(SPEC)), rounds))
    yield Row("task", state, timed(lambda: visitor.ask("task", task_id=ids[-1]), rounds))
    yield Row("tasks, 100 of them", state, timed(lambda: visitor.ask("tasks", limit=100), rounds // 4))
    yield Row("cancel", state, timed(lambda: visitor.ask("cancel", task_id=ids[-1]), rounds))


def answers(kernel: Kernel, rounds: int) -> Iterator[Row]:
    for state, code in STATES.items():
        with doing(kernel, code), program(kernel) as visitor:
            yield from in_a_state(visitor, state, rounds)


def events(kernel: Kernel, rounds: int) -> Iterator[Row]:
    for state in ("idle", "an async cell"):
        with doing(kernel, STATES[state]), program(kernel) as visitor:  # a new one: IOPub drops what nobody reads
            visitor.ask("subscribe", subscriber="benchmark")
            first_event(visitor)
            yield Row("run_ad_hoc to its first event", state, [first_event(visitor) for _ in range(rounds)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds")
    rounds = 40 if parser.parse_args().quick else 200
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        kernel = Kernel(manager, client)
        kernel.ok(SETUP)
        with program(kernel) as visitor:
            visitor.until(visitor.run(SPEC))  # the first one imports
        print(HEADING)
        for row in itertools.chain(answers(kernel, rounds), events(kernel, rounds // 4)):
            print(row, flush=True)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
