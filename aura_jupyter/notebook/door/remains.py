"""What is kept of ended tasks that came from outside: nobody holds them here, and who sent them comes to ask."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator

from ...engine.tasklet import Tasklet
from ...messages import LogPage, RunAdHoc, TaskDetail, TaskSummary
from ...view import reports

WHOLE = 20
"""Ended tasks that are kept with all their objects."""
KEPT, KEPT_BYTES = 1_000, 20_000_000
"""Of others before them what can be told, in so many bytes of JSON."""
_LINES = 1_000  # of a log


class Remains:
    """What can be told of a task whose objects were let go of.

    Args:
        tasklet: the task, which has ended.
        asked: the request that it came from.
    """

    def __init__(self, tasklet: Tasklet, asked: RunAdHoc) -> None:
        self.detail = reports.detail(tasklet)
        self.asked = asked
        self.queued_at = tasklet.queued_at
        self._log = reports.log_page(tasklet, limit=_LINES)
        self.size = sum(len(each.model_dump_json()) for each in (self.detail, self._log, asked))

    @property
    def summary(self) -> TaskSummary:
        """The task in a list."""
        return TaskSummary(**{name: getattr(self.detail, name) for name in TaskSummary.model_fields})

    def steps_from(self, first: int, limit: int) -> TaskDetail:
        """The task with some of its steps."""
        steps = self.detail.steps
        more = self.detail.more_steps or len(steps) > first + limit
        return self.detail.model_copy(update={"steps": steps[first : first + limit], "more_steps": more})

    def log(self, after: int, step: str | None, limit: int) -> LogPage:
        """The lines of its log with a number above `after`."""
        fitting = [line for line in self._log.lines if line.number > after and step in (None, line.step)]
        lines, more = fitting[:limit], len(fitting) > limit
        last = lines[-1].number if more else max(after, self._log.last)
        dropped = self._log.dropped + (self.detail.log - self._log.last if self._log.more else 0)
        return LogPage(lines=lines, last=last, more=more, dropped=dropped)


class Outsiders:
    """The tasks that came from outside; any thread."""

    def __init__(self) -> None:
        self._asked: weakref.WeakKeyDictionary[Tasklet, RunAdHoc] = weakref.WeakKeyDictionary()
        self._ended: deque[Tasklet] = deque()
        self._kept: OrderedDict[str, Remains] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def add(self, tasklet: Tasklet, asked: RunAdHoc) -> None:
        """Remember a task that was submitted, and let go of older ones."""
        self._asked[tasklet] = asked
        tasklet.when_ended(lambda: self._ended.append(tasklet))
        self._let_go()

    def asked(self, tasklet: Tasklet) -> RunAdHoc | None:
        """The request that a task came from, if it came from outside."""
        return self._asked.get(tasklet)

    def get(self, task_id: str) -> Remains | None:
        """What is kept of a task, where that is not the task itself."""
        with self._lock:
            return self._kept.get(task_id)

    def all(self) -> list[Remains]:
        """What is kept of tasks."""
        with self._lock:
            return list(self._kept.values())

    def _let_go(self) -> None:
        for tasklet in self._surplus():
            asked = self._asked.get(tasklet)
            if asked is None:
                continue
            remains = Remains(tasklet, asked)
            with self._lock:
                self._kept[tasklet.task_id] = remains
                self._size += remains.size
                while len(self._kept) > 1 and (len(self._kept) > KEPT or self._size > KEPT_BYTES):
                    self._size -= self._kept.popitem(last=False)[1].size

    def _surplus(self) -> Iterator[Tasklet]:
        while len(self._ended) > WHOLE:
            try:
                yield self._ended.popleft()
            except IndexError:  # another thread was quicker
                return
