"""The Python client: for scripts, and for coroutines."""

from __future__ import annotations

import http.server
import inspect
import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest

from aura_jupyter.client import ApiError, AsyncClient, Client, NoServerError
from tests.server.servers import ASKING, BASE, TOKEN, TWO_STEPS, JupyterServer, ServerKernel

LOGGING = """
steps:
  - name: count
    loop: {for_each: "{{ range(5) }}"}
    action: core.log
    params: {message: "line {{ item }}"}
  - name: ask
    action: human.approve
    params: {message: Go on?}
  - name: last
    action: core.log
    params: {message: the end}
"""


def public(kind: type) -> dict[str, inspect.Signature]:
    return {name: inspect.signature(value) for name, value in vars(kind).items() if not name.startswith("_")}


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    one, other = public(Client), public(AsyncClient)
    assert {name: list(found.parameters.values()) for name, found in one.items()} == {
        name: list(found.parameters.values()) for name, found in other.items()
    }
    assert set(one) >= {"run_ad_hoc", "task", "tasks", "wait", "events", "logs", "cancel", "rerun", "answer", "move"}
    assert set(one) >= {"kernels", "actions", "validate", "close"}


async def test_a_coroutine_runs_a_task_and_hears_of_it(server: JupyterServer, kernel: ServerKernel) -> None:
    async with AsyncClient(server.url, TOKEN) as client:
        accepted = await client.run_ad_hoc(ASKING, kernel_id=kernel.kernel_id, title="By a coroutine")
        async for update in client.events(accepted.task_id):
            if update.task.asks is not None:
                await client.answer(accepted.task_id, update.task.asks, "Approve")
        done = await client.wait(accepted.task_id)
        assert (done.status, done.title) == ("COMPLETED", "Wait for a person")
        again = await client.rerun(accepted.task_id)
        assert [task.task_id for task in await client.tasks(kernel_id=kernel.kernel_id, limit=2)] == [
            again.task_id,
            accepted.task_id,
        ]
        await client.cancel(again.task_id)
        assert (await client.wait(again.task_id)).status == "CANCELLED"
        assert [line.text async for line in client.logs(again.task_id, follow=True)] == []
        assert (await client.validate(TWO_STEPS)).problems == []
        assert (await client.kernels()).kernels
        assert (await client.actions()).actions
        with pytest.raises(ApiError) as refused:
            await client.move(again.task_id, 1)
        assert refused.value.status == 409


def test_a_refusal_carries_the_problems_and_reads_well(server: JupyterServer, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("steps:\n  - {name: a, action: core.lg}\n  - {name: a, action: core.log}\n", "utf-8")
    with pytest.raises(ApiError) as refused:
        server.client.run_ad_hoc(path)
    error = refused.value
    assert (error.status, error.code, {problem.line for problem in error.problems}) == (422, "bad-spec", {2, 3})
    assert "line 2, column 23: " in str(error)
    assert "core.log" in str(error)


def test_a_log_is_followed_to_the_end(server: JupyterServer, kernel: ServerKernel) -> None:
    task_id = kernel.run_task(LOGGING)
    read = []
    for line in server.client.logs(task_id, follow=True):
        read.append(line.text)
        if len(read) == 5:
            server.client.answer(task_id, "ask", "Approve")
    assert read[:5] == [f"line {number}" for number in range(5)]
    assert read[-1] == "the end"
    assert [line.text for line in server.client.logs(task_id, after=1, step="count")] == read[1:5]


# --- where streams break ----------------------------------------------------------------------------------------------


class Cutting(socketserver.ThreadingTCPServer):
    """Passes connections on to a server; cuts each that streams events, for as many times as it is told."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, cuts: int) -> None:
        self.port, self.cuts = port, cuts
        self.asked: list[bytes] = []  # the heads of requests for events
        super().__init__(("127.0.0.1", 0), Passing)


class Passing(socketserver.BaseRequestHandler):
    server: Cutting

    def handle(self) -> None:
        with closing(socket.create_connection(("127.0.0.1", self.server.port))) as upstream:
            threading.Thread(target=self.pass_on, args=(upstream,), daemon=True).start()
            heard = b""
            while data := upstream.recv(65536):
                self.request.sendall(data)
                heard += data
                if b"event: task" in heard and heard.endswith(b"\n\n\r\n") and self.server.cuts > 0:
                    self.server.cuts -= 1
                    return

    def pass_on(self, upstream: socket.socket) -> None:
        try:
            while data := self.request.recv(65536):
                if b"/events HTTP" in data:
                    self.server.asked.append(data.lower())
                upstream.sendall(data)
        except OSError:
            return


@pytest.fixture
def cutting(server: JupyterServer) -> Iterator[Cutting]:
    port = int(server.url.split(":")[2].split("/")[0])
    with Cutting(port, cuts=2) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()


def test_a_stream_that_breaks_is_reached_again_where_it_broke(
    server: JupyterServer, kernel: ServerKernel, cutting: Cutting
) -> None:
    task_id = kernel.run_task(ASKING)
    kernel.wait_until_running(task_id)
    heard = []
    with Client(f"http://127.0.0.1:{cutting.server_address[1]}{BASE}", TOKEN) as client:
        for update in client.events(task_id):
            heard.append((update.number, update.task.status))
            if len(heard) == 1:
                server.client.answer(task_id, "ask", "Approve")
    assert heard[0][1] == "RUNNING"
    assert heard[-1][1] == "COMPLETED"
    numbers = [number for number, _ in heard]
    assert numbers == sorted(set(numbers)), "nothing is told twice"
    assert [b"last-event-id" in head for head in cutting.asked][:2] == [False, True]


# --- finding the server -----------------------------------------------------------------------------------------------


def in_python(server: JupyterServer, code: str, **environment: str) -> str:
    """What a script prints that sees the server's runtime files."""
    variables = {**os.environ, "JUPYTER_RUNTIME_DIR": str(server.runtime), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Rubbish(http.server.BaseHTTPRequestHandler):
    """Streams what no server of ours does: at first a break, and who comes back gets no event that can be read."""

    begins = "id: ü\nid: a\0b\nretry: ²\nretry: {}\nretry: 1\n\n".format("9" * 5_000)
    came_with: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write((self.begins if not self.came_with else "data: {}\n\n").encode())
        self.came_with.append(self.headers["Last-Event-ID"])

    def log_message(self, *_: object) -> None:
        pass


def test_a_stream_of_rubbish_is_an_error_of_the_client_s_own() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Rubbish) as rubbish:
        threading.Thread(target=rubbish.serve_forever, daemon=True).start()
        with Client(f"http://127.0.0.1:{rubbish.server_port}", "x") as client, pytest.raises(ApiError) as refused:
            list(client.events("some"))
        rubbish.shutdown()
    assert refused.value.code == "not-understood"
    assert Rubbish.came_with == [None, None]


def test_the_running_server_is_found_with_its_token(server: JupyterServer) -> None:
    code = "from aura_jupyter.client import Client\nwith Client({}) as client: print(len(client.actions().actions) > 5)"
    assert in_python(server, code.format("")) == "True"
    assert in_python(server, code.format(repr(server.url.replace("127.0.0.1", "localhost")))) == "True"


def test_a_cell_reaches_its_own_server_and_kernel(server: JupyterServer, kernel: ServerKernel) -> None:
    kernel.ok(f"""
from pathlib import Path
from ipykernel import get_connection_file
from aura_jupyter.client import AsyncClient
own = Path(get_connection_file()).stem.removeprefix("kernel-")
async with AsyncClient() as client:
    done = await client.wait((await client.run_ad_hoc({TWO_STEPS!r}, kernel_id=own)).task_id)
""")
    assert kernel.get("own") == repr(kernel.kernel_id)
    assert kernel.get("done.result.value") == "42"


def test_without_a_server_it_says_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(NoServerError, match="Say which one, with its url and token"):
        Client()
    with Client("http://127.0.0.1:9", "x") as client, pytest.raises(NoServerError, match=r"127\.0\.0\.1:9"):
        client.kernels()


def test_a_server_without_the_extension_and_a_wrong_token_are_told_apart(server: JupyterServer) -> None:
    with Client(server.url, "wrong") as client, pytest.raises(ApiError) as refused:
        client.tasks()
    assert (refused.value.status, refused.value.code) == (403, "forbidden")
    with Client(f"{server.url}api", TOKEN) as client, pytest.raises(ApiError, match="Is aura_jupyter installed there"):
        client.tasks()
