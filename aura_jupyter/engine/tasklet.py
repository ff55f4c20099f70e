"""The passport of a task: what it is, how it goes, what came of it. The engine writes it, everybody reads it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import TaskCancelled, TaskError, message_of
from ..spec.problems import nearest
from .frames import own_frames
from .logs import Log, LogRecord
from .secrets import NONE, Secrets

if TYPE_CHECKING:
    from .attempt import Attempt
    from .plan import Namespace, Plan, PlannedStep
    from .scheduler import Scheduler


class TaskStatus(StrEnum):
    """Where a task stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return self in _FINAL_TASK


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether the step has ended."""
        return self in _FINAL_STEP


_FINAL_TASK = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED})
_FINAL_STEP = frozenset({StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Progress:
    """What an action last reported of itself."""

    done: float
    total: float | None
    text: str


class Turns:
    """How the turns of a loop go."""

    __slots__ = ("done", "failed", "total")

    def __init__(self, total: int | None) -> None:
        self.done = 0  # ended, the failed ones included
        self.failed = 0
        self.total = total  # `None` for a `while`


class Question:
    """What an action asks a person."""

    __slots__ = ("_answer", "choices", "message")

    def __init__(self, message: str, choices: Sequence[str], answer: Callable[[str], object]) -> None:
        self.message = message
        self.choices = tuple(choices)
        self._answer = answer

    def answer(self, choice: str) -> None:
        """Answer it, from any thread. The first answer counts.

        Raises:
            ValueError: the choice is none of the choices.
        """
        if choice not in self.choices:
            near = nearest(choice, self.choices)
            raise ValueError(
                f"{choice!r} is none of the choices {', '.join(self.choices)}"
                + (f"; did you mean {near!r}?" if near else "")
            )
        self._answer(choice)


class StepRun:
    """How one step of a task goes."""

    __slots__ = (
        "args",
        "attempts",
        "children",
        "description",
        "duration",
        "error",
        "errors",
        "handled",
        "held",
        "output",
        "params",
        "planned",
        "progress",
        "question",
        "reason",
        "retry_at",
        "started_at",
        "status",
        "turns",
    )

    def __init__(self, planned: PlannedStep) -> None:
        self.planned = planned
        self.status: StepStatus = StepStatus.PENDING
        self.output: Any = None
        self.error: BaseException | None = None
        self.errors: list[dict[str, Any]] | None = (
            None  # of a loop that goes on: index, type, message of its failed turns
        )
        self.attempts = 0
        self.started_at: float | None = None  # seconds since the epoch
        self.duration: float | None = None  # seconds, once it has ended
        self.description: str | None = None
        self.reason = ""  # why it was skipped
        self.handled = False  # failed, and dealt with by its on_error
        self.held = 0.0  # seconds that it held the loop in one go
        self.retry_at: float | None = None  # seconds since the epoch, while it waits for its next attempt
        self.progress: Progress | None = None
        self.turns: Turns | None = None
        self.question: Question | None = None
        self.children: Tasklet | None = None  # the sub-task of a `core.run_task`
        self.params: Mapping[str, Any] | None = None  # what the action was given, of a loop its last turn
        self.args: Sequence[Any] = ()

    name = property(lambda self: self.planned.name, doc="The step's name.")
    action = property(lambda self: self.planned.action, doc="The name of its action.")
    section = property(lambda self: self.planned.section, doc="`steps`, `on_error` or `finally`.")
    parent = property(
        lambda self: self.planned.owner and self.planned.owner.name, doc="The step whose on_error it belongs to."
    )
    path = property(lambda self: self.planned.path, doc="Where it stands in the spec.")
    executor = property(lambda self: self.planned.runs_in, doc="`loop`, `thread`, `process` or `dask`.")
    max_attempts = property(lambda self: self.planned.attempts, doc="How many attempts it may take.")
    side_by_side = property(lambda self: self.planned.side_by_side, doc="Whether other steps may run beside it.")

    def __str__(self) -> str:
        return str(self.planned.name)

    def __repr__(self) -> str:
        return f"<step {self.planned.name!r} {self.status}>"


_first_touch = threading.Lock()


class Steps(Mapping[str, StepRun]):
    """The steps of a task by name, in the order of their rows; a step that nothing has touched costs nothing."""

    __slots__ = ("_plan", "_runs")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._runs: list[StepRun | None] = [None] * len(plan.rows)

    def at(self, index: int) -> StepRun:
        """The step of a row."""
        run = self._runs[index]
        if run is None:
            with _first_touch:  # who looks on does so from other threads
                run = self._runs[index]
                if run is None:
                    run = self._runs[index] = StepRun(self._plan.rows[index])
        return run

    def touched(self) -> list[StepRun | None]:
        """For each row its step, `None` where nothing has touched it yet; a copy, from any thread."""
        return self._runs.copy()

    def __getitem__(self, name: str) -> StepRun:
        try:
            return self.at(self._plan.index[name])
        except KeyError:
            near = nearest(str(name), self._plan.index)
            raise KeyError(f"there is no step {name!r}" + (f"; did you mean {near!r}?" if near else "")) from None

    def __contains__(self, name: object) -> bool:
        return name in self._plan.index

    def __iter__(self) -> Iterator[str]:
        return iter(self._plan.index)

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        return f"<{len(self)} steps: {', '.join(f'{name} {self[name].status}' for name in list(self)[:10])}>"


class Tasklet:
    """One run of a spec. `await` it for its result; `print` it to see how it goes.

    Attributes:
        task_id: its id, which cannot be guessed.
        title: what a person calls it.
        name: the notebook variable that holds it, if any.
        status: a `TaskStatus`.
        result: what `returns` gave, `None` unless it completed.
        error: what failed it, with secrets masked; `None` unless it failed.
        inputs: its inputs by name, the very objects.
        origins: where each input came from.
        steps: its steps by name (`.status`, `.output`, `.error`, `.attempts`, `.duration` …).
        logs: what it wrote, line by line.
    """

    __slots__ = (
        "__weakref__",
        "_listening",
        "_log",
        "scheduler",
        "_trace",
        "answerable",
        "around",
        "attempts",
        "bound",
        "cancels",
        "context",
        "took",
        "ended_at",
        "error",
        "error_step",
        "group",
        "in_finally",
        "inputs",
        "name",
        "namespace",
        "origins",
        "parent",
        "plan",
        "queued_at",
        "result",
        "running",
        "secrets",
        "source",
        "started_at",
        "status",
        "steps",
        "task_id",
        "timeout",
        "title",
        "told",
        "told_early",
    )

    def __init__(
        self, task_id: str, plan: Plan, scheduler: Scheduler, inputs: Mapping[str, Any], *, title: str
    ) -> None:
        self.task_id = task_id
        self.plan = plan
        self.title = title
        self.inputs = inputs
        self.steps = Steps(plan)
        self.status: TaskStatus = TaskStatus.QUEUED
        self.result: Any = None
        self.error: BaseException | None = None
        self.error_step: str | None = None
        self.name: str | None = None
        self.answerable = False  # who submitted it can answer what it asks, whether or not somebody watches here
        self.origins: Mapping[str, str] = {}
        self.source = plan.source
        self.secrets: Secrets = NONE
        self.namespace: Namespace | None = None  # where its actions and its sub-tasks are found, too
        self.context: dict[str, Any] = {}
        self.bound: Sequence[Any] = ()
        self.timeout = plan.timeout
        self.group = plan.group
        self.parent: tuple[Tasklet, StepRun] | None = None
        self.queued_at = time.time()
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.in_finally = False
        self.running: asyncio.Task[Any] | None = None  # once it walks
        self.told = 0  # the cancellations that have reached the loop
        self.told_early = False  # one did before it walks
        self.scheduler = scheduler
        self.took: float | None = None
        self._log: Log | None = None
        self.cancels = 0
        self.attempts: set[Attempt] = set()  # those under way
        self.around: contextvars.Context | None = None  # of the one who submitted it
        self._listening: deque[Callable[[], object]] = deque()
        self._trace: tuple[TracebackType | None] | None = None

    @property
    def logs(self) -> Log:
        """What the task wrote, line by line."""
        if self._log is None:
            with _first_touch:
                if self._log is None:
                    self._log = Log(self.scheduler.log_lines)
        return self._log

    def stop_attempts(self) -> None:
        """Tell the actions under way that they are no longer wanted; any thread. For the engine."""
        for attempt in self.attempts.copy():
            attempt.cancel()

    @property
    def is_being_told(self) -> bool:
        """Whether a cancellation of it, or of a task that it runs in, has not reached the loop yet. For the engine."""
        return self.cancels > self.told or (self.parent is not None and self.parent[0].is_being_told)

    def end(
        self, status: TaskStatus, result: Any = None, error: BaseException | None = None, step: str | None = None
    ) -> None:
        """Note how it ended, and let go of what only a running task needs. For the engine."""
        self.result, self.error, self.error_step = result, error, step
        self.ended_at = time.time()
        self.running = None
        self.around = None
        self.bound = ()
        self.status = status

    def share_log(self, other: Tasklet) -> None:
        """Write into another task's log, as a sub-task does into its parent's. For the engine."""
        self._log = other.logs

    @property
    def cancelling(self) -> bool:
        """Whether it was told to stop and has not ended yet."""
        return self.cancels > 0 and not self.status.is_final

    @property
    def duration(self) -> float | None:
        """Seconds that it has run, or took in all; `None` before it runs."""
        if self.took is not None or self.started_at is None:
            return self.took
        return max(0.0, time.time() - self.started_at)

    @property
    def queue_place(self) -> int | None:
        """Its place in the queue, from 1; `None` once it runs."""
        return self.scheduler.place_of(self) if self.status is TaskStatus.QUEUED else None

    def cancel(self) -> None:
        """Stop the task, from any thread; its `finally` runs, and calling this again stops that too."""
        self.scheduler.cancel(self)

    def answer(self, step: str, choice: str) -> None:
        """Answer what a step asks.

        Raises:
            KeyError: there is no step of that name.
            ValueError: it asks nothing, or the choice is none of its choices.
        """
        question = self.steps[step].question
        if question is None:
            raise ValueError(f"step {step!r} asks nothing")
        question.answer(choice)

    async def wait(self) -> Tasklet:
        """Wait for its end, on any loop, and give the tasklet. Cancelling the waiter does not cancel the task."""
        __tracebackhide__ = True
        if not self.status.is_final:
            loop = asyncio.get_running_loop()
            ended = loop.create_future()
            self.when_ended(lambda: _wake(loop, ended))
            await ended
        return self

    def __await__(self) -> Generator[Any, None, Any]:
        __tracebackhide__ = True
        yield from self.wait().__await__()
        return self.value()

    def value(self) -> Any:
        """The result of a task that has ended, or raises what failed it, or `TaskCancelled`."""
        __tracebackhide__ = True
        if self.error is not None:
            self._raise(self.error)
        if self.status is TaskStatus.CANCELLED:
            raise TaskCancelled(f"{self.title} was cancelled")
        return self.result

    def _raise(self, error: BaseException) -> NoReturn:
        __tracebackhide__ = True
        if self._trace is None:
            self._trace = (own_frames(error.__traceback__),)
        if isinstance(error, _HARMFUL):  # it would end the one who waits, or the whole loop
            raise TaskError(f"{type(error).__name__}: {message_of(error)}".rstrip(": ")) from error
        raise error.with_traceback(self._trace[0])  # of the action alone, not of all who awaited it before

    def when_ended(self, callback: Callable[[], object]) -> None:
        """Call back once it has ended, on its loop's thread; at once where it has."""
        self._listening.append(callback)
        if self.status.is_final:  # it ended meanwhile, perhaps in another thread
            self.ended()

    def ended(self) -> None:
        """Tell those who wait. For the engine."""
        while self._listening:
            try:
                callback = self._listening.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                callback()
            except Exception:  # the task has ended all the same, and others wait
                _logger.exception("what was to be done at the end of the task %s failed", self.title)

    def write(self, record: LogRecord) -> None:
        """Add a line to the log, masked. For the engine."""
        record.text = self.secrets.mask(record.text)
        self.logs.append(record)

    def __str__(self) -> str:
        return _describe(self)

    def __repr__(self) -> str:
        return f"<Tasklet {self.title!r} {self.status}>"


def describe_with(function: Callable[[Tasklet], str]) -> None:
    """Set what `print(tasklet)` says. The engine draws nothing itself."""
    global _describe  # noqa: PLW0603 - the one door from the engine to the text form
    _describe = function


_describe: Callable[[Tasklet], str] = repr


_logger = logging.getLogger("aura_jupyter.engine")
_HARMFUL = (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration, StopAsyncIteration)


def _wake(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    """Resolve a future of a loop: directly in its own thread, since the way through the loop's socket costs 20 µs."""
    if asyncio._get_running_loop() is loop:
        _resolve(future)
    else:
        with contextlib.suppress(RuntimeError):  # the loop of the one who waited is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, future)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
