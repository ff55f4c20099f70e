"""How the program ends: its exit statuses, the mistakes that end it, and what it tells a person."""

from __future__ import annotations

import contextlib
import os
import re
import sys

from ..spec.layout import visible

OK = 0
FAILED = 1
"""The task failed, or what was asked for could not be done."""
WRONG = 2
"""The spec, an input or the command line is wrong; nothing has run."""
BY_SIGNAL = 128
"""To which the number of the signal is added: 130 for an interrupt, 143 for SIGTERM."""


class UsageError(Exception):
    """The command line is wrong: what is wrong, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return " ".join(part if part.endswith(("?", ".")) else f"{part}." for part in (self.message, self.hint) if part)


class Ended(Exception):
    """The program is to end with this status; what there is to say has been said."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


_SERVICES = {"GITHUB_ACTIONS", "TF_BUILD"}
_COMMAND = re.compile(r"^\s*:(?=:)|#(?=#(?:vso)?\[)", re.MULTILINE)  # what they take for one in a program's output
_PLAIN = str.maketrans({"│": "|", "…": "...", "×": "x", "–": "-"})


def harmless(text: str) -> str:
    """Words of others in which nothing can steer the terminal, or the service, that they are written to; lines stay
    lines.
    """
    shown = "\n".join(visible(line) for line in text.split("\n"))
    return _COMMAND.sub(r"\g<0> ", shown) if _SERVICES & os.environ.keys() else shown


def tell(text: str) -> None:
    """Write to standard error, where it is open: it may be a pipe that nobody reads any more."""
    stream = sys.stderr
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        try:
            text.encode(stream.encoding or "utf-8")
        except UnicodeEncodeError:
            text = text.translate(_PLAIN)
        stream.write(text + "\n")
        stream.flush()
