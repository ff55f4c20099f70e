"""A cell that waits for its task: the loop stays free, and an interrupt of the kernel stops the task."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from ..api import run_nested
from ..engine.tasklet import Tasklet
from ..errors import AuraError

T = TypeVar("T")


async def until_ended(tasklet: Tasklet) -> None:
    """Wait until a task has ended, its `finally` included.

    An interrupt cancels the task, the next one its `finally`. The wait goes on, so that the card shows the end.
    """
    with interrupts_call(tasklet.cancel):
        for _ in range(2):
            try:
                await tasklet.wait()
            except asyncio.CancelledError:  # the cell's own task was cancelled, as a kernel does in a subshell
                tasklet.cancel()
            else:
                return
        await tasklet.wait()


async def wait_for_all(tasklets: Iterable[Tasklet]) -> bool:
    """Wait until tasks have ended. An interrupt ends the wait, and not the tasks; says whether there was one."""
    waiter = this_task()
    with interrupts_call(waiter.cancel):
        try:
            for tasklet in tasklets:
                await tasklet.wait()
        except asyncio.CancelledError:
            waiter.uncancel()
            return True
    return False


def this_task() -> asyncio.Task[Any]:
    """The asyncio task that runs here."""
    task = asyncio.current_task()
    assert task is not None
    return task


@contextlib.contextmanager
def interrupts_call(callback: Callable[[], object]) -> Iterator[None]:
    """Call back on the running loop in place of an interrupt; other threads than the main one get no interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(callback))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class SignalsWake:
    """Lets a signal wake the kernel's loop.

    The kernel notes an interrupt of an awaiting cell for the loop's next turn, and a loop that waits has none: `await
    tasklet` would go on until something else happens.

    Args:
        loop: the running loop of the main thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ours, self._woken = socket.socketpair()
        self._ours.setblocking(False)
        self._woken.setblocking(False)
        loop.add_reader(self._woken, self._drain)
        self._before = signal.set_wakeup_fd(self._ours.fileno(), warn_on_full_buffer=False)
        if self._before != -1:  # somebody else's signals wake the loop already
            signal.set_wakeup_fd(self._before)

    def remove(self) -> None:
        """Give back what was taken; in the main thread."""
        if self._before == -1:
            current = signal.set_wakeup_fd(-1)
            if current not in {-1, self._ours.fileno()}:
                signal.set_wakeup_fd(current)
        if not self._loop.is_closed():
            self._loop.remove_reader(self._woken)
        self._ours.close()
        self._woken.close()

    def _drain(self) -> None:
        self._woken.recv(4096)


def run_here(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """Run a coroutine to its end in a cell that cannot `await`: under `%%time` and the like, or with `%autoawait off`.

    Args:
        work: what to run.
        loop: the loop that the cell's tasks run on. If it runs, it is made nestable, which cannot be undone and makes
            each of its tasks dearer.

    Raises:
        AuraError: the loop cannot be nested.
    """
    if not loop.is_running():
        return loop.run_until_complete(work)
    import nest_asyncio2  # noqa: PLC0415 - needed for these cells only

    try:
        nest_asyncio2.apply(loop)
    except ValueError as error:
        work.close()
        raise AuraError(
            f"this cell cannot wait within a running loop ({error}): leave --wait or the magic above out"
        ) from None
    return run_nested(loop, work)
