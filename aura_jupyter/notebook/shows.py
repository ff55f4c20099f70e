"""What a cell shows of its task: the live card to who watches, else the finished picture; in a terminal, lines."""

from __future__ import annotations

import sys
from typing import Any

from ..engine.hooks import every_scheduler
from ..engine.tasklet import Tasklet
from ..view.picture import stored
from ..view.text import TerminalLines, sentence, text_final
from .failures import has_kernel
from .nbval_plugin import TASK_TYPE
from .publishing import Bundle, Publisher


class Shows:
    """Shows the tasks of one shell.

    Args:
        shell: the running InteractiveShell.
        publisher: sends what is shown.
    """

    def __init__(self, shell: Any, publisher: Publisher) -> None:
        """See the class."""
        self._shell, self._publisher = shell, publisher

    @property
    def watched(self) -> bool:
        """Whether a person looks on: who runs notebooks without one allows no questions."""
        return has_kernel(self._shell) and bool(self._shell.kernel._allow_stdin)

    def show(self, tasklet: Tasklet, *, awaited: bool) -> None:
        """Show a task in the running cell from now on.

        Args:
            tasklet: the task.
            awaited: whether the cell ends when the task does. With nobody watching it then shows the end alone, which
                is what nbval compares.
        """
        if not has_kernel(self._shell):
            self._print_lines(tasklet)
        elif self.watched:
            self._show_card(tasklet, awaited=awaited)
        elif awaited:
            tasklet.when_ended(lambda: self._publisher.display_for_good(_bundle(tasklet, awaited=True)))
        else:
            display_id = self._publisher.display(_bundle(tasklet, awaited=False))
            tasklet.when_ended(lambda: self._publisher.replace(display_id, _bundle(tasklet, awaited=False)))

    def _show_card(self, tasklet: Tasklet, *, awaited: bool) -> None:
        raise NotImplementedError

    @staticmethod
    def _print_lines(tasklet: Tasklet) -> None:
        lines = TerminalLines(sys.stdout, tasklet)
        every_scheduler.add(lines)
        tasklet.when_ended(lambda: every_scheduler.remove(lines))


def _bundle(tasklet: Tasklet, *, awaited: bool) -> Bundle:
    """A task as it stands, in every form but the live one."""
    text = text_final(tasklet) if awaited and tasklet.status.is_final else sentence(tasklet)
    return {"text/plain": text, TASK_TYPE: stored(tasklet)}
