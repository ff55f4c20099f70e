"""One call of an action, as the action sees it and as the engine does: its context, its output, its cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import TaskError
from .bars import read_bar
from .hooks import StepAsks, StepLog, StepProgress
from .logs import LogRecord, current_sink
from .plan import PlannedStep
from .scope import Scope
from .screen import Lines, plain
from .tasklet import Progress, Question, StepRun, Tasklet

if TYPE_CHECKING:
    from .steps import StepWalk

_lock = threading.Lock()  # one for all: held for moments only, and a lock of its own would cost each attempt


class Attempt:
    """One call of an action: the engine's end of its `ActionContext`, and where its output goes; for any thread."""

    __slots__ = (
        "_callbacks",
        "_lines",
        "_lock",
        "_progress_is_due",
        "_question",
        "_records",
        "cancelled",
        "number",
        "planned",
        "returned",
        "run",
        "scope",
        "walk",
    )

    def __init__(self, walk: StepWalk, planned: PlannedStep, run: StepRun, scope: Scope, number: int) -> None:
        self.walk = walk
        self.planned = planned
        self.run = run
        self.scope = scope
        self.number = number
        self.cancelled = False
        self.returned = False
        self._callbacks: list[Callable[[], None]] | None = None
        self._lines: Lines | None = None
        self._records: deque[LogRecord] | None = None
        self._progress_is_due = False
        self._question: Question | None = None
        self._lock = _lock

    @property
    def task(self) -> Tasklet:
        """The tasklet."""
        return self.walk.tasklet

    @property
    def step(self) -> str:
        """The step's name."""
        return self.planned.name

    @property
    def attempt(self) -> int:
        """The attempt's number, from 1."""
        return self.number

    def names(self) -> dict[str, Any]:
        """Every template name, and every input whose name is none of those."""
        return {**self.walk.tasklet.inputs, **self.scope.names}

    def set_context(self, values: Mapping[str, Any]) -> None:
        """Store values in `ctx`."""
        self.walk.tasklet.context.update(values)

    async def run_task(self, task: Any, inputs: Mapping[str, Any]) -> Any:
        """Run a sub-task within this step."""
        return await self.walk.manager.run_inside(self, task, inputs)

    # --- cancelling ---------------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Tell the action that what it does is no longer wanted."""
        with self._lock:
            self.cancelled = True
            callbacks, self._callbacks = self._callbacks, None
        if self._question is not None and self.run.question is self._question:
            self.run.question = None  # what it asked from a thread may hear of it later only
        for callback in callbacks or ():
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the action's own; it must not keep the task from stopping
                self.log(f"what {self.planned.action} does when it is cancelled failed: {error!r}", "warning")

    def call_when_cancelled(self, callback: Callable[[], None]) -> None:
        """Call back once it is cancelled; at once where it is."""
        with self._lock:
            if not self.cancelled:
                self._callbacks = [*(self._callbacks or ()), callback]
                return
        callback()

    # --- what it says -------------------------------------------------------------------------------------------------

    def write(self, stream: str, text: str) -> None:
        """Take what the action writes to `stdout` or `stderr`."""
        lines = self._lines
        if lines is None:
            with self._lock:
                lines = self._lines = self._lines or Lines(self._take_line)
        is_first = lines.write(stream, text)
        if is_first and (bar := read_bar(text)):
            self.progress(*bar)

    def flush(self) -> None:
        """Take the lines that were not ended."""
        if self._lines is not None:
            self._lines.flush()

    def _take_line(self, stream: str, line: str) -> None:
        quiet = stream == "stdout" or read_bar(line)  # bars go to stderr, and warn of nothing
        self.log(line, "info" if quiet else "warning")

    def log(self, message: object, level: str = "info") -> None:
        """Write to the task's log, a record for each line."""
        now = time.time()
        for line in plain(str(message)).splitlines() or [""]:
            record = LogRecord(self.planned.name, level, line, now)
            self.walk.tasklet.write(record)
            if self.walk.hooks.step_log:
                self._tell_line(record)

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Note how far the action is. Many reports from a thread become one event for each pass of the loop."""
        if self.cancelled or self.run.status.is_final:
            return
        self.run.progress = Progress(done, total, self.walk.tasklet.secrets.mask(text) if text else "")
        if not self.walk.hooks.step_progress:
            return
        if self._on_loop():
            self._fire_progress()
        elif not self._progress_is_due:
            self._progress_is_due = True
            self._on_the_loop(self._fire_progress)

    def _fire_progress(self) -> None:
        self._progress_is_due = False
        progress, walk = self.run.progress, self.walk
        if progress is not None and not self.run.status.is_final:
            event = StepProgress(
                "step_progress", walk.tasklet, time.time(), self.run, progress.done, progress.total, progress.text
            )
            self._fire("step_progress", event)

    def _tell_line(self, record: LogRecord) -> None:
        if self._on_loop():
            self._fire_line(record)
            return
        with self._lock:
            first = not self._records
            self._records = self._records if self._records is not None else deque()
            self._records.append(record)
        if first:
            self._on_the_loop(self._fire_lines)

    def _fire_lines(self) -> None:
        records = self._records
        while records:
            self._fire_line(records.popleft())

    def _fire_line(self, record: LogRecord) -> None:
        self._fire("step_log", StepLog("step_log", self.walk.tasklet, record.time, self.run, record, record.text))

    def _fire(self, hook: str, event: StepProgress | StepLog | StepAsks) -> None:
        if self.walk.tasklet.status.is_final:  # an action that runs on in its thread: the task's last event was told
            return
        token = current_sink.set(None)  # what a listener prints is not the action's
        try:
            self.walk.hooks.fire(getattr(self.walk.hooks, hook), event)
        finally:
            current_sink.reset(token)

    def _on_loop(self) -> bool:
        return threading.get_ident() == self.walk.manager.thread

    def _on_the_loop(self, callback: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self.walk.loop.call_soon_threadsafe(callback)

    # --- asking a person ----------------------------------------------------------------------------------------------

    def ask(self, message: str, choices: Sequence[str], default: str | None) -> Any:
        """Ask a person: an awaitable on the loop; in a thread it waits for the answer."""
        if self._on_loop():
            return self._ask(message, choices, default)
        answer = asyncio.run_coroutine_threadsafe(self._ask(message, choices, default), self.walk.loop)
        self.call_when_cancelled(lambda: _cancel(answer))
        return answer.result()

    async def _ask(self, message: str, choices: Sequence[str], default: str | None) -> str:
        walk = self.walk
        async with walk.lock_for_question(self.planned):
            answer: asyncio.Future[str] = walk.loop.create_future()
            text = walk.tasklet.secrets.mask(str(message))
            question = Question(text, choices, lambda choice: walk.loop.call_soon_threadsafe(_settle, answer, choice))
            person = walk.manager.person
            if not walk.tasklet.answerable and (person is None or not person(walk.tasklet, self.run)):
                if default is None:
                    raise TaskError(f"there is nobody to ask: {text}")
                return default
            self.run.question = self._question = question
            self.call_when_cancelled(lambda: self._on_the_loop(answer.cancel))
            self._fire("step_asks", StepAsks("step_asks", walk.tasklet, time.time(), self.run, question, text))
            try:
                return await answer
            finally:
                self.run.question = None


def _settle(future: asyncio.Future[str], value: str) -> None:
    if not future.done():
        future.set_result(value)


def _cancel(future: Any) -> None:
    future.cancel()
