"""What the server answers by itself, where no kernel is asked: in threads, since a long spec takes a while."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from ..assist import answers
from ..assist.surroundings import Registered
from ..engine.executors import Threads
from ..messages import ActionList, Completed, Inspected, Validated
from ..spec.json_schema import draft_7
from ..spec.model import TaskSpec
from .problems import Refusal

T = TypeVar("T")
_KNOWN = Registered()
MOST = 1_000_000  # characters of a spec
_SIDE_BY_SIDE = 2  # threads, one of which may go on with what nobody waits for any more


class Local:
    """Answers without a kernel.

    Args:
        deadline: seconds that an answer may take.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._threads = Threads()
        self._free = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def validate(self, task_spec: str | dict[str, Any]) -> Validated:
        """The problems of a spec; the actions that it may name are those of the server's environment."""
        _limit(task_spec if isinstance(task_spec, str) else json.dumps(task_spec))
        return await self._in_thread(lambda: answers.validated(task_spec, None))

    async def complete(self, text: str, at: int) -> Completed:
        """What may stand at a place of a spec."""
        _limit(text)
        return await self._in_thread(lambda: answers.completed(text, at, _KNOWN))

    async def inspect(self, text: str, at: int) -> Inspected:
        """What stands at a place of a spec."""
        _limit(text)
        return await self._in_thread(lambda: answers.inspected(text, at, _KNOWN))

    async def actions(self) -> ActionList:
        """The actions of the server's environment."""
        return await self._in_thread(lambda: answers.actions(_KNOWN))

    async def schema(self) -> dict[str, Any]:
        """The JSON Schema of a spec."""
        return await self._in_thread(_schema)

    def close(self) -> None:
        """Take no more work."""
        self._threads.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                await self._free.acquire()
                answer = self._threads.call(asyncio.get_running_loop(), work)
                answer.add_done_callback(lambda _: self._free.release())
                good, found = await asyncio.shield(answer)
        except TimeoutError:
            raise Refusal("no-answer", f"The answer took longer than {self._deadline:g} seconds.") from None
        if not good:
            raise found
        value: T = found
        return value


def _limit(text: str) -> None:
    if len(text) > MOST:
        says = f"The server itself looks at specs of up to {MOST:,} characters: name a kernel, with `kernel_id`."
        raise Refusal("too-large", says)


@cache
def _schema() -> dict[str, Any]:
    return draft_7(TaskSpec)
