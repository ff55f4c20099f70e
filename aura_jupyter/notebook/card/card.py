"""The live card: a widget that follows one task, and the board that feeds the cards of a kernel within their budget."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from ipywidgets import Layout

from ...engine.hooks import AttemptFailed, Event, Hooks
from ...engine.scheduler import Scheduler
from ...engine.tasklet import StepRun, Tasklet, TaskStatus
from ...view import graph, lines
from ...view.opened import blocks_of, find
from ...view.picture import Json, LivePicture, failed_in, stored
from ...view.shown import Shown
from ...view.text import sentence, text_final
from ...view.trace import step_mark
from .busy import Watchdog
from .snapshot import to_html

MIME = "application/vnd.aura.task+json"
VIEW = "application/vnd.jupyter.widget-view+json"
PER_CARD = 10
"""Messages a second for one card."""
IN_ALL = 48
"""Messages a second for all cards of a kernel: 50 with those that arrive late."""
KEPT = 20
"""Finished cards that stay open; a widget keeps its memory until it is closed."""
_LATE = 1.05  # times the gap between two messages: some arrive a little late, and then too many at once
_SHARE = 20  # of the loop's time at most a twentieth goes into the pictures of one card
_PRESSES = 100
_ROWS = 100
_LONG = 20_000  # characters: finding a line in a longer text would hold the loop
_HERE = Path(__file__).parent

Message = Mapping[str, Any]


@cache
def asset(name: str) -> str:
    """The text of one of the card's sources, minified where that was built from this very source.

    Args:
        name: `card.js` and `card.css` travel with each card, `card_more.js` and `card_more.css` with the first use.
    """
    source = _HERE / name
    built = _HERE / "static" / f"{source.stem}.min{source.suffix}"
    if built.exists() and built.stat().st_mtime >= source.stat().st_mtime:
        return built.read_text("utf-8")
    return source.read_text("utf-8")


class Budget:
    """Says when a card may send: what happens meanwhile is gathered. Lives on the loop's thread, but for `send_now`.

    Args:
        loop: the loop that the tasks run on.
        per_card: messages a second for one card.
        in_all: messages a second for all of them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, per_card: int = PER_CARD, in_all: int = IN_ALL) -> None:
        self._loop = loop
        self.limit(per_card)
        self._sent: deque[float] = deque(maxlen=in_all)
        self._waiting: dict[Card, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, per_card: int) -> None:
        """Let each card send so many messages a second from now on."""
        self._gap = _LATE / per_card

    def ask(self, card: Card) -> None:
        """Let a card send as soon as its turn comes: at once, if nothing was sent for a while."""
        if card in self._waiting:
            return
        self._waiting[card] = None
        self._wake_at(card.may_send_at)

    def forget(self, card: Card) -> None:
        """The card is closed."""
        self._waiting.pop(card, None)

    def close(self) -> None:
        """Send nothing more."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def send_now(self, card: Card, note: str = "") -> bool:
        """Let a card send what has changed, if it may; from any thread. Says whether it might."""
        now = self._loop.time()
        full = len(self._sent) == self._sent.maxlen and now - self._sent[0] < 1
        if full or card.may_send_at > now:
            return False
        is_sent = card.send_changes(note)
        done = self._loop.time()
        if is_sent:
            self._sent.append(done)
        card.may_send_at = done + max(self._gap, _SHARE * (done - now))
        return True

    def _wake_at(self, due: float) -> None:
        due = max(due, self._loop.time())
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        # an empty context: what is sent belongs to the cell that runs now, not to the step that happened to change
        self._timer = self._loop.call_at(due, self._send_due, context=contextvars.Context())

    def _send_due(self) -> None:
        self._timer = None
        ended_first = sorted(self._waiting, key=lambda card: not card.tasklet.status.is_final)
        for card in ended_first:
            self._waiting.pop(card, None)
            if not self.send_now(card):
                self._waiting[card] = None
        if self._waiting:
            full_until = self._sent[0] + 1 if len(self._sent) == self._sent.maxlen else 0.0
            self._wake_at(max(full_until, min(card.may_send_at for card in self._waiting)))


class Card(anywidget.AnyWidget):
    """The card of one task, as a widget.

    What changes travels as custom messages, small ones. The trait `picture` holds nothing: it is made when somebody
    asks for the widget's state, as a page does that is loaded anew, so it is never stale. It is sent as a whole only at
    the beginning and at the end, so that a front end that stores the state of widgets stores the end.

    Args:
        tasklet: the task.
        board: the board that it is on.
    """

    _esm = traitlets.Unicode(asset("card.js")).tag(sync=True)
    _css = traitlets.Unicode(asset("card.css")).tag(sync=True)
    _anywidget_id = traitlets.Unicode("aura_jupyter.Card").tag(sync=True)
    picture = traitlets.Any().tag(sync=True, to_json=lambda _value, card: card.whole())

    def __init__(self, tasklet: Tasklet, board: CardBoard) -> None:
        self.tasklet = tasklet
        self.may_send_at = 0.0  # on the loop's clock
        self._board = board
        self._changed: set[StepRun] = set()
        self._telling = threading.RLock()  # the loop's thread tells, and while a cell holds that one, others do
        self._end_is_told = tasklet.status.is_final
        self._live = LivePicture(tasklet, can_run_again=board.again is not None)
        super().__init__(layout=_shared_layout())
        if hasattr(self.comm, "_reply_subshell_for"):
            # else ipykernel sends what the page says to where the card last spoke from, and a cell may be running there
            self.comm._reply_subshell_for = _where_the_page_says
        self.on_msg(self._on_message)

    def add_traits(self, **traits: Any) -> None:
        """Add traits that the class does not have: each time that costs a new class, and anywidget asks for its own."""
        missing = {name: trait for name, trait in traits.items() if not self.has_trait(name)}
        if missing:
            super().add_traits(**missing)

    def whole(self) -> Json:
        """The picture as it was last told."""
        return self._live.whole()

    def show(self, tasklet: Tasklet) -> None:
        """Show another task in the place of this one, as `Run again` does. On the loop's thread."""
        with self._telling:
            self._board.moved(self, tasklet)
            self.tasklet = tasklet
            self._end_is_told = tasklet.status.is_final
            self._live = LivePicture(tasklet, can_run_again=self._board.again is not None)
            self._changed.clear()
            self.send_state("picture")
        self._board.watch()

    def shown(self) -> Shown:
        """What is shown of its steps, as it is now."""
        with self._telling:
            return self._live.known(self._changed)

    @property
    def is_live(self) -> bool:
        """Whether the page does not know its task's end yet; any thread."""
        return not self._end_is_told and self.comm is not None

    @property
    def is_behind(self) -> bool:
        """Whether its task's status has changed since it was told; any thread."""
        return self._live.is_behind

    def touch(self, step: StepRun | None) -> None:
        """Something happened to a step, or to the task. Costs little: the picture is made when it is sent."""
        if step is not None:
            with self._telling:
                self._changed.add(step)
        self._board.budget.ask(self)

    def send_changes(self, note: str = "") -> bool:
        """Send what has changed; says whether there was something.

        Args:
            note: what keeps the loop from doing so, in words; then this is another thread, and no step has told that
                its action reports progress or writes. The end is left to the loop.
        """
        with self._telling:
            final = self.tasklet.status.is_final
            if final and note:
                return False
            changed, self._changed = self._changed, set()
            if note:
                changed.update(line.step for line in self._live.shown.running.values())
            message = self._live.changes(changed, note)
            is_end = final and not self._end_is_told
            if is_end:
                self._end_is_told = True
                self.send_state("picture")
            elif message is not None:
                self.send({"kind": "change", **message})
        if final:
            self._board.ended(self)
        return is_end or message is not None

    def take(self, message: Message) -> None:
        """Do what a button asks for; any thread. What only looks or stops does not wait for the loop.

        Args:
            message: as for `handle`.
        """
        if message.get("kind") in _IN_ANY_THREAD:
            with self._telling:
                self.handle(message)
        else:
            self._board.on_loop(self.handle, message)

    def handle(self, message: Message) -> bool:
        """Do what a button asks for. On the loop's thread, or by `take`.

        Args:
            message: `kind`, and `press`, the id of the press: one that is known already does nothing.

        Returns:
            Whether it was done.
        """
        done = _HANDLERS.get(str(message.get("kind")))
        if done is None or not self._board.counts(message.get("press")):
            return False
        done(self, message)
        return True

    def to_html(self) -> str:
        """The card as it stands now, as HTML without a style sheet or a script."""
        return to_html(stored(self.tasklet))

    def close(self) -> None:
        """Close the widget: it leaves the page and the memory. The shared layout stays."""
        self._board.closed(self)
        super().close()

    def __repr__(self) -> str:
        return sentence(self.tasklet)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
        view = {"version_major": 2, "version_minor": 1, "model_id": self.model_id}
        return {VIEW: view, **final_bundle(self.tasklet)}, {}

    def _on_message(self, _widget: object, message: Message, _buffers: object) -> None:
        self.take(message)

    def _hello(self, message: Message) -> None:
        if message.get("rev") != self._live.revision:
            self.send({"kind": "state", "state": self.whole()})

    def _cancel(self, _message: Message) -> None:
        self.tasklet.cancel()
        if self._board.runs_here:
            self.touch(None)
        elif not self.tasklet.status.is_final:
            self.send_changes()  # a press is answered at once, whatever holds the loop

    def _rerun(self, _message: Message) -> None:
        if self._board.again is not None and self.tasklet.status.is_final:
            self._board.again(self)

    def _answer(self, message: Message) -> None:
        line = self._live.shown.line(str(message.get("row")))
        question = line.step.question if line is not None else None
        if question is not None and message.get("choice") in question.choices:
            question.answer(str(message["choice"]))

    def _save(self, _message: Message) -> None:
        tasklet = self.tasklet
        if tasklet.source.text is not None:
            name = "".join(char if char.isalnum() or char in "-_" else "-" for char in tasklet.name or tasklet.title)
            text = tasklet.secrets.mask(tasklet.source.text)
            self.send({"kind": "spec", "name": f"{name[:60].strip('-') or 'task'}.yaml", "text": text})

    def _more(self, _message: Message) -> None:
        self.send({"kind": "more", "js": asset("card_more.js"), "css": asset("card_more.css")})

    def _open(self, message: Message) -> None:
        """What opens under a row: found here, and made in a thread, since a `repr` may take long."""
        tasklet, name, key = self.tasklet, str(message.get("row")), message.get("key")
        row = find(tasklet, name, self._live.shown)
        self._board.made_elsewhere(
            lambda: blocks_of(row, tasklet),
            lambda blocks: self._tell(tasklet, {"kind": "opened", "row": name, "key": key, "blocks": blocks}),
            in_any_thread=True,
        )

    def _graph(self, _message: Message) -> None:
        tasklet = self.tasklet
        self._board.made_elsewhere(
            lambda: graph.graph(tasklet),
            lambda drawn: self._tell(tasklet, {"kind": "graph", "graph": drawn}),
            in_any_thread=True,
        )

    def _tell(self, tasklet: Tasklet, message: Json) -> None:
        with self._telling:
            if tasklet is self.tasklet:
                self.send(message)

    def _steps(self, _message: Message) -> None:
        self.send({"kind": "steps", **self._live.steps()})

    def _rows(self, message: Message) -> None:
        numbers = [number for number in message.get("steps", ())[:_ROWS] if isinstance(number, int)]
        self.send({"kind": "rows", "rows": self._live.rows_of(numbers)})

    def _log(self, message: Message) -> None:
        after = message.get("after")
        number = after if isinstance(after, int) else 0
        last, new, more = lines.after(self.tasklet.logs, number, self.tasklet.secrets.mask)
        self.send({"kind": "log", "after": number, "last": last, "lines": new, "more": more})


_HANDLERS: dict[str, Callable[[Card, Message], None]] = {
    "hello": Card._hello,
    "cancel": Card._cancel,
    "rerun": Card._rerun,
    "answer": Card._answer,
    "spec": Card._save,
    "more": Card._more,
    "open": Card._open,
    "steps": Card._steps,
    "rows": Card._rows,
    "graph": Card._graph,
    "log": Card._log,
}
_IN_ANY_THREAD = _HANDLERS.keys() - {"rerun", "answer"}


def _where_the_page_says(_data: object, default: str | None) -> str | None:
    """The subshell that a message of a page is handled in: the one that the page addressed."""
    return default


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

    @property
    def runs_here(self) -> bool:
        """Whether this is the loop's thread."""
        return asyncio._get_running_loop() is self._loop

    def _catch_up(self, card: Card) -> None:
        """Look again at a task that went on in its thread while its card was made in another."""
        card.show(card.tasklet)
        card.touch(None)

    def handle(self, message: Message) -> bool:
        """Do what a button asks for whose message came another way than through its widget; any thread.

        Args:
            message: as the button made it, with `task_id`.

        Returns:
            Whether there is such a card.
        """
        card = self._cards.get(str(message.get("task_id")))
        if card is not None:
            card.take(message)
        return card is not None

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
    shown = board_of(tasklet.scheduler).known_of(tasklet)
    picture = stored(tasklet, shown)
    text = text_final(tasklet, shown) if awaited and tasklet.status.is_final else sentence(tasklet)
    return {MIME: picture, "text/html": to_html(picture), "text/plain": text}


def when_quick(tasklet: Tasklet, then: Callable[[], object]) -> None:
    """Call back once the end of a task is quick to draw: where its text is long, the line that failed is found before.

    Args:
        tasklet: a task that has ended.
        then: called on its loop's thread.
    """
    step, text = failed_in(tasklet), tasklet.source.text or ""
    if step is None or len(text) < _LONG:
        then()
        return
    path = step.path
    board_of(tasklet.scheduler).made_elsewhere(lambda: step_mark(tasklet.source, path), lambda _: then())


_layouts: list[Layout] = []


def _shared_layout() -> Layout:
    """One layout for all cards: a widget of its own, it would double the comms."""
    if not _layouts or _layouts[0].comm is None:
        _layouts[:] = [Layout()]
    return _layouts[0]
