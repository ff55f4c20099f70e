"""The kernels that the server starts for tasks that name none: started when needed, shared, ended when idle."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_server.utils import ApiPath, ensure_async

from ..messages import HelloAnswer
from .kernels import Kernels
from .problems import Refusal
from .tasks import KnownTasks

_log = logging.getLogger(__name__)
START = 90.0  # seconds that a kernel may take until its Aura answers
_LOAD = "--InteractiveShellApp.extensions=aura_jupyter"


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """What the server's configuration says of them.

    Attributes:
        kernel_name: the kernelspec; empty for the server's default.
        idle: seconds without a task after which a kernel is ended.
        most: how many there may be; 0 for none.
    """

    kernel_name: str
    idle: float
    most: int


class OwnKernels:
    """Gives a kernel for a task that names none.

    Args:
        kernels: all kernels of the server.
        known: the tasks that the server knows.
        settings: see there.
    """

    def __init__(self, kernels: Kernels, known: KnownTasks, settings: OwnSettings) -> None:
        self._kernels = kernels
        self._known = known
        self._settings = settings
        self._used: dict[str, float] = {}  # when each was used last, by the loop's clock
        self._asked: Counter[str] = Counter()  # how many tasks are just being handed over to each
        self._picking = asyncio.Lock()
        self._closing = asyncio.Event()
        self._culling: asyncio.Task[None] | None = None

    def __contains__(self, kernel_id: str) -> bool:
        return kernel_id in self._used

    @asynccontextmanager
    async def picked(self) -> AsyncIterator[str]:
        """The id of the kernel with the fewest tasks, or of a new one; it is not ended within the context.

        Raises:
            Refusal: there may be none, or it does not start.
        """
        if self._settings.most < 1:
            raise Refusal("no-kernel", "This server starts no kernels for tasks: say in which one, with `kernel_id`.")
        async with self._picking:
            kernel_id = await self._pick()
            self._asked[kernel_id] += 1
        try:
            yield kernel_id
        finally:
            self._asked[kernel_id] -= 1
            self._used[kernel_id] = asyncio.get_running_loop().time()

    async def _pick(self) -> str:
        """A new one, where each has some and there may be more."""
        self._forget_ended()
        loads = {each: self._asked[each] + len(self._known.unfinished(each)) for each in self._used}
        kernel_id = min(loads, key=lambda each: loads[each], default=None)
        if kernel_id is None or (loads[kernel_id] and len(loads) < self._settings.most):
            kernel_id = await self._start()
        self._used[kernel_id] = asyncio.get_running_loop().time()
        return kernel_id

    async def close(self) -> None:
        """End no more of them by itself: the server ends all its kernels. One that is being ended is waited for, since
        its manager does not bear being asked twice.
        """
        self._closing.set()
        if self._culling is not None:
            await self._culling

    async def _start(self) -> str:
        names = {"kernel_name": self._settings.kernel_name} if self._settings.kernel_name else {}
        manager = self._kernels.manager
        try:
            kernel_id: str = await ensure_async(
                manager.start_kernel(path=ApiPath(""), extra_arguments=[_LOAD], **names)
            )
        except NoSuchKernel:
            name = self._settings.kernel_name
            raise Refusal("failed", f"There is no kernelspec {name!r}, which AuraServer.kernel_name says.") from None
        try:
            await self._wait_for(kernel_id)
        except BaseException:
            await ensure_async(manager.shutdown_kernel(kernel_id, now=True))
            raise
        if self._culling is None:
            self._culling = asyncio.create_task(self._cull())
        _log.info("Started kernel %s for tasks that name none", kernel_id)
        return kernel_id

    async def _wait_for(self, kernel_id: str) -> None:
        try:
            async with asyncio.timeout(START):
                while True:
                    try:
                        await self._kernels.client(kernel_id).hello()
                        return
                    except Refusal as refusal:
                        if refusal.code == "no-aura":
                            raise Refusal(
                                "failed",
                                "The kernel that was started for the task has no Aura: install aura_jupyter where "
                                "its kernelspec runs, or name another one in AuraServer.kernel_name.",
                            ) from None
                        if refusal.code != "no-answer":
                            raise
        except TimeoutError:
            raise Refusal("no-answer", f"A kernel for the task did not start within {START:g} seconds.") from None

    # --- ending them --------------------------------------------------------------------------------------------------

    def _forget_ended(self) -> None:
        for kernel_id in [each for each in self._used if each not in self._kernels.manager]:
            del self._used[kernel_id], self._asked[kernel_id]

    async def _cull(self) -> None:
        while not await self._closes_within(min(max(self._settings.idle / 4, 0.2), 30.0)):
            self._forget_ended()
            for kernel_id in list(self._used):
                if self._closing.is_set():
                    return
                if kernel_id not in self._kernels.manager:  # it was ended while another one was
                    continue
                try:
                    await self._cull_if_idle(kernel_id)
                except Refusal as refusal:
                    _log.debug("Kernel %s was not asked whether it is idle: %s", kernel_id, refusal.detail)
                except Exception:  # noqa: BLE001 - whatever went wrong, the others are looked after all the same
                    _log.exception("Kernel %s could not be ended", kernel_id)

    async def _closes_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._closing.wait()
        except TimeoutError:
            return False

    async def _cull_if_idle(self, kernel_id: str) -> None:
        now = asyncio.get_running_loop().time()
        if (
            self._asked[kernel_id]
            or self._known.unfinished(kernel_id)
            or self._kernels.manager.kernel_model(kernel_id)["connections"]
        ):
            self._used[kernel_id] = now
            return
        used = self._used[kernel_id]
        if now - used < self._settings.idle:
            return
        hello: HelloAnswer = await self._kernels.client(kernel_id).hello()
        if hello.running or hello.queued:
            self._used[kernel_id] = now
            return
        await self._keep_details(kernel_id)
        async with self._picking:
            if self._used.get(kernel_id) != used or self._asked[kernel_id]:  # it was picked meanwhile
                return
            del self._used[kernel_id]
        _log.info("Ending kernel %s, which no task has used for %g seconds", kernel_id, self._settings.idle)
        await ensure_async(self._kernels.manager.shutdown_kernel(kernel_id))

    async def _keep_details(self, kernel_id: str) -> None:
        """Results of tasks are asked for after their kernel has gone, too."""
        for known in self._known:
            if known.kernel_id == kernel_id and known.detail is None and known.reason is None:
                try:
                    known.keep(await self._kernels.look(known))
                except Refusal as refusal:
                    _log.debug("The end of task %s is not kept: %s", known.task_id, refusal.detail)
