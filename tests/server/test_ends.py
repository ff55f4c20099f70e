"""What becomes of tasks when their kernel is interrupted, restarted, killed or shut down, and when the server stops."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
import yaml

from aura_jupyter.client import ApiError, NoServerError
from aura_jupyter.rest import ServedDetail
from tests.server.servers import ASKING, LIMIT, TWO_STEPS, JupyterServer, ServerKernel, running_server, until


def lost(server: JupyterServer, task_id: str) -> ServedDetail:
    """The task, which its listeners are told is lost."""
    updates = list(server.client.events(task_id))
    assert updates[-1].task.status == "LOST"
    return server.client.task(task_id)


def test_an_interrupt_leaves_tasks_alone(server: JupyterServer, own_kernel: ServerKernel) -> None:
    task_id = own_kernel.run_task(ASKING)
    own_kernel.wait_until_running(task_id)
    cell = own_kernel.start("import time; print('holding', flush=True); time.sleep(60)")
    own_kernel.wait_for_text("holding")
    own_kernel.interrupt()
    assert own_kernel.finish(cell).ename == "KeyboardInterrupt"
    assert own_kernel.status(task_id) == "RUNNING"
    server.client.answer(task_id, "ask", "Approve")
    assert server.client.wait(task_id).status == "COMPLETED"


def test_a_restart_loses_what_ran_and_keeps_what_had_ended(server: JupyterServer, own_kernel: ServerKernel) -> None:
    done, running = own_kernel.run_task(TWO_STEPS), own_kernel.run_task(ASKING)
    server.client.wait(done)
    own_kernel.wait_until_running(running)
    own_kernel.restart()
    task = lost(server, running)
    # the kernel's own word, where it came through before its end, would be that it was cancelled
    assert task.reason is not None
    assert "restarted" in task.reason
    assert [step.name for step in task.steps] == ["ask"]
    assert server.client.task(done).status == "COMPLETED"
    assert [each.task_id for each in server.client.tasks(status=["LOST"])][:1] == [running]
    with pytest.raises(ApiError, match="restarted") as refused:
        server.client.cancel(running)
    assert (refused.value.status, refused.value.code) == (409, "kernel-gone")
    with pytest.raises(ApiError) as refused:
        own_kernel.run_task(TWO_STEPS)
    assert refused.value.code == "no-aura"


def test_a_kernel_that_is_killed_is_noticed(server: JupyterServer, own_kernel: ServerKernel) -> None:
    running = own_kernel.run_task(ASKING)
    own_kernel.wait_until_running(running)
    os.kill(int(own_kernel.get("__import__('os').getpid()")), signal.SIGKILL)
    task = lost(server, running)
    assert task.reason is not None
    assert "died" in task.reason


def test_of_a_lost_task_no_secret_is_left_in_its_title(server: JupyterServer, own_kernel: ServerKernel) -> None:
    own_kernel.ok("from aura_jupyter.notebook.door.feed import Feed\nFeed._send = lambda self: None")  # no event comes
    spec = "inputs: [{name: key, type: secret}]\n" + ASKING.replace("meta: {title: Wait for a person}", "")
    title = "Wait with Tr0ub4dor"
    body = {"task_spec": spec, "inputs": {"key": "Tr0ub4dor"}, "title": title, "kernel_id": own_kernel.kernel_id}
    task_id = server.post("tasks/run/ad_hoc", body).json()["task_id"]
    os.kill(int(own_kernel.get("__import__('os').getpid()")), signal.SIGKILL)
    assert lost(server, task_id).title == "Wait with ***"


def test_a_kernel_that_publishes_rubbish_is_heard_all_the_same(server: JupyterServer, own_kernel: ServerKernel) -> None:
    before = server.log.stat().st_size
    code = """
from ipykernel.kernelbase import Kernel
kernel = Kernel.instance()
for frames in ([b"x"], [b"t", b"<IDS|MSG>"], [b"t", b"<IDS|MSG>", b"s", b"{", b"{}", b"{}", b"{}"],
               [b"t", b"<IDS|MSG>", b"s", b"[1]", b"[]", b"{}", b"{}"],
               [b"t", b"<IDS|MSG>", b"s", b"[" * 100_000, b"{}"],
               [b"t", b"<IDS|MSG>", b"s", b'{"msg_type": "aura_event"}', b"{}", b"{}", b"{}"]):
    kernel.iopub_socket.send_multipart(frames)
kernel.session.send(kernel.iopub_socket, "aura_event", {"events": [{"number": "Tr0ub4dor"}]})
"""
    spec = {"steps": [{"action": "python.run", "params": {"code": code}}, *yaml.safe_load(TWO_STEPS)["steps"]]}
    own_kernel.client.stop_channels()  # Jupyter's own clients do not bear it
    assert server.client.wait(own_kernel.run_task(spec)).status == "COMPLETED"
    with server.log.open("rb") as log:
        log.seek(before)
        said = log.read().decode()
    assert "cannot be read" in said
    assert "kernel_client.py" not in said  # no traceback of ours
    assert "Tr0ub4dor" not in said


def test_a_kernel_that_is_shut_down_is_noticed(server: JupyterServer) -> None:
    with server.kernel() as kernel:
        kernel.ok("%load_ext aura_jupyter")
        running = kernel.run_task(ASKING)
        kernel.wait_until_running(running)
    task = server.client.wait(running)
    assert task.status in ("LOST", "CANCELLED")  # the kernel may have had time to say that it cancelled it
    with pytest.raises(ApiError) as refused:
        kernel.run_task(TWO_STEPS)
    assert (refused.value.status, refused.value.code) == (404, "no-kernel")


def test_a_server_that_stops_ends_its_kernels_and_its_streams(tmp_path: Path) -> None:
    with running_server(tmp_path) as own_server:
        stop(own_server)


def stop(own_server: JupyterServer) -> None:
    task_id = own_server.client.run_ad_hoc(ASKING).task_id
    events = own_server.client.events(task_id)
    until(lambda: next(events).task.status == "RUNNING")
    kernels = psutil.Process(own_server.process.pid).children(recursive=True)
    assert kernels
    own_server.process.terminate()
    assert own_server.process.wait(LIMIT) is not None
    _, alive = psutil.wait_procs(kernels, timeout=LIMIT)
    assert alive == []
    with pytest.raises(NoServerError, match="cannot be reached"):
        own_server.client.tasks()
