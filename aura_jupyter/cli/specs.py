"""Specs and modules from the command line: read, compiled, and what is wrong with them shown."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..engine.plan import Plan
from ..engine.planner import compile_spec
from ..engine.plans import plan_for
from ..spec.problems import Problem, Source, SpecError, nearest, to_text
from ..spec.reader import read_text, source_of
from ..view import trace
from ..view.text import wants_colour
from .endings import WRONG, Ended, UsageError, harmless, tell

STDIN = "-"
NAME_OF_STDIN = "standard input"
MOST = 100_000_000
"""Bytes of a spec or an input that are read at most: `/dev/zero` has no end."""


def content_of(file: str) -> bytes:
    """What is in a file, or what standard input gives.

    Raises:
        UsageError: it cannot be read.
    """
    if file == STDIN:
        if sys.stdin is None:
            raise UsageError("standard input is closed", "Give a file")
        if sys.stdin.isatty():
            tell("Reading from the terminal; Ctrl-D ends it.")
        return _whole(sys.stdin.buffer, NAME_OF_STDIN)
    path = Path(file)
    try:
        with path.open("rb") as stream:
            return _whole(stream, file)
    except FileNotFoundError:
        raise UsageError(f"there is no file {file}", _near(path)) from None
    except IsADirectoryError:
        raise UsageError(f"{file} is a folder", "Give a file in it") from None
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _whole(stream: BinaryIO, name: str) -> bytes:
    """What is in a stream, unless it has no end."""
    content = stream.read(MOST + 1)
    if len(content) > MOST:
        hint = "Give the path as an input, and let a step read the file"
        raise UsageError(f"{name} is larger than {MOST // 1_000_000} MB, the most that is read here", hint)
    return content


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder {folder}, seen from {Path.cwd()}"
    there = {each.stem: each for each in sorted(folder.iterdir()) if each.is_file()}
    near = nearest(path.stem, there)
    return f"Did you mean {there[near]}?" if near else f"Paths are relative to {Path.cwd()}"


def source_from(file: str) -> Source:
    """The text of a spec with the name that messages call it.

    Raises:
        UsageError: it cannot be read.
        SpecError: it is no text.
    """
    return source_of(content_of(file), NAME_OF_STDIN if file == STDIN else file)


def plan_of(source: Source) -> Plan:
    """The plan of a spec, with every problem found at once.

    Raises:
        SpecError: the spec is wrong. Where an action is not known, it says how to bring it in.
    """
    try:
        return plan_for(source, None)[0]
    except SpecError as error:
        raise SpecError(map(_with_import, error.problems), source) from None


def checked_anew(source: Source) -> Plan:
    """As `plan_of`, but nothing is kept: for many specs, one after the other.

    Raises:
        SpecError: the spec is wrong.
    """
    try:
        return compile_spec(read_text(source), source)
    except SpecError as error:
        raise SpecError(map(_with_import, error.problems), source) from None


def _with_import(problem: Problem) -> Problem:
    if problem.code != "unknown-action" or problem.hint.startswith("Did you mean"):
        return problem
    return dataclasses.replace(problem, hint="If it is one of yours, name its module: --import MODULE.", excerpt=())


@contextlib.contextmanager
def mistakes_shown() -> Iterator[None]:
    """End the program with what is wrong with a spec or an input, shown in the lines as written."""
    try:
        yield
    except SpecError as error:
        tell(to_text(error, colour=sys.stderr is not None and wants_colour(sys.stderr)))
        raise Ended(WRONG) from None


def import_modules(names: Iterable[str]) -> None:
    """Import modules that register actions, from the current folder first. What they print goes to standard error.

    Raises:
        UsageError: there is no such module.
        Ended: it cannot be imported; why is shown.
    """
    names = list(names)
    folder = str(Path.cwd())
    if names and folder not in sys.path:
        sys.path.insert(0, folder)
    for name in names:
        with contextlib.redirect_stdout(sys.stderr):
            _import(name)


def _import(name: str) -> None:
    if name.endswith(".py") or "/" in name:
        module = name.removesuffix(".py").replace("/", ".").lstrip(".")
        raise UsageError(f"--import takes the name of a module, and {name} is a file", f"Write --import {module}")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            _tell_failure(name, error)
        near = nearest(name, sorted(path.stem for path in Path.cwd().glob("*.py")))
        hint = f"Did you mean {near}?" if near else f"Modules are looked for in {Path.cwd()} and where packages are"
        raise UsageError(f"--import: there is no module {name}", hint) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a module may raise anything, and is shown to have
        _tell_failure(name, error)


def _tell_failure(name: str, error: BaseException) -> None:
    lines = trace.plain(trace.error_lines(error, str))
    tell(harmless("\n".join([f"--import {name} failed: {lines[0]}", *(f"  {line}" for line in lines[1:])])))
    raise Ended(WRONG)
