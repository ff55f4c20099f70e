"""The words and numbers that a person reads, the same in the card, its snapshot and the text."""

from __future__ import annotations

import re
import threading

from ..engine.screen import plain
from ..engine.tasklet import Tasklet, TaskStatus

TASK_WORDS = {
    TaskStatus.QUEUED: "Queued",
    TaskStatus.RUNNING: "Running",
    TaskStatus.COMPLETED: "Completed",
    TaskStatus.FAILED: "Failed",
    TaskStatus.CANCELLED: "Cancelled",
}
GLYPHS = {
    "queued": "○",
    "pending": "○",
    "running": "◐",
    "retry": "↻",
    "asks": "?",
    "completed": "✓",
    "failed": "✗",
    "handled": "✗",
    "skipped": "–",
    "cancelling": "⊘",
    "cancelled": "⊘",
}
BUSY = "the kernel is busy"
BUSY_WITH_CELL = "the kernel is busy with a cell"
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)  # escape codes, what turns the direction of text, and what XML cannot hold
ASCII = str.maketrans({"○": ".", "◐": ">", "↻": "~", "✓": "+", "✗": "x", "–": "-", "⊘": "/", "×": "x", "…": "..."})


def duration(seconds: float) -> str:
    """A time that is over: `<0.1 s`, `12.4 s`, `3 m 05 s`, `1 h 02 m`, `2 d 04 h`."""
    if seconds < 0.1:
        return "<0.1 s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    return clock(max(seconds, 60))


def clock(seconds: float) -> str:
    """A time that goes on, in whole seconds below a minute."""
    whole = int(max(seconds, 0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole // 60 % 60:02} m"
    return f"{whole // 86400} d {whole // 3600 % 24:02} h"


def count(number: float) -> str:
    """A number with a comma for thousands; a fraction keeps at most two digits."""
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def counted(number: int, one: str, many: str = "") -> str:
    """`1 step`, `1,000 steps`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(done: float, total: float) -> str:
    """`42 %`: whole, and 100 only when all is done."""
    return f"{share(done, total):.0f} %"


def share(done: float, total: float) -> int:
    """The whole percentage of `done` in `total`, from 0 to 100; 100 only when all is done."""
    if total <= 0 or done >= total:
        return 100
    return max(int(100 * done / total), 0)


def place(number: int) -> str:
    """A place in a queue: 1st, 2nd, 3rd, 11th."""
    last = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{last}"


def cut(text: str, length: int) -> str:
    """The text on one line, at most `length` characters, with an ellipsis where it was cut; no escape codes."""
    line = _CONTROL.sub("�", " ".join(text[: 4 * length + 100].split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def middle_cut(text: str, length: int) -> str:
    """A longer text without its middle, which is replaced by a line that says how much is missing."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters not shown …\n{text[-half:]}"


def message(error: BaseException) -> str:
    """What an exception says, without the escape codes of colours, which a traceback in it may bring along."""
    return plain(str(error)).strip()


def error_line(error: BaseException, length: int = 200) -> str:
    """`KeyError: 'tailnumber'`: the class and the first line of the message."""
    said = message(error)
    name = type(error).__name__
    return cut(f"{name}: {said.splitlines()[0]}" if said else name, length)


def held(tasklet: Tasklet) -> str:
    """What a step of a task holds up that blocks its loop: cells run on the main thread's."""
    return "the kernel" if tasklet.scheduler.manager.thread == threading.main_thread().ident else "the other tasks"


def loop_changed(loop: str, under_way: int) -> str:
    """What is said when tasks are to run on another loop.

    Args:
        loop: `kernel` or `thread`.
        under_way: how many tasks have not ended.
    """
    where = {"kernel": "the kernel's event loop", "thread": "an event loop in a thread of its own"}[loop]
    stay = f" What is under way, {counted(under_way, 'task')}, stays where it is." if under_way else ""
    return f"From the next task on, tasks run on {where}.{stay}"
