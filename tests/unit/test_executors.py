"""Where plain functions run: in threads, in processes, on the loop, on a dask cluster."""

from __future__ import annotations

import asyncio
import importlib.abc
import inspect
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import aura_jupyter as aura
from aura_jupyter.engine import executors
from aura_jupyter.engine.executors import Threads
from aura_jupyter.engine.tasklet import TaskStatus
from aura_jupyter.errors import MissingPackageError, TaskError
from tests.unit.running import Functions, done, on_loop, scheduler, statuses


async def echo(value: Any = None) -> Any:
    return value


def step(action: str, executor: str, /, **more: Any) -> dict[str, Any]:
    return {"name": "a", "action": action, "executor": executor, **more}


async def ended(pid: int) -> None:
    """Waits for a process that is no child of ours."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    await asyncio.to_thread(process.wait, 10)


def notebook_function(code: str, name: str) -> Callable[..., Any]:
    """A function as a cell defines it: in a `__main__` that no file stands for."""
    names = {"__name__": "__main__"}
    exec(code, names)
    function: Any = names[name]
    return function


# --- threads ----------------------------------------------------------------------------------------------------------


@on_loop
async def test_as_many_threads_run_as_there_are_calls() -> None:
    together = threading.Barrier(40)

    def meet() -> int:
        return together.wait(10)

    task = await done("steps: [{action: meet, loop: {times: 40, parallelism: 40}}]", meet)
    assert sorted(task.result) == list(range(40))


@on_loop
async def test_a_thread_that_is_free_is_used_again() -> None:
    task = await done("steps: [{action: ident, loop: {times: 20}}]", ident)
    assert len(set(task.result)) == 1
    assert task.result[0] != threading.get_ident()


def ident() -> int:
    return threading.get_ident()


@on_loop
async def test_what_runs_on_in_its_thread_is_named_in_the_log_and_what_it_returns_is_dropped() -> None:
    loop = asyncio.get_running_loop()
    inside, go = asyncio.Event(), threading.Event()

    def stay(context: aura.ActionContext) -> str:
        loop.call_soon_threadsafe(inside.set)
        go.wait()
        heard.append(context.cancelled)
        loop.call_soon_threadsafe(gone.set)
        return "dropped"

    heard: list[bool] = []
    for more in ({"timeout": "10ms", "on_error": "continue"}, {}):
        inside.clear()
        go.clear()
        gone = asyncio.Event()
        async with scheduler(stay) as made:
            task = made.run_ad_hoc_task({"steps": [step("stay", "thread", **more)]})
            await inside.wait()
            if not more:
                task.cancel()
            await task.wait()
            go.set()
            await gone.wait()
        assert task.steps["a"].output is None
        assert [line.text for line in task.logs] == ["stay runs on in its thread; what it returns is dropped"]
    assert heard == [True, True]


@on_loop
async def test_a_plain_function_that_gives_a_coroutine_has_it_awaited_on_the_loop() -> None:
    async def later() -> int:
        return threading.get_ident()

    def make() -> Any:
        return later()

    for executor in ("thread", "loop"):
        assert (await done({"steps": [step("make", executor)]}, make)).result == threading.get_ident()


@pytest.fixture
def done_in_thread(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a thread has done a job, which the loop may not know yet."""
    done, rest = threading.Event(), Threads.rest

    def note(self: Threads, thread: Any) -> bool:
        done.set()
        return rest(self, thread)

    monkeypatch.setattr(Threads, "rest", note)
    return done


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_coroutine_that_is_given_back_to_a_cancelled_step_is_closed(
    when: str, done_in_thread: threading.Event
) -> None:
    async def main() -> None:
        given: list[Any] = []
        running, go = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        async def later() -> None: ...

        def make() -> Any:
            loop.call_soon_threadsafe(running.set)
            go.wait()
            given.append(later())
            return given[0]

        async with scheduler(make) as made:
            task = made.run_ad_hoc_task({"steps": [step("make", "thread")]})
            await running.wait()
            if when == "after":
                go.set()
                assert done_in_thread.wait(30)  # and hold the loop meanwhile
            task.cancel()
            await task.wait()
            go.set()
            assert done_in_thread.wait(30)
        assert task.status == "CANCELLED"
        assert inspect.getcoroutinestate(given[0]) == inspect.CORO_CLOSED

    on_loop(main)()


@on_loop
async def test_context_variables_reach_the_thread() -> None:
    import contextvars

    variable = contextvars.ContextVar("variable", default="unset")

    def read() -> str:
        return variable.get()

    variable.set("set by who submits")
    assert (await done("steps: [{action: read}]", read)).result == "set by who submits"


def test_an_idle_thread_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "IDLE_SECONDS", 0.01)

    async def main() -> None:
        threads = Threads()
        good, thread = await threads.call(asyncio.get_running_loop(), threading.current_thread)
        assert good
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()
        assert await threads.call(asyncio.get_running_loop(), lambda: 7) == (True, 7)
        threads.close()

    on_loop(main)()


def test_a_function_that_never_returns_does_not_keep_python_from_ending(run_python: Callable[[str], str]) -> None:
    code = """
import asyncio, time
import aura_jupyter as aura

@aura.action
def stay(): time.sleep(1000)

async def main():
    async with aura.Scheduler() as made:
        task = made.run_ad_hoc_task("steps: [{action: stay, timeout: 50ms}]")
        print(await task.wait() is task)
asyncio.run(main())
"""
    assert run_python(code) == "True"


@on_loop
async def test_a_function_on_the_loop_that_holds_it_is_measured() -> None:
    def hold() -> None:
        time.sleep(0.05)

    task = await done({"steps": [step("hold", "loop")]}, hold)
    assert 0.05 <= task.steps["a"].held < 5
    assert (task.steps["a"].executor, (await done("steps: [{name: a, action: echo}]", echo)).steps["a"].held) == (
        "loop",
        0,
    )


# --- what actions may ask for -----------------------------------------------------------------------------------------


@on_loop
async def test_a_context_is_filled_in_wherever_it_stands() -> None:
    def first(context: aura.ActionContext, a: int, b: int = 2) -> Any:
        return [context.step, context.attempt, a, b]

    async def last(a: int, *, context: aura.ActionContext) -> Any:
        return [context.step, context.task.title, a, context.cancelled]

    spec = """
        steps:
          - {name: x, action: first, args: [1]}
          - {name: y, action: first, params: {a: 1, b: 3}}
          - {name: z, action: last, args: [4]}
    """
    task = await done(spec, first, last)
    assert [task.steps[name].output for name in "xyz"] == [["x", 1, 1, 2], ["y", 1, 1, 3], ["z", "task", 4, False]]


@on_loop
async def test_what_an_action_does_when_it_is_cancelled_is_done_once_and_may_fail() -> None:
    called: list[str] = []
    inside = asyncio.Event()

    async def wait_long(context: aura.ActionContext) -> None:
        context.call_when_cancelled(lambda: 1 / 0)
        context.call_when_cancelled(lambda: called.append("told"))
        inside.set()
        try:
            await asyncio.sleep(100)
        finally:
            context.call_when_cancelled(lambda: called.append("at once"))

    async with scheduler(wait_long) as made:
        task = made.run_ad_hoc_task("steps: [{action: wait_long}]")
        await inside.wait()
        task.cancel()
        await task.wait()
    assert called == ["told", "at once"]
    assert task.status is TaskStatus.CANCELLED
    assert "ZeroDivisionError" in str(task.logs)


@on_loop
async def test_a_person_is_asked_from_actions_of_every_kind() -> None:
    def in_thread(context: aura.ActionContext) -> str:
        choice: str = context.ask("thread?", ["yes", "no"])
        return choice

    async def on_the_loop(context: aura.ActionContext) -> str:
        choice: str = await context.ask("loop?", ["yes", "no"])
        return choice

    async with scheduler(in_thread, on_the_loop) as made:
        made.manager.person = lambda tasklet, step: True
        made.hooks.add(lambda event: event.tasklet.answer(event.step.name, "yes"), "step_asks")
        spec = """
            steps: [{name: a, action: in_thread}, {name: b, action: on_the_loop}]
            returns: ["{{ steps.a.output }}", "{{ steps.b.output }}"]
        """
        task = await made.run_ad_hoc_task(spec).wait()
    assert task.result == ["yes", "yes"]
    assert task.steps["a"].question is None


@on_loop
async def test_a_question_can_be_cancelled_and_only_its_choices_answer_it() -> None:
    def in_thread(context: aura.ActionContext) -> str:
        choice: str = context.ask("thread?")
        return choice

    for action in ("in_thread", "human.approve"):
        asked = asyncio.Event()
        async with scheduler(in_thread) as made:
            made.manager.person = lambda tasklet, step: True
            made.hooks.add(lambda event, asked=asked: asked.set(), "step_asks")
            params = {"params": {"message": "ok?"}} if action == "human.approve" else {}
            task = made.run_ad_hoc_task({"steps": [{"name": "a", "action": action, **params}]})
            await asked.wait()
            with pytest.raises(ValueError, match="Approve"):
                task.answer("a", "approve")
            with pytest.raises(KeyError):
                task.answer("b", "Approve")
            task.cancel()
            await task.wait()
            assert task.steps["a"].question is None
            with pytest.raises(ValueError, match="asks nothing"):
                task.answer("a", "Approve")
        assert statuses(task) == {"a": "CANCELLED"}


@on_loop
async def test_human_approve_fails_where_nobody_is_unless_a_default_is_given() -> None:
    spec = """
        steps:
          - {name: a, action: human.approve, params: {message: "ok?", default: Approve}}
          - {name: b, action: human.approve, params: {message: "ok?", default: Reject}, on_error: continue}
          - {name: c, action: human.approve, params: {message: "ok?"}, on_error: continue}
    """
    async with scheduler() as made:
        for person in (None, lambda tasklet, step: False):
            made.manager.person = person
            task = await made.run_ad_hoc_task(spec).wait()
            assert statuses(task) == {"a": "COMPLETED", "b": "FAILED", "c": "FAILED"}
            assert task.steps["a"].output == "Approve"
            assert "nobody" in str(task.steps["c"].error)


@on_loop
async def test_turns_at_once_ask_one_after_another() -> None:
    async def ask(context: aura.ActionContext) -> str:
        choice: str = await context.ask("which?", ["a", "b", "c"])
        return choice

    answers = iter("abc")
    async with scheduler(ask) as made:
        made.manager.person = lambda tasklet, step: True
        made.hooks.add(lambda event: event.question.answer(next(answers)), "step_asks")
        task = await made.run_ad_hoc_task("steps: [{action: ask, loop: {times: 3, parallelism: 3}}]").wait()
    assert task.result == ["a", "b", "c"]


# --- processes --------------------------------------------------------------------------------------------------------


@on_loop
async def test_functions_of_a_notebook_run_in_a_process_of_their_own() -> None:
    captured = {"factor": 3}

    def closure(n: int) -> list[int]:
        return [os.getpid(), n * captured["factor"]]

    code = """
import os
class Row:
    def __init__(self, n): self.n = n
FACTOR = 5
def helper(n): return Row(n * FACTOR)
def cell_function(n): return [os.getpid(), helper(n)]
"""
    cell_function = notebook_function(code, "cell_function")
    shout = lambda n: [os.getpid(), f"{n}!"]  # noqa: E731
    shout.__name__ = "shout"
    async with scheduler(closure, cell_function, shout) as made:
        values = []
        for action in ("closure", "cell_function", "shout"):
            pid, value = await made.run_ad_hoc_task({"steps": [step(action, "process", params={"n": 2})]})
            assert pid != os.getpid()
            values.append(value)
    assert (values[0], values[1].n, values[2]) == (6, 10, "2!")


@on_loop
async def test_what_a_process_writes_and_reports_is_the_steps() -> None:
    def speak(context: aura.ActionContext) -> int:
        import logging
        import warnings

        print("printed")
        print("to stderr", file=sys.stderr)
        logging.getLogger("x").warning("logged")
        warnings.warn("warned", UserWarning, stacklevel=1)
        context.log("from the context", "error")
        context.progress(1, 3, "one")
        sys.stdout.write("unfinished")
        return context.attempt

    task = await done({"steps": [step("speak", "process")]}, speak)
    assert task.result == 1
    said = [(line.step, line.level, line.text) for line in task.logs]
    assert said[0] == ("a", "info", "printed")
    assert ("a", "warning", "to stderr") in said
    assert ("a", "warning", "logged") in said
    assert any("UserWarning: warned" in text for _, _, text in said)
    assert ("a", "error", "from the context") in said
    assert said[-1] == ("a", "info", "unfinished")
    assert task.steps["a"].progress.done == 1


@on_loop
async def test_a_process_is_used_again_in_the_kernels_folder_and_with_its_import_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "found_later.py").write_text("value = 5")

    def look() -> list[Any]:
        try:
            import found_later
        except ImportError:
            return [os.getpid(), str(Path.cwd()), None]
        return [os.getpid(), str(Path.cwd()), found_later.value]

    async with scheduler(look) as made:
        spec = {"steps": [step("look", "process")]}
        first = await made.run_ad_hoc_task(spec)
        assert first[1:] == [str(Path.cwd()), None]
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        second = await made.run_ad_hoc_task(spec)
        assert second == [first[0], str(tmp_path), 5]


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_process_that_is_given_up_is_ended_with_its_children(how: str, tmp_path: Path) -> None:
    async def main() -> None:
        def spawn(file: str) -> None:
            import subprocess

            child = subprocess.Popen(["sleep", "1000"])
            Path(file).write_text(f"{os.getpid()} {child.pid}")
            print("ready")
            time.sleep(1000)

        ready = asyncio.Event()
        file = tmp_path / "pids"
        async with scheduler(spawn) as made:
            made.hooks.add(lambda event: ready.set(), "step_log")
            more = {"timeout": 5} if how == "timeout" else {}
            task = made.run_ad_hoc_task({"steps": [step("spawn", "process", params={"file": str(file)}, **more)]})
            await ready.wait()
            if how == "cancel":
                task.cancel()
            await task.wait()
            for pid in file.read_text().split():
                await ended(int(pid))
        assert task.status == ("FAILED" if how == "timeout" else "CANCELLED")
        assert not any("runs on" in line.text for line in task.logs)

    on_loop(main)()


def test_a_process_that_is_being_created_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        creating, go = asyncio.Event(), threading.Event()
        killed: list[executors.Worker] = []

        class Slow(executors.Worker):
            def __init__(self) -> None:
                loop.call_soon_threadsafe(creating.set)
                go.wait()
                super().__init__()

            def kill(self) -> None:
                super().kill()
                killed.append(self)
                loop.call_soon_threadsafe(over.set)

        def stay() -> None:
            time.sleep(1000)

        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        monkeypatch.setattr(executors, "Worker", Slow)
        async with scheduler(stay) as made:
            task = made.run_ad_hoc_task({"steps": [step("stay", "process")]})
            await creating.wait()
            task.cancel()
            await task.wait()
            assert statuses(task) == {"a": "CANCELLED"}
            go.set()
            await over.wait()
            assert not killed[0].alive

    on_loop(main)()


@on_loop
async def test_a_process_that_dies_fails_its_step_and_the_next_one_gets_another() -> None:
    def die(how: str) -> None:
        if how == "exit":
            os._exit(3)
        os.kill(os.getpid(), signal.SIGKILL)

    spec = {
        "steps": [
            {**step("die", "process"), "name": how, "params": {"how": how}, "on_error": "continue"}
            for how in ("exit", "kill")
        ]
        + [{"name": "after", "action": "getpid", "executor": "process"}]
    }

    def getpid() -> int:
        return os.getpid()

    task = await done(spec, die, getpid)
    assert statuses(task) == {"exit": "FAILED", "kill": "FAILED", "after": "COMPLETED"}
    assert "exit status 3" in str(task.steps["exit"].error)
    assert "SIGKILL" in str(task.steps["kill"].error)


class Odd(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Wordless(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__()

    def __str__(self) -> str:
        raise RuntimeError


@on_loop
async def test_what_cannot_travel_is_said_in_words() -> None:
    def take(value: Any) -> Any:
        return value

    def give() -> Any:
        return threading.Lock()

    def give_generator() -> Any:
        return (n for n in range(3))

    def odd() -> None:
        raise Odd(1, 2)

    def wordless() -> None:
        raise Wordless(1, 2)

    def holding() -> None:
        raise ValueError(threading.Lock())

    spec = {
        "steps": [
            {**step(action, "process", **more), "name": action, "on_error": "continue"}
            for action, more in (
                ("take", {"params": {"value": "{{ inputs.lock }}"}}),
                ("give", {}),
                ("give_generator", {}),
                ("odd", {}),
                ("wordless", {}),
                ("holding", {}),
            )
        ]
    }
    task = await done(spec, take, give, give_generator, odd, wordless, holding, inputs={"lock": threading.Lock()})
    errors = {name: run.error for name, run in task.steps.items()}
    assert all(type(error) is TaskError for error in errors.values()), errors
    assert "take cannot be sent to another process" in str(errors["take"])
    assert "executor: thread" in str(errors["take"])
    assert "lock" in str(errors["give"])
    assert "generator" in str(errors["give_generator"])
    assert str(errors["odd"]) == "Odd: 1 and 2"
    assert "Wordless" in str(errors["wordless"])
    assert "ValueError" in str(errors["holding"])


@on_loop
async def test_a_step_in_a_process_is_told_what_it_cannot_do_there() -> None:
    def ask(context: aura.ActionContext) -> None:
        context.ask("?")

    task = await done({"steps": [step("ask", "process")]}, ask)
    assert "executor: thread" in str(task.error)


@on_loop
async def test_large_values_travel_to_a_process_and_back() -> None:
    def double(data: bytes) -> bytes:
        return data * 2

    data = os.urandom(5_000_000)
    task = await done(
        {"steps": [step("double", "process", params={"data": "{{ inputs.data }}"})]}, double, inputs={"data": data}
    )
    assert task.result == data * 2


@on_loop
async def test_a_cancellation_once_a_process_has_answered_leaves_it_to_the_next_call(
    done_in_thread: threading.Event,
) -> None:
    def getpid() -> int:
        return os.getpid()

    async with scheduler(getpid) as made:
        spec = {"steps": [step("getpid", "process")]}
        pid = await made.run_ad_hoc_task(spec)
        done_in_thread.clear()
        task = made.run_ad_hoc_task(spec)
        while not task.attempts:
            await asyncio.sleep(0)
        assert done_in_thread.wait(30)  # and hold the loop meanwhile
        task.cancel()
        await task.wait()
        assert task.status == "CANCELLED"
        assert await made.run_ad_hoc_task(spec) == pid


@on_loop
async def test_closing_ends_the_processes() -> None:
    def getpid() -> int:
        return os.getpid()

    async with scheduler(getpid) as made:
        pid = await made.run_ad_hoc_task({"steps": [step("getpid", "process")]})
        assert psutil.pid_exists(pid)
    await ended(pid)


@on_loop
async def test_processes_run_side_by_side(tmp_path: Path) -> None:
    def meet(folder: str, n: int) -> int:
        Path(folder, str(n)).touch()
        deadline = time.monotonic() + 20
        while len(list(Path(folder).iterdir())) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return os.getpid()

    loop = {"times": 3, "parallelism": 3}
    params = {"folder": str(tmp_path), "n": "{{ item }}"}
    task = await done({"steps": [step("meet", "process", loop=loop, params=params)]}, meet)
    assert len(set(task.result)) == 3


# --- dask -------------------------------------------------------------------------------------------------------------


class _Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == "distributed":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_without_dask_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "distributed"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Block(), *sys.meta_path])

    async def main() -> None:
        def plain() -> None: ...

        task = await done({"steps": [step("plain", "dask")]}, plain)
        assert type(task.error) is MissingPackageError
        assert "pip install" in str(task.error)
        assert "dask" in str(task.error)
        assert "\n" not in str(task.error)

    on_loop(main)()


class FakeFuture:
    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self.cancelled = threading.Event()

    def result(self) -> Any:
        if self._call is None:
            self.cancelled.wait()
            raise asyncio.CancelledError("cancelled")
        return self._call()

    def cancel(self, *, force: bool) -> None:
        self.cancelled.set()


class FakeClient:
    """The part of `distributed.Client` that is used."""

    asynchronous = False

    def __init__(self, *, hangs: bool = False) -> None:
        self.hangs = hangs
        self.futures: list[Any] = []
        self.closed = False

    def submit(self, function: Any, *args: Any, pure: bool) -> FakeFuture:
        assert not pure
        future = FakeFuture(None if self.hangs else lambda: function(*args))  # type: ignore[arg-type]
        self.futures.append(future)
        return future

    def close(self) -> None:
        self.closed = True


@on_loop
async def test_a_given_client_is_used_and_left_open() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    def fail() -> None:
        raise KeyError("lost")

    client = FakeClient()
    async with scheduler(add, fail, dask=client) as made:
        assert await made.run_ad_hoc_task({"steps": [step("add", "dask", args=[1], params={"b": 2})]}) == 3
        task = await made.run_ad_hoc_task({"steps": [step("fail", "dask")]}).wait()
        assert type(task.error) is KeyError
    assert len(client.futures) == 2
    assert not client.closed


@on_loop
async def test_a_cancelled_step_cancels_its_future() -> None:
    def plain() -> None: ...

    client = FakeClient(hangs=True)
    async with scheduler(plain, dask=client) as made:
        timed = await made.run_ad_hoc_task({"steps": [step("plain", "dask", timeout="50ms")]}).wait()
        assert type(timed.error) is TimeoutError
        assert client.futures[0].cancelled.is_set()


@on_loop
async def test_an_asynchronous_client_is_refused_in_words() -> None:
    def plain() -> None: ...

    client = FakeClient()
    client.asynchronous = True
    async with scheduler(plain, dask=client) as made:
        task = await made.run_ad_hoc_task({"steps": [step("plain", "dask")]}).wait()
    assert "asynchronous" in str(task.error)


@pytest.mark.slow
def test_a_local_cluster_starts_at_the_first_use_and_ends_with_the_scheduler(run_python: Callable[[str], str]) -> None:
    code = """
import asyncio, os
import aura_jupyter as aura

@aura.action(executor="dask")
def work(n):
    if n == 3: raise KeyError("lost")
    return [n * 2, os.getpid()]

async def main():
    async with aura.Scheduler() as made:
        spec = "steps: [{action: work, loop: [1, 2], params: {n: '{{ item }}'}}]"
        result = await made.run_ad_hoc_task(spec)
        print([n for n, _ in result], all(pid != os.getpid() for _, pid in result))
        task = await made.run_ad_hoc_task("steps: [{action: work, params: {n: 3}}]").wait()
        print(repr(task.error))

if __name__ == "__main__":
    asyncio.run(main())
"""
    assert run_python(code).splitlines() == ["[2, 4] True", "KeyError('lost')"]


def test_a_module_of_the_notebooks_own_is_taken_by_name() -> None:
    module = types.ModuleType("mine")
    names = Functions(mine=module)
    module.work = ident  # type: ignore[attr-defined]
    assert names.find("mine.work") is ident
