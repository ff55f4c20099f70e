"""The other end of `executor: process`: a process that takes calls from its standard input and answers on its output.

A process of our own rather than `multiprocessing`, which imports the person's script again, and loses its whole pool
when one call is ended.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pickle
import struct
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

_HEAD = struct.Struct("!Q")
START = "import sys; sys.path[:] = sys.argv[1:]; from aura_jupyter.engine.worker import serve; serve()"


ContextPlace = tuple[str, int | None, str, int]  # of an `ActionContext`: parameter, place if by place, step, attempt


def surroundings() -> tuple[str | None, list[str]]:
    """The working folder and the import path of this process, for the other one."""
    try:
        folder = str(Path.cwd())
    except FileNotFoundError:  # it was removed
        folder = None
    return folder, [entry or folder or "" for entry in sys.path]


def _move(folder: str | None, path: list[str]) -> None:
    """Go where the kernel is now: it may have moved since the last call."""
    if folder is not None:
        with contextlib.suppress(OSError):  # it was removed meanwhile
            os.chdir(folder)
    if sys.path != path:
        sys.path[:] = path
        importlib.invalidate_caches()


class Frames:
    """Messages over two pipes: a length, then a pickled pair of kind and body."""

    def __init__(self, reader: Any, writer: Any) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()

    def send(self, kind: str, body: Any) -> None:
        """Send one message; any thread."""
        data = pickle.dumps((kind, body), protocol=5)
        with self._lock:
            self._writer.write(_HEAD.pack(len(data)))
            self._writer.write(data)
            self._writer.flush()

    def receive(self) -> tuple[str, Any]:
        """Wait for one message.

        Raises:
            EOFError: the other end is gone.
        """
        (length,) = _HEAD.unpack(self._read(_HEAD.size))
        kind, body = pickle.loads(self._read(length))  # noqa: S301 - from our own process
        return kind, body

    def _read(self, size: int) -> bytes:
        data: bytes = self._reader.read(size)
        if len(data) < size:
            raise EOFError
        return data


def unpack(answer: bytes) -> tuple[bool, Any]:
    """Whether the call went well, and its value or exception."""
    good, value = pickle.loads(answer)  # noqa: S301 - from our own process
    return good, value


class _Port:
    """What an `ActionContext` can do in another process: tell of itself. Cancelling ends the process."""

    cancelled = False
    task = None

    def __init__(self, frames: Frames, step: str, attempt: int) -> None:
        self._frames = frames
        self.step = step
        self.attempt = attempt

    def log(self, message: object, level: str) -> None:
        self._frames.send("log", (str(message), level))

    def progress(self, done: float, total: float | None, text: str) -> None:
        self._frames.send("progress", (done, total, text))

    def call_when_cancelled(self, callback: Callable[[], None]) -> None:
        """The process is ended then, and nothing can be called."""

    def ask(self, message: str, choices: Sequence[str], default: str | None) -> Any:
        raise NotImplementedError("a step in another process cannot ask; use executor: thread")

    async def run_task(self, task: Any, inputs: Mapping[str, Any]) -> Any:
        raise NotImplementedError("a step in another process cannot run a task; use executor: thread")

    def names(self) -> dict[str, Any]:
        raise NotImplementedError("a step in another process does not see the task's names; use executor: thread")

    def set_context(self, values: Mapping[str, Any]) -> None:
        raise NotImplementedError("a step in another process cannot set ctx; use executor: thread")


class _Output(io.TextIOBase):
    """`sys.stdout` and `sys.stderr` of the process: what is written goes to the step's log."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, frames: Frames, stream: str) -> None:
        self._frames = frames
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._frames.send("write", (self._stream, text))
        return len(text)


def serve() -> None:
    """Take calls until the standard input ends."""
    frames = Frames(_claim(0, "rb"), _claim(1, "wb"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what C code writes goes where the kernel's errors go, not between the messages
    sys.stdout = _Output(frames, "stdout")
    sys.stderr = _Output(frames, "stderr")
    while True:
        try:
            _, (folder, path, payload) = frames.receive()
        except EOFError:
            return
        _move(folder, path)
        frames.send("answer", _answer(frames, payload))


def _claim(descriptor: int, mode: str) -> BinaryIO:
    return os.fdopen(os.dup(descriptor), mode)  # type: ignore[return-value]


def _answer(frames: Frames, payload: bytes) -> bytes:
    import cloudpickle  # noqa: PLC0415 - what comes back may be of the notebook's own classes

    try:
        function, args, params, context = pickle.loads(payload)  # noqa: S301 - from our own process
        if context is not None:
            args, params = _with_context(frames, list(args), dict(params), context)
        outcome: tuple[bool, Any] = (True, function(*args, **params))
    except BaseException as error:  # noqa: BLE001 - whatever an action raises fails its step, here as there
        outcome = (False, error)
    try:
        packed: bytes = cloudpickle.dumps(outcome)
        pickle.loads(packed)  # noqa: S301 - an exception whose class cannot be made again would fail over there
    except Exception as error:  # noqa: BLE001 - said in words instead
        packed = cloudpickle.dumps((False, _cannot(outcome, error)))
    return packed


def _with_context(
    frames: Frames, args: list[Any], params: dict[str, Any], where: ContextPlace
) -> tuple[list[Any], dict[str, Any]]:
    from aura_jupyter.actions.context import ActionContext  # noqa: PLC0415 - few actions ask for it

    parameter, place, step, attempt = where
    context = ActionContext(_Port(frames, step, attempt))
    if place is None:
        params[parameter] = context
    else:
        args.insert(place, context)
    return args, params


def _cannot(outcome: tuple[bool, Any], error: Exception) -> Exception:
    from aura_jupyter.errors import TaskError, message_of  # noqa: PLC0415 - only where something went wrong

    good, value = outcome
    if good:
        return TaskError(f"the result, a {type(value).__name__}, cannot be sent back from the process: {error}")
    return TaskError(f"{type(value).__name__}: {message_of(value)}")
