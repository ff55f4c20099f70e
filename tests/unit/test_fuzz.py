"""Random tasks, stopped at random times: whatever happens, they end as the language says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_jupyter.engine import slices
from aura_jupyter.engine import steps as engine_steps
from aura_jupyter.engine.tasklet import StepStatus, Tasklet, TaskStatus
from tests.unit.running import Recorder, left_over, on_clock, scheduler

ENDED = {StepStatus.COMPLETED, StepStatus.FAILED}


async def work(seconds: float, how: str) -> str:
    """Does well, fails, cannot be stopped, or fails when it is."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if how == "stubborn":
            return how
        if how == "clumsy":
            raise OSError(how) from None
        raise
    if how in ("fails", "leaves", "own"):
        raise {"fails": ValueError, "leaves": SystemExit, "own": asyncio.CancelledError}[how](how)
    return how


HOW = st.sampled_from(["fine", "fine", "fine", "fails", "stubborn", "clumsy", "leaves", "own"])
SECONDS = st.sampled_from([0, 0, 1, 2, 3])
LOOP = st.none() | st.fixed_dictionaries(
    {"times": st.integers(0, 3), "parallelism": st.integers(1, 3), "on_error": st.sampled_from(["fail", "continue"])}
)
RETRY = st.none() | st.fixed_dictionaries({"attempts": st.integers(1, 3), "delay": st.sampled_from([0, 1])})


@st.composite
def steps(draw: st.DrawFn, section: str, depth: int = 2) -> list[dict[str, Any]]:
    made = []
    for _ in range(draw(st.integers(1 if depth == 2 and section == "steps" else 0, 4))):
        step: dict[str, Any] = {"action": "work", "params": {"seconds": draw(SECONDS), "how": draw(HOW)}}
        if depth and draw(st.integers(0, 5)) == 0:
            step = {"action": "core.run_task", "params": {"task": draw(specs(depth - 1))}}
        step["when"] = draw(st.sampled_from([True, True, True, False, "{{ ctx.missing }}"]))
        step["loop"], step["retry"] = draw(LOOP), draw(RETRY)
        step["timeout"] = draw(st.sampled_from([None, None, 1.5]))
        step["on_error"] = draw(st.sampled_from([None, "fail", "continue"]))
        if depth and draw(st.booleans()):
            handlers = draw(steps("on_error", depth - 1))
            then = draw(st.sampled_from(["fail", "continue"]))
            step["on_error"] = {"steps": handlers, "then": then} if handlers else None
        made.append({key: value for key, value in step.items() if value is not None})
    return made


@st.composite
def specs(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    above = draw(steps("steps", depth)) or [{"action": "work", "params": {"seconds": 1, "how": "fine"}}]
    if draw(st.booleans()):
        for i, step in enumerate(above):
            step["name"] = f"s{depth}-{i}"
            step["depends_on"] = (
                [f"s{depth}-{j}" for j in draw(st.sets(st.integers(0, i - 1), max_size=2))] if i else []
            )
    spec: dict[str, Any] = {"steps": above, "finally": draw(steps("finally", min(depth, 1)))}
    timeout = draw(st.sampled_from([None, None, None, 0.5, 4]))
    if timeout is not None:
        spec["meta"] = {"timeout": timeout}
    return spec


def check(task: Tasklet, *, cancelled: bool) -> None:
    assert task.status.is_final
    for step in task.steps.values():
        assert step.status.is_final, step
        check_step(task, step)
    failed = [step for step in task.steps.values() if step.status is StepStatus.FAILED and not step.handled]
    if task.status is TaskStatus.COMPLETED:
        assert task.error is None
        assert not failed
        assert not any(step.status is StepStatus.CANCELLED for step in task.steps.values())
    elif task.status is TaskStatus.FAILED:
        assert task.error is not None
        assert task.result is None
        assert failed or type(task.error) is TimeoutError
    else:
        assert cancelled
        assert (task.error, task.result) == (None, None)


def check_step(task: Tasklet, step: Any) -> None:
    if step.status is StepStatus.FAILED:
        assert isinstance(step.error, BaseException)
        assert step.output is None
    else:
        assert step.error is None
    if step.status is StepStatus.SKIPPED:
        assert (step.output, step.attempts, step.duration) == (None, 0, None)
        assert step.reason
    else:
        assert step.duration is not None
    parent = step.parent
    if parent is not None and step.status is not StepStatus.SKIPPED:
        assert task.steps[parent].status is StepStatus.FAILED
    assert (step.retry_at, step.question) == (None, None)
    if step.children is not None:
        check(step.children, cancelled=True)


def check_events(recorder: Recorder, task: Tasklet) -> None:
    """Each step begins at most once and ends just once; the task's events stand around them."""
    own = [event for event in recorder.events if event.tasklet is task]
    said = [event.hook for event in own]
    ends = {TaskStatus.COMPLETED: ["after_task_success"], TaskStatus.FAILED: ["after_task_failure"]}
    last = [*ends.get(task.status, []), "after_task_run"]
    assert said[0] == "task_queued"
    assert said[-len(last) :] == last
    assert [hook for hook in said if hook.endswith(("success", "failure"))] == last[:-1]
    begun = [event.step.name for event in own if event.hook == "before_step_run"]
    ended = [event.step.name for event in own if event.hook == "after_step_run"]
    assert len(begun) == len(set(begun))
    assert sorted(ended) == sorted(task.steps)
    assert set(begun) == {name for name, step in task.steps.items() if step.status is not StepStatus.SKIPPED}


def check_order(task: Tasklet, recorder: Recorder) -> None:
    """No step begins before what it waits for has ended, and `finally` comes last."""
    places: dict[tuple[str, str], int] = {}
    for place, event in enumerate(recorder.events):
        if event.tasklet is task and event.hook in ("before_step_run", "after_step_run"):
            places[event.hook, event.step.name] = place
    for index, step in enumerate(task.plan.steps):
        begun = places.get(("before_step_run", step.name))
        waits = range(index) if step.depends is None else step.depends
        if begun is not None:
            assert all(places["after_step_run", task.plan.steps[j].name] < begun for j in waits)
    for step in task.plan.finally_:
        begun = places.get(("before_step_run", step.name), len(recorder.events))
        assert all(places["after_step_run", above.name] < begun for above in task.plan.steps)


@pytest.fixture(params=[None, -1.0], ids=["slices as they are", "no time at all"], scope="module")
def _slices(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (slices, engine_steps) if request.param is not None else ():
            patch.setattr(module, "SLICE", request.param)
        yield


@pytest.mark.usefixtures("_slices")
@settings(max_examples=150, deadline=None)
@given(specs(), st.lists(st.sampled_from([0.0, 0.25, 0.75, 1.0, 2.5, 3.0]), max_size=3))
def test_random_tasks_end_with_everything_in_order(spec: dict[str, Any], cancels: list[float]) -> None:
    async def main() -> None:
        async with scheduler(work) as made:
            recorder = Recorder(made)
            task = made.run_ad_hoc_task(spec)
            waiter = asyncio.ensure_future(task.wait())
            for pause in cancels:
                await asyncio.sleep(pause)
                task.cancel()
            await waiter
            assert made.running_tasks == {}
            assert made.task_queue.empty()
            for _ in range(3):
                await asyncio.sleep(0)
            assert left_over() == set()
        check(task, cancelled=bool(cancels))
        check_events(recorder, task)
        if task.started_at is not None:
            check_order(task, recorder)

    on_clock(main)()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b"]), SECONDS, HOW, st.booleans()), min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(1, 2),
)
def test_random_crowds_of_tasks_all_end_and_no_limit_is_passed(
    crowd: list[tuple[str, float, str, bool]], at_once: int, limit: int
) -> None:
    async def main() -> None:
        running: dict[str, int] = {}
        peaks: dict[str, int] = {}

        def count(event: Any) -> None:
            group = event.tasklet.group or ""
            for key in {group, "all"}:
                running[key] = running.get(key, 0) + (1 if event.hook == "before_task_run" else -1)
                peaks[key] = max(peaks.get(key, 0), running[key])

        async with scheduler(work, max_concurrency=at_once) as made:
            made.hooks.add(count, "before_task_run")
            made.hooks.add(lambda event: count(event) if event.tasklet.started_at else None, "after_task_run")
            tasks = []
            for group, seconds, how, stop in crowd:
                spec: dict[str, Any] = {"steps": [{"action": "work", "params": {"seconds": seconds, "how": how}}]}
                if group:
                    spec["meta"] = {"concurrency": {"group": group, "limit": limit}}
                tasks.append((made.run_ad_hoc_task(spec), stop))
            await asyncio.sleep(0.5)
            for task, stop in tasks:
                if stop:
                    task.cancel()
            await made.join()
            assert all(task.status.is_final for task, _ in tasks)
        assert peaks.get("all", 0) <= at_once
        assert all(peaks.get(group, 0) <= limit for group in "ab")

    on_clock(main)()
