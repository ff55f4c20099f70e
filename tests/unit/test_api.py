"""`submit`, `run` and `configure`: with and without a running loop, from threads, from inside actions."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import aura_jupyter as aura
from aura_jupyter import api
from aura_jupyter.actions.registry import registry
from aura_jupyter.engine.scheduler import Scheduler
from tests.unit.running import on_loop, scheduler

SEVEN = "steps: [{action: core.log, params: {message: seven}}]"
LONG = "steps: [{name: a, action: core.sleep, params: {seconds: 100}}]\nfinally: [{name: z, action: test.note}]"

RunPython = Callable[[str], str]


@pytest.fixture
def action() -> Iterator[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    """`aura.action` under `test.NAME`, forgotten after the test."""
    names = []

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        names.append(f"test.{function.__name__}")
        return aura.action(name=names[-1])(function)  # type: ignore[no-any-return]

    yield register
    for name in names:
        registry.remove(name)


# --- submit -----------------------------------------------------------------------------------------------------------


@on_loop
async def test_one_loop_has_one_scheduler() -> None:
    first, second = aura.submit(SEVEN), aura.submit(SEVEN)
    assert await first == await second == "seven"
    assert api.current_scheduler() is api.current_scheduler()
    assert {first, second} <= set(api.current_scheduler().tasks())
    await api.current_scheduler().close()
    assert await aura.submit(SEVEN) == "seven"  # a closed one is replaced
    await api.current_scheduler().close()


def test_loops_that_are_closed_are_forgotten() -> None:
    async def main() -> None:
        await aura.submit(SEVEN)

    for _ in range(3):
        asyncio.run(main())
    assert sum(loop.is_closed() for loop in api._schedulers) <= 1  # noqa: SLF001 - what nobody may see growing


def test_without_a_loop_submitting_says_what_to_do() -> None:
    with pytest.raises(aura.NoSchedulerError, match=r"aura\.run"):
        aura.submit(SEVEN)
    assert issubclass(aura.NoSchedulerError, RuntimeError)


@on_loop
async def test_a_bare_thread_without_a_notebook_has_no_scheduler() -> None:
    caught: list[BaseException] = []

    def try_it() -> None:
        try:
            aura.submit(SEVEN)
        except aura.NoSchedulerError as error:
            caught.append(error)

    thread = threading.Thread(target=try_it)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert len(caught) == 1


@on_loop
async def test_a_bare_thread_takes_the_notebooks_scheduler(action: Any) -> None:
    async with scheduler() as made:
        api.use_notebook(made, None)
        try:
            task = await asyncio.get_running_loop().run_in_executor(None, aura.submit, SEVEN)
            assert await task == "seven"
            assert task in made.tasks()
            await made.close()
            with pytest.raises(aura.NoSchedulerError):
                await asyncio.get_running_loop().run_in_executor(None, aura.submit, SEVEN)
        finally:
            api.use_notebook(None, None)


@on_loop
async def test_an_action_submits_to_the_scheduler_that_runs_it(action: Any) -> None:
    submitted: list[aura.Tasklet] = []

    @action
    def plain() -> None:
        submitted.append(aura.submit(SEVEN))

    @action
    async def coroutine() -> None:
        submitted.append(aura.submit(SEVEN))
        submitted.append(await asyncio.to_thread(aura.submit, SEVEN))

    async with scheduler() as made:
        await made.run_ad_hoc_task("steps: [{action: test.plain}, {action: test.coroutine}]")
        assert [await task for task in submitted] == ["seven"] * 3
        assert all(made.task(task.task_id) is task for task in submitted)


@on_loop
async def test_title_and_timeout_can_be_given() -> None:
    task = aura.submit("steps: [{action: core.sleep, params: {seconds: 100}}]", title="mine", timeout=0.01)
    await task.wait()
    assert task.title == "mine"
    assert type(task.error) is TimeoutError
    assert aura.submit("meta: {title: its own}\n" + SEVEN, title="mine").title == "its own"
    await api.current_scheduler().close()


@on_loop
async def test_a_spec_is_text_a_mapping_or_a_path(tmp_path: Any) -> None:
    file = tmp_path / "daily report.yaml"
    file.write_text(SEVEN)
    mapping = {"steps": [{"action": "core.log", "params": {"message": "seven"}}]}
    tasks = [aura.submit(SEVEN), aura.submit(mapping), aura.submit(file)]
    assert [await task for task in tasks] == ["seven"] * 3
    assert [task.title for task in tasks] == ["task", "task", "daily report"]
    with pytest.raises((aura.SpecError, OSError)):
        aura.submit(tmp_path / "missing.yaml")
    await api.current_scheduler().close()


# --- run --------------------------------------------------------------------------------------------------------------


def test_run_gives_the_result_or_raises_what_failed() -> None:
    assert aura.run(SEVEN) == "seven"
    assert aura.run("inputs: [x]\nsteps: [{action: core.log, params: {message: '{{ inputs.x }}'}}]", {"x": 3}) == 3
    with pytest.raises(aura.TaskError, match="enough"):
        aura.run("steps: [{action: core.fail, params: {message: enough}}]")
    with pytest.raises(aura.SpecError):
        aura.run("steps: []")
    with pytest.raises(TimeoutError):
        aura.run("steps: [{action: core.sleep, params: {seconds: 100}}]", timeout=0.01)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, StopIteration])
def test_run_raises_an_error_that_would_end_more_than_itself_as_a_task_error(kind: Any, action: Any) -> None:
    @action
    def leave() -> None:
        raise kind("own")

    with pytest.raises(aura.TaskError, match=f"{kind.__name__}: own") as raised:
        aura.run("steps: [{action: test.leave}]")
    assert type(raised.value.__cause__) is kind


def test_run_of_a_task_that_is_cancelled_raises_task_cancelled(action: Any) -> None:
    @action
    def end_it(context: aura.ActionContext) -> None:
        context.task.cancel()

    with pytest.raises(aura.TaskCancelled):
        aura.run("steps: [{action: test.end_it}]")


def test_run_leaves_no_loop_thread_or_output_behind() -> None:
    before = sys.stdout
    aura.run("steps: [{action: python.run, params: {code: print(1)}}]")
    assert sys.stdout is before


def test_run_in_an_action_of_a_thread_has_a_loop_of_its_own(action: Any) -> None:
    @action
    def outer() -> Any:
        print("outer")
        return aura.run("steps: [{action: core.log, params: {message: inner}}]")

    async def main() -> aura.Tasklet:
        async with Scheduler() as made:
            return await made.run_ad_hoc_task("steps: [{action: test.outer}]").wait()

    task = asyncio.run(main())
    assert task.result == "inner"
    assert [line.text for line in task.logs] == ["outer"]


def test_an_interrupt_cancels_the_task_of_run_and_its_finally_runs(action: Any) -> None:
    notes = []

    @action
    async def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(100)

    @action
    def note() -> None:
        notes.append("finally")

    with pytest.raises(KeyboardInterrupt):
        aura.run("steps: [{action: test.interrupt}]\nfinally: [{action: test.note}]")
    assert notes == ["finally"]


NESTED = """
import asyncio, signal, sys
import aura_jupyter as aura

@aura.action(executor="loop")
def nested():
    sleep = "{action: core.sleep, params: {seconds: 10ms}}"
    return aura.run("steps: [" + sleep + ", {action: core.log, params: {message: inner}}]")

@aura.action
async def interrupt():
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
    await asyncio.sleep(100)

@aura.action
async def note():
    print("finally", file=sys.__stdout__)
"""


def test_run_works_inside_a_running_loop_which_goes_on_meanwhile(run_python: RunPython) -> None:
    code = """
async def main():
    ticks = 0
    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)
    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    print(aura.run("steps: [{action: core.sleep, params: {seconds: 50ms}}, {action: core.log, params: {message: x}}]"))
    print(ticks > 5)
    print(await aura.submit("steps: [{action: nested}]"))
    print(aura.run("steps: [{action: nested}]"))
    ticking.cancel()
asyncio.run(main())
"""
    assert run_python(NESTED + code).splitlines() == ["x", "True", "inner", "inner"]


def test_a_nested_run_leaves_the_pass_of_the_loop_it_is_in_whole(run_python: RunPython) -> None:
    code = """
async def main():
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    def cell():
        print(aura.run("steps: [{action: core.log, params: {message: x}}]"))
        ended.set()
    loop.call_soon(cell)
    for _ in range(50):
        loop.call_soon(int)
    await ended.wait()
    print("goes on")
asyncio.run(main())
"""
    assert run_python(NESTED + code).splitlines() == ["x", "goes on"]


def test_an_interrupt_of_a_nested_run_cancels_its_task(run_python: RunPython) -> None:
    code = """
signal.signal(signal.SIGINT, signal.default_int_handler)
async def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        aura.run("steps: [{action: interrupt}]\\nfinally: [{action: note}]")
    except KeyboardInterrupt:
        print("interrupted")
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
"""
    assert run_python(NESTED + code).splitlines() == ["finally", "interrupted"]


@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
def test_run_inside_a_running_uvloop_is_a_clear_error(run_python: RunPython) -> None:
    code = f"""
import uvloop
async def main():
    try:
        aura.run({SEVEN!r})
    except RuntimeError as error:
        print("uvloop" in str(error), "await" in str(error))
    print(await aura.submit({SEVEN!r}))
uvloop.run(main())
"""
    assert run_python(NESTED + code).splitlines() == ["True True", "seven"]


def test_run_inside_a_loop_that_cannot_be_nested_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import nest_asyncio2

    def refuse(loop: Any) -> None:
        raise ValueError("Can't patch loop of type <class 'uvloop.Loop'>")

    monkeypatch.setattr(nest_asyncio2, "apply", refuse)

    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"await aura\.submit"):
            aura.run(SEVEN)
        await api.current_scheduler().close()

    asyncio.run(main())


# --- configure --------------------------------------------------------------------------------------------------------


@on_loop
async def test_settings_hold_for_the_schedulers_that_are_there_and_those_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "_settings", type(api._settings)())  # noqa: SLF001 - no test may change them for the others
    here = api.current_scheduler()
    client = object()
    aura.configure(max_concurrency=3, dask=client)
    assert (here.max_concurrency, here.dask) == (3, client)
    aura.configure()
    assert (here.max_concurrency, here.dask) == (3, client)
    await here.close()
    there = api.current_scheduler()
    assert (there.max_concurrency, there.dask) == (3, client)
    await there.close()


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
def test_a_setting_that_cannot_be_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="max_concurrency"):
        aura.configure(max_concurrency=value)


# --- a loop in a thread -----------------------------------------------------------------------------------------------

WHERE = """
import asyncio, threading, time
import aura_jupyter as aura

@aura.action
async def where():
    return threading.current_thread().name

@aura.action
def inner():
    return aura.run("steps: [{action: where}]")

SPEC = "steps: [{action: where}]"
aura.configure(loop="thread")
"""


def test_with_a_loop_in_a_thread_a_script_submits_without_a_loop_of_its_own(run_python: RunPython) -> None:
    code = """
task = aura.submit(SPEC)
ended = threading.Event()
task.when_ended(ended.set)
ended.wait()
print(task.result)

async def main():
    print(await aura.submit(SPEC))
asyncio.run(main())
print(aura.run(SPEC))
"""
    assert run_python(WHERE + code).splitlines() == ["aura-loop"] * 3


def test_run_in_an_action_needs_no_slot_of_its_scheduler(run_python: RunPython) -> None:
    code = """
aura.configure(max_concurrency=1)
print(aura.run("steps: [{action: inner}]"))
aura.configure(loop="kernel")
print(aura.run(SPEC))
"""
    inside, here = run_python(WHERE + code).splitlines()
    assert inside.startswith("aura-")
    assert here == "MainThread"


def test_a_loop_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="loop is 'kernel' or 'thread', and this is 'process'"):
        aura.configure(loop="process")  # type: ignore[arg-type]
