"""Python's garbage collector, paused while a large tree is built: it is most of the time that YAML takes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector:
    """Counts the pauses: with several at once, in any threads, the last one to end turns the collector on again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pauses = 0
        self.was_on = False

    def pause(self) -> None:
        with self.lock:
            if self.pauses == 0:
                self.was_on = gc.isenabled()
                gc.disable()
            self.pauses += 1

    def go_on(self) -> None:
        with self.lock:
            self.pauses -= 1
            if self.pauses == 0 and self.was_on:
                gc.enable()


_collector = _Collector()


@contextmanager
def paused() -> Iterator[None]:
    """Pause the garbage collector; it stays off if it was off before."""
    _collector.pause()
    try:
        yield
    finally:
        _collector.go_on()
