"""What a cell shows of its task: the live card to who watches, else the finished picture; in a terminal, lines."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import importlib
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from ..actions.registry import registry
from ..engine.hooks import every_scheduler
from ..engine.tasklet import Tasklet
from ..spec.problems import SpecError, to_html, to_text
from ..view.text import TerminalLines, sentence
from .failures import has_kernel
from .mime import VIEW
from .publishing import Bundle, Publisher


class Shows:
    """Shows the tasks of one shell.

    Args:
        shell: the running InteractiveShell.
        publisher: sends what is shown.
        again: starts a task again.
        settings: gives the settings, once they are there.
    """

    def __init__(
        self, shell: Any, publisher: Publisher, again: Callable[[Tasklet], Tasklet], settings: Callable[[], Any]
    ) -> None:
        self._shell, self._publisher, self._again, self._settings = shell, publisher, again, settings
        self.at_end: Callable[[Tasklet, Bundle], object] | None = None  # is told what is left of each card
        self._prepared = False
        self._boards: weakref.WeakSet[Any] = weakref.WeakSet()
        self._displays: weakref.WeakKeyDictionary[Tasklet, list[str]] = weakref.WeakKeyDictionary()

    def limit_messages(self, rate: int) -> None:
        """Let each card send so many messages a second, those that are shown already, too."""
        for board in self._boards:
            board.budget.limit(rate)

    def let_go(self) -> None:
        """Let go of the cards that have ended, and of each other one when its task ends."""
        for board in list(self._boards):
            board.again = None
            board.retire()
        self._boards.clear()

    def close(self) -> None:
        """Send what the cards have to say still, at the end of the kernel; any thread."""
        for board in list(self._boards):
            board.rest()

    @property
    def watched(self) -> bool:
        """Whether a person looks on: who runs notebooks without one allows no questions."""
        return has_kernel(self._shell) and bool(self._shell.kernel._allow_stdin)

    def prepare_early(self) -> None:
        """Import what the first card needs while the person is still reading."""
        threading.Thread(target=_import_early, name="aura-import", daemon=True).start()

    async def prepare(self) -> None:
        """Import what a card needs without holding the loop."""
        if has_kernel(self._shell) and not self._prepared:
            await asyncio.to_thread(_cards)
            self._prepared = True

    def show(self, tasklet: Tasklet, *, awaited: bool) -> None:
        """Show a task in the running cell from now on.

        Args:
            tasklet: the task.
            awaited: whether the cell ends when the task does. With nobody watching it shows the end alone, by
                `show_end`, so that what is stored is what another run displays.
        """
        if not has_kernel(self._shell):
            self._print_lines(tasklet)
        elif self.watched or not awaited:
            self._show_until_ended(tasklet, awaited=awaited)

    async def show_end(self, tasklet: Tasklet) -> None:
        """Show a task that has ended in the cell that awaited it, where that has shown nothing yet."""
        if has_kernel(self._shell) and not self.watched:
            loop, quick = asyncio.get_running_loop(), asyncio.Event()
            _cards().when_quick(tasklet, lambda: _soon(loop, quick.set))
            await quick.wait()
            self._publisher.display(_cards().final_bundle(tasklet, awaited=True))

    def value(self, tasklet: Tasklet, *_: object, **__: object) -> Bundle:
        """What stands for a tasklet that is the value of a cell: a formatter of IPython's."""
        return self._bundle(tasklet, awaited=False) if has_kernel(self._shell) else {"text/plain": sentence(tasklet)}

    def live(self, tasklet: Tasklet) -> Bundle:
        """The live card of a task, for a page that asks for it; on the task's loop."""
        return {**_view(self._board(tasklet).card(tasklet).model_id), **self.end_of(tasklet)}

    def end_of(self, tasklet: Tasklet) -> Bundle:
        """What is left of a card when the task has ended."""
        bundle: Bundle = _cards().final_bundle(tasklet)
        return bundle

    def _bundle(self, tasklet: Tasklet, *, awaited: bool) -> Bundle:
        bundle: Bundle = _cards().final_bundle(tasklet, awaited=awaited)
        if self.watched and not tasklet.status.is_final:
            return {**_view(self._board(tasklet).card(tasklet).model_id), **bundle}
        return bundle

    def _board(self, tasklet: Tasklet) -> Any:
        board = _cards().board_of(tasklet.scheduler)
        if board not in self._boards:
            self._boards.add(board)
            board.again = self._run_again
            board.revive()
            board.budget.limit(self._settings().message_rate)
        return board

    def _run_again(self, card: Any) -> None:
        """What the button of a card does: the new task's card takes the place of the old one."""
        old = card.tasklet
        try:
            new = self._again(old)
        except SpecError as error:
            self._publisher.display({"text/html": to_html(error), "text/plain": to_text(error)})
            return
        self._show_instead(old, new, card)

    def show_instead(self, old: Tasklet, new: Tasklet) -> None:
        """Let a new task take an old one's place wherever that is shown; on the old one's loop."""
        if old in self._displays or self._prepared:
            self._show_instead(old, new, _cards().board_of(old.scheduler).open_card(old))

    def _show_instead(self, old: Tasklet, new: Tasklet, card: Any) -> None:
        if card is not None and new.scheduler is old.scheduler:
            card.show(new)  # else tasks run on another loop by now, and the new one has a card of its own
        for display_id in self._displays.pop(old, ()):
            self._publisher.replace(display_id, self._bundle(new, awaited=False))
            self._replace_at_end(new, display_id, awaited=False)

    def _show_until_ended(self, tasklet: Tasklet, *, awaited: bool) -> None:
        display_id = self._publisher.display(self._bundle(tasklet, awaited=awaited))
        self._replace_at_end(tasklet, display_id, awaited=awaited)

    def _replace_at_end(self, tasklet: Tasklet, display_id: str, *, awaited: bool) -> None:
        self._displays.setdefault(tasklet, []).append(display_id)
        if not tasklet.status.is_final:
            loop = tasklet.scheduler.loop

            def replace() -> None:
                bundle = _cards().final_bundle(tasklet, awaited=awaited)
                self._publisher.replace(display_id, bundle)
                if self.at_end is not None:
                    self.at_end(tasklet, bundle)

            # by the loop: a mistake in a picture is none of the engine's, which calls back here
            tasklet.when_ended(lambda: _soon(loop, lambda: _cards().when_quick(tasklet, replace)))

    @staticmethod
    def _print_lines(tasklet: Tasklet) -> None:
        lines = TerminalLines(sys.stdout, tasklet)
        every_scheduler.add(lines)
        tasklet.when_ended(lambda: every_scheduler.remove(lines))


def _soon(loop: asyncio.AbstractEventLoop, function: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody looks on any more
        loop.call_soon_threadsafe(function, context=contextvars.Context())


def _import_early() -> None:
    _cards()
    for module in ("aura_jupyter.spec.model", f"{__package__}.door.answers"):  # only to have them loaded: all pydantic
        importlib.import_module(module)
    registry.names()  # looks for the actions of installed packages


def _cards() -> Any:
    from .card import board  # noqa: PLC0415 - slow: it needs the widgets

    return board


def _view(model_id: str) -> Bundle:
    return {VIEW: {"version_major": 2, "version_minor": 1, "model_id": model_id}}
