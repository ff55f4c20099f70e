"""Real kernels for tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jupyter_client.manager import start_new_kernel

from tests.kernel.kernels import LIMIT, Kernel


def _kernel(*arguments: str) -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=LIMIT, extra_arguments=list(arguments))
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.fixture
def bare_kernel() -> Iterator[Kernel]:
    """A kernel of its own for one test, without Aura."""
    yield from _kernel()


@pytest.fixture
def own_kernel(bare_kernel: Kernel) -> Kernel:
    """A kernel of its own for one test, with Aura loaded."""
    bare_kernel.ok("%load_ext aura_jupyter")
    return bare_kernel


@pytest.fixture
def configured_kernel() -> Iterator[Kernel]:
    """A kernel that loads Aura before it runs, as a profile's settings say."""
    yield from _kernel("--InteractiveShellApp.extensions=aura_jupyter")


@pytest.fixture
def profile_kernel() -> Iterator[Kernel]:
    """A kernel with Aura and settings of it in its profile."""
    yield from _kernel(
        "--InteractiveShellApp.extensions=aura_jupyter", "--AuraMagics.loop=thread", "--AuraMagics.message_rate=5"
    )


@pytest.fixture(scope="module")
def shared_kernel() -> Iterator[Kernel]:
    """The kernel that the tests of a module share, with Aura loaded."""
    for kernel in _kernel():
        kernel.ok("%load_ext aura_jupyter")
        yield kernel


@pytest.fixture
def kernel(shared_kernel: Kernel) -> Kernel:
    """A kernel with Aura loaded and without variables, for tests that leave nothing behind but variables."""
    shared_kernel.messages.clear()
    shared_kernel.ok("%reset -f")
    return shared_kernel
