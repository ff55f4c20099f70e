"""What the server does for other programs: it finds the kernel of a task, asks it, and answers for those gone."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from .. import messages
from ..messages import (
    ActionList,
    CardPicture,
    Completed,
    Done,
    HelloAnswer,
    Inspected,
    LogPage,
    Submitted,
    TaskList,
    TaskSummary,
    Validated,
)
from ..rest import (
    Accepted,
    AnswerBody,
    CompleteBody,
    KernelInfo,
    KernelList,
    KernelQuery,
    LogsQuery,
    MoveBody,
    RunBody,
    ServedDetail,
    ServedList,
    TaskQuery,
    TasksQuery,
    ValidateBody,
)
from .kernels import Kernels
from .listing import Page, listed
from .local import Local
from .own_kernels import OwnKernels
from .problems import Refusal
from .tasks import KnownTask, KnownTasks, Told

A = TypeVar("A", bound=BaseModel)
_TASK_ID = re.compile("[A-Za-z0-9_-]{1,100}")
_NO_TASK = "There is no task with this id in the server's kernels: `GET aura/tasks` lists those there are."


class TaskService:
    """Answers the requests of the REST API. All of it belongs on the server's event loop.

    Args:
        kernels: the server's kernels.
        known: the tasks that the server knows.
        own: the kernels for tasks that name none.
        local: answers without a kernel.
        max_streams: how many streams of events may be open.
    """

    def __init__(self, kernels: Kernels, known: KnownTasks, own: OwnKernels, local: Local, max_streams: int) -> None:
        self._kernels, self._known, self._own, self._local = kernels, known, own, local
        self._streams, self._max_streams = 0, max_streams
        self._closing = False

    async def close(self) -> None:
        """End all streams, and let go of the kernels."""
        self._closing = True
        for known in self._known:
            known.wake()
        await self._kernels.close()
        await self._own.close()
        self._local.close()

    # --- tasks --------------------------------------------------------------------------------------------------------

    async def run(self, body: RunBody) -> Accepted:
        """Hand a task over to a kernel."""
        if body.kernel_id is not None:
            return await self._run_in(body.kernel_id, body)
        async with self._own.picked() as kernel_id:
            return await self._run_in(kernel_id, body)

    async def _run_in(self, kernel_id: str, body: RunBody) -> Accepted:
        client = await self._kernels.follow(kernel_id)
        request = messages.RunAdHoc(task_spec=body.task_spec, inputs=body.inputs, title=body.title)
        return self._submitted(kernel_id, await client.ask(request, Submitted))

    def _submitted(self, kernel_id: str, submitted: Submitted) -> Accepted:
        """From here on the server knows the task; its first event may have come before, or comes in a moment."""
        summary = TaskSummary(
            task_id=submitted.task_id,
            name=None,
            title=submitted.title,
            status="QUEUED",
            phrase="Queued",
            queued_at=datetime.now(UTC),
            steps_done=0,
            steps_total=0,
            steps_failed=0,
        )
        self._known.add(kernel_id, summary)
        return Accepted(task_id=submitted.task_id, kernel_id=kernel_id, busy=submitted.busy)

    async def tasks(self, query: TasksQuery) -> ServedList:
        """Tasks of one kernel or of all, the newest first."""
        if query.kernel_id is not None:
            self._kernels.client(query.kernel_id)
        kernel_ids = [query.kernel_id] if query.kernel_id is not None else self._kernels.ids()
        asked: list[messages.Status] | None = None
        if query.status is not None:
            asked = [each for each in query.status if each != "LOST"]
        size = query.limit if len(kernel_ids) == 1 else min(query.limit, 100)
        pages = {each: self._page_of(each, asked, size) for each in kernel_ids} if asked != [] else {}
        gone = [
            known.served()
            for known in self._known
            if known.kernel_id not in pages or known.reason is not None
            if query.status is None or known.summary.status in query.status
            if query.kernel_id in (None, known.kernel_id)
        ]
        return await listed(pages, gone, query.limit, query.cursor)

    def _page_of(self, kernel_id: str, status: list[messages.Status] | None, size: int) -> Page:
        async def page(cursor: str | None) -> TaskList:
            request = messages.Tasks(status=status, limit=size, cursor=cursor)
            found = await self._kernels.client(kernel_id).ask(request, TaskList)
            for summary in found.tasks:
                if summary.status in ("QUEUED", "RUNNING"):
                    self._known.add(kernel_id, summary)
            return found

        return page

    async def task(self, task_id: str, query: TaskQuery) -> ServedDetail:
        """All of a task that is JSON."""
        known = await self._find(task_id)
        if known.reason is not None:
            return known.served_detail()
        try:
            if query == TaskQuery():
                return known.served_detail(await self._kernels.look(known))
            asked = messages.Task(task_id=task_id, first=query.first, limit=query.limit)
            return known.served_detail(await self._kernels.client(known.kernel_id).ask(asked, messages.TaskDetail))
        except Refusal as refusal:
            if refusal.code not in ("no-task", "no-kernel", "kernel-gone", "no-aura"):
                raise
            if known.ended or refusal.code == "kernel-gone":
                return known.served_detail()
            raise Refusal("no-task", _NO_TASK) from None

    async def card(self, task_id: str) -> CardPicture:
        """The picture of a task's card."""
        return await self._ask_of(task_id, messages.Card(task_id=task_id), CardPicture)

    async def logs(self, task_id: str, query: LogsQuery) -> LogPage:
        """Lines of a task's log."""
        request = messages.Logs(task_id=task_id, after=query.after, step=query.step, limit=query.limit)
        return await self._ask_of(task_id, request, LogPage)

    async def cancel(self, task_id: str) -> Done:
        """Cancel a task."""
        return await self._ask_of(task_id, messages.Cancel(task_id=task_id), Done)

    async def rerun(self, task_id: str) -> Accepted:
        """Run a task's spec again, in the same kernel."""
        known = await self._find(task_id)
        await self._kernels.follow(known.kernel_id)
        submitted = await self._ask_of(task_id, messages.Rerun(task_id=task_id), Submitted)
        return self._submitted(known.kernel_id, submitted)

    async def answer(self, task_id: str, body: AnswerBody) -> Done:
        """Answer a step that asks a person."""
        return await self._ask_of(task_id, messages.Answer(task_id=task_id, step=body.step, choice=body.choice), Done)

    async def move(self, task_id: str, body: MoveBody) -> Done:
        """Give a queued task another place."""
        return await self._ask_of(task_id, messages.Move(task_id=task_id, place=body.place), Done)

    async def _ask_of(self, task_id: str, request: messages.Request, answer: type[A]) -> A:
        known = await self._find(task_id)
        if known.reason is not None or known.detail is not None or known.kernel_id not in self._kernels.ids():
            raise Refusal(
                "kernel-gone", known.reason or "The task's kernel has ended, and its log and its card with it."
            )
        return await self._kernels.client(known.kernel_id).ask(request, answer)

    async def _find(self, task_id: str) -> KnownTask:
        """A task: known, or asked for in all kernels.

        Raises:
            Refusal: no kernel has it.
        """
        known = self._known.get(task_id)
        if known is not None:
            return known
        if not _TASK_ID.fullmatch(task_id):
            raise Refusal("no-task", _NO_TASK)
        found = await asyncio.gather(*(self._find_in(kernel_id, task_id) for kernel_id in self._kernels.ids()))
        for known in found:
            if known is not None:
                return known
        raise Refusal("no-task", _NO_TASK)

    async def _find_in(self, kernel_id: str, task_id: str) -> KnownTask | None:
        try:
            client = self._kernels.client(kernel_id)
            detail = await client.ask(messages.Task(task_id=task_id), messages.TaskDetail)
        except Refusal:
            return None
        known = self._known.add(kernel_id, _summary(detail))
        self._known.looked(known, detail)
        return known

    # --- events -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        """Within it one more stream of events is open.

        Raises:
            Refusal: there are as many as there may be.
        """
        if self._streams >= self._max_streams:
            says = f"{self._streams:,} streams of events are open, which is the limit: close some, or try again later."
            raise Refusal("too-many", says, headers={"Retry-After": "5"})
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def updates(self, task_id: str, last_event_id: str | None) -> AsyncIterator[Told | None] | None:
        """What happens to a task, to its end; None where the listener knows it all.

        Args:
            task_id: the task.
            last_event_id: of the event that the listener has heard last.
        """
        known = await self._find(task_id)
        heard = known.heard(last_event_id) if last_event_id else None
        if known.told_all(heard):
            return None
        try:
            if not known.ended:
                await self._kernels.follow(known.kernel_id)
            async with known.looking:
                if not known.whole and known.reason is None and known.detail is None and heard is None:
                    await self._kernels.look(known)
        except Refusal:
            if not known.ended:
                raise
        return self._until_closed(known.updates(heard))

    async def _until_closed(self, updates: AsyncIterator[Told | None]) -> AsyncIterator[Told | None]:
        async for told in updates:
            yield told
            if self._closing:
                return

    # --- kernels and editors ------------------------------------------------------------------------------------------

    async def kernels(self, notebooks: dict[str, str]) -> KernelList:
        """The server's kernels.

        Args:
            notebooks: the paths of their notebooks, by the kernels' ids, as far as the person may see them.
        """
        found = await asyncio.gather(*(self._kernel(each, notebooks.get(each)) for each in self._kernels.ids()))
        return KernelList(kernels=[info for info in found if info is not None])

    async def _kernel(self, kernel_id: str, notebook: str | None) -> KernelInfo | None:
        hello: HelloAnswer | None = None
        with contextlib.suppress(Refusal):  # shown as a kernel without Aura
            hello = await self._kernels.client(kernel_id).hello()
        if kernel_id not in self._kernels.manager:
            return None
        kernel: Any = self._kernels.manager.get_kernel(kernel_id)
        info = KernelInfo(
            kernel_id=kernel_id,
            name=kernel.kernel_name,
            state=getattr(kernel, "execution_state", "unknown"),
            aura=hello is not None,
            own=kernel_id in self._own,
            notebook=notebook,
        )
        if hello is None:
            return info
        return info.model_copy(update={"version": hello.version, "running": hello.running, "queued": hello.queued})

    async def actions(self, query: KernelQuery) -> ActionList:
        """The actions that a spec may name."""
        if query.kernel_id is None:
            return await self._local.actions()
        return await self._kernels.client(query.kernel_id).ask(messages.Actions(), ActionList)

    async def schema(self) -> dict[str, Any]:
        """The JSON Schema of a spec."""
        return await self._local.schema()

    async def validate(self, body: ValidateBody) -> Validated:
        """The problems of a spec."""
        if body.kernel_id is None:
            return await self._local.validate(body.task_spec)
        request = messages.Validate(task_spec=body.task_spec)
        return await self._kernels.client(body.kernel_id).ask(request, Validated)

    async def complete(self, body: CompleteBody) -> Completed:
        """What may stand at a place of a spec."""
        if body.kernel_id is None:
            return await self._local.complete(body.text, body.at)
        request = messages.Complete(text=body.text, at=body.at)
        return await self._kernels.client(body.kernel_id).ask(request, Completed)

    async def inspect(self, body: CompleteBody) -> Inspected:
        """What stands at a place of a spec."""
        if body.kernel_id is None:
            return await self._local.inspect(body.text, body.at)
        request = messages.Inspect(text=body.text, at=body.at)
        return await self._kernels.client(body.kernel_id).ask(request, Inspected)


def _summary(detail: messages.TaskDetail) -> TaskSummary:
    return TaskSummary(**{name: getattr(detail, name) for name in TaskSummary.model_fields})
