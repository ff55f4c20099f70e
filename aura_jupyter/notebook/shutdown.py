"""The end of a kernel: its tasks are cancelled, their `finally` runs for a moment, their child processes end."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

GRACE = 1.5

_log = logging.getLogger(__name__)


class ShutdownGuard:
    """Runs our end before the kernel's own, for a shutdown and for a restart.

    The kernel calls its `do_shutdown` in its control thread while the loop still runs; at exit it would be too late.

    Args:
        kernel: whose shutdown is guarded.
        close: ends the tasks, from any thread.
        end_children: ends what must not outlive the kernel, from any thread.
    """

    def __init__(self, kernel: Any, close: Callable[[], Awaitable[None]], end_children: Callable[[], object]) -> None:
        self._kernel, self._close, self._end_children = kernel, close, end_children
        self._plain = kernel.do_shutdown
        self._wrapped = self._shutdown
        kernel.do_shutdown = self._wrapped

    def remove(self) -> None:
        """Give the kernel its own `do_shutdown` back."""
        if self._kernel.do_shutdown is self._wrapped:
            del self._kernel.do_shutdown

    async def _shutdown(self, restart: bool) -> Any:
        await self._end_tasks()
        self._end_children()
        result = self._plain(restart)
        return await result if inspect.isawaitable(result) else result

    async def _end_tasks(self) -> None:
        try:
            await asyncio.wait_for(self._close(), GRACE)
        except TimeoutError:
            _log.warning("Tasks were still ending when the kernel stopped.")
        except Exception:  # noqa: BLE001 - nothing may keep the kernel from its end
            _log.exception("The tasks could not be ended before the kernel stopped.")
