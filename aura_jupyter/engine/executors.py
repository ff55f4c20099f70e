"""Where plain functions run: in threads of our own, in processes of our own. Nothing here knows of tasks."""

from __future__ import annotations

import asyncio
import importlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..errors import TaskError
from . import worker
from .worker import ContextPlace, Frames

IDLE_SECONDS = 30.0  # after which a thread that has nothing to do ends
Outcome = tuple[bool, Any]  # whether it went well, and the value or the exception


class Threads:
    """As many threads as calls are under way.

    They are daemons, since a function that never returns must not keep the interpreter from ending. asyncio's own pool
    has a few threads only, shared with name look-ups, and is joined at exit.
    """

    def __init__(self) -> None:
        self._idle: list[_Thread] = []
        self._lock = threading.Lock()
        self._closed = False
        self._count = 0

    def call(self, loop: asyncio.AbstractEventLoop, function: Callable[[], Any]) -> asyncio.Future[Outcome]:
        """Run a function in a thread; the future gets whether it went well, and the value or exception.

        An exception is a value here, because some do not fit into a future.
        """
        future: asyncio.Future[Outcome] = loop.create_future()
        with self._lock:
            thread = self._idle.pop() if self._idle else None
            if thread is None:
                self._count += 1
        if thread is None:
            thread = _Thread(self, f"aura-{self._count}")
        thread.jobs.put((loop, future, function))
        return future

    def close(self) -> None:
        """Let the idle threads end, and each busy one when it is done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.jobs.put(None)

    def rest(self, thread: _Thread) -> bool:
        """Take a thread that is free; `False` where it is to end. For the threads."""
        with self._lock:
            if not self._closed:
                self._idle.append(thread)
            return not self._closed

    def retire(self, thread: _Thread) -> bool:
        """Whether a thread that has waited long may end; not where it was just given a job. For the threads."""
        with self._lock:
            if thread in self._idle:
                self._idle.remove(thread)
                return True
            return False


class _Thread:
    """One thread and its letter box."""

    __slots__ = ("_pool", "jobs")

    def __init__(self, pool: Threads, name: str) -> None:
        self._pool = pool
        self.jobs: queue.SimpleQueue[
            tuple[asyncio.AbstractEventLoop, asyncio.Future[Outcome], Callable[[], Any]] | None
        ] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                job = self.jobs.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                if self._pool.retire(self):
                    return
                continue
            if job is None:
                return
            loop, future, function = job
            try:
                outcome = (True, function())
            except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of an action are its own
                outcome = (False, error)
            del job, function
            stays = self._pool.rest(self)
            try:
                loop.call_soon_threadsafe(_settle, future, outcome)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            del loop, future, outcome
            if not stays:
                return


def _settle(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)


class Processes:
    """Worker processes, each for one call at a time; a call that is given up ends its process."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._lock = threading.Lock()
        self._closed = False

    def call(
        self, payload: bytes, listen: Callable[[str, Any], None], when_cancelled: Callable[[Callable[[], None]], None]
    ) -> Any:
        """Run a pickled call in a process and wait for it; to be called in a thread.

        Args:
            payload: what `pack` made.
            listen: gets what the call says of itself: `("write", (stream, text))`, `("log", …)`, `("progress", …)`.
            when_cancelled: gets what ends the process, and calls it at once where the call is cancelled already.

        Raises:
            BaseException: whatever the function raised.
            TaskError: the process died.
        """
        process = self._take()
        over = False
        lending = threading.Lock()

        def kill() -> None:
            with lending:
                if not over:  # else it may serve another call by now
                    process.kill()

        when_cancelled(kill)
        try:
            answer = process.call(payload, listen)
        except (EOFError, OSError):
            code = process.end()
            raise TaskError(f"the process ended before the step did ({_ending(code)})") from None
        finally:
            with lending:
                over = True
            self._give_back(process)
        good, value = worker.unpack(answer)
        if not good:
            raise value
        return value

    def end_all(self) -> None:
        """End every process, now."""
        with self._lock:
            self._closed = True
            processes, self._idle = list(self._all), []
            self._all.clear()
        for process in processes:
            process.end()

    def _take(self) -> Worker:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
                self._all.discard(process)
                process.end()
        process = Worker()
        with self._lock:
            self._all.add(process)
            closed = self._closed
        if closed:
            process.end()
        return process

    def _give_back(self, process: Worker) -> None:
        with self._lock:
            if process.alive and not self._closed and len(self._idle) < (os.cpu_count() or 1):
                self._idle.append(process)
                return
            self._all.discard(process)
        process.end()


class Worker:
    """One process that runs calls, one after another, as its standard input brings them."""

    def __init__(self) -> None:
        self._ended = False
        self._lock = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs us
            [sys.executable, "-c", worker.START, *worker.surroundings()[1]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt of the kernel is not for it, and its own children end with it
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._frames = Frames(self._process.stdout, self._process.stdin)

    @property
    def alive(self) -> bool:
        """Whether it can take a call."""
        return not self._ended and self._process.poll() is None

    def call(self, payload: bytes, listen: Callable[[str, Any], None]) -> bytes:
        """Send a call, hand on what it says of itself, give the answer."""
        self._frames.send("call", (*worker.surroundings(), payload))
        while True:
            kind, body = self._frames.receive()
            if kind == "answer":
                answer: bytes = body
                return answer
            listen(kind, body)

    def kill(self) -> None:
        """Tell it and its children to end, without waiting. May be called twice, from any thread."""
        with self._lock:
            if not self._ended:
                self._ended = True
                _kill_group(self._process)

    def end(self) -> int | None:
        """End it and wait until it has."""
        self.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                _close(pipe)
        return code


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        return


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:  # a broken pipe has nothing more to say
        return


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"by {signal.Signals(-code).name}"
        except ValueError:
            return f"by signal {-code}"
    return f"exit status {code}"


def cloudpickle() -> ModuleType:
    """The pickler that takes functions of a notebook along by value; imported at the first process or dask step."""
    module: ModuleType = importlib.import_module("cloudpickle")
    return module


def pack(function: Callable[..., Any], args: Any, params: Any, context: ContextPlace | None) -> bytes:
    """A call as bytes.

    Args:
        function: what to call.
        args: its positional arguments.
        params: its keyword arguments.
        context: where the function wants an `ActionContext`.

    Raises:
        TaskError: something of it does not pickle; the message says what to do.
    """
    try:
        packed: bytes = cloudpickle().dumps((function, args, params, context))
    except Exception as error:
        name = getattr(function, "__name__", str(function))
        raise TaskError(f"{name} cannot be sent to another process: {error}. Use executor: thread.") from error
    return packed
