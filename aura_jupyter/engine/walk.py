"""How a task goes its way as a whole: its steps in their order, its result, its timeout, `finally`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from ..errors import TemplateError
from .logs import current_sink
from .outcome import Outcome
from .plan import PlannedStep, render
from .steps import CANCELLED, FAILED_BEFORE, TIMED_OUT, StepWalk, end_all, forgive, in_seconds, stop
from .tasklet import StepStatus, TaskStatus


class Walk(StepWalk):
    """One tasklet's way through its steps."""

    __slots__ = ()

    async def whole(self) -> Outcome:
        """Run the steps, make the result, run `finally`. However it ends, each step has a final status then."""
        current_sink.set(None)  # what listeners say is not the output of the action that submitted this task or runs it
        self._own = self.tasklet.running = asyncio.current_task()
        if self._own is not None and self.tasklet.told_early:
            stop(self._own)
        try:
            outcome = await self._steps_and_result()
            await self._stop_if_told()
        except asyncio.CancelledError:
            outcome = Outcome(TaskStatus.CANCELLED)
        if outcome.status is not TaskStatus.COMPLETED:
            await self._skip_rest(self.plan.steps, self._stop_reason)
        if self.plan.finally_ and not await self._finally(outcome) and outcome.status is TaskStatus.COMPLETED:
            outcome = Outcome(TaskStatus.CANCELLED)
        return outcome

    async def _steps_and_result(self) -> Outcome:
        error = await self._within_timeout()
        if error is not None:
            step = None if self._stop_reason is TIMED_OUT else self.failed_step
            return Outcome(TaskStatus.FAILED, error=error, step=step)
        try:
            return Outcome(TaskStatus.COMPLETED, self._result())
        except TemplateError as wrong:
            explained = TemplateError(f"'returns': {wrong}")
            explained.__cause__ = wrong.__cause__
            return Outcome(TaskStatus.FAILED, error=self.tasklet.secrets.mask_error(explained))

    async def _within_timeout(self) -> BaseException | None:
        seconds = self.tasklet.timeout
        if seconds is None:
            return await self._all_steps()
        try:
            async with asyncio.timeout(seconds) as limit:
                self._limit = limit
                return await self._all_steps()
        except (TimeoutError, asyncio.CancelledError) as error:
            own = self._own
            assert own is not None
            if isinstance(error, asyncio.CancelledError):
                if not limit.expired() or self._is_stopped(own):
                    raise
                while own.cancelling():  # an action had cancelled it, too, and the limit took that for another's doing
                    own.uncancel()
            self._stop_reason = TIMED_OUT
            return TimeoutError(f"the task took longer than {in_seconds(seconds)}")

    async def _all_steps(self) -> BaseException | None:
        if self.plan.order is not None:
            return await self._side_by_side()
        own = self._own
        assert own is not None
        for step in self.plan.steps:
            error = await self.step(step, self.scope)
            if error is not None:
                return error
            if own.cancelling():
                await self._stop_if_told()
        return None

    async def _stop_if_told(self) -> None:
        """Raise the cancellation that came while the task waited for nothing."""
        assert self._own is not None
        if self._own.cancelling() > self._used:
            await asyncio.sleep(0)
            raise asyncio.CancelledError

    def _result(self) -> Any:
        if self.plan.returns is not None:
            return render(self.plan.returns[0], self.scope)
        for step in reversed(self.plan.steps):
            run = self.steps.at(step.index)
            if run.status is StepStatus.COMPLETED:
                return run.output
        return None

    def skip_all(self, reason: str) -> None:
        """Skip every step of a task that has not run."""
        for step in (*self.plan.steps, *self.plan.finally_):
            self._skip(step, reason)

    def settle(self) -> None:
        """Give each step a final status, where the walk broke off."""
        for run in self.steps.values():
            if run.status is StepStatus.RUNNING:
                run.status = StepStatus.CANCELLED
                run.output = None
                self._tell_ended(run)
        self.skip_all(self._stop_reason)

    async def _skip_rest(self, steps: Sequence[PlannedStep], reason: str) -> None:
        """Skip steps; all of them, even where a cancellation comes meanwhile."""
        cancelled = False
        for step in steps:
            self._skip(step, reason)
            if not cancelled:
                try:
                    await self.breathe()
                except asyncio.CancelledError:
                    cancelled = True

    async def _finally(self, outcome: Outcome) -> bool:
        """Run `finally`; `False` where it was cancelled."""
        assert self._own is not None
        steps = self.plan.finally_
        self.tasklet.in_finally = True
        if self._told_twice():
            await self._skip_rest(steps, CANCELLED)
            return False
        self._used = self._own.cancelling()
        forgive(self._own)
        self.wait_in(self.outer)
        for place, step in enumerate(steps):
            self.task["status"] = str(outcome.status)
            try:
                error = await self.step(step, self.scope.with_locals(error=outcome.shown()))
                await self._stop_if_told()
            except asyncio.CancelledError:
                await self._skip_rest(steps[place + 1 :], CANCELLED)
                return False
            if error is not None and outcome.status is TaskStatus.COMPLETED:
                outcome.fail(error, self.failed_step)
        return True

    def wait_in(self, outer: asyncio.Task[Any] | None) -> None:
        """Name the asyncio task that waits for a sub-task; what cancels that one from now on is meant for this, too."""
        self.outer = outer
        self.outer_used = outer.cancelling() if outer is not None else 0

    def _told_twice(self) -> bool:
        """Whether the task, or one that it runs in, was cancelled and cancelled again."""
        tasklet = self.tasklet
        while tasklet.cancels < 2 and tasklet.parent is not None:
            tasklet = tasklet.parent[0]
        return tasklet.cancels >= 2

    async def _side_by_side(self) -> BaseException | None:
        assert self.plan.order is not None
        runner = self.plan.order.runner()
        under_way: dict[asyncio.Task[BaseException | None], PlannedStep] = {}
        done: deque[asyncio.Task[BaseException | None]] = deque()
        wake = asyncio.Event()

        def finished(task: asyncio.Task[BaseException | None]) -> None:
            done.append(task)
            wake.set()

        async def start(places: Sequence[int]) -> None:
            for place in places:
                step = self.plan.steps[place]
                task = self.loop.create_task(self._beside(step))
                under_way[task] = step
                task.add_done_callback(finished)
                await self.breathe()

        try:
            await start(runner.first())
            while under_way:
                await wake.wait()
                wake.clear()
                while done:
                    task = done.popleft()
                    step = under_way.pop(task)
                    error = task.result()
                    if error is not None:
                        self._stop_reason = FAILED_BEFORE
                        return error
                    await start(runner.ended(step.position))
                    await self.breathe()
            return None
        finally:
            await end_all(under_way)

    async def _beside(self, step: PlannedStep) -> BaseException | None:
        await self.breathe()
        return await self.step(step, self.scope)
