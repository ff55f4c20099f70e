"""The live card: a widget that follows one task."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from ipywidgets import Layout

from ...engine.tasklet import StepRun, Tasklet
from ...view import graph, lines
from ...view.opened import blocks_of, find, opened
from ...view.picture import Json, LivePicture, stored
from ...view.shown import Shown
from ...view.text import sentence
from ..mime import VIEW
from .snapshot import to_html

if TYPE_CHECKING:
    from .board import CardBoard

_ROWS = 100
_READ = 20  # rows whose details are kept because somebody has opened them
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
        self.read: dict[str, list[Json]] = {}  # what opens under the rows that somebody has opened
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
            self.read.clear()
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

    def handle(self, message: Message) -> None:
        """Do what a button asks for. On the loop's thread, or by `take`.

        Args:
            message: `kind`, and `press`, the id of the press: one that is known already does nothing.
        """
        done = _HANDLERS.get(str(message.get("kind")))
        if done is not None and self._board.counts(message.get("press")):
            done(self, message)

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
        return {VIEW: view, **self._board.bundle(self.tasklet)}, {}

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

        def tell(blocks: list[Json]) -> None:
            with self._telling:
                if tasklet is self.tasklet:
                    self.read.pop(name, None)
                    self.read[name] = blocks
                    for oldest in list(self.read)[:-_READ]:
                        del self.read[oldest]
            self._tell(tasklet, {"kind": "opened", "row": name, "key": key, "blocks": blocks})

        self._board.made_elsewhere(lambda: blocks_of(row, tasklet), tell, in_any_thread=True)

    def read_on(self) -> None:
        """Make anew what opens under the rows that somebody has opened; any thread, for a task that has ended."""
        tasklet = self.tasklet
        shown = Shown(tasklet)
        for name in list(self.read):
            blocks = opened(tasklet, name, shown)
            with self._telling:
                if tasklet is self.tasklet and name in self.read:  # `Run again` may have come between
                    self.read[name] = blocks

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


_layouts: list[Layout] = []


def _shared_layout() -> Layout:
    """One layout for all cards: a widget of its own, it would double the comms."""
    if not _layouts or _layouts[0].comm is None:
        _layouts[:] = [Layout()]
    return _layouts[0]
