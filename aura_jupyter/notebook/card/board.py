"""The board of a scheduler's cards: it feeds them within their budget, and says what of a task is stored."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from ...engine.hooks import AttemptFailed, Event, Hooks
from ...engine.scheduler import Scheduler
from ...engine.tasklet import Tasklet, TaskStatus
from ...view.picture import failed_in, stored
from ...view.shown import Shown
from ...view.text import sentence, text_final
from ...view.trace import failed_mark
from ..mime import MIME
from .budget import Budget
from .busy import Watchdog
from .card import Card
from .snapshot import to_html

KEPT = 20
"""Finished cards that stay open; a widget keeps its memory until it is closed."""
_PRESSES = 100
_LONG = 20_000  # characters: finding a line in a longer text would hold the loop


class CardBoard:
    """The cards of one scheduler: it listens to the hooks and tells each card what happened to its task.

    Args:
        hooks: the hooks of the scheduler.
        loop: its event loop.

    Attributes:
        again: what `Run again` calls with the card, and may `card.show(tasklet)`; None takes the button away.
    """

    def __init__(self, hooks: Hooks, loop: asyncio.AbstractEventLoop) -> None:
        self.again: Callable[[Card], None] | None = None
        self.budget = Budget(loop)
        self._hooks = hooks
        self._loop = loop
        self._cards: dict[str, Card] = {}
        self._queued: set[Card] = set()
        self._ended: deque[Card] = deque()
        self._kept: weakref.WeakSet[Card] = weakref.WeakSet()
        self._presses: deque[object] = deque(maxlen=_PRESSES)
        self._pressing = threading.Lock()
        self._retired = False
        self._noted = False  # whether cards say that the loop is held
        self._watchdog = Watchdog(
            loop, wanted=lambda: bool(self._live()), free=self._look_around, held=self._go_on, freed=self._take_back
        )
        hooks.add(self._on_event)

    def card(self, tasklet: Tasklet) -> Card:
        """The card of a task: the one that is open, else a new one."""
        card = self._cards.get(tasklet.task_id)
        if card is None:
            card = self._cards[tasklet.task_id] = Card(tasklet, self)
            if tasklet.status is TaskStatus.QUEUED:
                self._queued.add(card)
            elif tasklet.status.is_final:
                self.ended(card)
            if not self.runs_here:
                self.on_loop(self._catch_up, card)
        self.watch()
        return card

    def watch(self) -> None:
        """See to it that a loop which is held is seen, where a card lives on it; any thread."""
        if self._live():
            self._watchdog.start()

    def open_card(self, tasklet: Tasklet) -> Card | None:
        """The card of a task, if one is open."""
        return self._cards.get(tasklet.task_id)

    def known_of(self, tasklet: Tasklet) -> Shown:
        """What is shown of a task's steps, kept by its card where it has one, else looked up."""
        card = self._cards.get(tasklet.task_id)
        return card.shown() if card is not None and self.runs_here else Shown(tasklet)

    def bundle(self, tasklet: Tasklet, *, awaited: bool = False) -> dict[str, Any]:
        """The output without the widget, see `final_bundle`."""
        shown = self.known_of(tasklet)
        card = self._cards.get(tasklet.task_id)
        picture = stored(tasklet, shown, card.read if card is not None and tasklet.status.is_final else {})
        text = text_final(tasklet, shown) if awaited and tasklet.status.is_final else sentence(tasklet)
        return {MIME: picture, "text/html": to_html(picture), "text/plain": text}

    @property
    def runs_here(self) -> bool:
        """Whether this is the loop's thread."""
        return asyncio._get_running_loop() is self._loop

    def _catch_up(self, card: Card) -> None:
        """Look again at a task that went on in its thread while its card was made in another."""
        card.show(card.tasklet)
        card.touch(None)

    def retire(self) -> None:
        """Let go of the cards: of the ended ones now, of each other one at its end. Their pages have the pictures."""
        self._retired = True
        for card in list(self._ended):
            card.close()
        self._leave()

    def revive(self) -> None:
        """Take it back that the cards are let go of."""
        if self._retired:
            self._retired = False
            self._hooks.remove(self._on_event)
            self._hooks.add(self._on_event)

    def _leave(self) -> None:
        if self._retired and not self._cards:
            self._hooks.remove(self._on_event)

    def rest(self) -> None:
        """Send what there is to send and stop; the cards stay as they are. For the end of a kernel, in any thread."""
        self._hooks.remove(self._on_event)
        self._watchdog.stop()
        for card in self._live():
            card.send_changes()
        self.budget.close()

    def close(self) -> None:
        """Stop listening and close every card."""
        self._hooks.remove(self._on_event)
        self._watchdog.stop()
        self.budget.close()
        for card in list(self._cards.values()):
            card.close()

    def counts(self, press: object) -> bool:
        """Whether a press is new; a message without one always is. Any thread may ask."""
        if press is None:
            return True
        with self._pressing:
            if press in self._presses:
                return False
            self._presses.append(press)
            return True

    def on_loop(self, function: Callable[..., object], *args: object) -> None:
        """Call on the loop's thread, in no cell's context; nothing happens when the loop is closed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args, context=contextvars.Context())

    def made_elsewhere(
        self, make: Callable[[], Any], then: Callable[[Any], object], *, in_any_thread: bool = False
    ) -> None:
        """Make something in a thread, and do something with it on the loop's, or there."""

        def work() -> None:
            made = make()
            if in_any_thread:
                then(made)
            else:
                self.on_loop(then, made)

        threading.Thread(target=work, name="aura-card", daemon=True).start()

    def moved(self, card: Card, tasklet: Tasklet) -> None:
        """The card shows another task from now on."""
        self._cards.pop(card.tasklet.task_id, None)
        self._cards[tasklet.task_id] = card
        if card in self._ended:
            self._ended.remove(card)
        if tasklet.status is TaskStatus.QUEUED:
            self._queued.add(card)

    def keep(self, card: Card) -> None:
        """Never close a card: a box that holds it would lose it, and a page loaded anew could then show no widget."""
        self._kept.add(card)
        if card in self._ended:
            self._ended.remove(card)

    def ended(self, card: Card) -> None:
        """The end of its task was told. The card stays open for a while; the oldest of too many is closed."""
        if card not in self._ended and card not in self._kept:
            self._ended.append(card)
        while len(self._ended) > (0 if self._retired else KEPT):
            self._ended.popleft().close()

    def closed(self, card: Card) -> None:
        """The card is no more."""
        if self._cards.get(card.tasklet.task_id) is card:
            del self._cards[card.tasklet.task_id]
        self._queued.discard(card)
        if card in self._ended:
            self._ended.remove(card)
        self.budget.forget(card)
        self._leave()

    # --- while something holds the loop: called by the watchdog, in its thread ----------------------------------------

    def _live(self) -> list[Card]:
        return [card for card in list(self._cards.values()) if card.is_live]

    def _look_around(self) -> None:
        """That a task was told to stop is told by nobody while its action goes on."""
        for card in self._live():
            if card.is_behind:
                self.on_loop(card.touch, None)

    def _go_on(self, note: str) -> None:
        self._noted = True
        for card in self._live():
            self.budget.send_now(card, note)

    def _take_back(self) -> None:
        if self._noted:
            self._noted = False
            for card in self._live():
                self.on_loop(card.touch, None)

    # --- what the engine tells ----------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        tasklet = event.tasklet
        if self._queued and event.hook in {"before_task_run", "after_task_run"}:
            self._queue_moved()
        card = self._cards.get(tasklet.task_id)
        while card is None and tasklet.parent is not None:
            tasklet = tasklet.parent[0]
            card = self._cards.get(tasklet.task_id)
        if card is None:
            return
        card.touch(getattr(event, "step", None))
        if isinstance(event, AttemptFailed):  # that the next attempt has begun is told by nobody
            self._loop.call_later(event.delay + 0.01, card.touch, event.step, context=contextvars.Context())

    def _queue_moved(self) -> None:
        for card in list(self._queued):
            card.touch(None)
            if card.tasklet.status is not TaskStatus.QUEUED:
                self._queued.discard(card)


_boards: weakref.WeakKeyDictionary[Scheduler, CardBoard] = weakref.WeakKeyDictionary()


def board_of(scheduler: Scheduler) -> CardBoard:
    """The board of a scheduler, made at the first call."""
    board = _boards.get(scheduler)
    if board is None:
        board = _boards[scheduler] = CardBoard(scheduler.hooks, scheduler.loop)
    return board


def card_of(tasklet: Tasklet) -> Card:
    """The card of a task, on the board of its scheduler."""
    return board_of(tasklet.scheduler).card(tasklet)


def own_card(tasklet: Tasklet) -> Card:
    """The card of a task, for a person to lay out: a widget like any other, it stays open until `close()`.

    Args:
        tasklet: the task.
    """
    card = card_of(tasklet)
    board_of(tasklet.scheduler).keep(card)
    return card


def final_bundle(tasklet: Tasklet, *, awaited: bool = False) -> dict[str, Any]:
    """The output without the widget: the picture as JSON, as HTML and as text.

    Args:
        tasklet: the task; of one that has not ended it says what is known now, worded so that it stays true.
        awaited: whether its cell waits for the task: the text tells the end then, else it is the sentence that stays.
    """
    return board_of(tasklet.scheduler).bundle(tasklet, awaited=awaited)


def when_quick(tasklet: Tasklet, then: Callable[[], object]) -> None:
    """Call back once the end of a task is quick to draw.

    Where its text is long, the line that failed is found before; and what opens under the rows that somebody reads is
    made.

    Args:
        tasklet: a task that has ended.
        then: called on its loop's thread.
    """
    step, text = failed_in(tasklet), tasklet.source.text or ""
    board = board_of(tasklet.scheduler)
    card = board.open_card(tasklet)
    find_line = step is not None and len(text) >= _LONG
    if not find_line and (card is None or not card.read):
        then()
        return

    def make() -> None:
        if find_line and step is not None:
            failed_mark(tasklet.source, step)
        if card is not None:
            card.read_on()

    board.made_elsewhere(make, lambda _: then())
