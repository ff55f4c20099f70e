"""Standard output for the result alone, and what is written of it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from ..view.json_value import json_value


@contextlib.contextmanager
def kept_for_result() -> Iterator[TextIO | None]:
    """Standard output for the result alone: what else is written to it meanwhile goes to standard error.

    That holds for `print`, for C code, and for child processes. Gives None where standard output is closed.
    """
    if sys.stdout is None:
        yield None
        return
    sys.stdout.flush()
    encoding = sys.stdout.encoding
    kept = os.dup(1)
    try:
        _divert()
        with open(kept, "w", encoding=encoding, errors="backslashreplace", closefd=False) as stream:
            yield stream
    finally:
        with contextlib.suppress(OSError):  # standard error is closed: what went there is lost
            sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _divert() -> None:
    try:
        os.dup2(2, 1)
    except OSError:  # standard error is closed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)  # what a module prints stands where it belongs


def write_result(value: Any, stream: TextIO, *, as_json: bool) -> None:
    """Write the result of a task.

    Args:
        value: the result.
        stream: where to.
        as_json: as JSON, indented where a person reads it; else as `print` does, and nothing for None.

    Raises:
        NoJson: it is none.
        OSError: it cannot be written.
    """
    if as_json:
        is_unicode = stream.encoding.lower().startswith("utf")
        text = json.dumps(json_value(value), ensure_ascii=not is_unicode, indent=2 if stream.isatty() else None)
    elif value is None:
        return
    else:
        text = str(value)
    stream.write(text if text.endswith("\n") else f"{text}\n")
    stream.flush()
