"""A watchdog over an event loop: it sees from a thread of its own that something holds the loop, and what."""

from __future__ import annotations

import contextvars
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable

from IPython.core.interactiveshell import InteractiveShell

from ...view.words import BUSY, BUSY_WITH_CELL

LONG = 1.0
"""Seconds that a loop is held before anything is said of it."""
PULSE = 0.5
"""Seconds between two looks at a loop that is free."""
STEP = 0.1
"""Seconds between two calls while it is held."""
_RUNS_CELL = InteractiveShell.run_code.__code__


class Watchdog:
    """Watches a loop as long as that is wanted; its thread ends by itself and is started again by `start`.

    Args:
        loop: the loop.
        wanted: whether it is to be watched still.
        free: called after each look that finds the loop free.
        held: called again and again while the loop is held, with words for what holds it.
        freed: called once when it is free again.

    All of them are called in the watchdog's thread.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        *,
        wanted: Callable[[], bool],
        free: Callable[[], object],
        held: Callable[[str], object],
        freed: Callable[[], object],
    ) -> None:
        self._loop, self._wanted = loop, wanted
        self._free, self._held, self._freed = free, held, freed
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._loop_thread = threading.main_thread().ident or 0  # until the loop has told

    def start(self) -> None:
        """Watch from now on; from any thread, and as often as one likes."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._watch, name="aura-watchdog", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _goes_on(self) -> bool:
        with self._lock:
            if self._stopped.is_set() or self._loop.is_closed() or not self._wanted():
                self._thread = None
            return self._thread is not None

    def _watch(self) -> None:
        while self._goes_on():
            if not self._loop.is_running():  # between the cells of a terminal
                self._stopped.wait(PULSE)
                continue
            turn = self._ask_for_a_turn()
            if turn.wait(LONG):
                self._free()
                self._stopped.wait(PULSE)
                continue
            while not turn.wait(STEP) and self._goes_on():
                self._held(what_holds(self._loop_thread))
            if turn.is_set():
                self._freed()

    def _ask_for_a_turn(self) -> threading.Event:
        turn = threading.Event()

        def take() -> None:
            self._loop_thread = threading.get_ident()
            turn.set()

        try:
            self._loop.call_soon_threadsafe(take, context=contextvars.Context())
        except RuntimeError:  # it was closed this moment, and nobody waits for it
            turn.set()
        return turn


def what_holds(thread: int) -> str:
    """Words for what a thread is busy with: `the kernel is busy with a cell`.

    Args:
        thread: the identity of the loop's thread.
    """
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code is _RUNS_CELL:
            return BUSY_WITH_CELL
        frame = frame.f_back
    return BUSY
