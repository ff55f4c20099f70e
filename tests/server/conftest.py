"""Real servers with real kernels for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from tornado.httpclient import HTTPResponse
from traitlets.config import Config

from tests.server.servers import JupyterServer, Send, ServerKernel, running_server

pytest_plugins = ["pytest_jupyter.jupyter_server"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """The server that tests share."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
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


# --- servers in the tests' own process, by pytest-jupyter -------------------------------------------------------------


@pytest.fixture
def jp_server_config() -> Config:
    return Config({"ServerApp": {"jpserver_extensions": {"aura_jupyter": True}}})


@pytest.fixture
def send(http_server_client: Any, jp_asyncio_loop: asyncio.AbstractEventLoop, jp_base_url: str) -> Send:
    """Sends a request, with no token but the one that is given."""

    def fetch(verb: str, path: str, headers: dict[str, str] | None = None, body: str = "{}") -> HTTPResponse:
        sending = http_server_client.fetch(
            f"{jp_base_url}{path}",
            method=verb,
            headers={"Content-Type": "application/json", **(headers or {})},
            body=body if verb in ("POST", "PUT", "PATCH") else None,
            allow_nonstandard_methods=True,
            raise_error=False,
            follow_redirects=False,
            request_timeout=60,
        )
        return jp_asyncio_loop.run_until_complete(sending)

    return fetch


@pytest.fixture
def token(jp_auth_header: dict[str, str]) -> dict[str, str]:
    return dict(jp_auth_header)
