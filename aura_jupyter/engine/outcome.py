"""How a task ends, and which of its steps have ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import message_of
from .tasklet import StepRun, Tasklet, TaskStatus


class Outcome:
    """How a task ends, as things stand."""

    __slots__ = ("error", "result", "status", "step")

    def __init__(
        self, status: TaskStatus, result: Any = None, error: BaseException | None = None, step: str | None = None
    ) -> None:
        self.status = status
        self.result = result
        self.error = error
        self.step = step

    def fail(self, error: BaseException, step: str | None) -> None:
        """Let a task that would have completed fail."""
        self.status, self.result, self.error, self.step = TaskStatus.FAILED, None, error, step

    def shown(self) -> dict[str, Any] | None:
        """The name `error` in `finally`."""
        if self.error is None:
            return None
        return {"type": type(self.error).__name__, "message": message_of(self.error), "step": self.step}


class Ended(Mapping[str, Any]):
    """The steps that have ended, by name: what `steps` is in a template."""

    __slots__ = ("_open", "_steps")

    def __init__(self, tasklet: Tasklet) -> None:
        self._steps = tasklet.steps
        self._open: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        run = self._steps[name]
        if run.status.is_final:
            return run
        if name in self._open:
            return _SoFar(run)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._steps if name in self)

    def __contains__(self, name: object) -> bool:
        return (
            name in self._steps and isinstance(name, str) and (self._steps[name].status.is_final or name in self._open)
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def open(self, name: str) -> None:
        """Let a `while` read its own step."""
        self._open.add(name)


class _SoFar:
    """A `while` that reads itself: its outputs so far, as a list that does not grow under the reader's hands."""

    __slots__ = ("attempts", "duration", "error", "errors", "output", "status")

    def __init__(self, run: StepRun) -> None:
        self.output = list(run.output or ())
        self.status, self.error, self.errors = run.status, run.error, run.errors
        self.attempts, self.duration = run.attempts, run.duration
