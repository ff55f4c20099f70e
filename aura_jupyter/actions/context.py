"""What an action may ask for while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

LEVELS = ("debug", "info", "warning", "error")


class StepPort(Protocol):
    """The engine's side of an `ActionContext`: one step's attempt. Whatever it offers may be called from any thread."""

    @property
    def cancelled(self) -> bool:
        """Whether the attempt is cancelled or has timed out."""

    @property
    def task(self) -> Any:
        """The tasklet."""

    @property
    def step(self) -> str:
        """The step's name."""

    @property
    def attempt(self) -> int:
        """Its number, from 1."""

    def log(self, message: object, level: str) -> None:
        """Write a line; the level is one of `LEVELS`."""

    def progress(self, done: float, total: float | None, text: str) -> None:
        """Show how far it is."""

    def ask(self, message: str, choices: Sequence[str], default: str | None) -> Any:
        """Ask a person: an awaitable on the loop, the choice itself in a thread."""

    def run_task(self, task: Any, inputs: Mapping[str, Any]) -> Awaitable[Any]:
        """Run a sub-task; its result."""

    def names(self) -> dict[str, Any]:
        """Make a new dictionary of the names in scope."""

    def set_context(self, values: Mapping[str, Any]) -> None:
        """Store values in `ctx`."""

    def call_when_cancelled(self, callback: Callable[[], None]) -> None:
        """Call it on cancellation, at once if that has happened."""


class ActionContext:
    """Given to the parameter of an action that is annotated with it; a spec never fills that parameter.

        @aura.action
        def convert(files: list[str], context: aura.ActionContext) -> int:
            for done, file in enumerate(files):
                if context.cancelled:
                    break
                context.progress(done, len(files), file)
                context.log(f"converting {file}")
                ...
            return len(files)

    An action may keep it for its own run only. All of it works in async actions and in threads.
    """

    __slots__ = ("_port",)

    def __init__(self, port: StepPort) -> None:
        self._port = port

    def __repr__(self) -> str:
        return f"<ActionContext of step {self.step!r}, attempt {self.attempt}>"

    @property
    def cancelled(self) -> bool:
        """Whether this attempt is cancelled or has timed out: what it returns is dropped, so it had better stop."""
        return self._port.cancelled

    @property
    def task(self) -> Any:
        """The `Tasklet` that the step belongs to."""
        return self._port.task

    @property
    def step(self) -> str:
        """The step's name."""
        return self._port.step

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._port.attempt

    def log(self, message: object, level: str = "info") -> None:
        """Write a line to the task's log.

        Args:
            message: any object; its `str()` is what the log shows.
            level: `debug`, `info`, `warning` or `error`, in any case.

        Raises:
            ValueError: there is no such level.
        """
        name = str(level).lower()
        if name not in LEVELS:
            raise ValueError(f"there is no level {level!r}: write {', '.join(LEVELS[:-1])} or {LEVELS[-1]}")
        self._port.log(message, name)

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Show how far the step is.

        Args:
            done: how much is done, in any unit.
            total: how much there is to do in the same unit; None where that is not known.
            text: what is being done just now.
        """
        self._port.progress(done, total, text)

    def ask(self, message: str, choices: Sequence[str] = ("Approve", "Reject"), default: str | None = None) -> Any:
        """Ask the person at the card: `await` it in an async action; in a thread it waits and returns the choice.

        Args:
            message: the question.
            choices: the answers to choose from.
            default: the choice where there is nobody to ask.

        Raises:
            TaskError: there is nobody to ask, and no default.
        """
        return self._port.ask(message, choices, default)

    async def run_task(self, task: Any, inputs: Mapping[str, Any]) -> Any:
        """Run a task within this one and return its result; raise what it failed with."""
        return await self._port.run_task(task, inputs)

    def names(self) -> dict[str, Any]:
        """Every name that a template could read here, and every input whose name is none of those."""
        return self._port.names()

    def set_context(self, values: Mapping[str, Any]) -> None:
        """Store values in `ctx`, where the templates of later steps find them."""
        self._port.set_context(values)

    def call_when_cancelled(self, callback: Callable[[], None]) -> None:
        """Call `callback` when this attempt is cancelled or times out, in whichever thread that happens.

        Where that has happened already it is called at once.
        """
        self._port.call_when_cancelled(callback)
