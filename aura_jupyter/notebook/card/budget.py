"""How often the cards of a kernel may send."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .card import Card

PER_CARD = 10
"""Messages a second for one card."""
IN_ALL = 48
"""Messages a second for all cards of a kernel: 50 with those that arrive late."""
_LATE = 1.05  # times the gap between two messages: some arrive a little late, and then too many at once
_SHARE = 20  # of the loop's time at most a twentieth goes into the pictures of one card


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
        try:
            for card in ended_first:
                self._waiting.pop(card, None)
                if not self.send_now(card):
                    self._waiting[card] = None
        finally:  # a card that cannot be sent holds up no other
            if self._waiting:
                full_until = self._sent[0] + 1 if len(self._sent) == self._sent.maxlen else 0.0
                self._wake_at(max(full_until, min(card.may_send_at for card in self._waiting)))
