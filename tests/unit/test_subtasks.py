"""Tasks within tasks: `core.run_task` and `context.run_task`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import aura_jupyter as aura
from aura_jupyter.engine.tasklet import TaskStatus
from aura_jupyter.errors import TaskCancelled, TaskError
from aura_jupyter.spec.problems import SpecError
from tests.unit.running import Functions, Recorder, done, left_over, on_clock, on_loop, scheduler, statuses


async def echo(value: Any = None) -> Any:
    return value


async def pause(seconds: float = 100, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


async def fail(message: str = "boom") -> None:
    raise ValueError(message)


def nested(levels: int) -> dict[str, Any]:
    spec: dict[str, Any] = {"steps": [{"name": "s", "action": "echo", "params": {"value": "deep"}}]}
    for _ in range(levels):
        spec = {"steps": [{"name": "s", "action": "core.run_task", "params": {"task": spec}}]}
    return spec


WITH_FINALLY = """
    steps:
      - name: sub
        action: core.run_task
        {more}
        params:
          task:
            steps: [{{name: a, action: pause}}, {{name: b, action: echo}}]
            finally: [{{name: z, action: pause, params: {{seconds: 5}}}}]
    finally:
      - {{name: last, action: echo, params: {{value: "{{{{ steps.sub.status }}}}"}}}}
"""


@on_clock
async def test_sub_tasks_go_twenty_levels_deep_and_no_further() -> None:
    assert (await done(nested(20), echo)).result == "deep"
    task = await done(nested(21), echo)
    assert type(task.error) is TaskError
    assert "20 levels" in str(task.error)


@on_clock
async def test_a_task_that_runs_itself_fails_at_the_twentieth_level() -> None:
    async with scheduler(echo) as made:
        made.namespace["again"] = {"steps": [{"action": "core.run_task", "params": {"task": "again"}}]}  # type: ignore[index]
        task = await made.run_ad_hoc_task({"steps": [{"action": "core.run_task", "params": {"task": "again"}}]}).wait()
    assert "20 levels" in str(task.error)


@on_clock
async def test_a_sub_task_does_not_wait_for_its_parents_group() -> None:
    inner = {"meta": {"concurrency": "one"}, "steps": [{"action": "pause", "params": {"seconds": 1, "value": 4}}]}
    outer = {"meta": {"concurrency": "one"}, "steps": [{"action": "core.run_task", "params": {"task": inner}}]}
    async with scheduler(pause, max_concurrency=1) as made:
        assert await asyncio.gather(*[made.run_ad_hoc_task(outer).wait() for _ in range(3)])
        assert {record.status for record in made.finished} == {TaskStatus.COMPLETED}


@on_clock
async def test_the_steps_error_is_the_sub_tasks_own() -> None:
    spec = """
        steps:
          - name: sub
            action: core.run_task
            retry: {attempts: 2, on: ValueError}
            on_error: [{name: alert, action: echo, params: {value: "{{ error.type }} {{ error.message }}"}}]
            params: {task: {steps: [{name: inner, action: fail}]}}
    """
    task = await done(spec, echo, fail)
    assert task.steps["alert"].output == "ValueError boom"
    assert task.steps["sub"].attempts == 2
    assert task.steps["sub"].error.__notes__[0].startswith("in step 'inner' of sub")
    child = task.steps["sub"].children
    assert (child.status, child.error) == (TaskStatus.FAILED, task.steps["sub"].error)


@pytest.mark.parametrize("kind", [SystemExit, StopIteration, asyncio.CancelledError, KeyboardInterrupt])
def test_a_sub_tasks_error_of_any_kind_comes_out_as_it_is(kind: type[BaseException]) -> None:
    async def main() -> None:
        def plain() -> None:
            raise kind("own")

        inner = {"steps": [{"name": "inner", "action": "plain"}]}
        task = await done({"steps": [{"name": "sub", "action": "core.run_task", "params": {"task": inner}}]}, plain)
        assert type(task.error) is kind
        assert statuses(task) == {"sub": "FAILED"}
        assert task.status is TaskStatus.FAILED

    on_loop(main)()


@on_clock
async def test_names_and_ctx_of_a_sub_task_are_its_own() -> None:
    spec = """
        steps:
          - {action: core.set_context, params: {x: outer}}
          - name: sub
            action: core.run_task
            params:
              inputs: {given: "{{ ctx.x }}"}
              task:
                inputs: [given]
                steps:
                  - {action: core.set_context, params: {x: inner}}
                  - {name: sub, action: echo, params: {value: "{{ ctx.x }} {{ inputs.given }} {{ task.title }}"}}
          - {name: after, action: echo, params: {value: "{{ ctx.x }} / {{ steps.sub.output }}"}}
    """
    assert (await done(spec, echo)).result == "outer / inner outer sub"


@on_clock
async def test_a_step_timeout_ends_a_sub_task_whose_finally_runs() -> None:
    task = await done(WITH_FINALLY.format(more="timeout: 2s"), echo, pause)
    child = task.steps["sub"].children
    assert statuses(child) == {"a": "CANCELLED", "b": "SKIPPED", "z": "COMPLETED"}
    assert child.status is TaskStatus.CANCELLED
    assert type(task.error) is TimeoutError
    assert "sub" in str(task.error)
    assert task.steps["sub"].duration == 7


@on_clock
async def test_cancelling_a_task_cancels_its_sub_task_whose_finally_runs() -> None:
    async with scheduler(echo, pause) as made:
        task = made.run_ad_hoc_task(WITH_FINALLY.format(more=""))
        await asyncio.sleep(1)
        task.cancel()
        await task.wait()
        assert left_over() == set()
    assert statuses(task.steps["sub"].children) == {"a": "CANCELLED", "b": "SKIPPED", "z": "COMPLETED"}
    assert statuses(task) == {"sub": "CANCELLED", "last": "COMPLETED"}
    assert task.status is TaskStatus.CANCELLED


@on_clock
async def test_cancelling_again_ends_the_sub_tasks_finally_too() -> None:
    async with scheduler(echo, pause) as made:
        task = made.run_ad_hoc_task(WITH_FINALLY.format(more=""))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(1)
        task.cancel()
        await task.wait()
    assert statuses(task.steps["sub"].children) == {"a": "CANCELLED", "b": "SKIPPED", "z": "CANCELLED"}
    assert statuses(task) == {"sub": "CANCELLED", "last": "SKIPPED"}


@on_clock
async def test_cancelling_twice_at_once_leaves_the_sub_tasks_finally_out() -> None:
    async with scheduler(echo, pause) as made:
        task = made.run_ad_hoc_task(WITH_FINALLY.format(more="loop: {times: 2, parallelism: 2}"))
        await asyncio.sleep(1)
        task.cancel()
        task.cancel()
        await task.wait()
    assert statuses(task.steps["sub"].children) == {"a": "CANCELLED", "b": "SKIPPED", "z": "SKIPPED"}
    assert statuses(task) == {"sub": "CANCELLED", "last": "SKIPPED"}


@on_clock
async def test_a_sub_task_can_be_cancelled_alone_and_its_step_fails() -> None:
    async with scheduler(echo, pause) as made:
        task = made.run_ad_hoc_task(WITH_FINALLY.format(more="on_error: continue"))
        await asyncio.sleep(1)
        child = task.steps["sub"].children
        child.cancel()
        await child.wait()
        await task.wait()
    assert statuses(child) == {"a": "CANCELLED", "b": "SKIPPED", "z": "COMPLETED"}
    assert statuses(task) == {"sub": "FAILED", "last": "COMPLETED"}
    assert type(task.steps["sub"].error) is TaskCancelled
    assert task.status is TaskStatus.COMPLETED


@on_clock
async def test_an_action_of_a_sub_task_that_cancels_its_task_cancels_that_one() -> None:
    async def end_it(context: aura.ActionContext) -> None:
        context.task.cancel()

    inner = {"steps": [{"name": "a", "action": "end_it"}, {"name": "b", "action": "echo"}]}
    spec = {"steps": [{"name": "sub", "action": "core.run_task", "on_error": "continue", "params": {"task": inner}}]}
    task = await done(spec, echo, end_it)
    assert statuses(task.steps["sub"].children) == {"a": "CANCELLED", "b": "SKIPPED"}
    assert task.status is TaskStatus.COMPLETED


@on_clock
async def test_a_sub_task_has_its_own_timeout() -> None:
    spec = """
        steps:
          - name: sub
            action: core.run_task
            on_error: continue
            params:
              task:
                meta: {timeout: 3s}
                steps: [{name: a, action: pause}]
                finally: [{name: z, action: pause, params: {seconds: 9}}]
    """
    task = await done(spec, pause)
    assert type(task.steps["sub"].error) is TimeoutError
    assert statuses(task.steps["sub"].children) == {"a": "CANCELLED", "z": "COMPLETED"}
    assert task.status is TaskStatus.COMPLETED


@on_clock
async def test_the_tasks_timeout_reaches_into_sub_tasks() -> None:
    spec = "meta: {timeout: 3s}\n" + WITH_FINALLY.format(more="").replace("\n    ", "\n")
    task = await done(spec, pause, echo)
    assert type(task.error) is TimeoutError
    assert statuses(task) == {"sub": "CANCELLED", "last": "COMPLETED"}
    assert statuses(task.steps["sub"].children) == {"a": "CANCELLED", "b": "SKIPPED", "z": "COMPLETED"}


@on_clock
async def test_sub_tasks_run_side_by_side_in_a_loop() -> None:
    inner = {"inputs": ["n"], "steps": [{"action": "pause", "params": {"seconds": 10, "value": "{{ inputs.n }}"}}]}
    spec = {
        "steps": [
            {
                "action": "core.run_task",
                "loop": {"times": 5, "parallelism": 5},
                "params": {"task": inner, "inputs": {"n": "{{ item }}"}},
            }
        ]
    }
    task = await done(spec, pause)
    assert (task.result, task.duration) == ([0, 1, 2, 3, 4], 10)


@on_loop
async def test_a_spec_is_a_mapping_text_a_file_or_a_variable(tmp_path: Path) -> None:
    text = "inputs: [n]\nsteps:\n  - {action: echo, params: {value: '{{ inputs.n }}'}}\n"
    for suffix in ("yaml", "yml"):
        (tmp_path / f"spec.{suffix}").write_text(text)
    (tmp_path / "spec.json").write_text(
        '{"inputs": ["n"], "steps": [{"action": "echo", "params": {"value": "{{ inputs.n }}"}}]}'
    )
    mapping = {"inputs": ["n"], "steps": [{"action": "echo", "params": {"value": "{{ inputs.n }}"}}]}
    names = Functions(echo=echo, held_text=text, held_mapping=mapping)
    async with aura.Scheduler(namespace=names) as made:
        files = [str(tmp_path / f"spec.{suffix}") for suffix in ("yaml", "yml", "json")]
        for spec in [mapping, text, "held_text", "held_mapping", *files, "{{ inputs.given }}"]:
            step = {"action": "core.run_task", "params": {"task": spec, "inputs": {"n": 5}}}
            assert await made.run_ad_hoc_task({"steps": [step]}, {"given": mapping}) == 5


@pytest.mark.parametrize("task", ["nobody", "{{ inputs.spec }}", "missing.yaml"])
def test_a_spec_that_is_none_fails_the_step(task: str) -> None:
    async def main() -> None:
        spec = {"steps": [{"name": "sub", "action": "core.run_task", "params": {"task": task}}]}
        ended = await done(spec, echo, inputs={"spec": {"steps": [{"action": "nobody"}]}})
        assert statuses(ended) == {"sub": "FAILED"}
        assert isinstance(ended.error, TaskError | SpecError | OSError)

    on_loop(main)()


@on_clock
async def test_wrong_inputs_of_a_sub_task_fail_the_step() -> None:
    inner = {"inputs": [{"name": "n", "type": "integer"}], "steps": [{"action": "echo"}]}
    spec = {"steps": [{"name": "sub", "action": "core.run_task", "params": {"task": inner, "inputs": {"n": "x"}}}]}
    task = await done(spec, echo)
    assert type(task.error) is SpecError
    assert "inputs.n" in str(task.error)


@on_clock
async def test_an_action_may_run_a_task_itself() -> None:
    async def twice(context: aura.ActionContext) -> list[Any]:
        spec = {"inputs": ["n"], "steps": [{"action": "echo", "params": {"value": "{{ inputs.n }}"}}]}
        try:
            await context.run_task({"steps": [{"action": "fail"}]}, {})
        except ValueError as error:
            return [await context.run_task(spec, {"n": n}) for n in (1, 2)] + [str(error)]
        return []

    assert (await done("steps: [{action: twice}]", twice, echo, fail)).result == [1, 2, "boom"]


@on_clock
async def test_a_sub_task_is_told_by_the_events_of_its_steps_alone() -> None:
    async with scheduler(echo) as made:
        recorder = Recorder(made)
        task = await made.run_ad_hoc_task(nested(1)).wait()
    said = [f"{event.hook} of {'the task' if event.tasklet is task else 'the sub-task'}" for event in recorder.events]
    assert said == [
        "task_queued of the task",
        "before_task_run of the task",
        "before_step_run of the task",
        "before_step_run of the sub-task",
        "after_step_run of the sub-task",
        "after_step_run of the task",
        "after_task_success of the task",
        "after_task_run of the task",
    ]


@on_clock
async def test_what_a_sub_task_writes_is_in_its_parents_log_and_what_listeners_write_is_not() -> None:
    async with scheduler(echo) as made:
        made.hooks.add(lambda event: print("a listener"), "before_step_run")
        inner = {"steps": [{"name": "inner", "action": "core.log", "params": {"message": "from inside"}}]}
        spec = {"steps": [{"name": "sub", "action": "core.run_task", "params": {"task": inner}}]}
        task = await made.run_ad_hoc_task(spec).wait()
    assert [(line.step, line.text) for line in task.logs] == [("inner", "from inside")]
    assert task.steps["sub"].children.logs is task.logs
