"""The tasks that the server knows: their state as the events tell it, and what listeners have yet to hear."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from secrets import token_hex

from ..messages import StepInfo, TaskDetail, TaskEvent, TaskSummary
from ..rest import FINAL, ServedDetail, ServedTask, ServedUpdate

RING = 100  # events of a task that are kept for who comes back
FINISHED = 1_000  # tasks that are remembered after their end
WHOLE = 50  # of those the last ones, with their steps and what listeners may have missed
RESULT = 100_000  # characters of a result that outlives its kernel
COMMENT = 15.0  # seconds between the comments that keep a quiet stream open


@dataclass(frozen=True)
class Told:
    """An update, as all listeners get it."""

    epoch: str
    update: ServedUpdate

    @cached_property
    def text(self) -> str:
        """The server-sent event."""
        return f"id: {self.epoch}-{self.update.number}\nevent: task\ndata: {self.update.model_dump_json()}\n\n"


class KnownTask:
    """A task, as far as the server knows it.

    Args:
        kernel_id: where it runs.
        summary: what is known of it.
    """

    def __init__(self, kernel_id: str, summary: TaskSummary) -> None:
        self.kernel_id = kernel_id
        self.summary = summary
        self.reason: str | None = None  # why it is lost
        self.detail: TaskDetail | None = None  # of a finished task whose kernel is going
        self.whole = False  # whether `steps` are all of them
        self.looking = asyncio.Lock()  # held by who asks the kernel for the whole of it
        self._steps: dict[str, StepInfo] = {}
        self._ring: deque[Told] = deque(maxlen=RING)
        self._last = 0  # the number of the last update
        self._epoch = token_hex(4)  # numbers of another server's life are none of ours
        self._changed = asyncio.Event()

    @property
    def task_id(self) -> str:
        """Its id."""
        return self.summary.task_id

    @property
    def ended(self) -> bool:
        """Whether its status is the last one."""
        return self.summary.status in FINAL

    # --- what becomes known -------------------------------------------------------------------------------------------

    def happened(self, event: TaskEvent) -> None:
        """An event came."""
        if self.ended:
            return
        self.summary = event.task
        self._steps.update((step.row, step) for step in event.steps)
        self._tell(event.steps, more=event.more_steps)

    def looked(self, detail: TaskDetail, *, missed: bool = False) -> None:
        """The kernel gave all of it.

        Args:
            detail: the task.
            missed: whether events were lost, so that this is news.
        """
        if self.ended and detail.status not in FINAL:
            return
        summary = TaskSummary.model_validate({name: getattr(detail, name) for name in TaskSummary.model_fields})
        news = missed or summary.status != self.summary.status
        self.summary, self.whole = summary, not detail.more_steps
        self._steps = {step.row: step for step in detail.steps}
        if news:
            self._tell(detail.steps, whole=True, more=detail.more_steps)

    def keep(self, detail: TaskDetail) -> None:
        """Keep what the kernel said last, since the kernel is going; a large result is let go of."""
        if detail.result is not None and len(detail.result.model_dump_json()) > RESULT:
            preview = "It was too large to be kept after its kernel's end."
            detail = detail.model_copy(
                update={
                    "result": detail.result.model_copy(update={"is_json": False, "value": None, "preview": preview})
                }
            )
        self.detail = detail

    def lost(self, reason: str) -> None:
        """Its kernel has gone."""
        if self.ended:
            return
        self.reason = reason
        ended = {"status": "LOST", "phrase": "Lost", "ended_at": datetime.now(UTC)}
        self.summary = self.summary.model_copy(
            update={**ended, "cancelling": False, "queue_place": None, "asks": None, "told": None}
        )
        self._tell(())

    def shed(self) -> None:
        """Let go of what the kernel can be asked for again, and of what nobody will come back for."""
        self._ring.clear()
        if self.reason is None:
            self._steps, self.whole = {}, False

    def _tell(self, steps: Iterable[StepInfo], *, whole: bool = False, more: bool = False) -> None:
        self._last += 1
        self._ring.append(self._told(steps, whole=whole, more=more))
        self.wake()

    def _told(self, steps: Iterable[StepInfo], *, whole: bool, more: bool) -> Told:
        update = ServedUpdate(
            number=self._last, task=self.served(), steps=list(steps), whole=whole and not more, more_steps=more
        )
        return Told(self._epoch, update)

    def wake(self) -> None:
        """Have listeners look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    # --- what is told -------------------------------------------------------------------------------------------------

    def served(self) -> ServedTask:
        """As an item of a list."""
        return ServedTask(**dict(self.summary), kernel_id=self.kernel_id, reason=self.reason)

    def served_detail(self, detail: TaskDetail | None = None) -> ServedDetail:
        """All of it; without the detail from the kernel, what the server itself knows."""
        known = detail or self.detail
        if known is None or self.reason is not None:
            known = TaskDetail(**dict(self.summary), steps=list(self._steps.values()), inputs=[])
        return ServedDetail(**dict(known), kernel_id=self.kernel_id, reason=self.reason)

    def heard(self, last_event_id: str) -> int | None:
        """The number of the last update that a listener has heard; None if it is none of ours."""
        epoch, _, number = last_event_id.partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdigit()) or len(number) > 12:
            return None
        return int(number) if int(number) <= self._last else None

    def told_all(self, heard: int | None) -> bool:
        """Whether there is nothing more to say to a listener who has heard this."""
        return self.ended and heard == self._last

    async def updates(self, heard: int | None) -> AsyncIterator[Told | None]:
        """What happens to the task, to its end; None after a while without news, and after a `wake` for nothing.

        Args:
            heard: the number of the update that the listener has heard; None for one who begins.
        """
        while not self.told_all(heard):
            changed = self._changed
            missing = self._since(heard)
            for told in missing:
                heard = told.update.number
                yield told
            if not missing:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), COMMENT)
                if not self._since(heard):
                    yield None

    def _since(self, heard: int | None) -> list[Told]:
        """The updates after a number; where they are not kept any more, all of the task as it is now."""
        first = self._ring[0].update.number if self._ring else self._last + 1
        if heard is None or heard + 1 < first:
            return [self._told(self._steps.values(), whole=self.whole, more=not self.whole)]
        return [told for told in self._ring if told.update.number > heard]


class KnownTasks:
    """The tasks by their ids. What has ended is forgotten, the longest known first, when there is too much."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, KnownTask] = OrderedDict()
        self._unfinished: dict[str, set[str]] = {}  # by kernel
        self._finished: deque[str] = deque()

    def __iter__(self) -> Iterator[KnownTask]:
        return iter(list(self._tasks.values()))

    def get(self, task_id: str) -> KnownTask | None:
        """The task of that id, if it is known."""
        return self._tasks.get(task_id)

    def add(self, kernel_id: str, summary: TaskSummary) -> KnownTask:
        """The task of a summary, which is news of it where it is known already."""
        known = self._tasks.get(summary.task_id)
        if known is None:
            known = self._tasks[summary.task_id] = KnownTask(kernel_id, summary)
            self._unfinished.setdefault(kernel_id, set()).add(summary.task_id)
            self._settle(known)
        return known

    def happened(self, kernel_id: str, event: TaskEvent) -> None:
        """An event came."""
        known = self._tasks.get(event.task.task_id)
        if known is None:
            known = self.add(kernel_id, event.task)
        if known.kernel_id != kernel_id:  # a kernel speaks for its own tasks alone
            return
        known.happened(event)
        self._settle(known)

    def looked(self, known: KnownTask, detail: TaskDetail, *, missed: bool = False) -> None:
        """The kernel gave all of a task; `missed`: events were lost."""
        known.looked(detail, missed=missed)
        self._settle(known)

    def lost(self, kernel_id: str, reason: str) -> None:
        """A kernel has gone, and what ran in it."""
        for known in self.unfinished(kernel_id):
            self.lost_one(known, reason)

    def lost_one(self, known: KnownTask, reason: str) -> None:
        """A task has gone without an end."""
        known.lost(reason)
        self._settle(known)

    def unfinished(self, kernel_id: str) -> list[KnownTask]:
        """What is known to wait or run in a kernel."""
        return [self._tasks[each] for each in self._unfinished.get(kernel_id, ())]

    def _settle(self, known: KnownTask) -> None:
        """Put a task that has ended among those."""
        waiting = self._unfinished.get(known.kernel_id, set())
        if known.ended and known.task_id in waiting:
            waiting.discard(known.task_id)
            if not waiting:
                del self._unfinished[known.kernel_id]
            self._finished.append(known.task_id)
            if len(self._finished) > WHOLE and (older := self._tasks.get(self._finished[-WHOLE - 1])) is not None:
                older.shed()
            while len(self._finished) > FINISHED:
                self._tasks.pop(self._finished.popleft(), None)
