"""The hub: what the pages of a notebook are told of its cards, so that each end is kept whatever a page has missed.

A page opens a comm and says which tasks it watches; it hears of those that live, that have ended, and that this kernel
does not know. Each end goes to every page, since a card may have no view. A page that is reloaded closes no comm.
"""

from __future__ import annotations

import contextvars
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import comm

from ... import __version__
from ...engine.tasklet import Tasklet
from ...protocol import PROTOCOL, TARGET

if TYPE_CHECKING:
    from ..notebook import Notebook
    from ..publishing import Bundle
    from .registration import Door

PAGES, PANELS = 32, 8
"""Comms that are spoken to at most, the newest ones: those of reloaded pages are dead, and nobody says so."""
KEPT, KEPT_BYTES = 200, 8_000_000
"""Ends that are kept for pages that come back."""
_WATCHED = 1_000  # tasks of one message
_TOLD = 500  # tasks that a panel is told of at first

Json = dict[str, Any]


class Ends:
    """The last ends, bounded; any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Bundle, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def keep(self, task_id: str, bundle: Bundle) -> None:
        """Remember an end, the last one that was said of a task."""
        size = len(json.dumps(bundle, ensure_ascii=False))
        with self._lock:
            _, before = self._kept.pop(task_id, (None, 0))
            self._kept[task_id] = bundle, size
            self._size += size - before
            while len(self._kept) > 1 and (len(self._kept) > KEPT or self._size > KEPT_BYTES):
                _, (_, gone) = self._kept.popitem(last=False)
                self._size -= gone

    def get(self, task_id: str) -> Bundle | None:
        """The end of a task, where it is kept."""
        with self._lock:
            bundle, _ = self._kept.get(task_id, (None, 0))
        return bundle


class Page:
    """One page that has opened a comm."""

    def __init__(self, opened: Any) -> None:
        self.comm = opened
        self.is_panel = False

    def send(self, **said: Any) -> None:
        """Send what is not empty; any thread."""
        said = {key: value for key, value in said.items() if value}
        # an empty context: it belongs to no cell that began the task
        contextvars.Context().run(self.comm.send, {"protocol": PROTOCOL, **said})


class Hub:
    """Speaks with the pages of one notebook.

    Args:
        door: of the kernel.
        notebook: the notebook.
    """

    def __init__(self, door: Door, notebook: Notebook) -> None:
        self._door, self._notebook = door, notebook
        self._ends = Ends()
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._lock = threading.Lock()
        self._awaited: set[str] = set()  # tasks whose end a page has asked for
        self._manager = comm.get_comm_manager()
        self._manager.register_target(TARGET, self._opened)
        notebook.shows.at_end = self.ended
        if notebook.shows.watched:
            self._say_hello()

    def close(self) -> None:
        """Speak with nobody any more."""
        self._notebook.shows.at_end = None
        self._manager.unregister_target(TARGET, self._opened)
        with self._lock:
            pages = list(self._pages.values())
            self._pages.clear()
        for page in pages:
            page.comm.close()

    @staticmethod
    def _say_hello() -> None:
        """Tell the pages that Aura is loaded; those without our extension close this, and nothing comes of it."""
        comm.create_comm(target_name=TARGET, data={"protocol": PROTOCOL, "version": __version__})

    # --- what pages say -----------------------------------------------------------------------------------------------

    def _opened(self, opened: Any, message: Json) -> None:
        """A page has opened a comm; in the main thread, or that of a subshell."""
        if hasattr(opened, "_reply_subshell_for"):  # its messages need not wait for the cell that runs
            opened._reply_subshell_for = lambda _data, default: default
        page = Page(opened)
        opened.on_msg(lambda said: self._heard(page, said["content"].get("data")))
        opened.on_close(lambda _: self._closed(page))
        with self._lock:
            self._pages[opened.comm_id] = page
            surplus = [self._pages.popitem(last=False)[1] for _ in range(len(self._pages) - PAGES)]
        for old in surplus:
            old.comm.close()
            self._set_panel(old, wanted=False)
        self._heard(page, message["content"].get("data"))

    def _closed(self, page: Page) -> None:
        with self._lock:
            self._pages.pop(page.comm.comm_id, None)
        self._set_panel(page, wanted=False)

    def _heard(self, page: Page, said: Any) -> None:
        if not isinstance(said, dict) or said.get("protocol") != PROTOCOL:
            page.send()  # its number is all that such a page understands
            return
        if "panel" in said:
            self._set_panel(page, wanted=said["panel"] is True)
        watched = said.get("watch")
        if isinstance(watched, list):
            self._watch(page, [each for each in watched[:_WATCHED] if isinstance(each, str)])

    def _watch(self, page: Page, task_ids: Iterable[str]) -> None:
        final, gone, others = [], [], []
        for task_id in task_ids:
            bundle, tasklet = self._ends.get(task_id), self._door.answers.tasks.find(task_id)
            if bundle is not None:
                final.append(bundle)
            elif tasklet is None:
                gone.append(task_id)
            else:
                others.append(tasklet)
        if final or gone or not others:
            page.send(final=final, gone=gone)
        for tasklet in others:
            self._on_loop(tasklet, partial(self._look, page, tasklet))

    def _look(self, page: Page, tasklet: Tasklet) -> None:
        """Tell a page of a task that it watches; on the task's loop, where its card lives."""
        if tasklet.status.is_final:
            self.ended(tasklet, self._notebook.shows.end_of(tasklet))
            return
        page.send(live=[self._notebook.shows.live(tasklet)])
        if tasklet.task_id not in self._awaited:
            self._awaited.add(tasklet.task_id)
            tasklet.when_ended(lambda: self._on_loop(tasklet, partial(self._end, tasklet)))

    # --- what pages are told ------------------------------------------------------------------------------------------

    def ended(self, tasklet: Tasklet, bundle: Bundle) -> None:
        """A task has ended, and this is what is left of its card."""
        self._ends.keep(tasklet.task_id, bundle)
        for page in self._every():
            page.send(final=[bundle])

    def _end(self, tasklet: Tasklet) -> None:
        self._awaited.discard(tasklet.task_id)
        if self._ends.get(tasklet.task_id) is None:  # else its cell has said it
            self.ended(tasklet, self._notebook.shows.end_of(tasklet))

    def _set_panel(self, page: Page, *, wanted: bool) -> None:
        if wanted == page.is_panel:
            return
        page.is_panel = wanted
        panels = [each for each in self._every() if each.is_panel]
        for old in panels[:-PANELS]:
            old.is_panel = False
        if wanted:
            answers = self._door.answers
            page.send(events=answers.feed.now(answers.tasks.newest(_TOLD)))
        self._door.answers.feed.show_panels(self._send_events if panels else None)

    def _send_events(self, events: list[Json]) -> None:
        for page in self._every():
            if page.is_panel:
                page.send(events=events)

    def _every(self) -> list[Page]:
        with self._lock:
            return list(self._pages.values())

    @staticmethod
    def _on_loop(tasklet: Tasklet, function: Callable[[], object]) -> None:
        loop = tasklet.scheduler.loop
        if not loop.is_closed():
            loop.call_soon_threadsafe(function, context=contextvars.Context())
