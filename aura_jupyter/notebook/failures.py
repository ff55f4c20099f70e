"""How a cell fails: with the person's own frames or in one line, never with a frame of this package."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from IPython.core.error import UsageError

from ..engine.tasklet import Tasklet, TaskStatus
from ..errors import TaskCancelled, TaskError
from ..spec.problems import SpecError, to_cell, to_text
from ..view import trace
from .options import Line, LineError

E = TypeVar("E", bound=BaseException)

_PASSED_THROUGH = frozenset({"aura_jupyter", "asyncio", "concurrent", "contextvars", "nest_asyncio2", "threading"})
_SHOWN_OTHERWISE = (UsageError, SyntaxError, SystemExit, KeyboardInterrupt, BaseExceptionGroup)


def one_line(error: BaseException) -> BaseException:
    """The same exception, shown as its class and message alone."""
    return _drawn(error, lambda: [f"{type(error).__name__}: {error}"])


def spec_error(error: SpecError, shell: Any) -> SpecError:
    """The same error, shown as the lines of the cell, a caret and a hint.

    Args:
        error: of a spec, an input, or an option.
        shell: the running InteractiveShell.
    """
    if has_kernel(shell):
        return _drawn(error, lambda: [to_cell(error)])
    return _drawn(error, lambda: [to_text(error, colour=str(shell.colors).lower() != "nocolor")])


def step_error(error: BaseException, shell: Any) -> BaseException:
    """A step's own exception, shown with the frames of what the step called.

    IPython shows some exceptions in ways of its own, and nbval takes that for no failure: these come as the cause of a
    `TaskError`.

    Args:
        error: of a task.
        shell: the running InteractiveShell.
    """
    frames = _own_frames(error.__traceback__)
    if isinstance(error, _SHOWN_OTHERWISE):
        lines = traceback.format_exception(type(error), error, frames)
        failure = TaskError(f"{type(error).__name__}: {error}")
        failure.__cause__ = error
        return _drawn(failure, lambda: ["".join(lines).rstrip()])
    whole = error.__traceback__
    return _drawn(error, lambda: _frames_as_ipython(error.with_traceback(whole), frames, shell))


def raise_failure(tasklet: Tasklet, shell: Any) -> None:
    """Raise what failed a task that has ended, shown as it should be read; `TaskCancelled` where it was cancelled."""
    if tasklet.error is not None:
        _note_line(tasklet, tasklet.error)
        raise step_error(tasklet.error, shell)
    if tasklet.status is TaskStatus.CANCELLED:
        raise one_line(TaskCancelled(f"{tasklet.title} was cancelled"))


@contextlib.contextmanager
def shown_in(line: Line, shell: Any) -> Iterator[None]:
    """Show a mistake of the options or of a spec in the cell, without a traceback."""
    try:
        yield
    except LineError as mistake:
        raise spec_error(line.error(mistake), shell) from mistake.__cause__
    except SpecError as error:
        raise spec_error(error, shell) from None


def has_kernel(shell: Any) -> bool:
    """Whether the shell is a kernel's; else it is IPython in a terminal."""
    return getattr(shell, "kernel", None) is not None


def _note_line(tasklet: Tasklet, error: BaseException) -> None:
    """Add the line of the spec to the note that names the step."""
    notes: list[str] = getattr(error, "__notes__", [])
    name = tasklet.error_step or ""
    begin = f"in step '{name}' of "
    mark = trace.step_mark(tasklet.source, tasklet.steps[name].path) if name in tasklet.steps else None
    if mark is None:
        return
    where = trace.where(tasklet.source, mark)
    notes[:] = [f"{note}, {where}" if note.startswith(begin) and not note.endswith(where) else note for note in notes]


def _frames_as_ipython(error: BaseException, frames: TracebackType | None, shell: Any) -> list[str]:
    object.__delattr__(error, "_render_traceback_")
    if frames is None:
        return [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]
    lines: list[str] = shell.InteractiveTB.structured_traceback(type(error), error, frames, tb_offset=0)
    return lines


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """What stands below the frames by which the engine reached the action; nothing of what a built-in one called."""
    every = list(_walk(frames))
    start = next((at for at, each in enumerate(every) if _module(each).startswith("aura_jupyter.engine")), 0)
    module = ""
    for each in every[start:]:
        if _module(each).partition(".")[0] not in _PASSED_THROUGH:
            built_in = module.startswith("aura_jupyter.actions.") and "__file__" in each.tb_frame.f_globals
            return None if built_in else each
        module = _module(each)
    return None


def _walk(frames: TracebackType | None) -> Iterator[TracebackType]:
    while frames is not None:
        yield frames
        frames = frames.tb_next


def _module(frames: TracebackType) -> str:
    return str(frames.tb_frame.f_globals.get("__name__", ""))


def _drawn(error: E, draw: Callable[[], list[str]]) -> E:
    object.__setattr__(error, "_render_traceback_", draw)
    return error
