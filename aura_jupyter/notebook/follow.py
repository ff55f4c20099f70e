"""`%aura logs NAME -f`: print a task's lines as they come."""

from __future__ import annotations

import asyncio

from ..engine.hooks import StepLog
from ..engine.logs import LogRecord
from ..engine.tasklet import Tasklet
from .waiting import interrupts_call, this_task


async def follow(tasklet: Tasklet) -> bool:
    """Print what a task wrote and goes on writing, until it has ended. An interrupt ends that, and not the task.

    Returns:
        Whether there was an interrupt.
    """
    lines: asyncio.Queue[LogRecord | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def tell(event: StepLog) -> None:  # it runs within the step, where `print` would go into the log
        if event.tasklet.logs is tasklet.logs:
            loop.call_soon_threadsafe(lines.put_nowait, event.line)

    tasklet.scheduler.hooks.add(tell, "step_log")
    try:
        written = list(tasklet.logs)
        for record in written:
            print(record)
        tasklet.when_ended(lambda: loop.call_soon_threadsafe(lines.put_nowait, None))
        return await _print(lines, frozenset(map(id, written)))
    finally:
        tasklet.scheduler.hooks.remove(tell)


async def _print(lines: asyncio.Queue[LogRecord | None], printed: frozenset[int]) -> bool:
    """Print what comes; a line from another thread may have been printed before its event came."""
    with interrupts_call(this_task().cancel):
        try:
            while (record := await lines.get()) is not None:
                if id(record) not in printed:
                    print(record)
        except asyncio.CancelledError:
            this_task().uncancel()
            return True
    return False
