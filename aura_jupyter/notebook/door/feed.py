"""Events of tasks, gathered: one message for all who listen, at most ten a second, and nothing while nobody does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from ...engine.hooks import AttemptFailed, Event, every_scheduler
from ...engine.scheduler import Scheduler
from ...engine.tasklet import StepRun, StepStatus, Tasklet
from ...messages import EVENT, TaskEvent, TaskSummary
from ...view import reports

GAP = 0.1
"""Seconds between two messages."""
TASKS, STEPS, STEPS_OF_A_TASK = 50, 200, 50
"""How many tasks and steps one message holds at most, so that a server does not have to drop any."""
SUBSCRIBERS = 1_000
_SHARE = 20  # of the time at most a twentieth goes into events
_MOVED = 50  # tasks whose place is told when the queue moves

Json = dict[str, Any]
Steps = dict[StepRun, Tasklet]


class Feed:
    """Sends what happens to tasks. While somebody listens a thread of its own does, since a cell may hold the loops.

    Args:
        kernel: the ipykernel whose IOPub the events go out on.
    """

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._lock = threading.Lock()
        self._leases: dict[str, float] = {}  # until when, on the monotonic clock
        self._panels: Callable[[list[Json]], object] | None = None
        self._changed: dict[Tasklet, Steps] = {}
        self._later: list[tuple[float, Tasklet, StepRun, Tasklet]] = []  # when to look at a step, of which nobody tells
        self._something = threading.Event()
        self._thread: threading.Thread | None = None
        self._number = 0

    # --- who listens --------------------------------------------------------------------------------------------------

    def subscribe(self, subscriber: str, lease: float) -> int:
        """Send events on IOPub for so many seconds; gives the number of the last event so far."""
        with self._lock:
            if len(self._leases) >= SUBSCRIBERS and subscriber not in self._leases:
                del self._leases[min(self._leases, key=self._leases.__getitem__)]
            self._leases[subscriber] = time.monotonic() + lease
            self._start()
            return self._number

    def unsubscribe(self, subscriber: str) -> bool:
        """Send no more events to this one; whether it was known."""
        with self._lock:
            known = self._leases.pop(subscriber, None) is not None
        self._something.set()
        return known

    def show_panels(self, send: Callable[[list[Json]], object] | None) -> None:
        """Give the events to panels, too, or with None no more."""
        with self._lock:
            self._panels = send
            if send is not None:
                self._start()
        self._something.set()

    def close(self) -> None:
        """Send nothing any more."""
        with self._lock:
            self._leases.clear()
            self._panels = None
        self._something.set()

    def _start(self) -> None:
        """Listen, with the lock held."""
        if self._thread is None:
            every_scheduler.add(self._on_event)
            self._thread = threading.Thread(target=self._work, name="aura-events", daemon=True)
            self._thread.start()

    # --- what happens -------------------------------------------------------------------------------------------------

    def touch(self, tasklet: Tasklet) -> None:
        """Something happened to a task that no hook tells; any thread."""
        with self._lock:
            if self._thread is not None:
                self._changed.setdefault(tasklet, {})
        self._something.set()

    def queue_moved(self, scheduler: Scheduler) -> None:
        """The places in the queue have changed."""
        with self._lock:
            if self._thread is not None:
                for tasklet in scheduler.task_queue.tasklets()[:_MOVED]:
                    self._changed.setdefault(tasklet, {})
        self._something.set()

    def now(self, tasks: Iterable[TaskSummary]) -> list[Json]:
        """An event for each of these tasks, as they are now."""
        return [TaskEvent(number=self._next(), task=task).model_dump(mode="json") for task in tasks]

    def _on_event(self, event: Event) -> None:
        tasklet, step = event.tasklet, getattr(event, "step", None)
        root = tasklet
        while root.parent is not None:
            root = root.parent[0]
        with self._lock:
            if self._thread is None:  # the last listener has gone this moment
                return
            steps = self._changed.setdefault(root, {})
            if step is not None and event.hook != "step_log":
                steps[step] = tasklet
            if isinstance(event, AttemptFailed):
                self._later.append((time.monotonic() + event.delay + 0.01, root, event.step, tasklet))
        if event.hook == "before_task_run":
            self.queue_moved(tasklet.scheduler)
        self._something.set()

    # --- sending ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            self._something.wait(self._patience())
            self._something.clear()
            if not self._is_listened_to():
                return
            began = time.thread_time()
            self._look_again(time.monotonic())
            try:
                self._send()
            except Exception:  # the next ones come all the same
                self._kernel.log.exception("Events could not be sent.")
            time.sleep(max(GAP, _SHARE * (time.thread_time() - began)))

    def _patience(self) -> float:
        """Seconds until something is due: the end of a lease, or a look at a step."""
        with self._lock:
            due = [*self._leases.values(), *(when for when, *_ in self._later)]
            return max(0.0, min(due, default=time.monotonic() + 3600) - time.monotonic())

    def _is_listened_to(self) -> bool:
        """Whether anybody listens still; where not, nothing is gathered any more."""
        now = time.monotonic()
        with self._lock:
            self._leases = {name: until for name, until in self._leases.items() if until > now}
            if self._leases or self._panels is not None:
                return True
            every_scheduler.remove(self._on_event)
            self._thread = None
            self._changed.clear()
            self._later.clear()
            return False

    def _look_again(self, now: float) -> None:
        with self._lock:
            due = [each for each in self._later if each[0] <= now]
            self._later = [each for each in self._later if each[0] > now]
            for _, root, step, tasklet in due:
                self._changed.setdefault(root, {})[step] = tasklet

    def _send(self) -> None:
        events = list(self._taken())
        if not events:
            return
        with self._lock:
            to_all, panels = bool(self._leases), self._panels
        if to_all:
            kernel = self._kernel
            # without a parent: it belongs to no cell
            kernel.session.send(kernel.iopub_socket, EVENT, {"events": events}, ident=EVENT.encode())
        if panels is not None:
            panels(events)

    def _taken(self) -> Iterable[Json]:
        """The events for one message, of tasks that have ended first; the others stay for the next."""
        with self._lock:
            first = sorted(self._changed, key=lambda tasklet: not tasklet.status.is_final)[:TASKS]
            taken = [(tasklet, self._changed.pop(tasklet)) for tasklet in first]
            if self._changed:
                self._something.set()
        room = STEPS
        for tasklet, steps in taken:
            yield self._event(tasklet, steps, min(room, STEPS_OF_A_TASK))
            room -= min(len(steps), STEPS_OF_A_TASK, room)

    def _event(self, tasklet: Tasklet, steps: Steps, room: int) -> Json:
        telling = sorted(steps, key=_rank)[:room]
        return TaskEvent(
            number=self._next(),
            task=reports.summary(tasklet),
            steps=[reports.step_info(reports.line_of(step, steps[step])) for step in telling],
            more_steps=len(steps) > len(telling),
        ).model_dump(mode="json")

    def _next(self) -> int:
        with self._lock:
            self._number += 1
            return self._number


def _rank(step: StepRun) -> int:
    """What a person wants to see first."""
    if step.status is StepStatus.FAILED or step.question is not None:
        return 0
    return 1 if step.status is StepStatus.RUNNING else 2
