"""`display()` in an action goes to its task's log, not into whatever cell happens to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.logs import Sink


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
        sink.write("stdout", str(data.get("text/plain", f"({', '.join(data)})")) + "\n")
        return None

    def _clear_output(self, *args: Any, **kwargs: Any) -> Any:
        # it would clear the output of whatever cell runs at the moment
        return self._plain_clear(*args, **kwargs) if self._sink() is None else None
