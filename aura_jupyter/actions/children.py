"""The process groups that actions have started, so that none of them outlives its step or the kernel."""

from __future__ import annotations

import contextlib
import os
import signal

SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has one way only

_leaders: set[int] = set()


def add(pid: int) -> None:
    """Remember the leader of a process group that is to end with the kernel."""
    _leaders.add(pid)


def discard(pid: int) -> None:
    """Forget it: the step has ended."""
    _leaders.discard(pid)


def send(pid: int, number: int) -> None:
    """Send a signal to the whole group of a leader; nothing happens if all of it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def end_all() -> int:
    """End every child at once, from any thread; how many groups there were. For the kernel's shutdown."""
    leaders = list(_leaders)
    for pid in leaders:
        send(pid, SIGKILL)
        discard(pid)
    return len(leaders)
