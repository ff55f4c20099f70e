"""The graph of a task that goes on: a picture that is drawn again as its steps begin and end."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable

from ..engine.hooks import Event
from ..engine.tasklet import Tasklet
from .publishing import Bundle, Publisher

GAP = 0.5  # seconds between two pictures at least
_HOOKS = ("before_task_run", "before_step_run", "after_step_run", "attempt_failed", "step_asks", "after_task_run")


class LiveGraph:
    """Shows the graph of a task in the running cell, and follows the task until it has ended.

    Args:
        tasklet: the task.
        publisher: sends what is shown.
        draw: makes the bundle of the graph as it stands; from any thread.
    """

    def __init__(self, tasklet: Tasklet, publisher: Publisher, draw: Callable[[], Bundle]) -> None:
        self._tasklet, self._publisher, self._draw = tasklet, publisher, draw
        self._loop = tasklet.scheduler.loop
        self._changed = asyncio.Event()
        self._shown = draw()
        self._display_id = publisher.display(self._shown)
        for hook in _HOOKS:
            tasklet.scheduler.hooks.add(self._on_event, hook)
        self._loop.call_soon_threadsafe(self._begin)

    def _on_event(self, event: Event) -> None:
        if event.tasklet is self._tasklet:
            self._changed.set()

    def _begin(self) -> None:
        self._changed.set()  # something may have happened before it listened
        # an empty context: what is sent belongs to the cell that runs then
        self._following = self._loop.create_task(self._follow(), context=contextvars.Context())

    async def _follow(self) -> None:
        threads = self._tasklet.scheduler.manager.threads
        try:
            ended = False
            while not ended:
                await self._changed.wait()
                self._changed.clear()
                ended = self._tasklet.status.is_final
                good, drawn = await threads.call(self._loop, self._draw)
                if not good:
                    raise drawn
                if drawn != self._shown:
                    self._shown = drawn
                    self._publisher.replace(self._display_id, drawn)
                await asyncio.sleep(0 if ended else GAP)
        finally:
            self._tasklet.scheduler.hooks.remove(self._on_event)
