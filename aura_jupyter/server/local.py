"""What the server answers by itself, where no kernel is asked: in threads, since a long spec takes a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from ..assist import answers
from ..assist.surroundings import Registered
from ..messages import ActionList, Completed, Inspected, Validated
from ..spec.json_schema import draft_7
from ..spec.model import TaskSpec
from .problems import Refusal

T = TypeVar("T")
_KNOWN = Registered()


class Local:
    """Answers without a kernel.

    Args:
        deadline: seconds that an answer may take.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="aura-server")

    async def validate(self, task_spec: str | dict[str, Any]) -> Validated:
        """The problems of a spec; the actions that it may name are those of the server's environment."""
        return await self._in_thread(lambda: answers.validated(task_spec, None))

    async def complete(self, text: str, at: int) -> Completed:
        """What may stand at a place of a spec."""
        return await self._in_thread(lambda: answers.completed(text, at, _KNOWN))

    async def inspect(self, text: str, at: int) -> Inspected:
        """What stands at a place of a spec."""
        return await self._in_thread(lambda: answers.inspected(text, at, _KNOWN))

    async def actions(self) -> ActionList:
        """The actions of the server's environment."""
        return await self._in_thread(lambda: answers.actions(_KNOWN))

    async def schema(self) -> dict[str, Any]:
        """The JSON Schema of a spec."""
        return await self._in_thread(_schema)

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Refusal("no-answer", f"The answer took longer than {self._deadline:g} seconds.") from None


@cache
def _schema() -> dict[str, Any]:
    return draft_7(TaskSpec)
