"""The lines of a task's log, as the card draws them: `[milliseconds, step, level, text]`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any

from ..engine.logs import Log, LogRecord
from . import words
from .values import Mask

AT_ONCE = 1000
"""Lines that travel in one message at most."""
CHARACTERS = 200_000
"""Characters in one message at most."""
_LONGEST = 2_000
_LEFT_OUT = re.compile(r"… ([\d,]+) lines left out …")

LogLine = list[Any]


def line(record: LogRecord, mask: Mask) -> LogLine:
    """One line."""
    text = words.middle_cut(mask(record.text), _LONGEST)
    return [int(record.time * 1000), mask(words.cut(record.step or "", 60)), record.level, text]


def after(log: Log, number: int, mask: Mask) -> tuple[int, list[LogLine], bool]:
    """The lines after the one of a number, counted from 1 with those that were dropped.

    Args:
        log: the log.
        number: of the last line that is known; 0 at first.
        mask: hides secrets.

    Returns:
        The number of the last line given, the lines, and whether there are more.
    """
    found: list[LogLine] = []
    room = CHARACTERS
    for at, record in numbered(log):
        if at <= number:
            continue
        if len(found) >= AT_ONCE or room < 0:
            return number, found, True
        found.append(line(record, mask))
        number, room = at, room - len(found[-1][3])
    return number, found, False


def numbered(log: Log) -> Iterable[tuple[int, LogRecord]]:
    """Each line with its number; the mark of dropped ones has that of the last of them."""
    at = 0
    for record in log:
        left_out = _LEFT_OUT.fullmatch(record.text) if record.step is None and record.text[:1] == "…" else None
        at += int(left_out[1].replace(",", "")) if left_out else 1
        yield at, record


def text(logged: LogLine, width: int) -> str:
    """The line as text: `09:41:02.1  fetch  warning: 35 columns have mixed types`."""
    ms, step, level, said = logged
    clock = time.strftime("%H:%M:%S", time.localtime(ms / 1000))
    level = f"{level}: " if level in {"warning", "error"} else ""
    return f"{clock}.{ms // 100 % 10}  {words.cut(step, max(width, 1)):<{width}}  {level}{said}"
