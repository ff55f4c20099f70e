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
        self._plain = publisher.publish
        self._wrapped = self._publish
        publisher.publish = self._wrapped

    def remove(self) -> None:
        """Give the publisher its own `publish` back."""
        if self._publisher.publish is self._wrapped:
            del self._publisher.publish

    def _publish(self, data: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        sink = self._sink()
        if sink is None:
            return self._plain(data, *args, **kwargs)
        sink.write("stdout", str(data.get("text/plain", f"({', '.join(data)})")) + "\n")
        return None
