"""Runs tasklets, each as an asyncio task, with the threads, processes and the cluster that their steps need."""

from __future__ import annotations

import asyncio
import logging
import secrets as randomness
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..actions.registry import Action
from ..errors import TaskCancelled, TaskError
from ..spec.problems import Problem, Source, SpecError
from .attempt import Attempt
from .executors import Processes, Threads, pack
from .hooks import Hooks, TaskEvent
from .inputs import resolve
from .logs import current_sink
from .outcome import Outcome
from .plan import Namespace, Plan
from .plans import Spec, plan_for
from .secrets import Secrets
from .slices import Slices
from .steps import is_torn_down, stop
from .tasklet import StepRun, Tasklet, TaskStatus
from .walk import Walk
from .worker import ContextPlace

if TYPE_CHECKING:
    from .dask import Cluster
    from .scheduler import Scheduler

DEPTH = 20  # levels of sub-tasks
_logger = logging.getLogger("aura_jupyter.engine")
Person = Callable[[Tasklet, StepRun], bool]


class ExecutionManager:
    """Walks the steps of the tasks that the scheduler hands over, and fires the hooks.

    Attributes:
        hooks: who listens.
        person: asked whether somebody can answer the question of a step, where who submitted it cannot.
    """

    def __init__(self, scheduler: Scheduler, hooks: Hooks) -> None:
        self.scheduler = scheduler
        self.loop = scheduler.loop
        self.hooks = hooks
        self.threads = Threads()
        self.processes = Processes()
        self.person: Person | None = None
        self.thread = 0  # the loop's
        self.slices = Slices(self.loop)
        self._cluster: Cluster | None = None

    def submit(self, tasklet: Tasklet) -> None:
        """Start a tasklet; `Scheduler._on_task_done` hears of its end."""
        self.thread = threading.get_ident()
        task = self.loop.create_task(self._run(tasklet), name=f"aura:{tasklet.title}", context=tasklet.around)
        task.add_done_callback(lambda _: self._make_sure(tasklet))

    async def _run(self, tasklet: Tasklet) -> None:
        current_sink.set(None)  # a listener does not write into the log of the action that submitted this task
        began = self.loop.time()
        self._tell("before_task_run", tasklet)
        outcome = await self._walk(Walk(self, tasklet))
        tasklet.took = self.loop.time() - began
        if outcome.status is TaskStatus.CANCELLED and tasklet.cancels == 0 and is_torn_down(self.loop):
            self.scheduler.give_up()
        self.scheduler._on_task_done(tasklet, outcome)

    def _make_sure(self, tasklet: Tasklet) -> None:
        """End a task that could not even begin, since the loop was torn down."""
        if not tasklet.status.is_final:
            Walk(self, tasklet).settle()
            self.scheduler._on_task_done(tasklet, Outcome(TaskStatus.CANCELLED))

    @staticmethod
    async def _walk(walk: Walk) -> Outcome:
        """Walk to the end; nothing of a task may stop the loop, whatever goes wrong."""
        try:
            return await walk.whole()
        except GeneratorExit:  # the loop was given up with this task on it
            raise
        except asyncio.CancelledError:
            outcome = Outcome(TaskStatus.CANCELLED)
        except BaseException as error:
            error = walk.tasklet.secrets.mask_error(error)
            title = walk.tasklet.title
            _logger.error("the task %s stopped by a mistake of the engine", title, exc_info=error)  # noqa: TRY400 - masked
            outcome = Outcome(TaskStatus.FAILED, error=error)
        walk.settle()
        return outcome

    def _tell(self, hook: str, tasklet: Tasklet) -> None:
        listeners = getattr(self.hooks, hook)
        if listeners:
            self.hooks.fire(listeners, TaskEvent(hook, tasklet, time.time(), tasklet.error))

    def cancel(self, tasklet: Tasklet) -> None:
        """Stop what a running tasklet does; on the loop's thread."""
        tasklet.told += 1
        if tasklet.running is not None:
            stop(tasklet.running)
        else:
            tasklet.told_early = True

    # --- sub-tasks ----------------------------------------------------------------------------------------------------

    async def run_inside(self, attempt: Attempt, task: Any, inputs: Mapping[str, Any]) -> Any:
        """Run a spec as a sub-task of the step that asks for it; its result, or raises what it failed with."""
        parent = attempt.walk.tasklet
        if _depth(parent) >= DEPTH:
            raise TaskError(f"sub-tasks go {DEPTH} levels deep at most")
        plan, source = await self._plan_of(attempt, task)
        tasklet = self._subtask(attempt, plan, source, inputs)
        attempt.run.children = tasklet
        attempt.call_when_cancelled(tasklet.stop_attempts)
        outcome = await self._walk_inside(tasklet)
        if outcome.status is TaskStatus.CANCELLED:
            raise TaskCancelled(f"{tasklet.title} was cancelled")
        if outcome.error is not None:
            raise outcome.error
        return outcome.result

    async def _walk_inside(self, tasklet: Tasklet) -> Outcome:
        """Run a sub-task as an asyncio task of its own, so that it can be cancelled alone."""
        began = self.loop.time()
        walk = Walk(self, tasklet)
        walk.wait_in(asyncio.current_task())
        tasklet.status = TaskStatus.RUNNING
        tasklet.started_at = time.time()
        running: asyncio.Task[Outcome] = self.loop.create_task(self._walk(walk), name=f"aura:{tasklet.title}")
        try:
            return await running  # cancelled while it waits, this ends when the sub-task's `finally` has
        finally:
            if running.done() and not running.cancelled():
                outcome = running.result()
            else:  # cancelled before it could begin
                running.cancel()
                walk.settle()
                outcome = Outcome(TaskStatus.CANCELLED)
            tasklet.took = self.loop.time() - began
            tasklet.end(outcome.status, outcome.result, outcome.error, outcome.step)
            tasklet.ended()

    def _subtask(self, attempt: Attempt, plan: Plan, source: Source, inputs: Mapping[str, Any]) -> Tasklet:
        parent = attempt.walk.tasklet
        found = resolve(plan.inputs, inputs)
        if found.problems:
            raise SpecError([_within(plan, problem) for problem in found.problems], source)
        bound = plan.bind(parent.namespace, source)
        hidden = parent.secrets | found.secrets
        title = plan.title_for(found.values, hidden, source) or attempt.planned.name
        tasklet = Tasklet(randomness.token_hex(8), plan, self.scheduler, found.values, title=title)
        tasklet.bound = bound
        tasklet.namespace = parent.namespace
        tasklet.answerable = parent.answerable
        tasklet.origins = found.origins
        tasklet.source = source
        tasklet.secrets = hidden
        tasklet.parent = (parent, attempt.run)
        tasklet.share_log(parent)
        if found.secrets:
            _hide_in(parent, found.secrets)
        return tasklet

    async def _plan_of(self, attempt: Attempt, task: Any) -> tuple[Plan, Source]:
        subplan = attempt.planned.subplan
        if subplan is not None and any(tree is task for _, tree in attempt.planned.params):
            return subplan, subplan.source
        namespace = attempt.walk.tasklet.namespace
        spec = self._spec_of(task, namespace)
        # in a thread, where it may take its time: a file is read, a long text compiled
        good, found = await self.threads.call(self.loop, lambda: plan_for(spec, namespace))
        if not good:
            raise found
        plan, source = found
        return plan, source

    def _spec_of(self, task: Any, namespace: Namespace | None) -> Spec:
        """A sub-task's spec: a text of one line is the name of a file or of a variable, all else the spec itself."""
        if not isinstance(task, str) or "\n" in task.strip():
            return task  # type: ignore[no-any-return]
        name = task.strip()
        if name.endswith((".yaml", ".yml", ".json")):
            return Path(name).expanduser()
        if namespace is None or name not in namespace:
            raise TaskError(
                f"there is no variable '{name}' that holds a task; a file's name ends in .yaml, .yml or .json"
            )
        return namespace[name]  # type: ignore[no-any-return]

    # --- executors ----------------------------------------------------------------------------------------------------

    async def in_process(self, action: Action, attempt: Attempt, args: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """Call an action in a process of its own; a cancelled attempt ends the process."""
        context = _context_of(action, attempt, len(args))
        attempt.returned = True  # nothing of it runs on: its process is ended

        def call() -> Any:
            payload = pack(action.function, args, params, context)
            return self.processes.call(
                payload, lambda kind, body: _hear(attempt, kind, body), attempt.call_when_cancelled
            )

        good, value = await self.threads.call(self.loop, call)
        if not good:
            raise value
        return value

    async def on_dask(self, action: Action, attempt: Attempt, args: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """Call an action on the dask cluster: the client that was configured, else a local cluster."""
        attempt.returned = True
        good, cluster = await self.threads.call(self.loop, self._dask)
        if not good:
            raise cluster
        good, value = await self.threads.call(
            self.loop, lambda: cluster.call(action.function, args, params, attempt.call_when_cancelled)
        )
        if not good:
            raise value
        return value

    def _dask(self) -> Cluster:
        from .dask import cluster_for  # noqa: PLC0415 - an optional package, slow to import

        self._cluster = cluster_for(self.scheduler.dask, self._cluster)
        return self._cluster

    def close(self) -> None:
        """End the threads that are free, the processes, and the cluster that was started here."""
        self.threads.close()
        self.processes.end_all()
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None


def _hide_in(tasklet: Tasklet, more: Secrets) -> None:
    """Let a task, and those that it runs in, hide what is secret to its sub-task, whose result it gets."""
    above: Tasklet | None = tasklet
    while above is not None:
        above.secrets = above.secrets | more
        above = above.parent[0] if above.parent is not None else None


def _within(plan: Plan, problem: Problem) -> Problem:
    """A problem of a spec that is written under a step, at its place in the whole; that of a value stands nowhere."""
    declared = len(problem.path) > 1 and isinstance(problem.path[1], int)
    return replace(problem, path=(*plan.path, *problem.path)) if declared else problem


def _depth(tasklet: Tasklet) -> int:
    depth, parent = 0, tasklet.parent
    while parent is not None:
        depth, parent = depth + 1, parent[0].parent
    return depth


def _context_of(action: Action, attempt: Attempt, count: int) -> ContextPlace | None:
    """Where the context goes, which is made anew over there, in a call with so many positional arguments."""
    face = action.face
    if face.context_parameter is None:
        return None
    by_place = face.context_index is not None and face.context_index <= count
    return (face.context_parameter, face.context_index if by_place else None, attempt.step, attempt.number)


def _hear(attempt: Attempt, kind: str, body: Any) -> None:
    if kind == "write":
        attempt.write(*body)
    elif kind == "log":
        attempt.log(*body)
    elif kind == "progress":
        attempt.progress(*body)
