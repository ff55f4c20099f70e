"""Takes specs, queues their tasklets, runs so many at once. One scheduler for each event loop; nothing polls."""

from __future__ import annotations

import asyncio
import contextvars
import secrets
import time
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from ..errors import NoSchedulerError
from ..spec.problems import Source, SpecError
from .execution_manager import ExecutionManager
from .hooks import Hooks, TaskEvent, every_scheduler
from .inputs import resolve
from .logs import LINES, capture
from .outcome import Outcome
from .plan import Namespace, Plan
from .plans import Spec, plan_for
from .steps import CANCELLED
from .tasklet import Tasklet, TaskStatus
from .walk import Walk

Sender = Literal["here", "panel", "outside"]
MAX_CONCURRENCY = 10
MAX_WAITING = 1000  # tasks, before those that other programs submit are refused
REMEMBERED = 1000  # finished tasks of which a small record is kept


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """What is remembered of a finished task when nobody holds its tasklet."""

    task_id: str
    title: str
    status: TaskStatus
    queued_at: float
    ended_at: float


class TaskQueue(asyncio.Queue[Tasklet]):
    """The tasks that wait for a slot. Unlike its base it can be looked into, and its order changed."""

    _queue: deque[Tasklet]

    def __contains__(self, tasklet: Tasklet) -> bool:
        return tasklet in self._queue

    def remove(self, tasklet: Tasklet) -> bool:
        """Take a task out of the middle; `False` where it is not in it."""
        try:
            self._queue.remove(tasklet)
        except ValueError:
            return False
        return True

    def put_first(self, tasklet: Tasklet) -> None:
        """Put a task before all others."""
        self._queue.appendleft(tasklet)

    def move(self, tasklet: Tasklet, place: int) -> bool:
        """Put a task at a place, counted from 1; `False` where it is not in the queue."""
        if not self.remove(tasklet):
            return False
        self._queue.insert(max(0, place - 1), tasklet)
        return True

    def place_of(self, tasklet: Tasklet) -> int | None:
        """A task's place, counted from 1."""
        try:
            return self._queue.index(tasklet) + 1
        except ValueError:
            return None

    def tasklets(self) -> list[Tasklet]:
        """The tasks in their order."""
        return list(self._queue)


class Group:
    """The tasks of one concurrency group: how many run, and which wait beside the queue."""

    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[Tasklet] = deque()


class Scheduler:
    """Runs tasks on an event loop, `max_concurrency` at once.

        async with Scheduler() as scheduler:
            tasklet = scheduler.run_ad_hoc_task(spec, {"n": 3})
            await tasklet

    Args:
        max_concurrency: how many tasks run at once.
        namespace: where actions and inputs are found that nobody registered or gave: a notebook's variables.
        loop: the event loop; the running one if left out.
        dask: a `distributed.Client` for steps with `executor: dask`; left out, the first one starts a local cluster.

    Raises:
        NoSchedulerError: no loop is running in this thread, and none was given.
    """

    def __init__(
        self,
        *,
        max_concurrency: int = MAX_CONCURRENCY,
        namespace: Namespace | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        dask: Any = None,
    ) -> None:
        if loop is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                raise NoSchedulerError("a scheduler needs a running event loop") from None
        self.loop = loop
        self.namespace = namespace
        self.dask = dask
        self.log_lines = LINES  # that a task's log keeps
        self.hooks = Hooks(every_scheduler)
        self.task_queue = TaskQueue()
        self.running_tasks: dict[str, Tasklet] = {}
        self.finished: deque[TaskRecord] = deque(maxlen=REMEMBERED)
        self.manager = ExecutionManager(self, self.hooks)
        self.closed = False
        self._torn_down = False
        self._max = max_concurrency
        self._groups: dict[str, Group] = {}
        self._known: weakref.WeakValueDictionary[str, Tasklet] = weakref.WeakValueDictionary()
        self._consumer: asyncio.Task[None] | None = None
        self._slot: asyncio.Future[None] | None = None  # the consumer waits for a slot on it
        self._idle = asyncio.Event()
        self._idle.set()
        self._late: set[Tasklet] = set()  # submitted in another thread, on their way to the loop

    # --- settings -----------------------------------------------------------------------------------------------------

    @property
    def max_concurrency(self) -> int:
        """How many tasks run at once. Raised, waiting ones start at once; lowered, running ones go on."""
        return self._max

    @max_concurrency.setter
    def max_concurrency(self, value: int) -> None:
        if type(value) is not int or value < 1:
            raise ValueError(f"max_concurrency is a whole number, 1 or more, and this is {value!r}")
        self._max = value
        self._call(self._free_slot)

    # --- submitting ---------------------------------------------------------------------------------------------------

    def run_ad_hoc_task(
        self,
        task_spec: Spec | Plan,
        inputs: Mapping[str, Any] | None = None,
        *,
        title: str | None = None,
        name: str | None = None,
        origins: Mapping[str, str] | None = None,
        timeout: float | None = None,
        sender: Sender = "here",
    ) -> Tasklet:
        """Queue a task and give its tasklet at once; from any thread.

        Args:
            task_spec: YAML text, a mapping, a path, a `Source`, or the plan of a task that ran.
            inputs: the inputs that are given, by name.
            title: the title where the spec has none.
            name: the notebook variable that holds the tasklet.
            origins: where the given inputs came from, in words.
            timeout: seconds, in the place of the spec's `meta.timeout`.
            sender: who submits it. What does not come from `here` can be answered from there when it asks something;
                what comes from `outside`, by another program, finds nothing in the namespace.

        Raises:
            SpecError: the spec or an input is wrong; nothing has run.
            NoSchedulerError: this scheduler is closed.
        """
        if self.closed or self.loop.is_closed():
            raise NoSchedulerError("the scheduler is closed")
        namespace = self.namespace if sender != "outside" else None
        plan, source = plan_for(task_spec, namespace)
        tasklet = self._tasklet(plan, source, inputs or {}, origins, title or name, namespace)
        tasklet.name = name
        tasklet.answerable = sender != "here"
        if timeout is not None:
            tasklet.timeout = timeout
        tasklet.around = contextvars.copy_context()
        self._known[tasklet.task_id] = tasklet
        if _on(self.loop):
            self._enqueue(tasklet)
        else:
            self._late.add(tasklet)
            try:
                self.loop.call_soon_threadsafe(self._enqueue, tasklet)
            except RuntimeError:
                raise NoSchedulerError("the scheduler's event loop is closed") from None
        return tasklet

    def _tasklet(
        self,
        plan: Plan,
        source: Source,
        inputs: Mapping[str, Any],
        origins: Mapping[str, str] | None,
        title: str | None,
        namespace: Namespace | None,
    ) -> Tasklet:
        bound = plan.bind(namespace, source)
        found = resolve(plan.inputs, inputs, origins, namespace)
        if found.problems:
            raise SpecError(found.problems, source)
        made = plan.title_for(found.values, found.secrets, source) or title or _stem(source.name) or "task"
        tasklet = Tasklet(secrets.token_hex(8), plan, self, found.values, title=found.secrets.mask(made))
        tasklet.source = source
        tasklet.namespace = namespace
        tasklet.bound = bound
        tasklet.origins = found.origins
        tasklet.secrets = found.secrets
        return tasklet

    def _enqueue(self, tasklet: Tasklet) -> None:
        self._late.discard(tasklet)
        self._idle.clear()
        self.task_queue.put_nowait(tasklet)
        self._tell("task_queued", tasklet)
        if self.closed:  # while it was on its way here from another thread
            self.cancel(tasklet)
        else:
            self._consume()

    # --- the way of a task --------------------------------------------------------------------------------------------

    async def _consume_main_task_queue(self) -> None:
        """Start queued tasks as slots are free; ends when the queue is empty, and is started by the next task."""
        try:
            while not self.task_queue.empty():
                if len(self.running_tasks) >= self._max:
                    self._slot = self.loop.create_future()
                    await self._slot
                    continue
                self._start(self.task_queue.get_nowait())
        finally:
            self._consumer = None

    def give_up(self) -> None:
        """Take no more tasks, and end those that wait: the loop is being torn down. For the engine."""
        self.closed = self._torn_down = True
        for tasklet in self._queued():
            self.cancel(tasklet)

    def _queued(self) -> list[Tasklet]:
        beside = [tasklet for group in list(self._groups.values()) for tasklet in list(group.waiting)]
        return list(dict.fromkeys([*self.task_queue.tasklets(), *beside]))

    def _start(self, tasklet: Tasklet) -> None:
        name = tasklet.group
        if name is not None:
            group = self._groups.setdefault(name, Group())
            if group.running >= tasklet.plan.limit or (group.waiting and group.waiting[0] is not tasklet):
                group.waiting.append(tasklet)
                return
            if group.waiting:
                group.waiting.popleft()
            group.running += 1
            self._wake_group(name, group)
        capture.want(self)
        tasklet.status = TaskStatus.RUNNING
        tasklet.started_at = time.time()
        self.running_tasks[tasklet.task_id] = tasklet
        self.manager.submit(tasklet)

    def _on_task_done(self, tasklet: Tasklet, outcome: Outcome) -> None:
        """Record how a task ended, free its slot, tell who listens and who waits."""
        self.running_tasks.pop(tasklet.task_id, None)
        self._leave_group(tasklet)
        self._finish(tasklet, outcome)
        self._free_slot()
        if not self.running_tasks and self.task_queue.empty():
            self._idle.set()
        if self._torn_down and not self.running_tasks:
            self.let_go()

    def _finish(self, tasklet: Tasklet, outcome: Outcome) -> None:
        status = outcome.status
        tasklet.end(status, outcome.result, outcome.error, outcome.step)
        ended_at = tasklet.ended_at or 0.0
        self.finished.append(TaskRecord(tasklet.task_id, tasklet.title, status, tasklet.queued_at, ended_at))
        if status is TaskStatus.COMPLETED:
            self._tell("after_task_success", tasklet)
        elif status is TaskStatus.FAILED:
            self._tell("after_task_failure", tasklet)
        self._tell("after_task_run", tasklet)
        tasklet.ended()

    def _leave_group(self, tasklet: Tasklet) -> None:
        name = tasklet.group
        group = self._groups.get(name) if name is not None else None
        if group is None:
            return
        group.running -= 1
        self._wake_group(name, group)

    def _wake_group(self, name: str | None, group: Group) -> None:
        if group.waiting:
            first = group.waiting[0]
            if group.running < first.plan.limit and first not in self.task_queue:
                self.task_queue.put_first(first)
                self._consume()
        elif group.running == 0 and name is not None:
            del self._groups[name]

    def _free_slot(self) -> None:
        if self._slot is not None and not self._slot.done():
            self._slot.set_result(None)

    def _consume(self) -> None:
        if self._consumer is None and not self.task_queue.empty():
            self._consumer = self.loop.create_task(self._consume_main_task_queue(), context=contextvars.Context())
            self._consumer.add_done_callback(self._consumer_ended)

    def _consumer_ended(self, consumer: asyncio.Task[None]) -> None:
        if consumer.cancelled():  # not by us: the loop is being torn down
            self._consumer = None
            self.give_up()

    def _tell(self, hook: str, tasklet: Tasklet) -> None:
        listeners = getattr(self.hooks, hook)
        if listeners:
            self.hooks.fire(listeners, TaskEvent(hook, tasklet, time.time(), tasklet.error))

    # --- looking and steering -----------------------------------------------------------------------------------------

    def tasks(self) -> list[Tasklet]:
        """The tasklets that are known: running, queued, and finished ones that somebody holds; the oldest first.

        Any thread may ask.
        """
        known = (reference() for reference in self._known.valuerefs())  # a copy: the loop goes on changing it
        return sorted((tasklet for tasklet in known if tasklet is not None), key=lambda tasklet: tasklet.queued_at)

    @property
    def waiting(self) -> int:
        """How many tasks have no slot yet, with those on their way to the loop from other threads; for any thread."""
        return len(self._late) + len(self._queued())

    def task(self, task_id: str) -> Tasklet | None:
        """The tasklet of an id, if it runs, waits, or somebody holds it."""
        return self._known.get(task_id)

    def place_of(self, tasklet: Tasklet) -> int | None:
        """A task's place in the queue, from 1; one that waits for its group stands behind the queue."""
        place = self.task_queue.place_of(tasklet)
        if place is not None:
            return place
        group = self._groups.get(tasklet.group) if tasklet.group is not None else None
        if group is None or tasklet not in group.waiting:
            return None
        return self.task_queue.qsize() + group.waiting.index(tasklet) + 1

    def move(self, tasklet: Tasklet, place: int) -> None:
        """Give a queued task another place, counted from 1; from any thread."""
        self._call(self.task_queue.move, tasklet, place)

    def cancel(self, tasklet: Tasklet) -> None:
        """Stop a task, from any thread. Its threads and processes are told at once, the rest when the loop is free."""
        if tasklet.status.is_final:
            return
        tasklet.cancels += 1
        tasklet.stop_attempts()
        self._call(self._cancel, tasklet)

    def _cancel(self, tasklet: Tasklet) -> None:
        if tasklet.status is TaskStatus.QUEUED:
            self._drop(tasklet)
        elif tasklet.status is TaskStatus.RUNNING:
            self.manager.cancel(tasklet)

    def _drop(self, tasklet: Tasklet) -> None:
        """End a task that has not run: nothing of it runs, not even `finally`."""
        self.task_queue.remove(tasklet)
        name = tasklet.group
        group = self._groups.get(name) if name is not None else None
        if group is not None and tasklet in group.waiting:
            group.waiting.remove(tasklet)
            self._wake_group(name, group)
        Walk(self.manager, tasklet).skip_all(CANCELLED)
        self._finish(tasklet, Outcome(TaskStatus.CANCELLED))
        if not self.running_tasks and self.task_queue.empty():
            self._idle.set()

    def _call(self, function: Any, *args: Any) -> None:
        if _on(self.loop):
            function(*args)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function, *args)

    # --- the end ------------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Cancel all tasks, wait for their end, `finally` included, end threads and processes. May be called twice."""
        self.closed = True
        for tasklet in [*self._queued(), *self.running_tasks.values()]:
            if not tasklet.cancelling:
                self.cancel(tasklet)
        for tasklet in list(self.running_tasks.values()):
            await tasklet.wait()
        if self._consumer is not None:  # it finds an empty queue
            self._free_slot()
            await asyncio.wait([self._consumer])
        await self.hooks.settle()
        self.let_go()

    def let_go(self) -> None:
        """End the threads and processes, give the output back: nothing runs any more. For the API and the engine."""
        self.closed = True
        self.manager.close()
        capture.release(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def join(self) -> None:
        """Wait until nothing runs and nothing is queued."""
        await self._idle.wait()


def _stem(name: str) -> str:
    return Path(name).stem if name else ""  # an empty path costs 5 µs, and few specs come from files


def _on(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
