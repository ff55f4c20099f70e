"""What an action does to the notebook: `display()` goes to its task's log, and `input()` is refused."""

from __future__ import annotations

import builtins
import getpass
from collections.abc import Callable
from typing import Any

from ..engine.logs import Sink
from ..errors import AuraError
from .widget_bars import follow_bar


class DisplayCapture:
    """Stands before the shell's display publisher.

    Args:
        publisher: the shell's `display_pub`.
        sink: gives where the output of the action that runs here goes, or None outside an action.
    """

    def __init__(self, publisher: Any, sink: Callable[[], Sink | None]) -> None:
        self._publisher, self._sink = publisher, sink
        self._plain_publish, self._plain_clear = publisher.publish, publisher.clear_output
        self._wrapped = {"publish": self._publish, "clear_output": self._clear_output}
        for name, method in self._wrapped.items():
            setattr(publisher, name, method)

    def remove(self) -> None:
        """Give the publisher its own methods back."""
        for name, method in self._wrapped.items():
            if getattr(self._publisher, name) is method:
                delattr(self._publisher, name)

    def _publish(self, data: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        sink = self._sink()
        if sink is None:
            return self._plain_publish(data, *args, **kwargs)
        if not follow_bar(data, sink):
            sink.write("stdout", str(data.get("text/plain", f"({', '.join(data)})")) + "\n")
        return None

    def _clear_output(self, *args: Any, **kwargs: Any) -> Any:
        # it would clear the output of whatever cell runs at the moment
        return self._plain_clear(*args, **kwargs) if self._sink() is None else None


class NoInput:
    """Refuses `input()` and `getpass()` in an action: they would ask in whatever cell happens to run, or for ever.

    A kernel puts its own functions into their place for the time of a cell, so both are wrapped.

    Args:
        kernel: of the shell; None in a terminal.
        sink: gives where the output of the action that runs here goes, or None outside an action.
    """

    def __init__(self, kernel: Any, sink: Callable[[], Sink | None]) -> None:
        self._sink = sink
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self._wrap(builtins, "input", "input")
        self._wrap(getpass, "getpass", "getpass")
        if kernel is not None:
            self._wrap(kernel, "raw_input", "input")
            self._wrap(kernel, "getpass", "getpass")

    def remove(self) -> None:
        """Give the functions back that nobody else has replaced meanwhile."""
        for owner, name, wrapped, plain in self._undo:
            if getattr(owner, name) is not wrapped:
                continue
            if getattr(type(owner), name, None) is not None:
                delattr(owner, name)
            else:
                setattr(owner, name, plain)

    def _wrap(self, owner: Any, name: str, called: str) -> None:
        plain = getattr(owner, name)

        def ask(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if self._sink() is not None:
                raise AuraError(
                    f"an action cannot ask with {called}(): use the action human.approve, or context.ask of an"
                    " ActionContext"
                )
            return plain(*args, **kwargs)

        setattr(owner, name, ask)
        self._undo.append((owner, name, ask, plain))
