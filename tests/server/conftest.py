"""Real servers with real kernels for tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.servers import JupyterServer, ServerKernel, running_server

pytest_plugins = ["pytest_jupyter.jupyter_server"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """The server that tests share."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[JupyterServer]:
    """A server of its own for one test, whose own kernels end when they are idle for a second."""
    with running_server(tmp_path, "--AuraServer.kernel_idle_seconds=1", "--AuraServer.max_kernels=2") as server:
        yield server


@pytest.fixture(scope="session")
def shared_kernel(server: JupyterServer) -> Iterator[ServerKernel]:
    """The kernel that tests share, with Aura loaded."""
    with server.kernel() as kernel:
        kernel.ok("%load_ext aura_jupyter")
        yield kernel


@pytest.fixture
def kernel(shared_kernel: ServerKernel) -> ServerKernel:
    """A kernel with Aura loaded and without variables."""
    shared_kernel.messages.clear()
    shared_kernel.ok("%reset -f")
    return shared_kernel


@pytest.fixture
def own_kernel(server: JupyterServer) -> Iterator[ServerKernel]:
    """A kernel of its own for one test, with Aura loaded."""
    with server.kernel() as kernel:
        kernel.ok("%load_ext aura_jupyter")
        yield kernel
