"""Ctrl-C and SIGTERM: the first cancels the task and lets its `finally` run, the second stops that, too."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import TracebackType
from typing import Any, Self

from ..actions.children import end_all
from ..engine.tasklet import Tasklet
from .endings import BY_SIGNAL, tell

GRACE = 1.5
"""Seconds that a task has to end after the second signal."""
_HANDLED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_LOOP_WAKES = sys.platform == "win32"  # there asyncio has the handlers called at once, and needs the place of our pipe
_NO_MORE = 0


class Signals:
    """Turns signals into cancellations while it is entered, in the main thread.

    A thread of its own does what a signal asks for: a handler may come in the middle of anything, and runs late where
    the main thread waits or is held by a step. The signals' numbers reach it through a pipe.

    Args:
        quiet: say nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.number: int | None = None
        """Of the first signal that came."""
        self._quiet = quiet
        self._read, self._write = os.pipe()
        if not _LOOP_WAKES:
            os.set_blocking(self._write, False)  # as Python wants it of what it writes signals to
        self._tasklet: Tasklet | None = None
        self._lock = threading.Lock()
        self._before: dict[int, Any] = {}
        self._waker_before = -1
        self._thread = threading.Thread(target=self._work, name="aura-signals", daemon=True)

    @property
    def status(self) -> int | None:
        """The exit status that the first signal asks for."""
        return None if self.number is None else BY_SIGNAL + self.number

    def __enter__(self) -> Self:
        self._thread.start()
        handlers = {number: signal.getsignal(number) for number in _HANDLED}
        self._before = {number: known for number, known in handlers.items() if known not in {signal.SIG_IGN, None}}
        if not _LOOP_WAKES:
            self._waker_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in self._before:  # those that are ignored stay so: `nohup`, a shell's background job
            signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if not _LOOP_WAKES:
            signal.set_wakeup_fd(self._waker_before)
        os.write(self._write, bytes([_NO_MORE]))
        self._thread.join()
        os.close(self._write)
        os.close(self._read)

    def _handle(self, number: int, _: object) -> None:
        """Hand on a signal, unless Python has written its number into the pipe by itself."""
        if _LOOP_WAKES:
            os.write(self._write, bytes([number]))

    def cancel(self, tasklet: Tasklet) -> None:
        """Make this the task that signals cancel, at once if one has come."""
        with self._lock:
            self._tasklet = tasklet
            late = self.number is not None
        if late:
            tasklet.cancel()

    def _work(self) -> None:
        count = 0
        while (number := os.read(self._read, 1)[0]) != _NO_MORE:
            if number not in self._before:  # it is none of ours
                continue
            count += 1
            with self._lock:
                self.number = self.number or number
                tasklet = self._tasklet
            if count > 2:
                _stop(BY_SIGNAL + (self.number or number))
            self._say(number, count)
            if tasklet is not None:
                tasklet.cancel()
            if count == 2:
                last = threading.Timer(GRACE, _stop, [BY_SIGNAL + (self.number or number)])
                last.daemon = True
                last.start()

    def _say(self, number: int, count: int) -> None:
        if self._quiet:
            return
        again = " Ctrl-C again stops at once." if count == 1 and number == signal.SIGINT else ""
        tell(f"Cancelling.{again}" if count == 1 else "Stopping.")


def _stop(status: int) -> None:
    """End this process and the children of its steps, whatever they do."""
    end_all()
    os._exit(status)
