r"""Makes lines of what an action writes bit by bit, as a terminal would show them.

A `\r` goes back to the beginning of the line, and progress bars that stand below each other come back to the rows
above. So a bar waits until nothing comes back to it; any other line is handed on at once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from .bars import read_bar

ROWS = 20
"""Rows that can be come back to."""
_MOVES = re.compile(r"(\n|\r|\x1b\[\d*[AK])")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")


def plain(text: str) -> str:
    """Text without the escape codes of colours and links."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


class Lines:
    """The lines of an action's streams.

    Args:
        take: gets each whole line, with the name of its stream.
    """

    __slots__ = ("_lock", "_screens", "_take")

    def __init__(self, take: Callable[[str, str], None]) -> None:
        self._take = take
        self._screens: dict[str, _Screen] = {}
        self._lock = threading.Lock()

    def write(self, stream: str, text: str) -> bool:
        """Take a piece; whole lines are handed on.

        Returns:
            Whether it stands in the first row: a bar below another one tells less than that.
        """
        with self._lock:
            screen = self._screens.get(stream)
            if screen is None:
                screen = self._screens[stream] = _Screen()
            lines = screen.write(text)
            first = screen.at == 0
        for line in lines:
            self._take(stream, line)
        return first

    def flush(self) -> None:
        """Hand the unfinished lines on."""
        with self._lock:
            screens, self._screens = self._screens, {}
        for stream, screen in screens.items():
            for line in screen.rest():
                self._take(stream, line)


class _Screen:
    """The last rows of a stream, and the cursor's.

    Attributes:
        at: the row of the cursor.
    """

    __slots__ = ("_again", "_bits", "_rows", "at")

    def __init__(self) -> None:
        self.at = 0
        self._rows = [""]
        self._bits: list[str] = []  # of the row of the cursor, joined at its end
        self._again = False  # the cursor stands at the beginning of its row: what comes replaces it

    def write(self, text: str) -> list[str]:
        """Take a piece, and give the lines that nothing comes back to."""
        if "\n" not in text and "\r" not in text and "\x1b" not in text:
            self._put(text)
            return []
        lines: list[str] = []
        for bit in _MOVES.split(text):
            if bit == "\n":
                lines += self._down()
            elif bit == "\r":
                self._settle()
                self._again = True
            elif bit.startswith("\x1b[") and bit.endswith(("A", "K")):
                self._escape(bit[2:-1], bit[-1])
            else:
                self._put(bit)
        return lines

    def rest(self) -> list[str]:
        """The rows that are left."""
        self._settle()
        return [row for row in self._rows if row.strip()]

    def _put(self, text: str) -> None:
        if not text:
            return
        if self._again:
            self._rows[self.at], self._again = "", False
        self._bits.append(text)

    def _settle(self) -> None:
        if self._bits:
            self._rows[self.at] += "".join(self._bits)
            self._bits.clear()

    def _escape(self, number: str, code: str) -> None:
        self._settle()
        if code == "A":
            self.at = max(0, self.at - int(number or 1))
        elif number == "2":
            self._rows[self.at] = ""

    def _down(self) -> list[str]:
        self._settle()
        rows = self._rows
        self._again = False
        if self.at + 1 < len(rows):
            self.at += 1
            self._again = True
        elif len(rows) < ROWS and read_bar(rows[self.at]) is not None:
            rows.append("")
            self.at += 1
        else:
            lines = [row for row in rows[:-1] if row.strip()] + rows[-1:]
            self._rows, self.at = [""], 0
            return lines
        return self._done()

    def _done(self) -> list[str]:
        """The bars at the top that have come to their end: they are left behind."""
        lines = []
        while self.at > 0 and (bar := read_bar(self._rows[0])) is not None and bar[1] is not None and bar[0] >= bar[1]:
            lines.append(self._rows.pop(0))
            self.at -= 1
        return lines
