"""Kernels that the server starts for tasks that name none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.httpclient import HTTPResponse

from tests.server.servers import ASKING, TWO_STEPS, JupyterServer, Send, running_server, until


@pytest.fixture(scope="module")
def idle_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server that ends its own kernels, of which there may be two, after a second, with two streams at most."""
    arguments = (
        "--AuraServer.kernel_idle_seconds=1",
        "--AuraServer.max_kernels=2",
        "--AuraServer.max_streams=2",
    )
    with running_server(tmp_path_factory.mktemp("idle"), *arguments) as server:
        yield server


@pytest.fixture
def own_server(idle_server: JupyterServer) -> JupyterServer:
    """That server, with no kernel."""
    until(lambda: not kernel_ids(idle_server))
    return idle_server


def kernel_ids(server: JupyterServer) -> set[str]:
    return {kernel.kernel_id for kernel in server.client.kernels().kernels}


def test_a_task_without_a_kernel_gets_one_that_the_next_ones_share(own_server: JupyterServer) -> None:
    first = own_server.client.run_ad_hoc(ASKING)
    [kernel] = own_server.client.kernels().kernels
    assert (kernel.kernel_id, kernel.own, kernel.notebook) == (first.kernel_id, True, None)
    second = own_server.client.run_ad_hoc(ASKING)  # the first has a task, and there may be two
    third = own_server.client.run_ad_hoc(ASKING)
    assert second.kernel_id != first.kernel_id
    assert third.kernel_id in kernel_ids(own_server) == {first.kernel_id, second.kernel_id}
    for task in (first, second, third):
        own_server.client.cancel(task.task_id)


def test_an_idle_one_is_ended_and_results_outlive_it(own_server: JupyterServer) -> None:
    task_id = own_server.client.run_ad_hoc(TWO_STEPS).task_id
    own_server.client.wait(task_id)
    until(lambda: not kernel_ids(own_server))
    task = own_server.client.task(task_id)
    assert task.status == "COMPLETED"
    assert task.result is not None
    assert task.result.value == 42
    assert own_server.client.tasks()[0].task_id == task_id
    assert own_server.get(f"tasks/{task_id}/logs").json()["code"] == "kernel-gone"


def test_a_stream_more_than_there_may_be_is_refused_until_one_ends(own_server: JupyterServer) -> None:
    task_id = own_server.client.run_ad_hoc(ASKING).task_id
    streams = [own_server.client.events(task_id) for _ in range(2)]
    for each in streams:
        next(each)
    response = own_server.get(f"tasks/{task_id}/events")
    assert (response.status_code, response.json()["code"]) == (429, "too-many")
    assert int(response.headers["Retry-After"]) > 0

    def is_open() -> bool:
        with own_server.http.stream("GET", f"aura/tasks/{task_id}/events") as stream:
            return stream.is_success

    streams[0].close()  # type: ignore[attr-defined]
    until(is_open)
    own_server.client.cancel(task_id)
    assert [update.task.status for update in streams[1]][-1:] == ["CANCELLED"]


def test_one_that_a_task_runs_in_is_not_ended(own_server: JupyterServer) -> None:
    waiting = own_server.client.run_ad_hoc(ASKING)
    done = own_server.client.run_ad_hoc(TWO_STEPS)  # in the other one
    own_server.client.wait(done.task_id)
    until(lambda: kernel_ids(own_server) == {waiting.kernel_id})
    own_server.client.answer(waiting.task_id, "ask", "Approve")
    assert own_server.client.wait(waiting.task_id).status == "COMPLETED"


def test_idle_ones_are_ended_though_a_person_ends_one_meanwhile(own_server: JupyterServer, tmp_path: Path) -> None:
    client, ending = own_server.client, tmp_path / "ending"
    slow, other = client.run_ad_hoc(ASKING), client.run_ad_hoc(ASKING)
    code = (
        f"import atexit, pathlib, time\natexit.register(lambda: (pathlib.Path({str(ending)!r}).touch(), time.sleep(4)))"
    )
    spec = {"steps": [{"action": "python.run", "params": {"code": code}}]}
    client.wait(client.run_ad_hoc(spec, kernel_id=slow.kernel_id).task_id)
    client.cancel(slow.task_id)
    until(ending.exists)
    client.cancel(other.task_id)
    client.wait(other.task_id)
    own_server.http.delete(f"api/kernels/{other.kernel_id}").raise_for_status()
    client.wait(client.run_ad_hoc(TWO_STEPS).task_id)
    until(lambda: not kernel_ids(own_server))


def refused(response: HTTPResponse) -> tuple[int, str]:
    return response.code, json.loads(response.body)["detail"]


@pytest.mark.parametrize("jp_argv", [["--AuraServer.max_kernels=0"]])
def test_a_server_may_be_set_to_start_none(send: Send, token: dict[str, str]) -> None:
    status, detail = refused(send("POST", "aura/tasks/run/ad_hoc", token, json.dumps({"task_spec": TWO_STEPS})))
    assert (status, "`kernel_id`" in detail) == (404, True)


@pytest.mark.parametrize("jp_argv", [["--AuraServer.kernel_name=none-such"]])
def test_a_kernelspec_that_is_not_there_is_named(send: Send, token: dict[str, str]) -> None:
    status, detail = refused(send("POST", "aura/tasks/run/ad_hoc", token, json.dumps({"task_spec": TWO_STEPS})))
    assert (status, "'none-such'" in detail, "AuraServer.kernel_name" in detail) == (500, True, True)
