"""`core.*`: the log, waiting, `ctx`, failing on purpose, sub-tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import TaskError
from .checks import BadValue, each, filled, mapping, optional, text, wrong_type
from .context import LEVELS, ActionContext
from .registry import builtin

_OTHER_LEVELS = {"warn": "warning", "err": "error", "fatal": "error", "critical": "error", "trace": "debug"}


def _level(name: str, value: Any) -> str:
    level = text(name, value).lower()
    if level not in LEVELS:
        meant = _OTHER_LEVELS.get(level)
        hint = f"Write '{meant}'." if meant else f"Write {', '.join(LEVELS[:-1])} or {LEVELS[-1]}."
        raise BadValue(name, f"'{name}' is '{value}', and there is no such level", hint)
    return level


def _duration(name: str, value: Any) -> float:
    from ..spec.durations import duration  # noqa: PLC0415 - slow, and few tasks sleep

    try:
        return duration(value)
    except ValueError as error:
        raise BadValue(name, f"'{name}': {error}", code="bad-duration") from None


def _task(name: str, value: Any) -> Any:
    if isinstance(value, Mapping | Path):
        return value
    if not isinstance(value, str):
        raise wrong_type(name, "a spec, the path of one or the name of a variable", value)
    return filled(name, value)


@builtin("core.log", check=each(level=_level))
async def log(message: object, context: ActionContext, level: str = "info") -> object:
    """Write a line to the task's log; the output is the message.

    Args:
        message: any value.
        context: filled in.
        level: `debug`, `info`, `warning` or `error`, in any case.
    """
    context.log(message, _level("level", level))
    return message


@builtin("core.sleep", check=each(seconds=_duration))
async def sleep(seconds: float | str) -> None:
    """Wait.

    Args:
        seconds: a duration, such as `1.5` or `2m30s`.
    """
    await asyncio.sleep(_duration("seconds", seconds))


@builtin("core.set_context")
async def set_context(_context: ActionContext, **values: Any) -> dict[str, Any]:
    """Store values in `ctx`; the output is the mapping stored."""
    _context.set_context(values)
    return values


@builtin("core.assert", kinds={"that": "condition"})
async def assert_(*, that: Any, message: object = "the condition is false") -> bool:
    """Fail with `AssertionError` unless the condition holds.

    Args:
        that: the condition.
        message: the error's text.
    """
    if not that:
        raise AssertionError(str(message))
    return True


@builtin("core.fail")
async def fail(message: object) -> None:
    """Fail with `TaskError`.

    Args:
        message: the error's text.
    """
    raise TaskError(str(message))


@builtin("core.run_task", kinds={"task": "spec"}, check=each(task=_task, inputs=optional(mapping)))
async def run_task(*, task: Any, context: ActionContext, inputs: Mapping[str, Any] | None = None) -> Any:
    """Run a task within this one; the output is its result, its error is the step's.

    Args:
        task: a spec, as a mapping or as text of several lines; text of one line is the path of a file if it ends in
            `.yaml`, `.yml` or `.json`, else the name of a notebook variable that holds a spec.
        context: filled in.
        inputs: its inputs by name.
    """
    return await context.run_task(_task("task", task), mapping("inputs", inputs if inputs is not None else {}))
