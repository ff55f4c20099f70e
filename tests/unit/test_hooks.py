"""What the engine tells while a task runs."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import aura_jupyter as aura
from aura_jupyter.engine.hooks import HOOKS, Hooks, every_scheduler
from tests.unit.running import Recorder, on_clock, on_loop, scheduler


async def echo(value: Any = None) -> Any:
    return value


async def pause(seconds: float = 100) -> None:
    await asyncio.sleep(seconds)


async def fail() -> None:
    raise ValueError("boom")


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@pytest.fixture
def hook() -> Iterator[Callable[[str], Decorator]]:
    """`aura.hook`, whose listeners are forgotten after the test."""
    listeners = []

    def listen(name: str) -> Decorator:
        def add(listener: Callable[..., Any]) -> Callable[..., Any]:
            listeners.append(listener)
            return aura.hook(name)(listener)

        return add

    yield listen
    for listener in listeners:
        every_scheduler.remove(listener)


@on_clock
async def test_a_rich_task_is_told_from_its_first_event_to_its_last() -> None:
    calls = 0

    async def flaky(context: aura.ActionContext) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("once")
        context.log("a line")
        context.progress(1, 2, "half")
        return "worked"

    spec = """
        steps:
          - {name: skipped, action: echo, when: false}
          - {name: flaky, action: flaky, retry: {attempts: 3, delay: 2}}
          - {name: turns, action: echo, loop: [5], params: {value: "{{ item }}"}}
          - {name: failing, action: fail, on_error: [{name: handler, action: echo}]}
          - {name: fine, action: echo, on_error: [{name: idle, action: echo}]}
        finally:
          - {name: last, action: echo}
        returns: done
    """
    async with scheduler(echo, fail, flaky) as made:
        recorder = Recorder(made)
        task = await made.run_ad_hoc_task(spec).wait()
    assert recorder.said() == [
        "task_queued",
        "before_task_run",
        "after_step_run skipped",
        "before_step_run flaky",
        "attempt_failed flaky",
        "step_log flaky",
        "step_progress flaky",
        "after_step_run flaky",
        "before_step_run turns",
        "turn_done turns",
        "after_step_run turns",
        "before_step_run failing",
        "after_step_run failing",
        "before_step_run handler",
        "after_step_run handler",
        "before_step_run fine",
        "after_step_run fine",
        "after_step_run idle",
        "before_step_run last",
        "after_step_run last",
        "after_task_success",
        "after_task_run",
    ]
    assert all(event.tasklet is task and event.time > 0 for event in recorder.events)
    [failed] = recorder.named("attempt_failed")
    assert (failed.attempt, str(failed.error), failed.delay, failed.step) == (1, "once", 2, task.steps["flaky"])
    [line] = recorder.named("step_log")
    assert (line.text, line.line.step, line.line.level) == ("a line", "flaky", "info")
    [progress] = recorder.named("step_progress")
    assert (progress.done, progress.total, progress.text) == (1, 2, "half")
    [turn] = recorder.named("turn_done")
    assert (turn.index, turn.done, turn.total, turn.output, turn.error) == (0, 1, 1, 5, None)
    ended = {event.step.name: event for event in recorder.named("after_step_run")}
    assert (ended["flaky"].output, ended["flaky"].attempt) == ("worked", 2)
    assert type(ended["failing"].error) is ValueError


@on_clock
async def test_a_failed_task_and_a_cancelled_one_have_their_own_ends() -> None:
    async with scheduler(pause, fail) as made:
        recorder = Recorder(made)
        failed = await made.run_ad_hoc_task("steps: [{action: fail}]").wait()
        assert recorder.said()[-2:] == ["after_task_failure", "after_task_run"]
        assert recorder.events[-1].error is failed.error
        cancelled = made.run_ad_hoc_task("steps: [{action: pause}]")
        await asyncio.sleep(1)
        recorder.events.clear()
        cancelled.cancel()
        await cancelled.wait()
        assert recorder.said() == ["after_step_run pause", "after_task_run"]


@on_clock
async def test_every_turn_is_told_those_that_failed_too() -> None:
    async def odd(n: int) -> int:
        if n == 1:
            raise ValueError("one")
        return n

    async with scheduler(odd) as made:
        recorder = Recorder(made)
        for on_error in ("continue", "fail"):
            loop = {"times": 3, "on_error": on_error}
            spec = {"steps": [{"action": "odd", "loop": loop, "params": {"n": "{{ item }}"}}]}
            await made.run_ad_hoc_task(spec).wait()
    turns = [
        (event.index, event.done, event.total, event.output, str(event.error)) for event in recorder.named("turn_done")
    ]
    assert turns == [
        (0, 1, 3, 0, "None"),
        (1, 2, 3, None, "one"),
        (2, 3, 3, 2, "None"),
        (0, 1, 3, 0, "None"),
        (1, 2, 3, None, "one"),
    ]


@on_clock
async def test_events_cannot_be_changed() -> None:
    async with scheduler(echo) as made:
        recorder = Recorder(made)
        await made.run_ad_hoc_task("steps: [{action: echo, loop: [1]}]")
    for event in recorder.events:
        with pytest.raises(dataclasses.FrozenInstanceError):
            event.hook = "other"


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError, StopIteration])
def test_a_listener_that_fails_is_reported_once_and_harms_nothing(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        def bad(event: Any) -> None:
            raise kind("bad listener")

        async with scheduler(echo) as made:
            made.hooks.add(bad)
            recorder = Recorder(made)
            for _ in range(3):
                assert await made.run_ad_hoc_task("steps: [{action: echo, params: {value: 7}}]") == 7
            assert len(recorder.named("after_task_run")) == 3

    on_clock(main)()
    assert caplog.text.count("which is said once") == 1
    assert "bad listener" in caplog.text


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_an_async_listener_that_fails_is_reported_once_and_harms_nothing(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async def bad(event: Any) -> None:
            await asyncio.sleep(1)
            raise kind("bad listener")

        async with scheduler(echo) as made:
            made.hooks.add(bad)
            assert await made.run_ad_hoc_task("steps: [{action: echo, params: {value: 7}}]") == 7

    on_clock(main)()
    assert caplog.text.count("which is said once") == 1


def test_a_listener_of_every_scheduler_that_fails_is_reported_once_for_all(
    hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @hook("after_task_run")
    def bad(event: Any) -> None:
        raise ValueError("bad listener")

    async def main() -> None:
        async with scheduler(echo) as made:
            await made.run_ad_hoc_task("steps: [{action: echo}]")

    on_clock(main)()
    on_clock(main)()
    assert caplog.text.count("which is said once") == 1


@on_clock
async def test_a_listener_need_not_be_hashable(caplog: pytest.LogCaptureFixture) -> None:
    class Listener:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return self is other

        def __call__(self, event: Any) -> None:
            raise ValueError("bad listener")

    async with scheduler(echo) as made:
        listener = Listener()
        made.hooks.add(listener)
        await made.run_ad_hoc_task("steps: [{action: echo}]")
        made.hooks.remove(listener)
        caplog.clear()
        await made.run_ad_hoc_task("steps: [{action: echo}]")
    assert caplog.text == ""


@on_clock
async def test_closing_waits_for_async_listeners() -> None:
    heard = []

    async def slow(event: Any) -> None:
        await asyncio.sleep(5)
        heard.append(event.hook)

    async with scheduler(echo) as made:
        made.hooks.add(slow, "after_task_run")
        await made.run_ad_hoc_task("steps: [{action: echo}]")
        assert heard == []
    assert heard == ["after_task_run"]


@on_clock
async def test_a_hook_that_is_registered_again_under_its_name_is_replaced(hook: Any) -> None:
    heard = []

    def register(word: str) -> None:
        @hook("after_task_run")
        def tell(event: Any) -> None:
            heard.append(word)

    register("first")
    register("second")
    async with scheduler(echo) as made:
        await made.run_ad_hoc_task("steps: [{action: echo}]")
    assert heard == ["second"]


@on_clock
async def test_a_hook_that_is_registered_again_is_reported_again(hook: Any, caplog: pytest.LogCaptureFixture) -> None:
    def tell(event: Any) -> None:
        raise ValueError("bad listener")

    async with scheduler(echo) as made:
        for _ in range(2):  # in a notebook another function may get the place of the old one in memory
            hook("after_task_run")(tell)
            await made.run_ad_hoc_task("steps: [{action: echo}]")
    assert caplog.text.count("which is said once") == 2


@on_clock
async def test_two_lambdas_are_two_listeners(hook: Any) -> None:
    heard = []
    hook("after_task_run")(lambda event: heard.append(1))
    hook("after_task_run")(lambda event: heard.append(2))
    async with scheduler(echo) as made:
        await made.run_ad_hoc_task("steps: [{action: echo}]")
    assert heard == [1, 2]


@on_clock
async def test_one_function_may_listen_to_several_hooks(hook: Any) -> None:
    heard = []

    @hook("before_step_run")
    @hook("after_step_run")
    def tell(event: Any) -> None:
        heard.append(event.hook)

    async with scheduler(echo) as made:
        await made.run_ad_hoc_task("steps: [{action: echo}]")
    assert heard == ["before_step_run", "after_step_run"]


@on_clock
async def test_a_removed_listener_hears_nothing_more() -> None:
    class Board:
        def __init__(self) -> None:
            self.heard: list[str] = []

        def tell(self, event: Any) -> None:
            self.heard.append(event.hook)

    async with scheduler(echo) as made:
        board = Board()
        made.hooks.add(board.tell, "task_queued")
        made.run_ad_hoc_task("steps: [{action: echo}]")
        made.hooks.remove(board.tell)
        made.hooks.remove(print)
        await made.run_ad_hoc_task("steps: [{action: echo}]")
    assert board.heard == ["task_queued"]


def test_an_unknown_hook_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'after_step_run'"):
        aura.hook("after_step")
    with pytest.raises(ValueError, match="no hook"):
        Hooks().add(print, "nothing_like_it")
    with pytest.raises(TypeError, match="callable"):
        Hooks().add("print")  # type: ignore[arg-type]


def test_a_scheduler_that_is_gone_leaves_nothing_with_the_listeners_of_all() -> None:
    child = weakref.ref(Hooks(every_scheduler))
    gc.collect()
    assert child() is None
    assert len(HOOKS) == 12


@on_clock
async def test_a_listener_that_is_added_while_a_task_runs_hears_what_comes() -> None:
    async with scheduler(pause) as made:
        task = made.run_ad_hoc_task("steps: [{name: a, action: pause}, {name: b, action: pause}]")
        await asyncio.sleep(1)
        recorder = Recorder(made)
        await task
    assert recorder.said()[:3] == ["after_step_run a", "before_step_run b", "after_step_run b"]


@on_loop
async def test_listeners_are_called_on_the_loop_whatever_thread_an_action_speaks_from() -> None:
    import threading

    def speak(context: aura.ActionContext) -> None:
        context.log("from a thread")
        print("printed")
        for n in range(50):
            context.progress(n, 50)

    threads = set()
    async with scheduler(speak) as made:
        recorder = Recorder(made)
        made.hooks.add(lambda event: threads.add(threading.get_ident()))
        await made.run_ad_hoc_task("steps: [{action: speak}]")
    assert threads == {threading.get_ident()}
    assert [event.text for event in recorder.named("step_log")] == ["from a thread", "printed"]
    assert recorder.named("step_progress")
    assert recorder.said()[-3:] == ["after_step_run speak", "after_task_success", "after_task_run"]


@on_loop
async def test_what_runs_on_in_its_thread_says_nothing_after_the_tasks_last_event() -> None:
    import threading

    loop = asyncio.get_running_loop()
    inside, spoke, go = asyncio.Event(), asyncio.Event(), threading.Event()

    def stay(context: aura.ActionContext) -> None:
        loop.call_soon_threadsafe(inside.set)
        go.wait()
        context.log("late")
        context.progress(1, 1)
        print("later")
        loop.call_soon_threadsafe(spoke.set)

    async with scheduler(stay) as made:
        recorder = Recorder(made)
        task = made.run_ad_hoc_task("steps: [{action: stay}]")
        await inside.wait()
        task.cancel()
        await task.wait()
        go.set()
        await spoke.wait()
        await asyncio.sleep(0)
    assert recorder.said()[-1] == "after_task_run"
    assert task.steps["stay"].progress is None
    assert "late" in [line.text for line in task.logs]
