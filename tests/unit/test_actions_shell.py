from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from asyncio.base_subprocess import BaseSubprocessTransport
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from aura_jupyter.actions import children, shell
from aura_jupyter.errors import TaskError
from tests.unit.ports import Port, call, complaints

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and a POSIX shell")


class Lines(Port):
    """A port that tells when a line has come."""

    def __init__(self) -> None:
        super().__init__()
        self.came = asyncio.Event()
        self.when_it_comes = self.came.set

    def log(self, message: object, level: str) -> None:
        super().log(message, level)
        self.when_it_comes()


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    yield
    assert children.end_all() == 0


@pytest.fixture
def alive(tmp_path: Path) -> Path:
    """A named pipe: who has it open for writing is alive, and its end of file is the end of the last of them."""
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    return pipe


def run(port: Port | None = None, /, **params: Any) -> dict[str, Any]:
    result: dict[str, Any] = asyncio.run(call("shell.run", port or Port(), **params))
    return result


def texts(port: Port) -> list[object]:
    return [text for _, text in port.lines]


def test_a_text_goes_through_the_shell_and_a_list_does_not() -> None:
    assert run(command="echo $((1 + 2)); echo no >&2") == {"exit_code": 0, "stdout": "3\n", "stderr": "no\n"}
    assert run(command=["echo", "$((1 + 2))", 3, True, Path("a b")])["stdout"] == "$((1 + 2)) 3 true a b\n"


def test_output_is_logged_line_by_line_before_the_command_has_ended(alive: Path) -> None:
    async def main() -> list[object]:
        port = Lines()
        running = asyncio.ensure_future(call("shell.run", port, command=f"echo one; read x < {alive}; echo $x"))
        await port.came.wait()
        assert texts(port) == ["one"]
        await asyncio.to_thread(alive.write_text, "two\n")
        await running
        return texts(port)

    assert asyncio.run(main()) == ["one", "two"]


def test_long_lines_odd_bytes_and_a_last_line_without_a_break_are_kept() -> None:
    port = Port()
    code = r"import sys; o = sys.stdout.buffer; o.write(b'x' * 300_000 + b'\n\xff\xc3\xa9 \xc3'); o.flush()"
    result = run(port, command=[sys.executable, "-c", code])
    assert result["stdout"] == "x" * 300_000 + "\n\ufffdé \ufffd"
    assert texts(port) == ["x" * 300_000, "\ufffdé \ufffd"]


def test_a_progress_bar_is_logged_as_a_terminal_would_show_it() -> None:
    port = Port()
    assert run(port, command=r"printf '10%%\r50%%\r100%%\ndone\r\n'")["stdout"] == "10%\r50%\r100%\ndone\r\n"
    assert texts(port) == ["100%", "done"]


def test_much_output_leaves_the_loop_free() -> None:
    async def main() -> tuple[int, int]:
        port = Port()
        running = asyncio.ensure_future(call("shell.run", port, command="yes | head -n 200000"))
        turns = 0
        while not running.done():
            await asyncio.sleep(0)
            turns += 1
        return len(port.lines), turns

    lines, turns = asyncio.run(main())
    assert lines == 200_000
    assert turns > 40  # 400 KB in chunks of 8 KB


def test_input_is_what_it_reads_and_without_it_there_is_nothing_to_read() -> None:
    assert run(command="cat", input="é\n" * 100_000)["stdout"] == "é\n" * 100_000
    assert run(command="cat", input=b"\x00")["stdout"] == "\x00"
    assert run(command="cat")["stdout"] == ""
    assert run(command="true", input="x" * 1_000_000)["exit_code"] == 0


def test_env_is_added_as_text_and_cwd_is_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_THERE", "there")
    command = "echo $AURA_THERE $N $YES [$NONE] $(pwd)"
    result = run(command=command, cwd=str(tmp_path), env={"N": 3, "YES": True, "NONE": None})
    assert result["stdout"] == f"there 3 true [] {tmp_path.resolve()}\n"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match=r"'cwd' is '.*nowhere', and there is no such folder"):
        run(command="true", cwd=tmp_path / "nowhere")


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="aura-no-such-program"):
        run(command=["aura-no-such-program"])


def test_a_non_zero_exit_fails_with_its_code_and_the_last_lines() -> None:
    with pytest.raises(TaskError, match=r"^the command ended with exit code 3: no such thing$"):
        run(command="echo out; echo no such thing >&2; exit 3")
    with pytest.raises(TaskError, match=r"^the command ended with exit code 1:\nb\nc\nd$"):
        run(command="for x in a b c d; do echo $x; done; exit 1")
    with pytest.raises(TaskError, match=r"^the command ended with exit code 1$"):
        run(command="false")
    with pytest.raises(TaskError, match=r"^the command was ended by SIGTERM$"):
        run(command="kill $$")


def test_without_check_a_non_zero_exit_is_a_result() -> None:
    assert run(command="exit 3", check=False) == {"exit_code": 3, "stdout": "", "stderr": ""}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"command": " "}, "'command' is empty"),
        ({"command": []}, "'command' is empty"),
        ({"command": 3}, "'command' must be text, or a list"),
        (
            {"command": "true", "check": "no"},
            "'check' must be true or false; no is text here. Write false, without quotes.",
        ),
        ({"command": "true", "env": ["A=1"]}, "'env' must be a mapping"),
        ({"command": "true", "cwd": ""}, "'cwd' is empty"),
        ({"command": "cat", "input": 3}, "'input' must be text"),
    ],
)
def test_what_cannot_be_right_is_found_before_and_while_it_runs(params: dict[str, Any], words: str) -> None:
    [(_, found)] = complaints("shell.run", **params)
    assert words in found
    with pytest.raises(ValueError, match=r"must be|is empty"):
        run(**params)


# --- ending it ---


def read_to_the_end(pipe: Path, opened: threading.Event) -> str:
    with pipe.open(encoding="utf-8") as stream:
        opened.set()
        return stream.read()


async def cancelled_when(ready: Coroutine[Any, Any, Any], running: asyncio.Future[Any]) -> None:
    await ready
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()


async def end_of_everyone(command: str, alive: Path) -> None:
    """Start it, cancel it once it has written a line, and wait until nobody has the pipe open any more."""
    port = Lines()
    reading = asyncio.ensure_future(asyncio.to_thread(read_to_the_end, alive, threading.Event()))
    running = asyncio.ensure_future(call("shell.run", port, command=command))
    await cancelled_when(port.came.wait(), running)
    await asyncio.wait_for(reading, 20)


def test_cancelled_it_takes_its_children_along(alive: Path) -> None:
    asyncio.run(end_of_everyone(f"exec 9> {alive}; sleep 60 & sleep 60 & echo ready; wait", alive))


def test_children_that_ignore_sigterm_or_hold_no_pipe_are_ended_too(alive: Path) -> None:
    deaf = "(trap '' TERM; sleep 60; sleep 60) > /dev/null 2>&1 &"
    asyncio.run(end_of_everyone(f"exec 9> {alive}; {deaf} echo ready; trap '' TERM; sleep 60; sleep 60", alive))


def test_a_timeout_ends_it_too(alive: Path) -> None:
    async def limited(port: Lines) -> None:
        async with asyncio.timeout(None) as limit:
            running = call("shell.run", port, command=f"exec 9> {alive}; echo ready; sleep 60; echo")
            port.when_it_comes = lambda: limit.reschedule(asyncio.get_running_loop().time())
            await running

    async def main() -> None:
        reading = asyncio.ensure_future(asyncio.to_thread(read_to_the_end, alive, threading.Event()))
        with pytest.raises(TimeoutError):
            await limited(Lines())
        await asyncio.wait_for(reading, 20)

    asyncio.run(main())


STUBBORN = """
import signal, sys
held = open(sys.argv[1], "w")
asked = {signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, asked)
print("ready", flush=True)
signal.sigwait(asked)
print("asked", flush=True)
signal.sigwait(asked)
"""


def test_cancelled_again_while_it_ends_it_leaves_nobody(alive: Path) -> None:
    async def main() -> None:
        port = Lines()
        reading = asyncio.ensure_future(asyncio.to_thread(read_to_the_end, alive, threading.Event()))
        command = [sys.executable, "-c", STUBBORN, alive]
        running = asyncio.ensure_future(call("shell.run", port, command=command))
        await port.came.wait()
        port.came.clear()
        running.cancel()
        await port.came.wait()  # it was asked to end, so the grace runs
        await cancelled_when(asyncio.sleep(0), running)
        await asyncio.wait_for(reading, 20)

    asyncio.run(main())


def test_cancelled_while_the_process_is_being_made_it_leaves_nobody(
    alive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exit_codes: list[int | None] = []

    close = BaseSubprocessTransport.close

    def note_and_close(transport: Any) -> None:
        exit_codes.append(transport.get_returncode())
        close(transport)

    monkeypatch.setattr(BaseSubprocessTransport, "close", note_and_close)

    async def main(turns: int) -> None:
        opened = threading.Event()
        reading = asyncio.ensure_future(asyncio.to_thread(read_to_the_end, alive, opened))
        holder = await asyncio.to_thread(os.open, alive, os.O_WRONLY)  # so that the end is no earlier than ours
        await asyncio.to_thread(opened.wait, 10)
        running = asyncio.ensure_future(call("shell.run", Port(), command=f"exec 9> {alive}; sleep 60; echo"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await cancelled_when(asyncio.sleep(0), running)
        os.close(holder)
        await asyncio.wait_for(reading, 20)

    for turns in range(6):
        asyncio.run(main(turns))
    assert exit_codes
    assert None not in exit_codes  # closed earlier, asyncio may miss how it ended, and warns of that


def test_an_error_while_logging_ends_it(alive: Path) -> None:
    class Broken(Port):
        def log(self, message: object, level: str) -> None:
            raise RuntimeError("the log is closed")

    async def main() -> None:
        reading = asyncio.ensure_future(asyncio.to_thread(read_to_the_end, alive, threading.Event()))
        with pytest.raises(RuntimeError, match="the log is closed"):
            await call("shell.run", Broken(), command=f"exec 9> {alive}; echo line; exec > /dev/null 2>&1; sleep 60")
        await asyncio.wait_for(reading, 20)

    asyncio.run(main())


def test_a_process_left_in_the_background_is_not_waited_for(alive: Path) -> None:
    async def main() -> None:
        port = Port()
        result = await asyncio.wait_for(call("shell.run", port, command=f"cat {alive} & echo done"), 20)
        assert result == {"exit_code": 0, "stdout": "done\n", "stderr": ""}
        assert port.lines[-1][0] == "warning"
        assert "background" in str(port.lines[-1][1])
        await asyncio.to_thread(alive.write_text, "end")  # which ends it

    asyncio.run(main())


def test_a_process_left_in_the_background_without_our_pipes_is_let_be(alive: Path) -> None:
    async def main() -> None:
        port = Port()
        await call("shell.run", port, command=f"cat {alive} > /dev/null 2>&1 & echo done")
        assert texts(port) == ["done"]
        await asyncio.to_thread(alive.write_text, "it reads this")

    asyncio.run(main())


def test_end_all_ends_every_child_at_once_from_any_thread(alive: Path) -> None:
    async def main() -> None:
        port = Lines()
        reading = asyncio.ensure_future(asyncio.to_thread(read_to_the_end, alive, threading.Event()))
        command = f"exec 9> {alive}; trap '' TERM; sleep 60 & echo ready; wait"
        running = asyncio.ensure_future(call("shell.run", port, command=command))
        await port.came.wait()
        assert await asyncio.to_thread(shell.end_all) == 1
        with pytest.raises(TaskError, match="SIGKILL"):
            await running
        await asyncio.wait_for(reading, 20)

    asyncio.run(main())
