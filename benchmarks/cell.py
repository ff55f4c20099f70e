"""What the cell costs, in a real kernel: loading, completing, and starting a task of many steps.

    python benchmarks/cell.py

It prints a table and asserts nothing. Times are those of the loop's own thread: what a person waits for, and what keeps
other tasks waiting, without what else the machine does.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from jupyter_client.manager import start_new_kernel

from benchmarks.table import Row

ROUNDS = 5
Run = Callable[[str], str]

LOAD = """\
import time
began = time.thread_time()
get_ipython().run_line_magic("load_ext", "aura_jupyter")
print((time.thread_time() - began) * 1000)
"""
STEP = """\
  - name: s{0}
    action: core.log
    when: "{{{{ inputs.f }}}}"
    params: {{message: "{{{{ steps.s{1}.output }}}}"}}
    retry: {{attempts: 3}}
"""
COMPLETE = """\
from IPython.core.completer import provisionalcompleter
import statistics
ip, cell, took = get_ipython(), {cell!r}, []
with provisionalcompleter():
    for _ in range(20):
        began = time.thread_time()
        found = list(ip.Completer.completions(cell, len(cell)))
        took.append(time.thread_time() - began)
assert found
print(statistics.median(took) * 1000)
"""
PROBE = """\
import asyncio
async def quick(): return 1
held = []
async def probe():
    while True:
        before = time.thread_time()
        await asyncio.sleep(0.001)
        held.append(time.thread_time() - before)
probing = asyncio.create_task(probe())
"""
MANY = "%%aura many --wait\nsteps:\n" + "".join(f"  - {{name: s{at:04}, action: quick}}\n" for at in range(1000))
HELD = "import json\nprint(json.dumps([max(held) * 1000, many.status]))"


@contextmanager
def kernel() -> Iterator[Run]:
    """A fresh kernel: gives a function that runs a cell as a front end does, and gives what it printed."""
    manager, client = start_new_kernel(kernel_name="python3")

    def run(code: str) -> str:
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                printed.append(message["content"]["text"])

        reply = client.execute_interactive(code, output_hook=hear, allow_stdin=True, timeout=120)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed)

    try:
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> None:
    loaded, completed, first, later = [], [], [], []
    cell = (
        "%%aura\ninputs: [f]\nsteps:\n" + "".join(STEP.format(at, at - 1) for at in range(100)) + "  - when: steps.s9"
    )
    for _ in range(ROUNDS):
        with kernel() as run:
            loaded.append(float(run(LOAD)))
            completed.append(float(run(COMPLETE.format(cell=cell))))
            run(PROBE)
            for held in (first, later):
                run("held.clear()")
                run(MANY)
                longest, status = json.loads(run(HELD))
                assert status == "COMPLETED", status
                held.append(longest)
    print(Row("%load_ext in a fresh kernel", statistics.median(loaded), "ms", 250))
    print(Row("completion at the end of a cell of 500 lines", statistics.median(completed), "ms", 20))
    print(Row("a %%aura cell of 1,000 steps: the loop held, the first time", statistics.median(first), "ms", 20))
    print(Row("a %%aura cell of 1,000 steps: the loop held, later", statistics.median(later), "ms", 20))


if __name__ == "__main__":
    main()
