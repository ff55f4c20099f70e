"""The tasks that a kernel can tell of: those that live, and what is kept of ended ones that came from outside."""

from __future__ import annotations

from ... import api
from ...engine.tasklet import StepRun, Tasklet
from ...messages import RunAdHoc, TaskList, Tasks, TaskSummary
from ...view import reports
from .refusal import Refusal
from .remains import Outsiders, Remains

_DIGITS = 9  # of a row's number


class KernelTasks:
    """The tasks of this kernel; any thread may ask."""

    def __init__(self) -> None:
        self._outsiders = Outsiders()

    def add(self, tasklet: Tasklet, asked: RunAdHoc) -> None:
        """Remember what a task from outside was asked for with."""
        self._outsiders.add(tasklet, asked)

    def asked(self, tasklet: Tasklet) -> RunAdHoc | None:
        """The request that a task came from, if it came from outside."""
        return self._outsiders.asked(tasklet)

    @staticmethod
    def find(task_id: str) -> Tasklet | None:
        """The task of an id, where it lives."""
        found = (scheduler.task(task_id) for scheduler in api.schedulers())
        return next((tasklet for tasklet in found if tasklet is not None), None)

    def get(self, task_id: str) -> Tasklet:
        """The task of an id.

        Raises:
            Refusal: it does not live any more, or never did.
        """
        tasklet = self.find(task_id)
        if tasklet is None and self._outsiders.get(task_id) is not None:
            raise Refusal("conflict", "the task ended a while ago, and what can be told of it is all that is kept")
        if tasklet is None:
            raise Refusal("no-task", "this kernel has no such task: it never had, or the task ended and was let go")
        return tasklet

    def remains(self, task_id: str) -> Remains | None:
        """What is kept of a task, where that is not the task itself."""
        return self._outsiders.get(task_id) if self.find(task_id) is None else None

    def listed(self, asked: Tasks) -> TaskList:
        """A page of the list.

        Raises:
            Refusal: its cursor is none.
        """
        newest = self._newest_first()
        if asked.status is not None:
            newest = [each for each in newest if _status(each) in asked.status]
        if asked.cursor is not None:
            last = _age_of(asked.cursor)
            newest = [each for each in newest if _age(each) < last]
        page = newest[: asked.limit]
        cursor = "{!r}:{}".format(*_age(page[-1])) if len(newest) > len(page) else None
        return TaskList(tasks=[_summary(each) for each in page], cursor=cursor)

    def newest(self, number: int) -> list[TaskSummary]:
        """The last tasks, the oldest of them first."""
        return [_summary(each) for each in reversed(self._newest_first()[:number])]

    def _newest_first(self) -> list[Tasklet | Remains]:
        known: dict[str, Tasklet | Remains] = {each.detail.task_id: each for each in self._outsiders.all()}
        known.update((tasklet.task_id, tasklet) for scheduler in api.schedulers() for tasklet in scheduler.tasks())
        return sorted(known.values(), key=_age, reverse=True)


def step_of(tasklet: Tasklet, name: str) -> StepRun | None:
    """A step by its name, else by its row, which may be a sub-task's: `3.0`."""
    if name in tasklet.steps:
        return tasklet.steps[name]
    within: Tasklet | None = tasklet
    step: StepRun | None = None
    for number in name.split("."):
        if within is None or not number.isdecimal() or len(number) > _DIGITS or int(number) >= len(within.steps):
            return None
        step = within.steps.at(int(number))
        within = step.children
    return step


def _age(task: Tasklet | Remains) -> tuple[float, str]:
    return task.queued_at, task.detail.task_id if isinstance(task, Remains) else task.task_id


def _age_of(cursor: str) -> tuple[float, str]:
    seconds, _, task_id = cursor.partition(":")
    try:
        return float(seconds), task_id
    except ValueError:
        raise Refusal("bad-request", "cursor: take it from the answer before") from None


def _summary(task: Tasklet | Remains) -> TaskSummary:
    return task.summary if isinstance(task, Remains) else reports.summary(task)


def _status(task: Tasklet | Remains) -> str:
    return task.detail.status if isinstance(task, Remains) else task.status.value
