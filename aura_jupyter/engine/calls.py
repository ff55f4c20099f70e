"""How an action is called: where it runs, with which arguments, and how long it holds the loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine, Generator, Sequence
from time import perf_counter
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from ..actions.context import ActionContext
from ..actions.registry import Action
from .attempt import Attempt
from .tasklet import StepRun

if TYPE_CHECKING:
    from .execution_manager import ExecutionManager

NOTED = 0.001  # seconds that a step must hold the loop to be noted


class TooLate(Exception):
    """A function on the loop came back after its time."""


async def call(
    manager: ExecutionManager, action: Action, attempt: Attempt, args: Sequence[Any], params: dict[str, Any]
) -> Any:
    """Call an action where its step says.

    Raises:
        BaseException: whatever it raises.
        TooLate: it ran on the loop, where nothing could stop it, past the step's timeout.
    """
    where = attempt.planned.runs_in
    if where in ("process", "dask"):
        elsewhere = manager.in_process if where == "process" else manager.on_dask
        return await elsewhere(action, attempt, args, params)
    face = action.face
    if face.context_parameter is not None:
        args, params = action.arguments(args, params, ActionContext(attempt))
    if face.is_async:
        output = action.function(*args, **params)
    elif where == "loop":
        output = _on_loop(action, attempt, args, params)
    else:
        output = await _in_thread(manager, action, attempt, args, params)
    if type(output) is not CoroutineType:
        return await output if face.is_async else output
    began = perf_counter()
    try:
        first = output.send(None)
    except StopIteration as ended:  # many do not wait at all
        if perf_counter() - began > NOTED:
            _note_held(attempt.run, began)
        return ended.value
    except BaseException:
        _note_held(attempt.run, began)
        raise
    _note_held(attempt.run, began)
    return await _Watched(output, first, attempt.run)


def _on_loop(action: Action, attempt: Attempt, args: Sequence[Any], params: dict[str, Any]) -> Any:
    timeout = attempt.planned.timeout
    began = perf_counter()
    try:
        output = action.function(*args, **params)
    finally:
        _note_held(attempt.run, began)
    if timeout is not None and perf_counter() - began > timeout:
        _drop(output)
        raise TooLate
    return output


async def _in_thread(
    manager: ExecutionManager, action: Action, attempt: Attempt, args: Sequence[Any], params: dict[str, Any]
) -> Any:
    context = contextvars.copy_context()
    outputs: list[Any] = []
    given_up = False

    def run() -> Any:
        try:
            output = context.run(action.function, *args, **params)
        finally:
            attempt.returned = True
        outputs.append(output)
        if given_up:
            _drop(output)
        return output

    try:
        good, output = await manager.threads.call(manager.loop, run)
    except asyncio.CancelledError:
        given_up = True
        for output in outputs:  # it came back meanwhile
            _drop(output)
        raise
    if not good:
        raise output
    return output


def _drop(output: Any) -> None:
    """Let go of what nobody takes any more: a coroutine would complain that nobody awaited it."""
    if type(output) is CoroutineType:
        output.close()


class _Watched(Generator[Any, None, Any]):
    """Goes on with a coroutine that has yielded once, and notes how long it holds the loop in one go."""

    __slots__ = ("_coroutine", "_first", "_run")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], first: Any, run: StepRun) -> None:
        self._coroutine = coroutine
        self._first: tuple[Any] | None = (first,)
        self._run = run

    def __await__(self) -> _Watched:
        return self

    def send(self, value: None) -> Any:
        if self._first is not None:
            (first,), self._first = self._first, None
            return first
        began = perf_counter()
        try:
            return self._coroutine.send(value)
        finally:
            _note_held(self._run, began)

    def throw(self, *error: Any) -> Any:
        began = perf_counter()
        try:
            return self._coroutine.throw(*error)
        finally:
            _note_held(self._run, began)

    def close(self) -> None:
        self._coroutine.close()


def _note_held(run: StepRun, began: float) -> None:
    run.held = max(run.held, perf_counter() - began)
