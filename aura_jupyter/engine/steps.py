"""How a task walks through its steps: conditions, loops, retries, timeouts, errors, `finally`."""

from __future__ import annotations

import asyncio
import bisect
import sys
import time
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

from ..actions.registry import Action
from ..errors import TaskError, TemplateError, message_of
from .attempt import Attempt
from .calls import TooLate, call
from .hooks import AttemptFailed, StepEvent, TurnDone
from .logs import current_sink
from .outcome import Ended
from .plan import Namespace, PlannedRetry, PlannedStep, render
from .retry import delay_before
from .sandbox import shorten
from .scope import Scope
from .slices import SLICE
from .tasklet import StepRun, StepStatus, Tasklet, Turns
from .templates import Template, is_true

if TYPE_CHECKING:
    from .execution_manager import ExecutionManager

_AT_HAND = frozenset({list, tuple, dict, set, frozenset})  # what they hold is there already
WORKERS = 100  # that are made in one go: the loop stays free

FAILED_BEFORE = "a step before it failed"
CANCELLED = "the task was cancelled"
TIMED_OUT = "the task timed out"
NOT_NEEDED = "not needed"
CONDITION = "the condition is false"


class StepFailed(Exception):
    """Carries what an attempt raised: `SystemExit`, `StopIteration`, `CancelledError` would not survive the way up."""

    def __init__(self, error: BaseException, *, final: bool = False, kind: type[BaseException] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.final = final  # no retry deals with it
        self.kind = kind or type(error)  # its class before secrets were masked


class StepWalk:
    """The steps of one tasklet: what they share, and how one of them runs. `Walk` takes them in their order."""

    __slots__ = (
        "_asking",
        "_limit",
        "_own",
        "_stop_reason",
        "_used",
        "bound",
        "ended",
        "failed_step",
        "hooks",
        "loop",
        "manager",
        "outer",
        "outer_used",
        "plan",
        "scope",
        "slices",
        "steps",
        "task",
        "tasklet",
    )

    def __init__(self, manager: ExecutionManager, tasklet: Tasklet) -> None:
        self.manager = manager
        self.tasklet = tasklet
        self.plan = tasklet.plan
        self.bound: Sequence[Action] = tasklet.bound
        self.steps = tasklet.steps
        self.hooks = manager.hooks
        self.loop = manager.loop
        self.ended = Ended(tasklet)
        self.task = {"id": tasklet.task_id, "title": tasklet.title, "status": "RUNNING"}
        self.scope = Scope(tasklet.inputs, self.ended, tasklet.context, self.task)
        self.failed_step: str | None = None
        self._stop_reason = CANCELLED
        self._limit: asyncio.Timeout | None = None
        self._own: asyncio.Task[Any] | None = None  # the asyncio task that walks
        self._used = 0  # the requests to cancel it that were dealt with: `finally` heeds only later ones
        self.outer: asyncio.Task[Any] | None = None  # of a sub-task: the asyncio task that waits for it
        self.outer_used = 0
        self.slices = manager.slices
        self._asking: dict[int, asyncio.Lock] = {}

    # --- one step -----------------------------------------------------------------------------------------------------

    async def step(self, step: PlannedStep, scope: Scope) -> BaseException | None:
        """Run one step with all that belongs to it, and give what fails the task, if it does."""
        run = self.steps.at(step.index)
        when = step.when
        if when is not None:
            wanted = when if type(when) is bool else self._holds(step, when, scope)
            if isinstance(wanted, BaseException):
                self._begin(run)
                return await self._fail(step, run, wanted, scope, self.loop.time())
            if not wanted:
                self._skip(step, CONDITION)
                await self.breathe()
                return None
        self._begin(run)
        began = self.loop.time()
        try:
            if step.description is not None:
                run.description = self._described(step, scope)
            output = await (self._turn(step, run, scope) if step.loop is None else self._repeat(step, run, scope))
        except StepFailed as failed:
            wrong = failed.error
        except asyncio.CancelledError:
            run.output = None
            self._end(run, StepStatus.CANCELLED, began)
            self._skip_handlers(step, self._why_stopped())
            raise
        else:
            run.output = output
            self._end(run, StepStatus.COMPLETED, began)
            if step.handlers:
                self._skip_handlers(step, NOT_NEEDED)
            if perf_counter() - self.slices.began > SLICE:
                await self.slices.pause()
            return None
        return await self._fail(step, run, wrong, scope, began)  # out here, lest it be the context of what is raised

    def _holds(self, step: PlannedStep, when: Template, scope: Scope) -> bool | BaseException:
        try:
            return is_true(when.render(scope), "when")
        except TemplateError as error:
            return self._explained(error, step, "when", "when")

    def _begin(self, run: StepRun) -> None:
        run.status = StepStatus.RUNNING
        run.started_at = time.time()
        hooks = self.hooks
        if hooks.before_step_run:
            hooks.fire(hooks.before_step_run, StepEvent("before_step_run", self.tasklet, run.started_at, run))

    def _end(self, run: StepRun, status: StepStatus, began: float) -> None:
        run.status = status
        run.duration = self.loop.time() - began
        self._tell_ended(run)

    def _tell_ended(self, run: StepRun) -> None:
        hooks = self.hooks
        if hooks.after_step_run:
            event = StepEvent("after_step_run", self.tasklet, time.time(), run, run.attempts, run.output, run.error)
            hooks.fire(hooks.after_step_run, event)

    def _skip(self, step: PlannedStep, reason: str) -> None:
        run = self.steps.at(step.index)
        if run.status is StepStatus.PENDING:
            run.status = StepStatus.SKIPPED
            run.reason = reason
            self._tell_ended(run)
        self._skip_handlers(step, NOT_NEEDED if reason is CONDITION else reason)

    def _skip_handlers(self, step: PlannedStep, reason: str) -> None:
        for handler in step.handlers:
            self._skip(handler, reason)

    def _why_stopped(self) -> str:
        return TIMED_OUT if self._limit is not None and self._limit.expired() else self._stop_reason

    async def _fail(
        self, step: PlannedStep, run: StepRun, error: BaseException, scope: Scope, began: float
    ) -> BaseException | None:
        """The step has failed for good: note it, run its on_error, give what fails the task."""
        run.output = None
        run.error = error
        run.handled = step.then == "continue"
        _note(error, f"in step '{step.name}' of {self.tasklet.title}")
        self._end(run, StepStatus.FAILED, began)
        if step.handlers:
            shown = {"type": type(error).__name__, "message": message_of(error), "step": step.name}
            worse = await self._handle(step, error, scope.with_locals(error=shown))
            if worse is not None:
                run.handled = False
                return worse
        if run.handled:
            return None
        if self.failed_step is None:  # of two that failed side by side, the first one counts
            self.failed_step = step.name
        self._stop_reason = FAILED_BEFORE
        return error

    async def _handle(self, step: PlannedStep, error: BaseException, scope: Scope) -> BaseException | None:
        for place, handler in enumerate(step.handlers):
            try:
                worse = await self.step(handler, scope)
            except asyncio.CancelledError:
                for rest in step.handlers[place + 1 :]:
                    self._skip(rest, self._why_stopped())
                raise
            if worse is not None:
                for rest in step.handlers[place + 1 :]:
                    self._skip(rest, FAILED_BEFORE)
                _caused_by(worse, error)
                return worse
        return None

    def _described(self, step: PlannedStep, scope: Scope) -> str:
        text = step.description
        try:
            value = str(text.render(scope)) if type(text) is Template else str(text)
        except TemplateError as error:
            raise StepFailed(self._explained(error, step, "description", "description"), final=True) from None
        except BaseException as error:  # noqa: BLE001 - the __str__ of the value
            raise StepFailed(self.tasklet.secrets.mask_error(error), final=True) from None
        return self.tasklet.secrets.mask(value)

    def _explained(self, error: TemplateError, step: PlannedStep, where: str, *place: str) -> BaseException:
        explained = TemplateError(f"step '{step.name}', {where}: {error}")
        explained.place = place
        explained.__cause__ = error.__cause__
        return self.tasklet.secrets.mask_error(explained)

    # --- loops --------------------------------------------------------------------------------------------------------

    async def _repeat(self, step: PlannedStep, run: StepRun, scope: Scope) -> list[Any]:
        loop = step.loop
        assert loop is not None
        run.errors = []
        if loop.while_ is not None:
            return await self._while(step, run, scope)
        items = await self._items(step, scope)
        run.turns = Turns(len(items))
        outputs: list[Any] = []  # grows as turns begin: there may be more of them than there will ever be room for
        length = len(items)

        async def turn(index: int, item: Any) -> None:
            outputs.append(None)
            inner = scope.with_locals(item=item, loop={"index": index, "length": length, "item": item})
            outputs[index] = await self._one_turn(step, run, inner, index)

        if loop.parallelism == 1:
            for index, item in enumerate(items):
                await turn(index, item)
        else:
            await self._at_once(turn, items, min(loop.parallelism, length))
        return outputs

    async def _one_turn(self, step: PlannedStep, run: StepRun, scope: Scope, index: int) -> Any:
        assert run.turns is not None
        output, failed, turns = None, None, run.turns
        try:
            output = await self._turn(step, run, scope)
        except StepFailed as caught:
            failed = caught
            turns.failed += 1
            self._note_failed_turn(run, caught.error, index)
        turns.done += 1
        hooks = self.hooks
        if hooks.turn_done:
            error = failed.error if failed is not None else None
            event = TurnDone("turn_done", self.tasklet, time.time(), run, index, turns.done, turns.total, output, error)
            hooks.fire(hooks.turn_done, event)
        if failed is not None and not step.loop.goes_on:  # type: ignore[union-attr]
            raise failed
        if perf_counter() - self.slices.began > SLICE:
            await self.slices.pause()
        return output

    @staticmethod
    def _note_failed_turn(run: StepRun, error: BaseException, index: int) -> None:
        _note(error, f"in turn {index} of the loop")
        failure = {"index": index, "type": type(error).__name__, "message": message_of(error)}
        assert run.errors is not None
        bisect.insort(run.errors, failure, key=_index_of)

    async def _at_once(
        self, turn: Callable[[int, Any], Coroutine[Any, Any, None]], items: Sequence[Any], most: int
    ) -> None:
        """Run the turns, so many at once; the first that fails ends the others."""
        waiting = enumerate(items)
        over = False

        async def work() -> None:
            nonlocal over
            try:
                await self.breathe()
                for index, item in waiting:
                    if over:
                        return
                    await turn(index, item)
            finally:
                over = True  # no other turn starts: one has failed, or there are no more

        workers: list[asyncio.Task[None]] = []
        try:
            while not over and len(workers) < most:
                workers += [self.loop.create_task(work()) for _ in range(min(WORKERS, most - len(workers)))]
                await asyncio.sleep(0)
            if workers:
                await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
                for worker in workers:
                    if worker.done():
                        worker.result()
        finally:
            await end_all(workers)

    async def _while(self, step: PlannedStep, run: StepRun, scope: Scope) -> list[Any]:
        loop = step.loop
        assert loop is not None
        assert loop.while_ is not None
        outputs: list[Any] = []
        run.output = outputs
        run.turns = Turns(None)
        self.ended.open(step.name)
        while True:
            index = len(outputs)
            try:
                if not is_true(loop.while_.render(scope.with_locals(loop={"index": index})), "while"):
                    return outputs
            except TemplateError as error:
                raise StepFailed(self._explained(error, step, "while", "loop", "while"), final=True) from None
            if index >= loop.max_iterations:
                message = f"step '{step.name}': 'while' still holds after max_iterations ({loop.max_iterations}) turns"
                raise StepFailed(TaskError(message))
            inner = scope.with_locals(item=index, loop={"index": index, "item": index})
            outputs.append(await self._one_turn(step, run, inner, index))

    async def _items(self, step: PlannedStep, scope: Scope) -> Sequence[Any]:
        """What a `for_each` or `times` goes over."""
        loop = step.loop
        assert loop is not None
        key = "for_each" if loop.for_each is not None else "times"
        try:
            value = render(loop.for_each if key == "for_each" else loop.times, scope)
            if key == "times":
                return range(_times(value))
            if isinstance(value, str | bytes):
                raise TemplateError("a loop goes over a list or another iterable, and this is text")
        except TemplateError as error:
            raise StepFailed(self._explained(error, step, key, "loop", key), final=True) from None
        except BaseException as error:  # noqa: BLE001 - of the value's own
            raise StepFailed(self.tasklet.secrets.mask_error(error), final=True) from None
        if type(value) is range:
            return value
        return list(value) if type(value) in _AT_HAND else await self._gathered(step, value)

    async def _gathered(self, step: PlannedStep, iterable: Any) -> list[Any]:
        """What an iterable yields; in a thread, since it may take long, and may never end."""
        items: list[Any] = []
        stopped = False

        def gather() -> None:
            try:
                iterator = iter(iterable)
            except TypeError:
                kind = type(iterable).__name__
                raise TemplateError(f"a loop goes over a list or another iterable, and this is a {kind}") from None
            for item in iterator:
                if stopped:
                    return
                items.append(item)

        try:
            good, error = await self.manager.threads.call(self.loop, gather)
        except asyncio.CancelledError:
            stopped = True
            raise
        if not good:
            if isinstance(error, TemplateError):
                raise StepFailed(self._explained(error, step, "for_each", "loop", "for_each"), final=True)
            raise StepFailed(self.tasklet.secrets.mask_error(error), final=True)
        return items

    # --- attempts -----------------------------------------------------------------------------------------------------

    async def _turn(self, step: PlannedStep, run: StepRun, scope: Scope) -> Any:
        """One turn: the parameters rendered once, then as many attempts as it takes and may."""
        key = ""
        try:
            params: dict[str, Any] = {}
            for key, tree in step.params:
                params[key] = tree if type(tree) is str else render(tree, scope)
            key = "args"
            args = [render(tree, scope) for tree in step.args] if step.args else ()
            run.params = params
            if args:
                run.args = args
        except TemplateError as error:
            where, place = (f"parameter '{key}'", ("params", key)) if key != "args" else ("args", ("args",))
            raise StepFailed(self._explained(error, step, where, *place), final=True) from None
        if step.retry is None:
            run.attempts += 1
            return await self._attempt(step, run, args, params, scope, 1)
        return await self._attempts(step, step.retry, run, args, params, scope)

    async def _attempts(
        self,
        step: PlannedStep,
        retry: PlannedRetry,
        run: StepRun,
        args: Sequence[Any],
        params: dict[str, Any],
        scope: Scope,
    ) -> Any:
        number = 0
        while True:
            number += 1
            run.attempts += 1
            try:
                output = await self._attempt(step, run, args, params, scope, number)
                if retry.until is None or self._satisfied(step, retry.until, scope, output, number):
                    return output
                message = f"step '{step.name}': 'until' does not hold after attempt {number}"
                failed, again = StepFailed(TaskError(message)), True
            except StepFailed as caught:
                failed, again = caught, not caught.final and _matches(caught.kind, retry.on, self.tasklet.namespace)
            if not again or number >= retry.attempts:
                raise failed
            await self._wait_for_next(run, number, failed.error, delay_before(retry.spec, number))

    def _satisfied(self, step: PlannedStep, until: Template, scope: Scope, output: Any, number: int) -> bool:
        try:
            return is_true(until.render(scope.with_locals(output=output, attempt=number)), "until")
        except TemplateError as error:
            raise StepFailed(self._explained(error, step, "until", "retry", "until"), final=True) from None

    async def _wait_for_next(self, run: StepRun, number: int, error: BaseException, delay: float) -> None:
        run.retry_at = time.time() + delay
        run.error = error  # shown while it waits
        hooks = self.hooks
        if hooks.attempt_failed:
            event = AttemptFailed("attempt_failed", self.tasklet, time.time(), run, number, error, delay)
            hooks.fire(hooks.attempt_failed, event)
        try:
            await asyncio.sleep(delay)
        finally:
            run.retry_at = None
            run.error = None

    async def _attempt(
        self, step: PlannedStep, run: StepRun, args: Sequence[Any], params: dict[str, Any], scope: Scope, number: int
    ) -> Any:
        """One call of the action. Whatever it raises becomes a `StepFailed`; a `CancelledError` is the task's own."""
        attempt = Attempt(self, step, run, scope, number)
        task = asyncio.current_task(self.loop)
        assert task is not None
        used = self._used if task is self._own else 0
        if task.cancelling() > used:
            await self._cancelled(task, used)
        attempts = self.tasklet.attempts
        attempts.add(attempt)
        current_sink.set(attempt)
        limit = None
        try:
            if step.timeout is None:
                output = await call(self.manager, self.bound[step.place], attempt, args, params)
            else:
                async with asyncio.timeout(step.timeout) as limit:
                    output = await call(self.manager, self.bound[step.place], attempt, args, params)
        except BaseException as error:  # whatever an action raises fails its step and nothing else
            if type(error) is GeneratorExit and asyncio.current_task(self.loop) is not task:
                raise  # it is none of the action's: nobody runs this task any more, and it is being thrown away
            timed_out = limit is not None and limit.expired()
            if attempt.cancelled or self._is_cancelled(task, used, error if not timed_out else None):
                self._give_up(step, attempt)
                await self._cancelled(task, used, error)
            raise self._failure(step, attempt, limit, error) from None
        finally:
            current_sink.set(None)
            attempts.discard(attempt)
            attempt.flush()
        if attempt.cancelled or self._is_cancelled(task, used):  # the action swallowed its cancellation
            await self._cancelled(task, used)
        if limit is not None and limit.expired():  # ditto
            raise self._failure(step, attempt, limit, TimeoutError())
        return output

    def _is_cancelled(self, task: asyncio.Task[Any], used: int, error: BaseException | None = None) -> bool:
        """Whether the task was told to stop. What its own action told it is taken back.

        An `asyncio.TaskGroup` cancels the task that it is in when one of its own fails, and up to Python 3.12 leaves it
        at that where it was waiting for them.
        """
        more = task.cancelling() - used
        if more <= 0:
            return False
        if isinstance(error, asyncio.CancelledError) or self._has_timed_out() or self._is_stopped(task):
            return True
        for _ in range(more):
            task.uncancel()
        return False

    def _has_timed_out(self) -> bool:
        return self._limit is not None and self._limit.expired() and not self.tasklet.in_finally

    def _is_stopped(self, task: asyncio.Task[Any]) -> bool:
        """Whether the engine has cancelled it, or the end of the loop does."""
        from_outer = self.outer is not None and self.outer.cancelling() > self.outer_used
        return task in _stopped or from_outer or is_torn_down(self.loop)

    async def _cancelled(self, task: asyncio.Task[Any], used: int, error: BaseException | None = None) -> NoReturn:
        """Raise the cancellation that the task was told of, which may still be on its way from another thread."""
        if isinstance(error, asyncio.CancelledError) and task.cancelling() > used:
            raise error
        if task.cancelling() <= used and self.tasklet.is_being_told:
            await self.loop.create_future()
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    def _failure(
        self, step: PlannedStep, attempt: Attempt, limit: asyncio.Timeout | None, error: BaseException
    ) -> StepFailed:
        """What an attempt failed with, secrets masked."""
        if isinstance(error, TooLate) or (limit is not None and limit.expired()):
            self._give_up(step, attempt)
            late = TimeoutError(f"step '{step.name}' took longer than {in_seconds(step.timeout or 0)}")
            if not isinstance(error, TimeoutError | asyncio.CancelledError | TooLate):
                late.__cause__ = error  # what it said to its being stopped
            error = late
        elif isinstance(error.__cause__, StopIteration) and error.args == ("coroutine raised StopIteration",):
            error = error.__cause__  # no coroutine lets it through, ours as little as the action's
        return StepFailed(self.tasklet.secrets.mask_error(error), kind=type(error))

    def _give_up(self, step: PlannedStep, attempt: Attempt) -> None:
        """Tell the action that it is no longer wanted, and the log where it runs on."""
        attempt.cancel()
        action = self.bound[step.place]
        if step.runs_in == "thread" and not action.face.is_async and not attempt.returned:
            attempt.log(f"{action.name} runs on in its thread; what it returns is dropped", "warning")

    # --- letting others in --------------------------------------------------------------------------------------------

    async def breathe(self) -> None:
        """Let the loop's other work in, where tasks have held it for a slice."""
        if perf_counter() - self.slices.began > SLICE:
            await self.slices.pause()

    def lock_for_question(self, step: PlannedStep) -> asyncio.Lock:
        """A step asks one question at a time, its turns one after another."""
        return self._asking.setdefault(step.index, asyncio.Lock())


_stopped: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()


def stop(task: asyncio.Task[Any]) -> None:
    """Cancel an asyncio task, and note that it was not its own action that did."""
    _stopped.add(task)
    task.cancel()


def forgive(task: asyncio.Task[Any]) -> None:
    """Let a task that was stopped go on: what cancels it from now on counts anew."""
    _stopped.discard(task)


def is_torn_down(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether everything on the loop is being cancelled, as at the end of `asyncio.run`."""
    return all(task.cancelling() for task in asyncio.all_tasks(loop))


async def end_all(tasks: Mapping[asyncio.Task[Any], Any] | Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until each has ended, whoever cancels us meanwhile."""
    again: asyncio.CancelledError | None = None
    for task in tasks:
        stop(task)
    while pending := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            again = error
            for task in pending:
                stop(task)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it as forgotten
    if again is not None:
        raise again


def _matches(error: type[BaseException], names: frozenset[str], namespace: Namespace | None) -> bool:
    """Whether an exception's class, or one of its bases, goes by one of these names."""
    if not names:
        return True
    kinds = error.__mro__
    if any(kind.__name__ in names or f"{kind.__module__}.{kind.__qualname__}" in names for kind in kinds):
        return True
    others = [_standing_at(name, namespace) for name in names if "." in name]
    return any(kind is other for kind in kinds for other in others)


def _standing_at(name: str, namespace: Namespace | None) -> Any:
    """What has a dotted name that is not its first one, as `json.JSONDecodeError`: in a module, or in the notebook."""
    module, _, last = name.rpartition(".")
    found = getattr(sys.modules.get(module), "__dict__", {}).get(last)
    return namespace.find(name) if found is None and namespace is not None else found


def _times(value: Any) -> int:
    try:
        number = value.__index__() if not isinstance(value, bool) else None
    except AttributeError:
        number = None
    if number is None or not 0 <= number <= sys.maxsize:
        most = " and less than 2**63" if number is not None and number > 0 else ""
        raise TemplateError(f"'times' is a whole number, 0 or more{most}, and this is {shorten(repr(value), 60)}")
    return int(number)


def _note(error: BaseException, note: str) -> None:
    notes = getattr(error, "__notes__", None)
    notes = notes if isinstance(notes, list) else []
    if note not in notes:
        BaseException.__setattr__(error, "__notes__", [*notes, note])  # as `add_note`, which frozen ones refuse


def _caused_by(error: BaseException, cause: BaseException) -> None:
    """Make one error the cause of another, unless they hang together already."""
    above: BaseException | None = cause
    seen: set[int] = set()
    while above is not None and id(above) not in seen:
        if above is error:
            return
        seen.add(id(above))
        above = above.__cause__ or above.__context__
    own = error.__cause__
    BaseException.__setattr__(error, "__cause__", cause)
    if own is not None and error.__context__ is None:
        BaseException.__setattr__(error, "__context__", own)


def _index_of(failed: dict[str, Any]) -> int:
    index: int = failed["index"]
    return index


def in_seconds(seconds: float) -> str:
    """A time limit in words."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"
