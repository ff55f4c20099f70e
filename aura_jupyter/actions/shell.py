"""`shell.run`: a command as a child process, its output in the log as it comes."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from ..errors import TaskError
from . import children
from .checks import BadValue, as_text, boolean, each, filled, mapping, optional, path, wrong_type
from .children import end_all
from .context import ActionContext
from .registry import builtin

__all__ = ["end_all", "run"]

GRACE = 1.0  # seconds between SIGTERM and SIGKILL
IDLE = 0.2  # seconds without output after which a pipe that others still hold is given up
DRAIN = 5.0  # seconds for reading what is left after the command's end
CHUNK = 8192  # bytes logged in one go: the loop stays free


def _command(name: str, value: Any) -> str | list[str]:
    if isinstance(value, str):
        return filled(name, value)
    if not isinstance(value, list | tuple):
        raise wrong_type(name, "text, or a list of a program and its arguments", value)
    if not value:
        raise BadValue(name, f"'{name}' is empty")
    return [os.fspath(item) if isinstance(item, os.PathLike) else as_text(item) for item in value]


def _input(name: str, value: Any) -> bytes:
    if isinstance(value, str | bytes):
        return value.encode() if isinstance(value, str) else value
    raise wrong_type(name, "text", value)


_CHECK = each(command=_command, cwd=optional(path), env=optional(mapping), input=optional(_input), check=boolean)


class Ran(TypedDict):
    """What a command gives."""

    exit_code: int
    stdout: str
    stderr: str


@builtin("shell.run", check=_CHECK)
async def run(
    command: str | Sequence[Any],
    context: ActionContext,
    cwd: str | None = None,
    env: Mapping[str, Any] | None = None,
    input: str | bytes | None = None,
    *,
    check: bool = True,
) -> Ran:
    """Run a command; the output is `{exit_code, stdout, stderr}`.

    What it writes is logged line by line. Stopped by a timeout or a cancellation it takes its children along.
    A process that it leaves running in the background goes on, but is not waited for.

    Args:
        context: filled in.
        command: text goes through the shell; a list of a program and its arguments does not.
        cwd: the folder to run it in.
        env: environment variables to add.
        input: what it reads from its standard input; nothing if left out.
        check: whether a non-zero exit fails the step.

    Raises:
        TaskError: it ended with a non-zero exit code, and `check` is true.
    """
    boolean("check", check)
    data = optional(_input)("input", input)
    transport, child = await _start(_command("command", command), _folder(cwd), _environment(env), data)
    context.call_when_cancelled(lambda: _tell(transport))
    outputs = [_Output(context), _Output(context)]
    following = [asyncio.ensure_future(o.follow(s)) for o, s in zip(outputs, child.streams.values(), strict=True)]
    try:
        _write(transport, data)
        await _exit_of(child, following)
        if not await _drain(outputs, following):
            context.log("a process in the background holds its output open; no more of it is read", "warning")
    except BaseException:
        await _end(transport.get_pid(), child, following)
        raise
    finally:
        children.discard(transport.get_pid())
        child.let_go()
    exit_code, stdout, stderr = transport.get_returncode() or 0, outputs[0].text, outputs[1].text
    if check and exit_code != 0:
        raise TaskError(_failure(exit_code, stderr.strip() or stdout.strip()))
    return {"exit_code": exit_code, "stdout": stdout, "stderr": stderr}


class _Child(asyncio.SubprocessProtocol):
    """What a process tells: its exit by itself, not by the end of its pipes, which others may hold open."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None
        self._let_go = False
        self.streams = {1: asyncio.StreamReader(), 2: asyncio.StreamReader()}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        children.add(transport.get_pid())
        for number, stream in self.streams.items():
            if pipe := transport.get_pipe_transport(number):
                stream.set_transport(pipe)

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        self.streams[fd].feed_data(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        if fd in self.streams:
            self.streams[fd].feed_eof()

    def process_exited(self) -> None:
        self.exited.set()
        if self._let_go:
            self.let_go()

    def let_go(self) -> None:
        """Close what there is of it, once it has exited: closed before, its end may be lost on asyncio, which warns."""
        self._let_go = True
        if self._transport is not None and self.exited.is_set():
            self._transport.close()
            self._transport = None


class _Output:
    """One stream of a child: decoded, logged line by line, kept."""

    def __init__(self, context: ActionContext) -> None:
        self._context = context
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._line: list[str] = []
        self.size = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    async def follow(self, stream: asyncio.StreamReader) -> None:
        try:
            while data := await stream.read(CHUNK):
                self.size += len(data)
                self._take(self._decoder.decode(data))
                await asyncio.sleep(0)
        finally:
            self._take(self._decoder.decode(b"", final=True))
            if any(self._line):
                self._log_line("")

    def _take(self, text: str) -> None:
        self._parts.append(text)
        *ended, rest = text.split("\n")
        for line in ended:
            self._log_line(line)
        self._line.append(rest)

    def _log_line(self, end: str) -> None:
        line = "".join([*self._line, end]).rstrip("\r")
        self._line.clear()
        self._context.log(line.rpartition("\r")[2])  # what a terminal would show of a progress bar


async def _start(
    command: str | list[str], cwd: str | None, env: Mapping[str, str] | None, data: bytes | None
) -> tuple[asyncio.SubprocessTransport, _Child]:
    loop = asyncio.get_running_loop()
    pipe = asyncio.subprocess.PIPE
    stdin = asyncio.subprocess.DEVNULL if data is None else pipe
    how: dict[str, Any] = {"stdin": stdin, "stdout": pipe, "stderr": pipe, "cwd": cwd, "env": env}
    how["start_new_session"] = True
    if isinstance(command, str):
        starting = asyncio.ensure_future(loop.subprocess_shell(_Child, command, **how))
    else:
        starting = asyncio.ensure_future(loop.subprocess_exec(_Child, *command, **how))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_end_at_once)
        await asyncio.wait([starting])
        if not starting.cancelled() and starting.exception() is None:
            await _within_grace(starting.result()[1].exited.wait())
        raise
    except NotImplementedError:
        raise TaskError("this event loop cannot start processes (on Windows it must be the proactor loop)") from None


def _tell(transport: asyncio.SubprocessTransport) -> None:
    """Tell a command that it is no longer wanted; from any thread, since a cell may hold the loop."""
    if transport.get_returncode() is None:
        children.send(transport.get_pid(), signal.SIGTERM)


def _end_at_once(starting: asyncio.Future[tuple[asyncio.SubprocessTransport, _Child]]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        transport, child = starting.result()
        children.send(transport.get_pid(), children.SIGKILL)
        children.discard(transport.get_pid())
        child.let_go()


def _write(transport: asyncio.SubprocessTransport, data: bytes | None) -> None:
    pipe = transport.get_pipe_transport(0)
    if isinstance(pipe, asyncio.WriteTransport):
        pipe.write(data or b"")
        pipe.close()  # once all of it is written


async def _exit_of(child: _Child, following: Sequence[asyncio.Future[None]]) -> None:
    """Wait for the command's own end, or raise what went wrong with its output meanwhile."""
    exited = asyncio.ensure_future(child.exited.wait())
    waiting: set[asyncio.Future[Any]] = {exited, *following}
    try:
        while not exited.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        exited.cancel()


async def _drain(outputs: Sequence[_Output], following: Sequence[asyncio.Future[None]]) -> bool:
    """Read what is left after the command's end. False: somebody else still holds a pipe, and it was given up."""
    pending: set[asyncio.Future[None]] = set(following)
    deadline = asyncio.get_running_loop().time() + DRAIN
    while pending and asyncio.get_running_loop().time() < deadline:
        before = sum(output.size for output in outputs)
        done, pending = await asyncio.wait(pending, timeout=IDLE)
        for task in done:
            task.result()
        if not done and before == sum(output.size for output in outputs):
            break
    await _stop(pending)
    return not pending


async def _end(pid: int, child: _Child, following: Sequence[asyncio.Future[None]]) -> None:
    """End the whole group: SIGTERM, and SIGKILL for what is left once the pipes are closed or the grace is over."""
    children.send(pid, signal.SIGTERM)
    try:
        await _within_grace(_all_gone(child, following))
    finally:
        children.send(pid, children.SIGKILL)
        await _within_grace(child.exited.wait())
        await _stop(following)


async def _all_gone(child: _Child, following: Sequence[asyncio.Future[None]]) -> None:
    await child.exited.wait()
    await asyncio.wait(following)


async def _within_grace(ending: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await ending


async def _stop(following: Sequence[asyncio.Future[None]] | set[asyncio.Future[None]]) -> None:
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)


def _folder(cwd: Any) -> str | None:
    if cwd is None:
        return None
    folder = path("cwd", cwd)
    if not Path(folder).is_dir():
        raise NotADirectoryError(f"'cwd' is '{folder}', and there is no such folder")
    return folder


def _environment(env: Any) -> dict[str, str] | None:
    if env is None:
        return None
    return {**os.environ, **{name: as_text(value) for name, value in mapping("env", env).items()}}


def _failure(exit_code: int, said: str) -> str:
    how = f"ended with exit code {exit_code}"
    if exit_code < 0:
        with contextlib.suppress(ValueError):
            how = f"was ended by {signal.Signals(-exit_code).name}"
    last = [line for line in said.splitlines() if line.strip()][-3:]
    if len(last) <= 1:
        return ": ".join([f"the command {how}", *last])
    return "\n".join([f"the command {how}:", *last])
