"""The server's kernels: a client for each that was asked something, and an eye on whether they are still there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any

from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from jupyter_server.utils import ensure_async

from .. import messages
from ..messages import TaskDetail, TaskEvent
from .kernel_client import KernelClient
from .problems import Refusal
from .tasks import KnownTask, KnownTasks

_log = logging.getLogger(__name__)
TICK = 1.0  # seconds between two looks at the kernels
PING = 5.0  # seconds after which a kernel with tasks is asked whether it is still the same
GRACE = 5.0  # seconds that events go on after the last task


class Kernels:
    """Clients of the server's kernels.

    Args:
        manager: the server's manager of kernels.
        known: the tasks that the server knows.
        deadline: seconds that a kernel's reply may take.
    """

    def __init__(self, manager: MappingKernelManager, known: KnownTasks, deadline: float) -> None:
        self.manager = manager
        self._known = known
        self._deadline = deadline
        self._clients: dict[str, KernelClient] = {}
        self._stale: set[str] = set()  # kernels of which events were missed
        self._asked: dict[str, float] = {}  # when a kernel was last asked, or had tasks, by the loop's clock
        self._tending: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    def ids(self) -> list[str]:
        """The ids of all kernels."""
        return list(self.manager.list_kernel_ids())

    def client(self, kernel_id: str) -> KernelClient:
        """The client of a kernel.

        Raises:
            Refusal: there is no such kernel, or it is none that can be spoken to.
        """
        if self._closed:
            raise Refusal("kernel-gone", "The server is stopping.")
        if kernel_id not in self.manager:
            self._forget(kernel_id)
            raise Refusal("no-kernel", "There is no kernel with this id: `GET aura/kernels` lists those there are.")
        client = self._clients.get(kernel_id)
        if client is None:
            kernel = self.manager.get_kernel(kernel_id)
            if not hasattr(kernel, "connect_control"):
                raise Refusal("no-aura", "This kernel runs behind a gateway, which passes no messages of Aura's.")
            client = self._clients[kernel_id] = KernelClient(kernel_id, kernel, self, self._deadline)
            self.manager.add_restart_callback(kernel_id, partial(self._is_dead, kernel_id), "restart")
            if self._watch is None:
                self._watch = asyncio.create_task(self._look_after())
        return client

    async def follow(self, kernel_id: str) -> KernelClient:
        """The client of a kernel whose events come from now on.

        Raises:
            Refusal: see `client` and `KernelClient.ask`.
        """
        client = self.client(kernel_id)
        self._asked[kernel_id] = asyncio.get_running_loop().time()
        await client.listen()
        return client

    async def look(self, known: KnownTask, *, missed: bool = False) -> TaskDetail:
        """All of a task, from its kernel.

        Raises:
            Refusal: the kernel does not know it, or does not answer.
        """
        detail = await self.client(known.kernel_id).ask(messages.Task(task_id=known.task_id), TaskDetail)
        if detail.status == "CANCELLED" and not known.ended and self._is_being_ended(known.kernel_id):
            raise Refusal("kernel-gone", "The kernel is being ended.")
        self._known.looked(known, detail, missed=missed)
        return detail

    async def close(self) -> None:
        """Let go of all kernels. May be called twice."""
        self._closed = True
        tasks = [task for task in (self._watch, *self._tending.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self._clients.values():
            client.close(Refusal("kernel-gone", "The server is stopping."))
        self._clients.clear()

    # --- what the kernels do ------------------------------------------------------------------------------------------

    def happened(self, kernel_id: str, event: TaskEvent) -> None:
        """A task has changed. What a kernel cancels because it is being ended is lost, whether it can still say so
        or not.
        """
        if event.task.status == "CANCELLED" and self._is_being_ended(kernel_id):
            return
        self._known.happened(kernel_id, event)

    def _is_being_ended(self, kernel_id: str) -> bool:
        return kernel_id not in self.manager or bool(self.manager.get_kernel(kernel_id).shutting_down)

    def missed(self, kernel_id: str) -> None:
        """Events were lost."""
        self._stale.add(kernel_id)
        self._tend(kernel_id)

    def restarted(self, kernel_id: str) -> None:
        """Another process answers in the kernel's name."""
        self._known.lost(kernel_id, "The kernel was restarted while the task waited or ran.")

    # --- looking after them -------------------------------------------------------------------------------------------

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            for kernel_id in list(self._clients):
                self._tend(kernel_id)

    def _tend(self, kernel_id: str) -> None:
        running = self._tending.get(kernel_id)
        if running is None or running.done():
            self._tending[kernel_id] = asyncio.create_task(_quietly(self._tend_one(kernel_id)))

    async def _tend_one(self, kernel_id: str) -> None:
        client = self._clients.get(kernel_id)
        if client is None or not await self._is_there(kernel_id):
            return
        client.reconnect()
        now = asyncio.get_running_loop().time()
        if self._known.unfinished(kernel_id):
            if now - self._asked.get(kernel_id, 0.0) > PING:
                self._asked[kernel_id] = now
                await client.hello()
            await client.listen(renew=True)
            if kernel_id in self._stale:
                self._stale.discard(kernel_id)
                await self._look_again(kernel_id)
        elif now - self._asked.get(kernel_id, 0.0) > GRACE:
            await client.hush()

    async def _is_there(self, kernel_id: str) -> bool:
        """Whether a kernel lives; where it does not, its tasks are lost."""
        if kernel_id not in self.manager:
            self._forget(kernel_id)
            return False
        kernel = self.manager.get_kernel(kernel_id)
        if await ensure_async(kernel.is_alive()):
            return True
        if kernel_id in self.manager and not kernel.shutting_down:
            self._is_dead(kernel_id)
        return False

    def _is_dead(self, kernel_id: str) -> None:
        """A kernel ended by itself. The server may start it again before we look, and says so."""
        self._known.lost(kernel_id, "The kernel died while the task waited or ran.")

    def _forget(self, kernel_id: str) -> None:
        client = self._clients.pop(kernel_id, None)
        if client is not None:
            client.close(Refusal("kernel-gone", "The kernel was shut down before it answered."))
        self._known.lost(kernel_id, "The kernel was shut down while the task waited or ran.")
        self._stale.discard(kernel_id)
        self._asked.pop(kernel_id, None)
        self._tending.pop(kernel_id, None)

    async def _look_again(self, kernel_id: str) -> None:
        for known in self._known.unfinished(kernel_id):
            try:
                await self.look(known, missed=True)
            except Refusal as refusal:
                if refusal.code != "no-task":
                    self._stale.add(kernel_id)
                    raise
                self._known.lost_one(known, "The kernel does not know the task any more.")


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """Do what will be tried again where the kernel does not answer."""
    try:
        await work
    except Refusal as refusal:
        _log.debug("A kernel was not reached: %s", refusal.detail)
