"""How a cell fails: with the person's own frames or in one line, never with a frame of this package."""

from __future__ import annotations

import contextlib
import itertools
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from IPython.core.error import UsageError

from ..engine.frames import module_of, own_frames, walk
from ..engine.tasklet import Tasklet, TaskStatus
from ..errors import TaskCancelled, TaskError
from ..spec.problems import SpecError, to_cell, to_text
from ..view import trace
from .options import Line, LineError

E = TypeVar("E", bound=BaseException)

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
    return _drawn(error, lambda: [to_text(error, colour=_in_colour(shell))])


def draw_spec_errors(shell: Any) -> Callable[[], None]:
    """Show the spec errors of `aura.submit` and `aura.run` like those of a cell, under the line that called.

    Returns:
        What takes that back.
    """

    def draw(error: SpecError) -> list[str]:
        text = to_cell(error) if has_kernel(shell) else to_text(error, colour=_in_colour(shell))
        return [*_caller(error, shell), text]

    SpecError._render_traceback_ = draw  # type: ignore[attr-defined] # where IPython looks for it

    def undo() -> None:
        del SpecError._render_traceback_  # type: ignore[attr-defined]

    return undo


def _caller(error: SpecError, shell: Any) -> Iterator[str]:
    """The line of the person's code that called."""
    above = itertools.takewhile(lambda each: not module_of(each).startswith("aura_jupyter."), walk(error.__traceback__))
    for each in list(above)[-1:]:
        file = each.tb_frame.f_code.co_filename
        named = shell.compile.format_code_name(file)
        yield f"{' '.join(named) if named else file}, line {each.tb_lineno}:"


def _in_colour(shell: Any) -> bool:
    return str(shell.colors).lower() != "nocolor"


def step_error(error: BaseException, shell: Any) -> BaseException:
    """A step's own exception, shown with the frames of what the step called.

    IPython shows some exceptions in ways of its own, and nbval takes that for no failure: these come as the cause of a
    `TaskError`.

    Args:
        error: of a task.
        shell: the running InteractiveShell.
    """
    frames = own_frames(error.__traceback__)
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
    mark = trace.failed_mark(tasklet.source, tasklet.steps[name]) if name in tasklet.steps else None
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


def _drawn(error: E, draw: Callable[[], list[str]]) -> E:
    object.__setattr__(error, "_render_traceback_", draw)
    return error
