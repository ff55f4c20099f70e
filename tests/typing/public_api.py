"""Never run: mypy checks here that the public API is typed as people use it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import aura_jupyter as aura


@aura.action
def double(number: int) -> int:
    return 2 * number


@aura.action(name="team.clean", executor="process")
def clean(frame: list[int], context: aura.ActionContext) -> list[int]:
    context.log("cleaning", level="info")
    context.progress(1, len(frame), "rows")
    assert_type(context.cancelled, bool)
    return frame


@aura.hook("after_task_failure")
def tell(event: Any) -> None:
    print(event.tasklet.title)


@aura.hook("step_log")
async def tell_later(event: Any) -> None:
    print(event.line)


async def use(spec: str | Mapping[str, Any] | Path) -> None:
    tasklet = aura.submit(spec, inputs={"frame": [1]})
    assert_type(tasklet, aura.Tasklet)
    assert_type(await tasklet.wait(), aura.Tasklet)
    assert_type(tasklet.task_id, str)
    assert_type(tasklet.title, str)
    assert_type(tasklet.status, aura.TaskStatus)
    assert_type(tasklet.error, BaseException | None)
    assert_type(tasklet.steps["clean"].status, aura.StepStatus)
    assert_type(tasklet.steps["clean"].attempts, int)
    assert_type([str(line) for line in tasklet.logs], list[str])
    tasklet.cancel()
    aura.configure(max_concurrency=10)


def decorated_functions_keep_their_types() -> None:
    assert_type(double(2), int)


def errors_can_be_told_apart(spec: str) -> None:
    try:
        aura.run(spec)
    except aura.SpecError as error:
        assert_type(error.line, int | None)
        assert_type(error.problems[0].code, str)
    except (aura.TaskError, aura.TaskCancelled, aura.TemplateError, aura.NoSchedulerError):
        raise
