"""The stream of what happens to a task."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest

from aura_jupyter.client import AsyncClient
from aura_jupyter.messages import StepInfo, TaskEvent, TaskSummary
from aura_jupyter.rest import ServedUpdate
from aura_jupyter.server.tasks import RING, WHOLE, KnownTask, KnownTasks
from tests.server.servers import ASKING, LIMIT, TOKEN, TWO_STEPS, JupyterServer, ServerKernel

Block = dict[str, str]


@contextmanager
def stream(server: JupyterServer, task_id: str, last: str = "") -> Iterator[Iterator[Block]]:
    """The blocks of a stream as they come, without comments."""
    headers = {"Last-Event-ID": last} if last else {}
    with server.http.stream("GET", f"aura/tasks/{task_id}/events", headers=headers, timeout=LIMIT) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        yield blocks(response)


def blocks(response: httpx.Response) -> Iterator[Block]:
    block: Block = {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if line and name:
            block[name] = value
        elif block:
            yield block
            block = {}


def summary(task_id: str) -> TaskSummary:
    return TaskSummary(
        task_id=task_id, name=None, title="A", status="RUNNING", phrase="Running", queued_at=datetime.now(UTC),
        steps_done=0, steps_total=1, steps_failed=0,
    )  # fmt: skip


def test_of_many_ended_tasks_only_the_last_ones_keep_what_listeners_may_have_missed() -> None:
    known = KnownTasks()
    step = StepInfo(row="0", name="a", status="RUNNING", action="core.log")
    for number in range(3 * WHOLE):
        task = summary(f"task-{number}")
        for told in range(RING):
            known.happened("kernel", TaskEvent(number=told + 1, task=task, steps=[step]))
        known.happened("kernel", TaskEvent(number=0, task=task.model_copy(update={"status": "COMPLETED"})))
    kept = [each for each in gc.get_objects() if type(each) is ServedUpdate]
    assert len(kept) <= RING * WHOLE
    first = known.get("task-0")
    assert first is not None
    assert first.ended


def test_a_kernel_speaks_for_its_own_tasks_alone() -> None:
    known = KnownTasks()
    known.add("one", summary("task"))
    known.happened("another", TaskEvent(number=1, task=summary("task").model_copy(update={"status": "FAILED"})))
    found = known.get("task")
    assert found is not None
    assert found.summary.status == "RUNNING"


def status(block: Block) -> str:
    return str(json.loads(block["data"])["task"]["status"])


def test_a_stream_begins_with_how_the_task_stands_and_ends_with_its_end(
    server: JupyterServer, kernel: ServerKernel
) -> None:
    task_id = kernel.run_task(ASKING)
    kernel.wait_until_running(task_id)
    with stream(server, task_id) as events:
        assert next(events) == {"retry": "1000"}
        first = next(events)
        assert first["event"] == "task"
        assert status(first) == "RUNNING"
        whole = json.loads(first["data"])
        assert (whole["whole"], [step["name"] for step in whole["steps"]]) == (True, ["ask"])
        server.client.answer(task_id, "ask", "Approve")
        rest = list(events)
    assert status(rest[-1]) == "COMPLETED"
    assert "COMPLETED" not in [status(block) for block in rest[:-1]]
    numbers = [json.loads(block["data"])["number"] for block in (first, *rest)]
    assert numbers == sorted(set(numbers))


def test_who_comes_back_hears_what_came_since_and_nothing_twice(server: JupyterServer, kernel: ServerKernel) -> None:
    task_id = kernel.run_task(ASKING)
    kernel.wait_until_running(task_id)
    with stream(server, task_id) as events:
        heard = [next(events), next(events)][-1]
    server.client.answer(task_id, "ask", "Approve")
    with stream(server, task_id, heard["id"]) as events:
        since = list(events)[1:]
    assert heard["id"] not in [block["id"] for block in since]
    assert status(since[-1]) == "COMPLETED"
    with stream(server, task_id, heard["id"]) as events:
        assert list(events)[1:] == since
    over = server.http.get(f"aura/tasks/{task_id}/events", headers={"Last-Event-ID": since[-1]["id"]})
    assert over.status_code == 204, "a browser would come back for ever"


def test_an_id_that_is_none_of_this_stream_gets_the_whole_task(server: JupyterServer, kernel: ServerKernel) -> None:
    task_id = kernel.run_task(TWO_STEPS)
    server.client.wait(task_id)
    for last in ("none", "00000000-1", "-1", "1-" + "9" * 5000):
        with stream(server, task_id, last) as events:
            [_, only] = list(events)
        assert (status(only), len(json.loads(only["data"])["steps"])) == ("COMPLETED", 2)


async def _hear(server: JupyterServer, task_id: str, listening: asyncio.Event, most: int) -> list[list[str]]:
    begun: set[int] = set()

    async def one(client: AsyncClient, number: int) -> list[str]:
        heard = []
        async for update in client.events(task_id):
            heard.append(update.task.status)
            begun.add(number)
            if len(begun) == most:
                listening.set()
        return heard

    async with AsyncClient(server.url, TOKEN) as client:
        return await asyncio.gather(*(one(client, number) for number in range(most)))


def test_many_listeners_cost_the_kernel_no_more_than_one(server: JupyterServer, own_kernel: ServerKernel) -> None:
    task_id = own_kernel.run_task(ASKING)
    own_kernel.wait_until_running(task_id)
    listening = threading.Event()

    def hear() -> list[list[str]]:
        async def all_of_them() -> list[list[str]]:
            told = asyncio.Event()
            watch = asyncio.create_task(told.wait())
            watch.add_done_callback(lambda _: listening.set())
            return await _hear(server, task_id, told, 50)

        return asyncio.run(all_of_them())

    with ThreadPoolExecutor(1) as pool:
        hearing = pool.submit(hear)
        assert listening.wait(LIMIT)
        server.client.answer(task_id, "ask", "Approve")
        heard = hearing.result(LIMIT)
    assert [each[-1] for each in heard] == ["COMPLETED"] * 50
    own_kernel.ok("0")
    sent = [
        event["number"]
        for message in own_kernel.messages
        if message["msg_type"] == "aura_event"
        for event in message["content"]["events"]
    ]
    assert sent == sorted(set(sent)), "each event went out once"
    asked = [m for m in own_kernel.messages if m["parent_header"].get("msg_type") == "aura_request"]
    requests = {message["parent_header"]["msg_id"] for message in asked}
    assert len(requests) < 50


def test_nothing_is_published_while_nobody_listens(server: JupyterServer, own_kernel: ServerKernel) -> None:
    own_kernel.ok(f"import aura_jupyter as aura\ntask = aura.submit({TWO_STEPS!r})")
    own_kernel.ok("await task")
    own_kernel.ok("import asyncio; await asyncio.sleep(0.3)")
    assert "aura_event" not in [message["msg_type"] for message in own_kernel.messages]
    assert [task.status for task in server.client.tasks(kernel_id=own_kernel.kernel_id)] == ["COMPLETED"]


def test_a_task_that_the_notebook_started_is_followed_too(server: JupyterServer, kernel: ServerKernel) -> None:
    kernel.ok(f"import aura_jupyter as aura\ntask = aura.submit({ASKING!r})")
    task_id = kernel.get("task.task_id").strip("'")
    with stream(server, task_id) as events:
        assert status([next(events), next(events)][-1]) in ("QUEUED", "RUNNING")
        kernel.ok("task.cancel()")
        assert status(list(events)[-1]) == "CANCELLED"


async def test_a_quiet_stream_says_that_it_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_jupyter.server.tasks.COMMENT", 0.01)
    updates = KnownTask("kernel", summary("a")).updates(None)
    first = await anext(updates)
    assert first is not None
    assert [await anext(updates), await anext(updates)] == [None, None]


async def test_a_reader_that_is_woken_for_nothing_gets_to_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_jupyter.server.tasks.COMMENT", 1000 * LIMIT)
    known = KnownTask("kernel", summary("a"))
    updates = known.updates(None)
    await anext(updates)
    reading = asyncio.ensure_future(anext(updates))
    await asyncio.sleep(0)  # it waits
    known.wake()
    async with asyncio.timeout(LIMIT):
        assert await reading is None
