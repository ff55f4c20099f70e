"""One client for each kernel: requests on the control channel, matched with their replies, and events on IOPub.

It has a session of its own: one that shares the manager's would take the replies of the manager's other clients.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, Protocol, TypeVar, cast
from uuid import uuid4

from jupyter_client.session import Session
from pydantic import BaseModel, ValidationError

from .. import messages
from ..messages import (
    EVENT,
    PROTOCOL,
    REPLY,
    REQUEST,
    Events,
    HelloAnswer,
    Reply,
    Request,
    Subscribed,
    TaskEvent,
    mistakes,
)
from .problems import Refusal, of_failure

_log = logging.getLogger(__name__)
_INFO = "kernel_info_request"
_BRIEF = 5.0  # seconds of a lease that are not enough to rely on
NUDGE = 0.5  # seconds to wait for what shows that events arrive, before asking again

A = TypeVar("A", bound=BaseModel)
Frames = list[bytes]


class Manager(Protocol):
    """What is asked of a kernel's manager."""

    session: Session

    @property
    def ports(self) -> list[int]: ...  # noqa: D102
    def connect_control(self, identity: bytes | None = None) -> Any: ...  # noqa: D102
    def connect_iopub(self, identity: bytes | None = None) -> Any: ...  # noqa: D102


class Listener(Protocol):
    """Who is told what a kernel does."""

    def happened(self, kernel_id: str, event: TaskEvent) -> None:
        """A task has changed."""

    def missed(self, kernel_id: str) -> None:
        """Events were lost: look at all of its tasks."""

    def restarted(self, kernel_id: str) -> None:
        """Another process answers in the kernel's name: what ran in the old one is gone."""


class KernelClient:
    """Speaks to a kernel's Aura. All of it belongs on the server's event loop.

    Args:
        kernel_id: the server's name for the kernel.
        manager: of the kernel.
        listener: who is told of events.
        deadline: seconds that a reply may take.
    """

    def __init__(self, kernel_id: str, manager: Manager, listener: Listener, deadline: float) -> None:
        self.kernel_id = kernel_id
        self.deadline = deadline
        self.last = 0  # the number of the last event that came
        self._manager = manager
        self._listener = listener
        self._session = Session(key=manager.session.key, signature_scheme=manager.session.signature_scheme)
        self._subscriber = f"server-{uuid4().hex}"
        self._process = ""  # the session of the kernel's process: another one after a restart
        self._hello: HelloAnswer | None = None
        self._has_no_aura = False  # holds until the kernel runs something
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._heard = asyncio.Event()  # whether IOPub has been heard since it was connected
        self._subscribing = asyncio.Lock()
        self._lease_ends = 0.0  # by the loop's clock
        self._connect()

    # --- requests -----------------------------------------------------------------------------------------------------

    async def hello(self) -> HelloAnswer:
        """Who is there, now.

        Raises:
            Refusal: no Aura, an Aura that speaks another protocol, or no answer.
        """
        if self._has_no_aura:
            raise _no_aura(self.kernel_id)
        asked, reply = self._send(messages.Hello())
        other, info = self._send_raw(_INFO, {})  # answered after our request, so its answer alone says: no Aura
        try:
            async with asyncio.timeout(self.deadline):
                await asyncio.wait({reply, info}, return_when=asyncio.FIRST_COMPLETED)
                if not reply.done():
                    info.result()
                    self._has_no_aura = True
                    raise _no_aura(self.kernel_id)
                self._hello = _answer(await reply, HelloAnswer)
        except TimeoutError:
            raise _no_answer(self.deadline) from None
        finally:
            self._drop(asked, other)
        return self._hello

    async def ask(self, request: Request, answer: type[A]) -> A:
        """Send a request and give its answer.

        Args:
            request: what to ask.
            answer: the class that belongs to it.

        Raises:
            Refusal: the kernel refused it, did not answer in time, or ended meanwhile.
        """
        if self._hello is None:
            await self.hello()
        asked, reply = self._send(request)
        try:
            async with asyncio.timeout(self.deadline):
                return _answer(await reply, answer)
        except TimeoutError:
            self._hello = None  # Aura may have been unloaded
            raise _no_answer(self.deadline) from None
        finally:
            self._drop(asked)

    async def listen(self, *, renew: bool = False) -> None:
        """Have events come from now on; they do when this returns.

        Args:
            renew: begin the lease anew where half of it is over, not only where it is about to end.

        Raises:
            Refusal: see `ask`.
        """
        enough = messages.LEASE / 2 if renew else _BRIEF
        if self._lease > enough:
            return
        async with self._subscribing:
            if self._lease > enough:
                return
            new = self._lease <= 0
            if self._hello is None:
                await self.hello()
            subscribed = await self._subscribe()
            self._lease_ends = asyncio.get_running_loop().time() + subscribed.lease
            if new or subscribed.last > self.last:
                self.last = max(self.last, subscribed.last)
                self._listener.missed(self.kernel_id)

    @property
    def _lease(self) -> float:
        """Seconds for which events come."""
        return self._lease_ends - asyncio.get_running_loop().time()

    async def _subscribe(self) -> Subscribed:
        """A socket that has just been connected hears nothing for a while, so it is waited for until it does: each
        request has an echo there.
        """
        subscribed = await self.ask(messages.Subscribe(subscriber=self._subscriber), Subscribed)
        try:
            async with asyncio.timeout(self.deadline):
                while not await self._hears_within(NUDGE):
                    subscribed = await self.ask(messages.Subscribe(subscriber=self._subscriber), Subscribed)
        except TimeoutError:
            raise _no_answer(self.deadline) from None
        return subscribed

    async def _hears_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._heard.wait()
        except TimeoutError:
            return False

    async def hush(self) -> None:
        """Have no more events come."""
        if self._lease_ends:
            self._lease_ends = 0.0
            await self.ask(messages.Unsubscribe(subscriber=self._subscriber), messages.Done)

    def close(self, why: Refusal) -> None:
        """Let go of the kernel; who waits for a reply gets the refusal. May be called twice."""
        self._control.close()
        self._iopub.close()
        self._fail(why)

    def reconnect(self) -> None:
        """Connect again where the kernel has come back at other ports."""
        if self._manager.ports != self._ports:
            self._control.close()
            self._iopub.close()
            self._connect()

    # --- the wire -----------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self._ports = list(self._manager.ports)
        self._control = self._manager.connect_control(identity=self._session.bsession)
        self._iopub = self._manager.connect_iopub()
        self._control.on_recv(self._replied)
        self._iopub.on_recv(self._published)
        self._lease_ends = 0.0
        self._heard.clear()

    def _send(self, request: Request) -> tuple[str, asyncio.Future[dict[str, Any]]]:
        return self._send_raw(REQUEST, request.model_dump(mode="json"))

    def _send_raw(self, kind: str, content: dict[str, Any]) -> tuple[str, asyncio.Future[dict[str, Any]]]:
        message = self._session.msg(kind, content)
        asked: str = message["header"]["msg_id"]
        self._session.send(self._control, message)
        future = self._pending[asked] = asyncio.get_running_loop().create_future()
        return asked, future

    def _drop(self, *asked: str) -> None:
        for each in asked:
            future = self._pending.pop(each, None)
            if future is not None and not future.done():
                future.cancel()
            elif future is not None and not future.cancelled():
                future.exception()  # it was looked at

    def _fail(self, why: Refusal) -> None:
        for future in self._pending.values():
            if not future.done():
                future.set_exception(why)

    def _replied(self, frames: Frames) -> None:
        message = self._read(frames)
        if message is None:
            return
        future = self._pending.get(message["parent_header"].get("msg_id", ""))
        if future is not None and not future.done():
            future.set_result(message["content"] if message["msg_type"] == REPLY else {})
        self._came_from(message["header"])  # after that: a reply of the new process is a reply

    def _published(self, frames: Frames) -> None:
        """Of what the kernel publishes most is for others, and read only as far as must be."""
        try:
            _, parts = self._session.feed_identities(frames)
            header, parent = (dict(json.loads(cast("bytes", part))) for part in parts[1:3])
        except (ValueError, TypeError, RecursionError) as error:
            _log.warning("What kernel %s published cannot be read: %s", self.kernel_id, error)
            return
        if header.get("msg_type") == EVENT:
            self._heard.set()
            message = self._read(frames)
            if message is not None:
                self._came_from(header)
                self._take(message["content"])
            return
        self._came_from(header)
        self._heard.set()
        if parent.get("session") != self._session.session:
            self._has_no_aura = False

    def _read(self, frames: Frames) -> dict[str, Any] | None:
        try:
            _, parts = self._session.feed_identities(frames)
            message: dict[str, Any] = self._session.deserialize(parts)
        except (ValueError, TypeError, RecursionError) as error:
            _log.warning("A message of kernel %s cannot be read: %s", self.kernel_id, error)
            return None
        return message

    def _came_from(self, header: dict[str, Any]) -> None:
        process = header.get("session", "")
        if process == self._process:
            return
        known, self._process = self._process, process
        if known:
            self._hello, self._has_no_aura = None, False
            self._lease_ends, self.last = 0.0, 0
            self._heard.clear()
            self._fail(Refusal("kernel-gone", "The kernel was restarted before it answered."))
            self._listener.restarted(self.kernel_id)

    def _take(self, content: dict[str, Any]) -> None:
        try:
            events = Events.model_validate(content).events
        except ValidationError as error:
            _log.warning("Events of kernel %s cannot be read: %s", self.kernel_id, "; ".join(mistakes(error)))
            return
        for event in events:
            gap = event.number > self.last + 1
            self.last = max(self.last, event.number)
            self._listener.happened(self.kernel_id, event)
            if gap:
                self._listener.missed(self.kernel_id)


def _answer(content: dict[str, Any], answer: type[A]) -> A:
    try:
        reply = Reply.model_validate(content)
        if reply.status == "ok":
            return answer.model_validate(reply.answer)
        if reply.failure is not None:
            raise of_failure(reply.failure)
    except ValidationError as error:
        _log.warning("A reply cannot be read: %s", "; ".join(mistakes(error)))
    raise Refusal(
        "old-kernel",
        f"The kernel's Aura speaks another protocol than the server's, which is {PROTOCOL}: "
        "install the same version of aura_jupyter in both, and restart the kernel.",
    )


def _no_answer(deadline: float) -> Refusal:
    return Refusal("no-answer", f"The kernel did not answer within {deadline:g} seconds.")


def _no_aura(kernel_id: str) -> Refusal:
    return Refusal("no-aura", f"Aura is not loaded in the kernel {kernel_id}: run `%load_ext aura_jupyter` there.")
