"""The server's client of one kernel."""

from __future__ import annotations

import pytest
from jupyter_client.ioloop import AsyncIOLoopKernelManager

from aura_jupyter.server.kernel_client import KernelClient
from aura_jupyter.server.kernels import Kernels
from aura_jupyter.server.problems import Refusal
from aura_jupyter.server.tasks import KnownTasks
from tests.server.servers import LIMIT


async def test_a_kernel_without_aura_is_refused_each_time_by_an_exception_of_its_own() -> None:
    """One that is raised again keeps the frames of each time."""
    manager = AsyncIOLoopKernelManager()
    await manager.start_kernel()
    client = KernelClient("kernel", manager, Kernels(None, KnownTasks(), LIMIT), LIMIT)  # type: ignore[arg-type]
    try:
        refused = []
        for _ in range(3):
            with pytest.raises(Refusal) as refusal:
                await client.hello()
            refused.append(refusal.value)
        assert [each.code for each in refused] == ["no-aura"] * 3
        assert len(set(map(id, refused))) == 3
    finally:
        client.close(Refusal("kernel-gone", "The test is over."))
        await manager.shutdown_kernel(now=True)
