"""The program: finds the command, hands it its words, and turns whatever ends it into an exit status."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import TextIO

from .. import __version__
from .commands import COMMANDS, EXIT_STATUSES
from .endings import BY_SIGNAL, FAILED, OK, WRONG, Ended, UsageError, tell
from .parsing import PROGRAM, command_named

_COMPLETE = "__complete"  # what the scripts of `completion` call


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words say.

    Args:
        words: of the command line; those of this process by default.

    Returns:
        The exit status.
    """
    _keep_places()
    try:
        status = _run(list(sys.argv[1:] if words is None else words))
        _flush(sys.stdout)
    except UsageError as error:
        tell(str(error))
        status = WRONG
    except Ended as ended:
        status = ended.status
    except KeyboardInterrupt:
        status = BY_SIGNAL + signal.SIGINT
    except BrokenPipeError:  # the reader of what is written wants no more
        status = OK
    except OSError as error:
        tell(f"{error.filename or 'standard output'}: {error.strerror or error}.")
        status = FAILED
    _let_go(sys.stdout)
    _let_go(sys.stderr)
    return status


def _run(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        if words[1:]:
            return _run([words[1], "--help"])
        print(overview())
        return OK if words else WRONG
    if words[0] == "--version":
        print(f"aura_jupyter {__version__}")
        return OK
    if words[0] == _COMPLETE:
        return int(importlib.import_module(f"{__package__}.completing").main(words[1:]))
    command = command_named(words[0], COMMANDS)
    try:
        options = command.parser().parse(words[1:])
        options.command = command.name
    except SystemExit as ended:  # --help, which is written by now
        return int(ended.code or OK)
    return int(importlib.import_module(f"{__package__}.{command.module}").main(options))


def _keep_places() -> None:
    """Let nothing that is opened take the place of a standard stream that is closed."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free, which is this one


def overview() -> str:
    """The help of the program as a whole."""
    width = max(len(command.name) for command in COMMANDS)
    return "\n".join(
        [
            f"usage: {PROGRAM} COMMAND …",
            "",
            "Runs and checks Aura's task specs from a shell.",
            "",
            "commands:",
            *(f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS),
            "",
            "options:",
            "  -h, --help  this text; after a command, what it takes, with examples",
            "  --version   the version",
            "",
            "exit status:",
            *(f"  {status:>3}  {what}" for status, what in EXIT_STATUSES),
        ]
    )


def _flush(stream: TextIO | None) -> None:
    if stream is not None:
        stream.flush()


def _let_go(stream: TextIO | None) -> None:
    """Let Python's end find nothing to write into a pipe that is closed or a disk that is full."""
    try:
        _flush(stream)
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]
