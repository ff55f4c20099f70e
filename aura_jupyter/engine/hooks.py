"""Hooks: the engine tells what happens. An event is a frozen dataclass, a listener a callable of one event."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..spec.problems import nearest

if TYPE_CHECKING:
    from .logs import LogRecord
    from .tasklet import Question, StepRun, Tasklet

HOOKS = (
    "task_queued",
    "before_task_run",
    "after_task_run",
    "after_task_success",
    "after_task_failure",
    "before_step_run",
    "after_step_run",
    "attempt_failed",
    "turn_done",
    "step_progress",
    "step_log",
    "step_asks",
)


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """`task_queued`, `before_task_run`, `after_task_success`, `after_task_failure`, `after_task_run`."""

    hook: str
    tasklet: Tasklet
    time: float
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class StepEvent:
    """`before_step_run`, `after_step_run`."""

    hook: str
    tasklet: Tasklet
    time: float
    step: StepRun
    attempt: int = 0
    output: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """`attempt_failed`: an attempt failed and another follows after `delay` seconds."""

    hook: str
    tasklet: Tasklet
    time: float
    step: StepRun
    attempt: int
    error: BaseException
    delay: float


@dataclass(frozen=True, slots=True)
class TurnDone:
    """`turn_done`: a loop's turn ended. `done` turns of `total` have (`None` where nobody knows)."""

    hook: str
    tasklet: Tasklet
    time: float
    step: StepRun
    index: int
    done: int
    total: int | None
    output: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class StepProgress:
    """`step_progress`: an action reported progress."""

    hook: str
    tasklet: Tasklet
    time: float
    step: StepRun
    done: float
    total: float | None
    text: str


@dataclass(frozen=True, slots=True)
class StepLog:
    """`step_log`: an action wrote a line."""

    hook: str
    tasklet: Tasklet
    time: float
    step: StepRun
    line: LogRecord
    text: str


@dataclass(frozen=True, slots=True)
class StepAsks:
    """`step_asks`: an action asks a person; `question.answer(choice)` answers."""

    hook: str
    tasklet: Tasklet
    time: float
    step: StepRun
    question: Question
    text: str


Event = TaskEvent | StepEvent | AttemptFailed | TurnDone | StepProgress | StepLog | StepAsks
Listener = Callable[[Any], object]
_L = TypeVar("_L", bound=Listener)
_logger = logging.getLogger("aura_jupyter.hooks")
_changing = threading.RLock()  # of who listens, which any thread may


class Hooks:
    """The listeners of one scheduler, and those of every scheduler above them.

    Each hook is an attribute that holds a tuple of its listeners, so that a hook nobody listens to costs one look.
    """

    __slots__ = ("__weakref__", "_children", "_own", "_parent", "_reported", "_tasks", *HOOKS)

    task_queued: tuple[Listener, ...]
    before_task_run: tuple[Listener, ...]
    after_task_run: tuple[Listener, ...]
    after_task_success: tuple[Listener, ...]
    after_task_failure: tuple[Listener, ...]
    before_step_run: tuple[Listener, ...]
    after_step_run: tuple[Listener, ...]
    attempt_failed: tuple[Listener, ...]
    turn_done: tuple[Listener, ...]
    step_progress: tuple[Listener, ...]
    step_log: tuple[Listener, ...]
    step_asks: tuple[Listener, ...]

    def __init__(self, parent: Hooks | None = None) -> None:
        self._own: list[tuple[str | None, Listener]] = []
        self._parent = parent
        self._children: weakref.WeakSet[Hooks] = weakref.WeakSet()
        self._reported: set[int] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        with _changing:
            if parent is not None:
                parent._children.add(self)
            self._recount()

    def add(self, listener: Listener, hook: str | None = None) -> None:
        """Call `listener` with each event of a hook, from now on; any thread.

        Args:
            listener: a plain or async callable of one event. It is called on the loop's thread.
            hook: the hook's name; `None` means all of them.

        Raises:
            ValueError: there is no hook of that name.
        """
        if hook is not None:
            _check(hook)
        if not callable(listener):
            raise TypeError(f"a hook is a callable of one event, and this is {type(listener).__name__}")
        with _changing:
            self._own.append((hook, listener))
            self._recount()

    def remove(self, listener: Listener) -> None:
        """Forget a listener; nothing happens where it is not known. Any thread."""
        with _changing:
            self._reported.difference_update(id(known) for _, known in self._own if known == listener)
            self._own = [(hook, known) for hook, known in self._own if known != listener]
            self._recount()

    def replace(self, listener: Listener, hook: str) -> None:
        """Like `add`, in the place of a function of the same name: a cell that is run again does not listen twice."""
        name = _full_name(listener)
        with _changing:
            if "<lambda>" not in name:
                old = [each for each in self._own if each[0] == hook and _full_name(each[1]) == name]
                self._reported.difference_update(id(known) for _, known in old)
                self._own = [each for each in self._own if each not in old]
            self.add(listener, hook)

    def fire(self, listeners: tuple[Listener, ...], event: Event) -> None:
        """Call the listeners; what fails in one harms neither the task nor the others."""
        for listener in listeners:
            try:
                answer = listener(event)
            except BaseException as error:  # noqa: BLE001 - whatever a listener raises is its own affair
                self._report(listener, error)
            else:
                if answer is not None and inspect.isawaitable(answer):
                    self._spawn(listener, answer)

    async def settle(self) -> None:
        """Wait for the async listeners that are under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _spawn(self, listener: Listener, answer: Awaitable[object]) -> None:
        task = asyncio.ensure_future(self._listen(listener, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, listener: Listener, answer: Awaitable[object]) -> None:
        try:
            await answer
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - as in `fire`; SystemExit out of a task would stop the loop
            self._report(listener, error)

    def _report(self, listener: Listener, error: BaseException) -> None:
        parent = self._parent
        if parent is not None and all(known is not listener for _, known in self._own):
            parent._report(listener, error)  # once for all schedulers
            return
        if id(listener) in self._reported:
            return
        self._reported.add(id(listener))
        # an empty context: what a hook says does not belong into the log of the step that happens to run
        contextvars.Context().run(
            _logger.error, "the hook %s failed, which is said once: %r", _full_name(listener), error, exc_info=error
        )

    def _recount(self) -> None:
        above = self._parent
        for hook in HOOKS:
            own = tuple(listener for where, listener in self._own if where is None or where == hook)
            setattr(self, hook, own if above is None else getattr(above, hook) + own)
        for child in list(self._children):
            child._recount()


every_scheduler = Hooks()


def hook(name: str) -> Callable[[_L], _L]:
    """Listen to a hook of every scheduler, as a decorator.

    Args:
        name: one of the hooks' names, such as `after_task_failure`.

    Raises:
        ValueError: there is no hook of that name.
    """
    _check(name)

    def listen(listener: _L) -> _L:
        every_scheduler.replace(listener, name)
        return listener

    return listen


def _check(name: str) -> None:
    if name not in HOOKS:
        near = nearest(name, HOOKS)
        hint = f"did you mean {near!r}?" if near else f"the hooks are {', '.join(HOOKS)}"
        raise ValueError(f"there is no hook {name!r}: {hint}")


def _full_name(listener: Listener) -> str:
    name = getattr(listener, "__qualname__", None)
    return f"{getattr(listener, '__module__', '')}.{name}" if name else repr(listener)
