"""`file.read`, `file.write`, `file.glob`."""

from __future__ import annotations

import codecs
import glob as glob_
import os
import stat
from pathlib import Path
from typing import Any

from .checks import BadValue, boolean, each, filled, path, text, wrong_type
from .registry import builtin


def _encoding(name: str, value: Any) -> str:
    try:
        return codecs.lookup(filled(name, value)).name
    except LookupError:
        raise BadValue(name, f"'{name}' is '{value}', and there is no such encoding") from None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type(name, "text", value, "Make text of it in the template, for example with 'tojson'.")
    return text(name, value)


@builtin("file.read", check=each(path=path, encoding=_encoding))
def read(path: str, encoding: str = "utf-8") -> str:
    """Read a text file; the output is its text.

    Args:
        path: the file.
        encoding: of the text.
    """
    return Path(_path(path)).read_text(encoding=_encoding("encoding", encoding))


@builtin("file.write", check=each(path=path, text=_text, append=boolean))
def write(path: str, text: str, *, append: bool = False) -> str:
    """Write a text file in UTF-8; the output is its path.

    Not appending, it puts the whole file in place at once: who reads it meanwhile sees the old one or the new one.

    Args:
        path: the file; its folder must be there.
        text: what to write.
        append: whether to add to the file what is there already.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    file = Path(_path(path))
    content = _text("text", text)
    if not file.parent.is_dir():
        raise FileNotFoundError(f"there is no folder '{file.parent}' to write '{file.name}' into")
    if boolean("append", append):
        with file.open("a", encoding="utf-8") as stream:
            stream.write(content)
    elif file.exists() and not file.is_file():  # a pipe, a device; a folder is an error
        file.write_text(content, encoding="utf-8")
    else:
        _replace(file.resolve(), content)  # what a link points to, not the link
    return str(file)


@builtin("file.glob", check=each(pattern=path))
def glob(pattern: str) -> list[str]:
    """Find files; the output is a sorted list of their paths.

    Args:
        pattern: with `*`, `?`, `[...]`, and `**` for any folders.
    """
    return sorted(glob_.glob(path("pattern", pattern), recursive=True))  # noqa: PTH207 - paths as they were written


def _path(value: Any) -> str:
    return path("path", value)


def _replace(file: Path, content: str) -> None:
    fresh = file.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        fresh.write_text(content, encoding="utf-8")
        if file.exists():
            fresh.chmod(stat.S_IMODE(file.stat().st_mode))
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
