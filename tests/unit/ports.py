"""A step's port without an engine: it records what an action asks for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aura_jupyter.actions.context import ActionContext
from aura_jupyter.actions.registry import registry


class Port:
    """Everything that the engine offers to an action, as plain data."""

    def __init__(self, names: Mapping[str, Any] | None = None, answer: str | None = None) -> None:
        self.cancelled = False
        self.task = "the tasklet"
        self.step = "here"
        self.attempt = 1
        self.lines: list[tuple[str, object]] = []
        self.logged = threading.Event()
        self.shown: list[tuple[float, float | None, str]] = []
        self.questions: list[tuple[str, list[str], str | None]] = []
        self.subtasks: list[tuple[Any, dict[str, Any]]] = []
        self.stored: dict[str, Any] = {}
        self._names = dict(names or {})
        self._answer = answer
        self._callbacks: list[Callable[[], None]] = []

    def log(self, message: object, level: str) -> None:
        self.lines.append((level, message))
        self.logged.set()

    def progress(self, done: float, total: float | None, text: str) -> None:
        self.shown.append((done, total, text))

    async def ask(self, message: str, choices: Sequence[str], default: str | None) -> str | None:
        self.questions.append((message, list(choices), default))
        return self._answer or default

    async def run_task(self, task: Any, inputs: Mapping[str, Any]) -> Any:
        self.subtasks.append((task, dict(inputs)))
        return "the result"

    def names(self) -> dict[str, Any]:
        return dict(self._names)

    def set_context(self, values: Mapping[str, Any]) -> None:
        self.stored.update(values)

    def call_when_cancelled(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)
        if self.cancelled:
            callback()

    def cancel(self) -> None:
        self.cancelled = True
        for callback in self._callbacks:
            callback()


def call(name: str, port: Port, /, **params: Any) -> Any:
    """Call a registered action as the engine does; a coroutine from an async one."""
    action = registry.get(name)
    assert action is not None
    args, named = action.arguments([], params, ActionContext(port))
    return action.function(*args, **named)


def complaints(name: str, /, **params: Any) -> list[tuple[str | None, str]]:
    """The parameter and the text of each complaint about a call with these params."""
    action = registry.get(name)
    assert action is not None
    return [(c.parameter, f"{c.message}. {c.hint}") for c in action.complaints([], params)]
