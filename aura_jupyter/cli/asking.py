"""Steps that ask a person, asked on the terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

from ..engine.hooks import StepAsks
from ..engine.tasklet import StepRun, Tasklet
from ..spec.wording import listing
from ..view import words
from .endings import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENDS = 3  # of the input, one after the other, after which nobody answers any more


class Terminal:
    """Reads answers from standard input, where that is a terminal. A listener of `step_asks`.

    Of several questions the one that was asked first is answered first.

    Args:
        loop: the running loop.
        shown: whether somebody else, who hears of it first, has written the question already.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, shown: bool) -> None:
        self._loop = loop
        self._shown = shown
        self._asked: deque[StepAsks] = deque()
        self._reader: threading.Thread | None = None
        self._ends = 0

    def can_answer(self, _tasklet: Tasklet, _step: StepRun) -> bool:
        """Whether somebody can answer: there is a terminal, and this program is in its foreground."""
        if self._ends >= _ENDS or sys.stdin is None or not sys.stdin.isatty():
            return False
        if not hasattr(os, "tcgetpgrp"):
            return True
        try:
            return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        except OSError:  # it has hung up
            return False

    def __call__(self, event: StepAsks) -> None:
        """Take the next line as the answer."""
        self._asked.append(event)
        if len(self._open()) == 1:
            if not self._shown:
                _ask(event)
            _say(f"Type {listing(event.question.choices)}, or how it begins, and Enter.")
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, name="aura-answers", daemon=True)
            self._reader.start()

    def _read(self) -> None:
        number, rest = sys.stdin.fileno(), b""
        while self._ends < _ENDS:
            try:
                piece = os.read(number, 4096)  # not by `sys.stdin`, whose lock would keep the interpreter from ending
            except OSError:
                piece, self._ends = b"", _ENDS
            *lines, rest = (rest + (piece or b"\n")).split(b"\n")
            self._ends = 0 if piece else self._ends + 1
            for line in lines:
                try:
                    self._loop.call_soon_threadsafe(self._take, line.decode(errors="replace").strip())
                except RuntimeError:  # the loop is closed: nobody asks any more
                    return

    def _open(self) -> deque[StepAsks]:
        """The questions that wait for an answer."""
        while self._asked and self._asked[0].step.question is not self._asked[0].question:
            self._asked.popleft()
        return self._asked

    def _take(self, line: str) -> None:
        asked = self._open()
        if not asked:
            return
        event = asked[0]
        choice = _meant(line, event.question.choices)
        if choice is not None:
            asked.popleft()
            event.question.answer(choice)
            if self._open():
                _ask(self._asked[0])
        elif self._ends >= _ENDS:
            _say("Nobody answers: the input has ended.")
            event.tasklet.cancel()
        else:
            _say(f"Type {listing(event.question.choices)}.")


def _ask(event: StepAsks) -> None:
    question = event.question
    _say(words.cut(f"{event.step.name}: {question.message} [{'/'.join(question.choices)}]", 300))


def _meant(line: str, choices: Sequence[str]) -> str | None:
    """The choice that is typed, or the only one that begins so, whatever its case."""
    if line in choices:
        return line
    found = [choice for choice in choices if choice.lower().startswith(line.lower())] if line else []
    exact = [choice for choice in found if choice.lower() == line.lower()]
    found = exact or found
    return found[0] if len(found) == 1 else None


def _say(text: str) -> None:
    tell(" " * 13 + text)  # below what `TerminalLines` says of a step
