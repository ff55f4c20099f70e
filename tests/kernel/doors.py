"""Programs at a kernel's door: each a client with a session of its own, as a server's is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.session import Session

from aura_jupyter.messages import (
    EVENT,
    REPLY,
    REQUEST,
    ActionList,
    Completed,
    Done,
    Failure,
    Form,
    HelloAnswer,
    Inspected,
    LogPage,
    Model,
    Reply,
    StepAnswer,
    Submitted,
    Subscribed,
    TaskDetail,
    TaskEvent,
    TaskList,
    Validated,
)
from aura_jupyter.protocol import TARGET
from tests.kernel.kernels import LIMIT, Kernel, Message

ANSWERS: dict[str, type[Model]] = {
    "hello": HelloAnswer, "subscribe": Subscribed, "unsubscribe": Done, "run_ad_hoc": Submitted, "tasks": TaskList,
    "task": TaskDetail, "step": StepAnswer, "logs": LogPage, "cancel": Done, "move": Done, "rerun": Submitted,
    "answer": Done, "actions": ActionList, "validate": Validated, "complete": Completed, "inspect": Inspected,
    "inputs": Form,
}  # fmt: skip


class Program:
    """A program that speaks to a kernel."""

    def __init__(self, kernel: Kernel) -> None:
        key, scheme = kernel.manager.session.key, kernel.manager.session.signature_scheme
        self.client: BlockingKernelClient = kernel.manager.client(session=Session(key=key, signature_scheme=scheme))
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LIMIT) if not kernel.client.is_alive() else None
        self.iopub: list[Message] = []
        self._replies: dict[str, Reply] = {}

    def close(self) -> None:
        self.client.stop_channels()

    # --- requests -----------------------------------------------------------------------------------------------------

    def send(self, content: Any) -> str:
        """Send a request; gives the id of its message."""
        message = self.client.session.msg(REQUEST, content)
        self.client.control_channel.send(message)
        return str(message["header"]["msg_id"])

    def reply(self, message_id: str) -> Reply:
        """The reply to a request."""
        end = time.monotonic() + LIMIT
        while message_id not in self._replies:
            message = self.client.get_control_msg(timeout=max(0.0, end - time.monotonic()))
            if message["msg_type"] == REPLY:
                self._replies[message["parent_header"]["msg_id"]] = Reply(**message["content"])
        return self._replies.pop(message_id)

    def ask(self, kind: str, **content: Any) -> Any:
        """Ask, and read the answer as its model."""
        reply = self.reply(self.send({"kind": kind, **content}))
        assert reply.status == "ok", reply.failure
        assert reply.answer is not None
        return ANSWERS[kind](**reply.answer) if kind in ANSWERS else reply.answer

    def refused(self, kind: str, **content: Any) -> Failure:
        """Ask something that is refused."""
        reply = self.reply(self.send({"kind": kind, **content}))
        assert reply.status == "error", reply.answer
        assert reply.failure is not None
        return reply.failure

    def run(self, spec: str | dict[str, Any], **content: Any) -> str:
        """Run a task; gives its id."""
        return str(self.ask("run_ad_hoc", task_spec=spec, **content).task_id)

    def until(self, task_id: str, holds: Callable[[TaskDetail], bool] = lambda task: task.ended_at is not None) -> Any:
        """The task, once this holds of it; asked again and again, as a program does that does not subscribe."""
        end = time.monotonic() + LIMIT
        while not holds(task := self.ask("task", task_id=task_id)):
            assert time.monotonic() < end, task
            time.sleep(0.02)
        return task

    # --- what comes by itself -----------------------------------------------------------------------------------------

    def wait_for(self, found: Callable[[Message], bool]) -> Message:
        """The first message on IOPub that satisfies, of those that came already and those to come."""
        end, seen = time.monotonic() + LIMIT, 0
        while True:
            for message in self.iopub[seen:]:
                seen += 1
                if found(message):
                    return message
            try:
                self.iopub.append(self.client.get_iopub_msg(timeout=max(0.0, end - time.monotonic())))
            except Empty:
                raise AssertionError(f"no such message: {[each['msg_type'] for each in self.iopub]}") from None

    @property
    def events(self) -> list[TaskEvent]:
        """The events that have come so far."""
        sent = (message["content"]["events"] for message in self.iopub if message["msg_type"] == EVENT)
        return [TaskEvent(**event) for events in sent for event in events]

    def wait_for_event(self, found: Callable[[TaskEvent], bool]) -> TaskEvent:
        """The first event that satisfies."""

        def holds(message: Message) -> bool:
            return message["msg_type"] == EVENT and any(found(TaskEvent(**e)) for e in message["content"]["events"])

        message = self.wait_for(holds)
        return next(event for each in message["content"]["events"] if found(event := TaskEvent(**each)))

    # --- as a page ----------------------------------------------------------------------------------------------------

    def open(self, comm_id: str, **said: Any) -> None:
        """Open a comm of the hub."""
        content = {"comm_id": comm_id, "target_name": TARGET, "data": {"protocol": 1, **said}}
        self.client.shell_channel.send(self.client.session.msg("comm_open", content))

    def say(self, comm_id: str, **said: Any) -> None:
        """Say something on a comm of the hub."""
        content = {"comm_id": comm_id, "data": {"protocol": 1, **said}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))

    def heard(self, comm_id: str, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What the kernel says on a comm, the first that satisfies."""

        def holds(message: Message) -> bool:
            content = message["content"]
            ours = message["msg_type"] == "comm_msg" and content["comm_id"] == comm_id
            return ours and found(content["data"])

        data: dict[str, Any] = self.wait_for(holds)["content"]["data"]
        return data


@contextmanager
def program(kernel: Kernel) -> Iterator[Program]:
    """A program that speaks to a kernel, for a while."""
    made = Program(kernel)
    try:
        yield made
    finally:
        made.close()
