"""A Jupyter server in a process of its own, and its kernels, spoken to as people's programs do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from jupyter_client.blocking import BlockingKernelClient
from tornado.httpclient import HTTPResponse

from aura_jupyter.client import Client
from tests.kernel.kernels import Kernel

LIMIT = 100.0  # seconds that anything in these tests may take
TOKEN = "a-token-for-tests"
BASE = "/some%20base/"
OTHERS = ("jupyter_lsp", "jupyter_server_terminals", "jupyterlab", "notebook", "notebook_shim")
SETTINGS = {"ServerApp": {"jpserver_extensions": {"aura_jupyter": True, **dict.fromkeys(OTHERS, False)}}}
T = TypeVar("T")
Send = Callable[..., HTTPResponse]

TWO_STEPS = """
steps:
  - name: first
    action: core.log
    params: {message: one}
  - name: second
    action: core.log
    params: {message: two}
returns: "{{ 6 * 7 }}"
"""
ASKING = """
meta: {title: Wait for a person}
steps:
  - name: ask
    action: human.approve
    params: {message: Go on?}
returns: "{{ steps.ask.output }}"
"""


def until(found: Callable[[], T | None]) -> T:
    """Wait until something is there."""
    end = time.monotonic() + LIMIT
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < end, f"not in {LIMIT:g} s"
        time.sleep(0.05)


class JupyterServer:
    """A running server."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], runtime: Path, log: Path) -> None:
        self.url, self.process, self.runtime, self.log = url, process, runtime, log
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"token {TOKEN}"}, timeout=LIMIT)
        self.client = Client(url, TOKEN)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(f"aura/{path}", params=query)

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.http.post(f"aura/{path}", json=body)

    @contextmanager
    def kernel(self) -> Iterator[ServerKernel]:
        """A kernel as a notebook has it, ended afterwards."""
        started = self.http.post("api/kernels", json={"name": "python3"})
        started.raise_for_status()
        kernel = ServerKernel(self, started.json()["id"])
        try:
            yield kernel
        finally:
            kernel.client.stop_channels()
            self.http.delete(f"api/kernels/{kernel.kernel_id}")

    def close(self) -> None:
        """Stop it as a person does."""
        self.client.close()
        self.http.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(LIMIT)


class ServerKernel(Kernel):
    """A kernel of a server; cells are sent on connections of the test's own, as a second front end."""

    def __init__(self, server: JupyterServer, kernel_id: str) -> None:
        self.server, self.kernel_id = server, kernel_id
        client = BlockingKernelClient(connection_file=str(server.runtime / f"kernel-{kernel_id}.json"))
        client.load_connection_file()
        client.start_channels(hb=False)  # on a busy machine a slow heartbeat is taken for death
        client.wait_for_ready(timeout=LIMIT)
        super().__init__(None, client)  # type: ignore[arg-type]

    def interrupt(self) -> None:
        """What the front end's Interrupt button does."""
        self._do("interrupt")

    def restart(self) -> None:
        """What the front end's Restart button does."""
        self._do("restart")

    def _do(self, what: str) -> None:
        self.server.http.post(f"api/kernels/{self.kernel_id}/{what}").raise_for_status()

    def run_task(self, spec: Any, inputs: dict[str, Any] | None = None) -> str:
        """Run a task in it over REST; gives the id."""
        return self.server.client.run_ad_hoc(spec, inputs, kernel_id=self.kernel_id).task_id

    def status(self, task_id: str) -> str:
        """What the server says of a task."""
        return self.server.client.task(task_id).status

    def wait_until_running(self, task_id: str) -> None:
        """Wait until a task runs."""
        until(lambda: self.status(task_id) == "RUNNING")


@contextmanager
def running_server(folder: Path, *arguments: str) -> Iterator[JupyterServer]:
    """A server with no settings of the person's."""
    folders = {
        name: folder / name.lower() for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    work = folder / "work"
    for each in (*folders.values(), work):
        each.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    (folders["JUPYTER_CONFIG_DIR"] / "jupyter_server_config.json").write_text(json.dumps(SETTINGS), "utf-8")
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={port}"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.base_url={BASE}", "--ServerApp.port_retries=0"),
        *arguments,
    ]
    environment = {**os.environ, **{name: str(path) for name, path in folders.items()}}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=work, env=environment, stdout=output, stderr=output)
    server = JupyterServer(f"http://127.0.0.1:{port}{BASE}", process, folders["JUPYTER_RUNTIME_DIR"], log)
    try:
        until(lambda: _answers(server))
        yield server
    finally:
        server.close()


def _answers(server: JupyterServer) -> bool:
    assert server.process.poll() is None, server.log.read_text("utf-8")
    try:
        return server.get("kernels").is_success
    except httpx.TransportError:
        return False
