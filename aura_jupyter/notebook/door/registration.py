"""Where the door hangs in the kernel: it takes requests in the control thread and sees to it that none holds that up.

The control channel also serves interrupt and shutdown. So what takes long is done in threads, and answered later.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from ...engine.executors import Threads
from ...protocol import PROTOCOL, REPLY, REQUEST
from .greeting import greeting, greets
from .hub import Hub

if TYPE_CHECKING:
    from ..notebook import Notebook
    from .answers import Answers

DEADLINE = 2.0  # seconds that something which must run on a task's loop may wait for it
_SIDE_BY_SIDE = 8  # requests of one lane

Json = dict[str, Any]
Send = Callable[[Json], None]


class Door:
    """The door of one kernel.

    Args:
        kernel: the ipykernel.

    Attributes:
        notebook: the notebook, where Aura is loaded as an extension.
    """

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.notebook: Notebook | None = None
        self._threads = Threads()
        self._lanes: dict[str, asyncio.Semaphore] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._answers: Answers | None = None
        self._making = threading.Lock()
        self._handler = self._take
        kernel.control_handlers[REQUEST] = self._handler

    @property
    def is_open(self) -> bool:
        """Whether it takes requests."""
        return self.kernel.control_handlers.get(REQUEST) is self._handler

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that the kernel's cells run on; None before it runs."""
        loop: asyncio.AbstractEventLoop | None = getattr(getattr(self.kernel, "io_loop", None), "asyncio_loop", None)
        return loop

    @property
    def answers(self) -> Answers:
        """What answers, made at the first request."""
        with self._making:
            if self._answers is None:
                from .answers import Answers  # noqa: PLC0415 - slow: it needs the models of the messages

                self._answers = Answers(self)
            return self._answers

    def close(self) -> None:
        """Take no more requests."""
        if self.is_open:
            del self.kernel.control_handlers[REQUEST]
        _doors.pop(id(self.kernel), None)
        if self._answers is not None:
            self._answers.close()
        self._threads.close()

    def _take(self, stream: Any, identities: Any, parent: Json) -> None:
        """A handler of the control channel: answers at once, or lets that be done elsewhere."""

        def send(reply: Json) -> None:
            self._send(stream, identities, parent, reply)

        content = parent.get("content")
        if self._answers is not None:
            self._answer(content, send)
        elif greets(content):  # in its turn, by which a kernel without Aura is known: that one says nothing
            send({"status": "ok", "protocol": PROTOCOL, "answer": greeting(self.notebook), "failure": None})
        else:
            self._later(self._import_and_answer(content, send))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _import_and_answer(self, content: object, send: Send) -> None:
        good, error = await self._threads.call(asyncio.get_running_loop(), lambda: self.answers)
        if good:
            self._answer(content, send)
            return
        self.kernel.log.error("What answers requests could not be imported.", exc_info=error)
        failure = {"code": "failed", "message": f"aura_jupyter cannot be imported there: {type(error).__name__}"}
        send({"status": "error", "protocol": PROTOCOL, "answer": None, "failure": failure})

    def _answer(self, content: object, send: Send) -> None:
        request = self.answers.read(content)
        lane = self.answers.lane(request)
        if lane == "here":
            send(self.answers.reply(request))
        else:
            self._later(self._answer_later(request, lane, send))

    async def _answer_later(self, request: Any, lane: str, send: Send) -> None:
        async with self._lanes.setdefault(lane, asyncio.Semaphore(_SIDE_BY_SIDE)):
            send(await (self._on_loop(request) if lane == "loop" else self._in_thread(request)))

    async def _in_thread(self, request: Any) -> Json:
        good, reply = await self._threads.call(asyncio.get_running_loop(), lambda: self.answers.reply(request))
        if not good:
            raise reply
        answer: Json = reply
        return answer

    async def _on_loop(self, request: Any) -> Json:
        """Answer on the loop of the task that is asked about; where a cell holds that, it is done when it is free."""
        done: Future[Json] = Future()
        loop = self.answers.loop_for(request)
        if loop is not None:
            work = lambda: done.set_result(self.answers.reply(request))  # noqa: E731 - one line, and a name
            loop.call_soon_threadsafe(work, context=contextvars.Context())
        else:
            done.set_result(self.answers.reply(request))
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(done)), DEADLINE)
        except TimeoutError:
            return self.answers.busy()

    def _send(self, stream: Any, identities: Any, parent: Json, reply: Json) -> None:
        session = self.kernel.session
        try:
            session.send(stream, REPLY, reply, parent, ident=identities)
        except (TypeError, ValueError) as error:  # some text in it cannot be sent
            self.kernel.log.exception("An answer could not be sent.")
            session.send(stream, REPLY, self.answers.failed(error), parent, ident=identities)


_doors: dict[int, Door] = {}


def door_of(kernel: Any) -> Door | None:
    """The door of a kernel, opened at the first call; None where it has no control channel that can be listened to."""
    if not isinstance(getattr(kernel, "control_handlers", None), dict):
        return None
    if id(kernel) not in _doors:
        _doors[id(kernel)] = Door(kernel)
    return _doors[id(kernel)]


def open_for(kernel: Any, notebook: Notebook) -> Callable[[], None]:
    """Open the door of a kernel in which Aura is loaded; gives what closes it."""
    door = door_of(kernel)
    if door is None:
        return lambda: None
    door.notebook = notebook
    hub = Hub(door, notebook)

    def close() -> None:
        hub.close()
        door.close()

    return close


def open_door() -> None:
    """Open the door of the kernel that this process is; nothing happens where it is none."""
    kernels = sys.modules.get("ipykernel.kernelbase")
    if kernels is not None and kernels.Kernel.initialized():
        door_of(kernels.Kernel.instance())
