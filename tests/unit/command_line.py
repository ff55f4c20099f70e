"""The command line in processes of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PROGRAM = [sys.executable, "-m", "aura_jupyter"]
LIMIT = 100.0  # seconds, after which a process that hangs is killed
_NOT_WANTED = ("NO_COLOR", "FORCE_COLOR")


def environment(**more: str) -> dict[str, str]:
    """This process's own, in which nothing asks for colours or against them."""
    return {**{key: value for key, value in os.environ.items() if key not in _NOT_WANTED}, "TERM": "xterm", **more}


def hear_signals() -> None:
    """Undo what a shell does for its background jobs, and `nohup`: they ignore signals, and so would their children."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class CommandLine:
    """Runs the program in a folder.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, text: str | bytes) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def __call__(self, *words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=self.folder,
            input=stdin,
            env=environment(**env),
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=LIMIT,
        )

    @contextlib.contextmanager
    def started(self, *words: str, **env: str) -> Iterator[Running]:
        """Start it."""
        process = subprocess.Popen(
            [*PROGRAM, *words],
            cwd=self.folder,
            env=environment(**env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            preexec_fn=hear_signals,  # noqa: PLW1509 - no lock in it
        )
        watch = threading.Timer(LIMIT, process.kill)
        watch.start()
        try:
            with process:
                yield Running(process)
                process.kill()
        finally:
            watch.cancel()


class Running:
    """The program while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def until(self, text: str) -> str:
        """Read standard error until a line holds the text; that line."""
        assert self.process.stderr is not None
        return line_with(self.process.stderr, text)

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: the exit status, and what is left of standard output and standard error."""
        out, err = self.process.communicate()
        return self.process.returncode, out, err


def line_with(stream: IO[str], text: str) -> str:
    """Read lines until one holds the text."""
    seen = []
    for line in stream:
        if text in line:
            return line
        seen.append(line)
    raise AssertionError(f"no line with {text!r}, but: {''.join(seen)}")
