"""Real kernels, spoken to as a front end does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

LIMIT = 30.0  # seconds that anything in these tests may take
Message = dict[str, Any]


@dataclass
class Reply:
    """What a cell did: its reply and the messages that it sent while it ran."""

    content: dict[str, Any]
    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> str:
        return str(self.content["status"])

    @property
    def ename(self) -> str:
        return str(self.content.get("ename", ""))

    @property
    def evalue(self) -> str:
        return str(self.content.get("evalue", ""))

    @property
    def traceback(self) -> str:
        """The error as it is shown in the cell, without colours."""
        shown = [
            plain("\n".join(each["content"]["traceback"])) for each in self.messages if each["msg_type"] == "error"
        ]
        return "\n".join(shown)

    @property
    def stdout(self) -> str:
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        return self._stream("stderr")

    def _stream(self, name: str) -> str:
        sent = (each["content"] for each in self.messages if each["msg_type"] == "stream")
        return "".join(content["text"] for content in sent if content["name"] == name)

    @property
    def displays(self) -> list[dict[str, Any]]:
        """The bundles that the cell displayed, the value of the cell aside."""
        return [each["content"]["data"] for each in self.messages if each["msg_type"] == "display_data"]

    @property
    def value(self) -> str | None:
        """The text of the cell's value."""
        results = [
            each["content"]["data"]["text/plain"] for each in self.messages if each["msg_type"] == "execute_result"
        ]
        return results[-1] if results else None


def plain(text: str) -> str:
    """Text without the escape codes of colours."""
    pieces = text.split("\x1b[")
    return pieces[0] + "".join(piece.partition("m")[2] for piece in pieces[1:])


class Kernel:
    """A running kernel and its client."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client
        self.messages: list[Message] = []  # of iopub, in the order they came

    def start(self, code: str, *, allow_stdin: bool = True) -> str:
        """Send a cell and do not wait for it."""
        return str(self.client.execute(code, allow_stdin=allow_stdin, stop_on_error=False))

    def finish(self, cell: str, *, ignore_unfinished: bool = False) -> Reply:
        """Wait for the end of a cell that was sent."""
        self.wait_for(lambda message: is_idle(message, cell))
        reply = self.client.get_shell_msg(timeout=LIMIT)
        while reply["parent_header"].get("msg_id") != cell:
            reply = self.client.get_shell_msg(timeout=LIMIT)
        return Reply(reply["content"], [each for each in self.messages if each["parent_header"].get("msg_id") == cell])

    def run(self, code: str, *, allow_stdin: bool = True) -> Reply:
        """Run a cell to its end."""
        return self.finish(self.start(code, allow_stdin=allow_stdin))

    def ok(self, code: str, *, allow_stdin: bool = True) -> Reply:
        """Run a cell that must not fail."""
        reply = self.run(code, allow_stdin=allow_stdin)
        assert reply.status == "ok", reply.traceback or reply.content
        return reply

    def fails(self, code: str, *, allow_stdin: bool = True) -> Reply:
        """Run a cell that must fail, with an error that nbval would see."""
        reply = self.run(code, allow_stdin=allow_stdin)
        assert reply.status == "error", [each["content"] for each in reply.messages]
        assert reply.traceback, "no error message came"
        return reply

    def get(self, expression: str) -> str:
        """The text of the value of an expression."""
        value = self.ok(expression).value
        assert value is not None
        return value

    def wait_for(self, found: Callable[[Message], bool], start: int = 0, limit: float = LIMIT) -> Message:
        """The first message that satisfies, of those that came already (from number `start`) and those to come."""
        end = time.monotonic() + limit
        seen = start
        while True:
            for message in self.messages[seen:]:
                seen += 1
                if found(message):
                    return message
            try:
                self.messages.append(self.client.get_iopub_msg(timeout=max(0.0, end - time.monotonic())))
            except Empty:
                last = [f"{each['msg_type']} {str(each['content'])[:200]}" for each in self.messages[-20:]]
                raise AssertionError(f"no such message in {limit} s; the last ones: {last}") from None

    def wait_for_text(self, text: str, start: int = 0) -> Message:
        """The first piece of printed text that holds this."""
        return self.wait_for(lambda message: text in message["content"].get("text", ""), start)

    def interrupt(self) -> None:
        """What the front end's Interrupt button does."""
        self.manager.interrupt_kernel()


def is_idle(message: Message, cell: str) -> bool:
    """Whether this message says that a cell has ended."""
    ours = message["parent_header"].get("msg_id") == cell
    return ours and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
