"""What is told once of a task that ended while nobody looked: a front end makes a toast of it."""

from __future__ import annotations

from ..engine.tasklet import Tasklet, TaskStatus
from .picture import failed_in, said

NOTIFY_AFTER = 30.0
"""Seconds from which on a task's end is worth a word to who does not look."""


def ending(tasklet: Tasklet) -> str:
    """How a task ended, in one sentence: `delays failed in join: KeyError: 'tailnum'`."""
    return tasklet.secrets.mask(said(tasklet, failed_in(tasklet), None))


def notice(tasklet: Tasklet, after: float | None) -> str | None:
    """The sentence to tell of a task that has ended, or None where it is worth none.

    Of a task that was cancelled nothing is told: somebody just did that.

    Args:
        tasklet: the task.
        after: seconds, its time in the queue included, that it must have taken; None or 0: nothing is ever told.
    """
    if not after or tasklet.ended_at is None or tasklet.status is TaskStatus.CANCELLED:
        return None
    return ending(tasklet) if tasklet.ended_at - tasklet.queued_at > after else None
