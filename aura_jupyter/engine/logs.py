"""What a task writes: a bounded log, and the way that `print`, `logging` and warnings of an action take into it.

Which step writes is decided by a `ContextVar`, set around each call of an action; tasks and our own threads inherit it.
Output outside an action is untouched. What a thread writes that an action started by itself, and what C code writes, is
out of reach.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol, TextIO

LEVELS = ("debug", "info", "warning", "error")
LINES = 10_000
CHARACTERS = 1_000_000
HEAD = 0.1  # the part of the room that the beginning of a log keeps when its middle is dropped
LONGEST_LINE = 10_000


class LogRecord:
    """A line of a log. `str()` gives it as it is shown: `09:41:02.1  fetch  text`."""

    __slots__ = ("level", "step", "text", "time")

    def __init__(self, step: str | None, level: str, text: str, when: float) -> None:
        self.time = when  # seconds since the epoch
        self.step = step
        self.level = level
        self.text = text

    def __str__(self) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(self.time))
        level = f"{self.level}: " if self.level in ("warning", "error") else ""
        return f"{clock}.{int(self.time % 1 * 10)}  {self.step or '–'}  {level}{self.text}"

    def __repr__(self) -> str:
        return f"<LogRecord {self}>"


class Log:
    """The lines of a task, bounded: what does not fit is dropped from the middle, with a mark in its place."""

    def __init__(self, lines: int = LINES, characters: int = CHARACTERS) -> None:
        self._lines = lines
        self._characters = characters
        self._head: list[LogRecord] = []
        self._tail: deque[LogRecord] = deque()
        self._head_full = False
        self._size = 0
        self._lock = threading.Lock()
        self.dropped = 0

    def append(self, record: LogRecord) -> None:
        """Add a line; any thread."""
        if len(record.text) > LONGEST_LINE:
            cut = len(record.text) - LONGEST_LINE
            begin, end = record.text[: LONGEST_LINE // 2], record.text[-LONGEST_LINE // 2 :]
            record.text = f"{begin} … {cut:,} characters left out … {end}"
        with self._lock:
            self._size += len(record.text)
            if not self._head_full:
                self._head.append(record)
                self._head_full = len(self._head) >= self._lines * HEAD or self._size >= self._characters * HEAD
                return
            self._tail.append(record)
            while len(self._tail) > 1 and (len(self) > self._lines or self._size > self._characters):
                self._size -= len(self._tail.popleft().text)
                self.dropped += 1

    def __len__(self) -> int:
        return len(self._head) + len(self._tail)

    def __iter__(self) -> Iterator[LogRecord]:
        with self._lock:
            head, tail, dropped = list(self._head), list(self._tail), self.dropped
        yield from head
        if dropped:
            yield LogRecord(None, "info", f"… {dropped:,} lines left out …", tail[0].time)
        yield from tail

    def __str__(self) -> str:
        return "\n".join(map(str, self))


class Sink(Protocol):
    """Where the output of an action goes: one attempt of a step."""

    def write(self, stream: str, text: str) -> None:
        """Take what was written to `stdout` or `stderr`."""

    def log(self, message: object, level: str = "info") -> None:
        """Take a line."""

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Note how far the action is."""


current_sink: contextvars.ContextVar[Sink | None] = contextvars.ContextVar("aura_sink", default=None)


class _Stream:
    """Stands in for `sys.stdout` or `sys.stderr`: an action's text goes to its log, all else to the stream it found."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._aura_stream = stream
        self._aura_name = name

    def write(self, text: str) -> int:
        sink = current_sink.get()
        if sink is None:
            return self._aura_stream.write(text)
        sink.write(self._aura_name, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._aura_stream, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._aura_stream)


class _LastResort(logging.Handler):
    """In the place of `logging.lastResort`, since a root handler of ours would silence a later `basicConfig`."""

    def __init__(self, before: logging.Handler | None) -> None:
        super().__init__(logging.WARNING)
        self._before = before

    def emit(self, record: logging.LogRecord) -> None:
        sink = current_sink.get()
        if sink is not None:
            sink.log(self.format(record), _level(record.levelno))
        elif self._before is not None:
            self._before.handle(record)


class _BesideFiles(logging.Handler):
    """Stands beside root handlers that all write to files: what an action logs would be in none of our streams."""

    def emit(self, record: logging.LogRecord) -> None:
        sink = current_sink.get()
        if sink is not None and all(map(_is_silent, _handlers_for(record.name))):
            sink.log(self.format(record), _level(record.levelno))


def _is_silent(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.FileHandler | logging.NullHandler | _BesideFiles)


def _handlers_for(name: str) -> Iterator[logging.Handler]:
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


class Capture:
    """Takes the output of actions while at least one scheduler wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: weakref.WeakSet[Any] = weakref.WeakSet()  # a loop may be given up without a word to its scheduler
        self._restore = contextlib.ExitStack()
        self._beside_files = _BesideFiles()

    def want(self, who: object) -> None:
        """Put our streams in place. May be called often: a stream that somebody swapped meanwhile is wrapped anew."""
        self._watch_files()
        if who in self._wanted and type(sys.stdout) is _Stream and type(sys.stderr) is _Stream:
            return
        with self._lock:
            self._wanted.add(who)
            for name in ("stdout", "stderr"):
                self._wrap(name)
            if not isinstance(logging.lastResort, _LastResort):
                before = logging.lastResort
                logging.lastResort = _LastResort(before)
                self._restore.callback(setattr, logging, "lastResort", before)

    def release(self, who: object) -> None:
        """Give everything back once nobody wants it any more."""
        with self._lock:
            self._wanted.discard(who)
            if not self._wanted:
                self._restore.close()
                logging.getLogger().removeHandler(self._beside_files)

    def _watch_files(self) -> None:
        root, ours = logging.getLogger(), self._beside_files
        others = [handler for handler in root.handlers if handler is not ours]
        if not others:  # a handler of ours alone would silence a later `basicConfig`
            root.removeHandler(ours)
        elif ours not in root.handlers and all(map(_is_silent, others)):
            root.addHandler(ours)

    def _wrap(self, name: str) -> None:
        stream = getattr(sys, name)
        if stream is None or type(stream) is _Stream:
            return
        ours = _Stream(stream, name)
        setattr(sys, name, ours)
        self._restore.callback(_unwrap, name, ours)
        for handler in _handlers_of(stream):
            handler.setStream(ours)
            self._restore.callback(_give_back, handler, ours, stream)


def _unwrap(name: str, ours: _Stream) -> None:
    if getattr(sys, name) is ours:  # else somebody has put another stream there meanwhile, which is theirs
        setattr(sys, name, ours._aura_stream)


def _give_back(handler: logging.StreamHandler[Any], ours: _Stream, stream: TextIO) -> None:
    if handler.stream is ours:
        handler.setStream(stream)


def _handlers_of(stream: object) -> list[logging.StreamHandler[Any]]:
    """The handlers that were made before us and hold the bare stream."""
    loggers = [
        logging.getLogger(),
        *(known for known in logging.Logger.manager.loggerDict.values() if isinstance(known, logging.Logger)),
    ]
    handlers = (handler for logger in loggers for handler in logger.handlers)
    return [handler for handler in handlers if isinstance(handler, logging.StreamHandler) and handler.stream is stream]


capture = Capture()
