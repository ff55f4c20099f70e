"""The way of a task: queue, slots, groups, cancellation from anywhere, waiters, the scheduler's end."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any

import pytest

from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.engine.tasklet import TaskStatus
from aura_jupyter.errors import NoSchedulerError, TaskCancelled
from aura_jupyter.spec.problems import SpecError
from tests.unit.running import Recorder, left_over, on_clock, on_loop, scheduler, statuses


async def echo(value: Any = None) -> Any:
    return value


async def pause(seconds: float = 100, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


PAUSE = "steps: [{name: a, action: pause}]\nfinally: [{name: z, action: echo}]"
ECHO = "steps: [{name: a, action: echo, params: {value: 7}}]"


def in_group(group: str, seconds: float = 10, limit: int = 1) -> dict[str, Any]:
    step = {"action": "pause", "params": {"seconds": seconds}}
    return {"meta": {"concurrency": {"group": group, "limit": limit}}, "steps": [step]}


# --- queue and slots --------------------------------------------------------------------------------------------------


@on_clock
async def test_a_task_is_queued_at_once_and_starts_when_the_loop_is_free() -> None:
    async with scheduler(echo) as made:
        task = made.run_ad_hoc_task(ECHO)
        assert (task.status, task.queue_place, task.started_at) == (TaskStatus.QUEUED, 1, None)
        assert task in made.task_queue
        assert await task == 7
        assert (task.status, task.queue_place) == (TaskStatus.COMPLETED, None)
        assert made.running_tasks == {}


@on_clock
async def test_no_more_than_max_concurrency_run_at_once_and_the_first_comes_first() -> None:
    async with scheduler(pause, max_concurrency=2) as made:
        tasks = [made.run_ad_hoc_task({"steps": [{"action": "pause", "params": {"seconds": n}}]}) for n in (3, 1, 1, 1)]
        await asyncio.sleep(0.5)
        assert [task.status for task in tasks] == ["RUNNING", "RUNNING", "QUEUED", "QUEUED"]
        assert [task.queue_place for task in tasks] == [None, None, 1, 2]
        await asyncio.sleep(1)
        assert [task.status for task in tasks] == ["RUNNING", "COMPLETED", "RUNNING", "QUEUED"]
        await made.join()
        assert [task.status for task in tasks] == ["COMPLETED"] * 4


@on_clock
async def test_a_raised_limit_starts_those_that_wait_and_a_lowered_one_lets_those_that_run_go_on() -> None:
    async with scheduler(pause, max_concurrency=1) as made:
        tasks = [made.run_ad_hoc_task("steps: [{action: pause}]") for _ in range(6)]
        await asyncio.sleep(1)
        assert len(made.running_tasks) == 1
        made.max_concurrency = 4
        await asyncio.sleep(1)
        assert len(made.running_tasks) == 4
        made.max_concurrency = 2
        await asyncio.sleep(1)
        assert len(made.running_tasks) == 4
        await tasks[0].wait()
        await asyncio.sleep(1)
        assert len(made.running_tasks) <= 3
        await made.join()
    assert {task.status for task in tasks} == {TaskStatus.COMPLETED}


@on_clock
async def test_a_lowered_limit_holds_for_those_that_wait() -> None:
    async with scheduler(pause, max_concurrency=3) as made:
        for n in range(6):
            made.run_ad_hoc_task({"steps": [{"action": "pause", "params": {"seconds": 1 + n}}]})
        await asyncio.sleep(0.5)
        made.max_concurrency = 1
        peak = 0
        await asyncio.sleep(2.9)  # the first three have ended
        while made.running_tasks:
            peak = max(peak, len(made.running_tasks))
            await asyncio.sleep(0.5)
        assert peak == 1


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None, "3"])
def test_a_limit_that_is_no_number_of_tasks_is_refused(limit: Any) -> None:
    async def main() -> None:
        async with scheduler() as made:
            with pytest.raises(ValueError, match="max_concurrency"):
                made.max_concurrency = limit

    on_clock(main)()


@on_clock
async def test_a_queued_task_can_be_given_another_place() -> None:
    order: list[str] = []

    async def note(name: str) -> None:
        order.append(name)

    async with scheduler(note, max_concurrency=1) as made:
        tasks = {}
        for name in "abcd":
            spec = {"steps": [{"action": "note", "params": {"name": name}}]}
            tasks[name] = made.run_ad_hoc_task(spec)
        made.move(tasks["d"], 1)
        made.move(tasks["a"], 99)
        assert [task.queue_place for task in tasks.values()] == [4, 2, 3, 1]
        await made.join()
        made.move(tasks["a"], 1)  # it has ended: nothing happens
    assert order == ["d", "b", "c", "a"]


@on_clock
async def test_a_bad_spec_or_input_is_refused_here_and_now() -> None:
    async with scheduler() as made:
        with pytest.raises(SpecError):
            made.run_ad_hoc_task("steps: [{action: nobody}]")
        with pytest.raises(SpecError):
            made.run_ad_hoc_task("inputs: [x]\nsteps: [{action: core.sleep, params: {seconds: 0}}]")
        assert made.tasks() == []
        assert made.task_queue.empty()


# --- groups -----------------------------------------------------------------------------------------------------------


@on_clock
async def test_a_full_group_holds_nobody_else_up() -> None:
    async with scheduler(pause, echo, max_concurrency=2) as made:
        first, second, third = (made.run_ad_hoc_task(in_group("one")) for _ in range(3))
        other = made.run_ad_hoc_task(ECHO)
        await asyncio.sleep(1)
        assert other.status == "COMPLETED"
        assert (first.status, second.status, third.status) == ("RUNNING", "QUEUED", "QUEUED")
        assert (second.queue_place, third.queue_place) == (1, 2)
        await made.join()
        assert third.started_at >= second.started_at
        assert third.duration == 10


@on_clock
async def test_a_group_lets_as_many_in_as_its_limit_says_in_their_order() -> None:
    started: list[int] = []
    at_once = 0

    async def enter(n: int) -> None:
        nonlocal at_once
        started.append(n)
        at_once += 1
        assert at_once <= 3
        await asyncio.sleep(5 - n % 5)
        at_once -= 1

    async with scheduler(enter, max_concurrency=20) as made:
        tasks = []
        for n in range(15):
            spec = in_group("three", limit=3)
            spec["steps"] = [{"action": "enter", "params": {"n": n}}]
            tasks.append(made.run_ad_hoc_task(spec))
        await made.join()
    assert started == list(range(15))
    assert {task.status for task in tasks} == {TaskStatus.COMPLETED}


@on_clock
async def test_a_task_that_waits_for_its_group_goes_first_once_it_is_let_in() -> None:
    async with scheduler(pause, max_concurrency=1) as made:
        first = made.run_ad_hoc_task(in_group("one"))
        made.max_concurrency = 2
        second = made.run_ad_hoc_task(in_group("one"))
        await asyncio.sleep(1)
        made.max_concurrency = 1
        others = [made.run_ad_hoc_task({"steps": [{"action": "pause", "params": {"seconds": 1}}]}) for _ in range(3)]
        await first.wait()
        await asyncio.sleep(0.5)
        assert second.status == "RUNNING"
        assert [task.status for task in others] == ["QUEUED"] * 3
        await made.join()


@on_clock
async def test_a_cancelled_task_of_a_group_lets_the_next_one_in() -> None:
    async with scheduler(pause) as made:
        tasks = [made.run_ad_hoc_task(in_group("one")) for _ in range(4)]
        await asyncio.sleep(1)
        tasks[1].cancel()
        assert tasks[1].status is TaskStatus.CANCELLED
        tasks[0].cancel()
        await asyncio.sleep(1)
        assert [task.status for task in tasks] == ["CANCELLED", "CANCELLED", "RUNNING", "QUEUED"]
        await made.join()
        assert tasks[3].status is TaskStatus.COMPLETED


@on_clock
async def test_groups_and_slots_never_wait_for_each_other() -> None:
    async with scheduler(pause, max_concurrency=2) as made:
        tasks = [made.run_ad_hoc_task(in_group(group, seconds=1)) for group in "ababcabcab" * 3]
        await made.join()
    assert {task.status for task in tasks} == {TaskStatus.COMPLETED}


# --- cancelling -------------------------------------------------------------------------------------------------------


@on_clock
async def test_a_task_cancelled_while_it_is_queued_runs_nothing() -> None:
    async with scheduler(pause, echo, max_concurrency=1) as made:
        running, queued = made.run_ad_hoc_task(PAUSE), made.run_ad_hoc_task(PAUSE)
        await asyncio.sleep(1)
        recorder = Recorder(made)
        queued.cancel()
        assert queued.status is TaskStatus.CANCELLED
        assert statuses(queued) == {"a": "SKIPPED", "z": "SKIPPED"}
        assert recorder.said() == ["after_step_run a", "after_step_run z", "after_task_run"]
        assert (queued.result, queued.error, queued.duration) == (None, None, None)
        assert running.status == "RUNNING"
        with pytest.raises(TaskCancelled):
            await queued
        running.cancel()


@on_clock
async def test_a_task_that_has_ended_stays_as_it_is() -> None:
    async with scheduler(echo) as made:
        task = made.run_ad_hoc_task(ECHO)
        await task
        task.cancel()
        await asyncio.sleep(1)
        assert (task.status, task.result, task.cancelling) == (TaskStatus.COMPLETED, 7, False)


@on_clock
async def test_a_task_cancelled_by_its_own_action_is_cancelled() -> None:
    async with scheduler(pause, echo) as made:
        holder: list[Any] = []

        async def end_it(wait: bool) -> str:
            holder[-1].cancel()
            if wait:
                await asyncio.sleep(0)
            return "went on"

        made.namespace["end_it"] = end_it  # type: ignore[index]
        for wait in (True, False):
            spec = {"steps": [{"name": "a", "action": "end_it", "params": {"wait": wait}}]}
            holder.append(made.run_ad_hoc_task(spec))
            await holder[-1].wait()
            assert (holder[-1].status, statuses(holder[-1])) == (TaskStatus.CANCELLED, {"a": "CANCELLED"})


@on_loop
async def test_a_task_cancelled_by_its_own_thread_is_cancelled() -> None:
    holder: list[Any] = []

    def end_it() -> str:
        holder[0].cancel()
        return "went on"

    async with scheduler(end_it, echo) as made:
        holder.append(made.run_ad_hoc_task("steps: [{name: a, action: end_it}, {name: b, action: echo}]"))
        await holder[0].wait()
    assert (holder[0].status, statuses(holder[0])) == (TaskStatus.CANCELLED, {"a": "CANCELLED", "b": "SKIPPED"})


@pytest.mark.parametrize(
    "hook", ["before_task_run", "before_step_run", "after_step_run", "turn_done", "attempt_failed"]
)
def test_a_listener_may_cancel_the_task(hook: str) -> None:
    async def main() -> None:
        async def flaky() -> None:
            raise OSError

        spec = """
            steps:
              - {name: a, action: echo, loop: [1]}
              - {name: b, action: flaky, retry: 3}
              - {name: c, action: echo}
            finally: [{name: z, action: echo}]
        """
        async with scheduler(echo, flaky) as made:
            cancelled = []

            def end(event: Any) -> None:
                if not cancelled:
                    cancelled.append(event)
                    event.tasklet.cancel()

            made.hooks.add(end, hook)
            task = await made.run_ad_hoc_task(spec).wait()
            assert task.status is TaskStatus.CANCELLED
            assert statuses(task)["c"] == "SKIPPED"
            assert statuses(task)["z"] == "COMPLETED"
            assert "FAILED" not in statuses(task).values()

    on_clock(main)()


@on_clock
async def test_a_listener_may_cancel_the_task_when_its_last_step_has_ended() -> None:
    async with scheduler(echo) as made:
        made.hooks.add(lambda event: event.tasklet.cancel(), "after_step_run")
        task = await made.run_ad_hoc_task(ECHO).wait()
    assert (task.status, task.result, statuses(task)) == (TaskStatus.CANCELLED, None, {"a": "COMPLETED"})


@on_loop
async def test_a_task_can_be_cancelled_from_another_thread() -> None:
    running = asyncio.Event()

    async def wait_long() -> None:
        running.set()
        await asyncio.sleep(100)

    async with scheduler(wait_long, echo) as made:
        task = made.run_ad_hoc_task("steps: [{name: a, action: wait_long}]\nfinally: [{name: z, action: echo}]")
        await running.wait()
        thread = threading.Thread(target=task.cancel)
        thread.start()
        await task.wait()
        thread.join()
    assert (task.status, statuses(task)) == (TaskStatus.CANCELLED, {"a": "CANCELLED", "z": "COMPLETED"})


@on_loop
async def test_a_thread_that_heeds_its_cancellation_before_the_loop_knows_is_cancelled_all_the_same() -> None:
    inside, told = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def heed() -> str:
        loop.call_soon_threadsafe(inside.set)
        told.wait()
        return "partial"

    async with scheduler(heed) as made:
        task = made.run_ad_hoc_task("steps: [{name: a, action: heed}]")
        await inside.wait()
        [attempt] = task.attempts

        def cancel_from_elsewhere() -> None:
            attempt.call_when_cancelled(told.set)
            task.cancel()

        await asyncio.to_thread(cancel_from_elsewhere)
        await task.wait()
    assert (task.status, statuses(task), task.result) == (TaskStatus.CANCELLED, {"a": "CANCELLED"}, None)


@on_loop
async def test_cancellations_from_many_threads_at_random_times_always_end_the_task_once() -> None:
    async with scheduler(echo) as made:
        spec = "steps: [{name: a, action: echo, loop: {times: 50}}]\nfinally: [{name: z, action: echo}]"
        for _ in range(40):
            task = made.run_ad_hoc_task(spec)
            thread = threading.Thread(target=task.cancel)
            thread.start()
            await task.wait()
            thread.join()
            assert task.status in (TaskStatus.CANCELLED, TaskStatus.COMPLETED)
            assert all(step.status.is_final for step in task.steps.values())
            if task.status is TaskStatus.CANCELLED and task.started_at is not None:
                assert statuses(task)["z"] in ("COMPLETED", "CANCELLED")


# --- waiting ----------------------------------------------------------------------------------------------------------


@on_clock
async def test_all_who_wait_get_the_result() -> None:
    async with scheduler(pause) as made:
        task = made.run_ad_hoc_task({"steps": [{"action": "pause", "params": {"seconds": 3, "value": 9}}]})

        async def result() -> Any:
            return await task

        assert await asyncio.gather(*[result() for _ in range(500)]) == [9] * 500
        assert await task == 9


@on_clock
async def test_a_waiter_that_is_cancelled_does_not_cancel_the_task() -> None:
    async with scheduler(pause) as made:
        task = made.run_ad_hoc_task({"steps": [{"action": "pause", "params": {"seconds": 3, "value": 9}}]})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await task
        waiter = asyncio.ensure_future(task.wait())
        await asyncio.sleep(1)
        waiter.cancel()
        assert task.status == "RUNNING"
        assert await task == 9


@on_loop
async def test_a_task_can_be_awaited_on_another_loop() -> None:
    async with scheduler(pause) as made:
        task = made.run_ad_hoc_task({"steps": [{"action": "pause", "params": {"seconds": 0.05, "value": 9}}]})

        async def elsewhere() -> Any:
            return await task

        results = await asyncio.gather(*[asyncio.to_thread(asyncio.run, elsewhere()) for _ in range(3)])
        assert results == [9, 9, 9]
        assert await asyncio.to_thread(asyncio.run, elsewhere()) == 9


@on_loop
async def test_what_fails_at_the_end_of_a_task_is_reported_and_keeps_nobody_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> None:
        raise RuntimeError("no picture")

    later: list[int] = []
    async with Scheduler() as scheduler:
        tasklet = scheduler.run_ad_hoc_task({"steps": [{"action": "core.log", "params": {"message": "x"}}]})
        tasklet.when_ended(broken)
        tasklet.when_ended(lambda: later.append(1))
        await tasklet
    assert later == [1]
    assert "no picture" in caplog.text


async def test_a_waiter_whose_loop_is_closed_harms_nobody() -> None:
    async with scheduler(pause) as made:
        task = made.run_ad_hoc_task({"steps": [{"action": "pause", "params": {"seconds": 0.05}}]})

        async def give_up() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(task.wait(), 0.001)

        await asyncio.to_thread(asyncio.run, give_up())
        assert (await task.wait()).status is TaskStatus.COMPLETED


@on_clock
async def test_awaiting_a_failed_task_again_raises_the_same_error_with_the_same_traceback() -> None:
    async def fail() -> None:
        raise ValueError("boom")

    async with scheduler(fail) as made:
        task = made.run_ad_hoc_task("steps: [{name: a, action: fail}]", title="daily")
        depths = []
        for _ in range(5):
            with pytest.raises(ValueError, match="boom") as raised:
                await task
            depths.append(len(raised.traceback))
            assert raised.value is task.error
        assert len(set(depths)) == 1
        assert task.error.__notes__ == ["in step 'a' of daily"]


@on_clock
async def test_what_fails_at_the_end_of_a_task_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async with scheduler(echo) as made:
        task = made.run_ad_hoc_task(ECHO)
        called = []
        task.when_ended(lambda: 1 / 0)
        task.when_ended(lambda: called.append(1))
        assert await task == 7
        assert called == [1]
        assert await made.run_ad_hoc_task(ECHO) == 7
    assert "ZeroDivisionError" in caplog.text


# --- other threads ----------------------------------------------------------------------------------------------------


@on_loop
async def test_a_task_can_be_submitted_from_another_thread() -> None:
    async with scheduler(echo) as made:
        recorder = Recorder(made)
        task = await asyncio.to_thread(made.run_ad_hoc_task, ECHO)
        assert await task == 7
        assert recorder.said()[0] == "task_queued"


@on_loop
async def test_a_task_submitted_and_cancelled_in_another_thread_runs_nothing() -> None:
    async with scheduler(echo) as made:
        submitted: list[Any] = []

        def submit() -> None:
            submitted.append(made.run_ad_hoc_task(ECHO))
            submitted[0].cancel()

        thread = threading.Thread(target=submit)
        thread.start()
        thread.join()  # the loop does not turn meanwhile
        task = submitted[0]
        await task.wait()
        assert (task.status, statuses(task)) == (TaskStatus.CANCELLED, {"a": "SKIPPED"})


@on_loop
async def test_a_task_that_comes_from_another_thread_while_the_scheduler_closes_is_cancelled() -> None:
    made = Scheduler()
    spec = "steps: [{name: a, action: core.sleep, params: {seconds: 0}}]"
    thread = threading.Thread(target=lambda: tasks.append(made.run_ad_hoc_task(spec)))
    tasks: list[Any] = []
    thread.start()
    thread.join()
    await made.close()
    await tasks[0].wait()
    assert statuses(tasks[0]) == {"a": "SKIPPED"}


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_scheduler_needs_a_loop() -> None:
    with pytest.raises(NoSchedulerError):
        Scheduler()


@on_clock
async def test_closing_cancels_what_runs_and_waits_runs_finally_and_may_be_done_twice() -> None:
    async with scheduler(pause, echo, max_concurrency=1) as made:
        running = made.run_ad_hoc_task(PAUSE)
        queued = made.run_ad_hoc_task(PAUSE)
        grouped = made.run_ad_hoc_task(in_group("one"))
        await asyncio.sleep(1)
        await made.close()
        assert statuses(running) == {"a": "CANCELLED", "z": "COMPLETED"}
        assert statuses(queued) == {"a": "SKIPPED", "z": "SKIPPED"}
        assert grouped.status is TaskStatus.CANCELLED
        await made.close()
        with pytest.raises(NoSchedulerError, match="closed"):
            made.run_ad_hoc_task(ECHO)
    await made.close()


@on_clock
async def test_closing_does_not_end_the_finally_of_a_task_that_was_cancelled_before() -> None:
    spec = """
        steps: [{name: a, action: pause}]
        finally: [{name: z, action: pause, params: {seconds: 5}}]
    """
    async with scheduler(pause) as made:
        task = made.run_ad_hoc_task(spec)
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(1)
        await made.close()
    assert statuses(task) == {"a": "CANCELLED", "z": "COMPLETED"}


@on_clock
async def test_two_may_close_it_at_the_same_time() -> None:
    async with scheduler(pause, echo) as made:
        task = made.run_ad_hoc_task(PAUSE)
        await asyncio.sleep(1)
        await asyncio.gather(made.close(), made.close())
    assert statuses(task) == {"a": "CANCELLED", "z": "COMPLETED"}


def test_the_end_of_asyncio_run_cancels_what_runs_and_waits_with_finally(caplog: pytest.LogCaptureFixture) -> None:
    tasks = []

    async def main() -> None:
        made = Scheduler(max_concurrency=3)
        spec = """
            meta: {concurrency: GROUP}
            steps:
              - {name: a, action: core.sleep, params: {seconds: 100}}
              - {name: b, action: core.sleep, params: {seconds: 1}}
            finally: [{name: z, action: core.sleep, params: {seconds: 10ms}}]
        """
        tasks.extend(made.run_ad_hoc_task(spec.replace("GROUP", group)) for group in "aabbccdd")
        while len(made.running_tasks) < 3:
            await asyncio.sleep(0.001)

    asyncio.run(main())
    gc.collect()
    assert {task.status for task in tasks} == {TaskStatus.CANCELLED}
    ran = [task for task in tasks if task.started_at is not None]
    assert len(ran) == 3
    assert all(statuses(task) == {"a": "CANCELLED", "b": "SKIPPED", "z": "COMPLETED"} for task in ran)
    assert caplog.text == ""


def test_a_loop_that_is_left_with_tasks_on_it_says_nothing_of_the_engine(capfd: pytest.CaptureFixture[str]) -> None:
    loop = asyncio.new_event_loop()

    async def main() -> None:
        made = Scheduler()
        made.run_ad_hoc_task("steps: [{name: a, action: core.sleep, params: {seconds: 100}, on_error: continue}]")
        await asyncio.sleep(0.01)

    loop.run_until_complete(main())
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio's own complaint
    loop.close()
    del loop, task
    gc.collect()
    assert "aura" not in capfd.readouterr().err


# --- what is kept -----------------------------------------------------------------------------------------------------


@on_clock
async def test_finished_tasks_that_nobody_holds_are_freed_and_a_record_is_kept() -> None:
    class Big:
        pass

    async def make() -> Big:
        made = Big()
        outputs.append(weakref.ref(made))
        return made

    async def fail(value: Big) -> None:
        raise ValueError

    outputs: list[weakref.ref[Big]] = []
    async with scheduler(make, fail) as made:
        spec = """
            steps:
              - {name: a, action: make}
              - {action: fail, params: {value: "{{ steps.a.output }}"}, retry: 2, on_error: continue}
              - {action: fail, params: {value: "{{ steps.a.output }}"}}
        """
        tasks = [weakref.ref(await made.run_ad_hoc_task(spec).wait()) for _ in range(5)]
        await asyncio.sleep(1)
        gc.collect()
        assert [task() for task in tasks] == [None] * 5
        assert [output() for output in outputs] == [None] * 5
        assert len(made.finished) == 5
        assert {record.status for record in made.finished} == {TaskStatus.FAILED}
        assert made.tasks() == []
    assert left_over() == set()


@on_clock
async def test_a_tasklet_is_found_by_its_id_while_it_lives() -> None:
    async with scheduler(echo) as made:
        task = made.run_ad_hoc_task(ECHO)
        assert made.task(task.task_id) is task
        await task
        assert made.tasks() == [task]
        assert made.task("nobody") is None


@on_clock
async def test_looking_up_a_step_that_is_not_there_names_the_nearest() -> None:
    async with scheduler(echo) as made:
        task = made.run_ad_hoc_task("steps: [{name: fetch, action: echo}]")
        with pytest.raises(KeyError, match="fetch"):
            task.steps["fecth"]
        assert "fecth" not in task.steps
        assert task.steps.get("fecth") is None
        assert list(task.steps) == ["fetch"]
        await task


@on_clock
async def test_an_action_that_takes_its_cancellation_back_is_cancelled_all_the_same() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            assert current is not None
            current.uncancel()
        return "went on"

    for more in ({}, {"loop": {"times": 2, "parallelism": 2}}, {"retry": 2}, {"depends_on": []}):
        spec = {"steps": [{"name": "a", "action": "stubborn", **more}, {"name": "b", "action": "echo"}]}
        async with scheduler(stubborn, echo) as made:
            task = made.run_ad_hoc_task(spec)
            await asyncio.sleep(1)
            task.cancel()
            await task.wait()
        assert (task.status, statuses(task)) == (TaskStatus.CANCELLED, {"a": "CANCELLED", "b": "SKIPPED"})
