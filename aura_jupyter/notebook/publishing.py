"""Displaying, and putting something else into the place of what was displayed, in whichever cell that is."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

Bundle = dict[str, Any]


class Publisher:
    """Displays bundles, and puts others into their place later.

    A client that stores a notebook without a front end keeps what the running cell sends. So what ends between two
    cells is published at once, and once more when the next cell begins.

    Args:
        shell: the running InteractiveShell.
        running: how many cells run at the moment, in whichever thread.
    """

    def __init__(self, shell: Any, running: Callable[[], int]) -> None:
        self._shell, self._running = shell, running
        self._unseen: dict[str, Bundle] = {}
        self._lock = threading.Lock()

    def display(self, data: Bundle) -> str:
        """Display a bundle in the running cell; gives the id by which `replace` finds it."""
        display_id = uuid4().hex
        self._shell.display_pub.publish(data, {}, transient={"display_id": display_id})
        return display_id

    def replace(self, display_id: str, data: Bundle) -> None:
        """Put a bundle in the place of one that was displayed, in whichever cell; from any thread."""
        with self._lock:  # before it is sent: a cell that begins meanwhile sends it again
            if self._running() == 0:
                self._unseen[display_id] = data
            else:
                self._unseen.pop(display_id, None)
        # the creating cell is remembered by the context; an empty one makes this a message of the cell that runs now
        contextvars.Context().run(self._publish, display_id, data)

    def publish_unseen(self, _info: object = None) -> None:
        """A listener of `pre_run_cell`: publish again what was replaced while no cell ran."""
        with self._lock:
            unseen, self._unseen = self._unseen, {}
        for display_id, data in unseen.items():
            self._publish(display_id, data)

    def _publish(self, display_id: str, data: Bundle) -> None:
        self._shell.display_pub.publish(data, {}, transient={"display_id": display_id}, update=True)
