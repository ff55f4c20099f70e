"""The two clients: what one does at once, the other awaits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from ..messages import ActionList, Done, LogLine, Status, Validated
from ..rest import Accepted, KernelList, ServedDetail, ServedTask, ServedUpdate
from . import calls, servers
from .calls import A, Call, Flow, Following, Spec, T
from .errors import NoServerError

QUIET = 40.0  # seconds without a word after which a stream counts as broken; the server says something every 15


class Client:
    """Runs tasks in the kernels of a Jupyter server, and looks at them. A context manager, usable from any thread.

    Every method raises `ApiError` where the server refuses, and `NoServerError` where it cannot be reached.

    Args:
        url: of the server, with its base URL; None for the one that runs on this machine.
        token: of the server; None for that of the running one, or what `JUPYTER_TOKEN` holds.
        verify: whether certificates are checked.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, verify: bool = True) -> None:
        self._http = httpx.Client(**servers.find(url, token).options, verify=verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run_ad_hoc(
        self,
        spec: Spec,
        inputs: Mapping[str, Any] | None = None,
        *,
        kernel_id: str | None = None,
        title: str | None = None,
    ) -> Accepted:
        """Run a task.

        Args:
            spec: YAML text, a mapping, or the `pathlib.Path` of a file, which is read here.
            inputs: values that JSON can hold, by name.
            kernel_id: the kernel to run it in; None for one that the server keeps for such tasks.
            title: its title where the spec has none.
        """
        return self._send(calls.run_ad_hoc(spec, inputs, kernel_id, title))

    def task(self, task_id: str) -> ServedDetail:
        """All of a task that is JSON."""
        return self._send(calls.task(task_id))

    def tasks(
        self, *, kernel_id: str | None = None, status: Iterable[Status] | None = None, limit: int | None = 100
    ) -> list[ServedTask]:
        """Tasks, the newest first.

        Args:
            kernel_id: of this kernel alone.
            status: with one of these statuses alone.
            limit: how many at most; None for all.
        """
        return self._flow(calls.tasks(kernel_id, status, limit))

    def events(self, task_id: str) -> Iterator[ServedUpdate]:
        """What happens to a task, beginning with how it stands, to its end. A stream that breaks is reached again."""
        following = Following(task_id)
        while not following.over:
            error: Exception | None = None
            try:
                with self._http.stream("GET", following.path, headers=following.headers, timeout=QUIET) as response:
                    if not response.is_success:
                        response.read()
                    if following.opened(response):
                        yield from filter(None, map(following.line, response.iter_lines()))
            except httpx.RequestError as broken:
                error = broken
            if not following.over:
                time.sleep(following.broke(error))

    def wait(self, task_id: str) -> ServedDetail:
        """Wait for the end of a task, and give all of it."""
        for _ in self.events(task_id):
            pass
        return self.task(task_id)

    def logs(self, task_id: str, *, after: int = 0, step: str | None = None, follow: bool = False) -> Iterator[LogLine]:
        """Lines of a task's log.

        Args:
            task_id: the task.
            after: those with a number above this.
            step: those of this step alone.
            follow: go on with those to come, to the task's end.
        """
        for _ in self.events(task_id) if follow else (None,):
            lines, after = self._flow(calls.log_lines(task_id, after, step))
            yield from lines

    def cancel(self, task_id: str) -> Done:
        """Cancel a task; while its `finally` runs, cancel that."""
        return self._send(calls.cancel(task_id))

    def rerun(self, task_id: str) -> Accepted:
        """Run a task's spec again, with the inputs that it was given."""
        return self._send(calls.rerun(task_id))

    def answer(self, task_id: str, step: str, choice: str) -> Done:
        """Answer a step that asks a person."""
        return self._send(calls.answer(task_id, step, choice))

    def move(self, task_id: str, place: int) -> Done:
        """Give a queued task another place in the queue, from 1."""
        return self._send(calls.move(task_id, place))

    def kernels(self) -> KernelList:
        """The server's kernels."""
        return self._send(calls.kernels())

    def actions(self, kernel_id: str | None = None) -> ActionList:
        """The actions that a spec may name: in a kernel, or in the server's environment."""
        return self._send(calls.actions(kernel_id))

    def validate(self, spec: Spec, *, kernel_id: str | None = None) -> Validated:
        """The problems of a spec; with a kernel, its actions are known, too."""
        return self._send(calls.validate(spec, kernel_id))

    def _send(self, call: Call[A]) -> A:
        try:
            response = self._http.request(call.verb, call.path, params=call.query, json=call.body)
        except httpx.RequestError as error:
            raise _unreachable(self._http.base_url, error) from error
        return call.read(response)

    def _flow(self, flow: Flow[T]) -> T:
        try:
            call = next(flow)
            while True:
                call = flow.send(self._send(call))
        except StopIteration as end:
            value: T = end.value
            return value


class AsyncClient:
    """`Client` for coroutines: the same methods, awaited; `events` and `logs` are for `async for`.

    Args:
        url: of the server, with its base URL; None for the one that runs on this machine.
        token: of the server; None for that of the running one, or what `JUPYTER_TOKEN` holds.
        verify: whether certificates are checked.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, verify: bool = True) -> None:
        self._http = httpx.AsyncClient(**servers.find(url, token).options, verify=verify)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run_ad_hoc(
        self,
        spec: Spec,
        inputs: Mapping[str, Any] | None = None,
        *,
        kernel_id: str | None = None,
        title: str | None = None,
    ) -> Accepted:
        """As `Client.run_ad_hoc`."""
        return await self._send(calls.run_ad_hoc(spec, inputs, kernel_id, title))

    async def task(self, task_id: str) -> ServedDetail:
        """As `Client.task`."""
        return await self._send(calls.task(task_id))

    async def tasks(
        self, *, kernel_id: str | None = None, status: Iterable[Status] | None = None, limit: int | None = 100
    ) -> list[ServedTask]:
        """As `Client.tasks`."""
        return await self._flow(calls.tasks(kernel_id, status, limit))

    async def events(self, task_id: str) -> AsyncIterator[ServedUpdate]:
        """As `Client.events`."""
        following = Following(task_id)
        while not following.over:
            error: Exception | None = None
            try:
                path, headers = following.path, following.headers
                async with self._http.stream("GET", path, headers=headers, timeout=QUIET) as response:
                    if not response.is_success:
                        await response.aread()
                    if following.opened(response):
                        async for line in response.aiter_lines():
                            if (update := following.line(line)) is not None:
                                yield update
            except httpx.RequestError as broken:
                error = broken
            if not following.over:
                await asyncio.sleep(following.broke(error))

    async def wait(self, task_id: str) -> ServedDetail:
        """As `Client.wait`."""
        async for _ in self.events(task_id):
            pass
        return await self.task(task_id)

    async def logs(
        self, task_id: str, *, after: int = 0, step: str | None = None, follow: bool = False
    ) -> AsyncIterator[LogLine]:
        """As `Client.logs`."""
        async for _ in self.events(task_id) if follow else _once():
            lines, after = await self._flow(calls.log_lines(task_id, after, step))
            for line in lines:
                yield line

    async def cancel(self, task_id: str) -> Done:
        """As `Client.cancel`."""
        return await self._send(calls.cancel(task_id))

    async def rerun(self, task_id: str) -> Accepted:
        """As `Client.rerun`."""
        return await self._send(calls.rerun(task_id))

    async def answer(self, task_id: str, step: str, choice: str) -> Done:
        """As `Client.answer`."""
        return await self._send(calls.answer(task_id, step, choice))

    async def move(self, task_id: str, place: int) -> Done:
        """As `Client.move`."""
        return await self._send(calls.move(task_id, place))

    async def kernels(self) -> KernelList:
        """As `Client.kernels`."""
        return await self._send(calls.kernels())

    async def actions(self, kernel_id: str | None = None) -> ActionList:
        """As `Client.actions`."""
        return await self._send(calls.actions(kernel_id))

    async def validate(self, spec: Spec, *, kernel_id: str | None = None) -> Validated:
        """As `Client.validate`."""
        return await self._send(calls.validate(spec, kernel_id))

    async def _send(self, call: Call[A]) -> A:
        try:
            response = await self._http.request(call.verb, call.path, params=call.query, json=call.body)
        except httpx.RequestError as error:
            raise _unreachable(self._http.base_url, error) from error
        return call.read(response)

    async def _flow(self, flow: Flow[T]) -> T:
        try:
            call = next(flow)
            while True:
                call = flow.send(await self._send(call))
        except StopIteration as end:
            value: T = end.value
            return value


async def _once() -> AsyncIterator[None]:
    yield None


def _unreachable(url: httpx.URL, error: Exception) -> NoServerError:
    return NoServerError(f"The server at {url} cannot be reached: {str(error) or type(error).__name__}")
