"""What tests of the engine share: loops that are looked at in the end, a clock that jumps, actions, a recorder."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any

from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.engine.tasklet import Tasklet

LIMIT = 20  # seconds of the wall that one test may take

Test = Callable[..., Coroutine[Any, Any, None]]


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer: the clock of its loop jumps to it instead."""

    loop: ClockLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.loop.now += timeout
        return ready


class ClockLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time. Not for what runs in threads: a timer would not wait for them."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        selector.loop = self
        self.now = 1000.0
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def on_loop(test: Test) -> Callable[..., None]:
    """Run a test on a loop of its own; nothing may be left on it."""
    return _on(test, asyncio.SelectorEventLoop, LIMIT)


def on_clock(test: Test) -> Callable[..., None]:
    """Run a test on a loop in virtual time; nothing may be left on it."""
    return _on(test, ClockLoop, 10**9)


def _on(test: Test, loop: Callable[[], asyncio.AbstractEventLoop], limit: float) -> Callable[..., None]:
    async def whole(*args: Any, **kwargs: Any) -> None:
        async with asyncio.timeout(limit):
            await test(*args, **kwargs)
        for _ in range(3):  # what was cancelled from a thread hears of it a moment later
            await asyncio.sleep(0)
        assert left_over() == set()

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(whole(*args, **kwargs))

    return run


def left_over() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


class Functions(dict[str, Any]):
    """A notebook's variables, as the engine sees them."""

    def find(self, name: str) -> Any:
        value: Any = self
        for part in name.split("."):
            value = value.get(part) if value is self else getattr(value, part, None)
        return value

    def names(self) -> Iterable[str]:
        return [name for name, value in self.items() if callable(value)]


@contextlib.asynccontextmanager
async def scheduler(*functions: Callable[..., Any], **settings: Any) -> AsyncIterator[Scheduler]:
    """A scheduler whose actions are these functions, by their names."""
    namespace = Functions({function.__name__: function for function in functions})
    async with Scheduler(namespace=namespace, **settings) as made:
        yield made


async def done(spec: Any, *functions: Callable[..., Any], inputs: dict[str, Any] | None = None) -> Tasklet:
    """Run a task whose actions are these functions, to its end."""
    async with scheduler(*functions) as made:
        return await made.run_ad_hoc_task(spec, inputs).wait()


def statuses(tasklet: Tasklet) -> dict[str, str]:
    return {name: str(step.status) for name, step in tasklet.steps.items()}


class Recorder:
    """A listener of every hook that writes down what it hears."""

    def __init__(self, made: Scheduler) -> None:
        self.events: list[Any] = []
        made.hooks.add(self.events.append)

    def said(self) -> list[str]:
        """`hook step`, in their order."""
        return [" ".join([event.hook, *([event.step.name] if hasattr(event, "step") else [])]) for event in self.events]

    def named(self, hook: str) -> list[Any]:
        return [event for event in self.events if event.hook == hook]
