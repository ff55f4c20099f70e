"""Tasks of several kernels as one list, the newest first, a page at a time."""

from __future__ import annotations

import asyncio
import base64
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from pydantic import Field, ValidationError

from ..messages import Model, TaskList
from ..rest import ServedList, ServedTask
from .problems import Refusal

Page = Callable[[str | None], Awaitable[TaskList]]
"""Gives the page of a kernel's list that begins at a cursor."""
_KERNELS = 1_000  # that one cursor may name


class Place(Model):
    """How far somebody has read; travels as the `cursor`."""

    time: datetime
    task_id: str = Field(max_length=100)
    kernels: dict[str, str | None] = Field(default={}, max_length=_KERNELS)  # the page of each that was begun

    def written(self) -> str:
        """As a cursor."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")

    @classmethod
    def read(cls, cursor: str) -> Place:
        """The place of a cursor.

        Raises:
            Refusal: it is none.
        """
        try:
            return cls.model_validate_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (ValueError, ValidationError):
            raise Refusal("bad-cursor", "This cursor is none that a list of tasks gave.") from None

    @property
    def key(self) -> tuple[datetime, str]:
        """Tasks with a key below this have not been read."""
        return self.time, self.task_id


class _Reading:
    """A kernel's list, read from a place on."""

    def __init__(self, kernel_id: str, page: Page, place: Place | None) -> None:
        self.kernel_id = kernel_id
        self.page = place.kernels.get(kernel_id) if place else None  # that the next unread task stands on
        self.unanswered = False
        self._ask, self._place = page, place

    async def tasks(self) -> AsyncIterator[ServedTask]:
        while True:
            try:
                found = await self._ask(self.page)
            except Refusal as refusal:
                self.unanswered = refusal.code == "no-answer"
                return
            for summary in found.tasks:
                task = ServedTask(**dict(summary), kernel_id=self.kernel_id)
                if self._place is None or _key(task) < self._place.key:
                    yield task
            if found.cursor is None:
                return
            self.page = found.cursor


async def listed(pages: Mapping[str, Page], others: Iterable[ServedTask], limit: int, cursor: str | None) -> ServedList:
    """A page of all tasks.

    Args:
        pages: how to read each kernel's list.
        others: tasks that no kernel lists.
        limit: how many to give.
        cursor: where the page before ended.

    Raises:
        Refusal: the cursor is none.
    """
    place = Place.read(cursor) if cursor is not None else None
    readings = [_Reading(kernel_id, page, place) for kernel_id, page in pages.items()]
    unread = [task for task in others if place is None or _key(task) < place.key]
    sources = [*(reading.tasks() for reading in readings), _each(sorted(unread, key=_key, reverse=True))]
    tasks, more = await _newest(sources, limit)
    return ServedList(
        tasks=tasks,
        cursor=_next(tasks[-1], readings).written() if more else None,
        unanswered=[reading.kernel_id for reading in readings if reading.unanswered],
    )


def _next(last: ServedTask, readings: Iterable[_Reading]) -> Place:
    begun = {reading.kernel_id: reading.page for reading in readings if reading.page is not None}
    return Place(time=last.queued_at, task_id=last.task_id, kernels=begun)


async def _newest(sources: list[AsyncIterator[ServedTask]], limit: int) -> tuple[list[ServedTask], bool]:
    """The newest tasks of sources that each begin with their newest, and whether there are more."""
    first = await asyncio.gather(*(anext(source, None) for source in sources))
    heap = [(_Newest(task), number) for number, task in enumerate(first) if task is not None]
    heapq.heapify(heap)
    found: list[ServedTask] = []
    while heap and len(found) < limit:
        newest, number = heap[0]
        found.append(newest.task)
        following = await anext(sources[number], None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (_Newest(following), number))
    return found, bool(heap)


class _Newest:
    """Orders the newest first."""

    def __init__(self, task: ServedTask) -> None:
        self.task = task

    def __lt__(self, other: _Newest) -> bool:
        return _key(self.task) > _key(other.task)


async def _each(tasks: Iterable[ServedTask]) -> AsyncIterator[ServedTask]:
    for task in tasks:
        yield task


def _key(task: ServedTask) -> tuple[datetime, str]:
    return task.queued_at, task.task_id
