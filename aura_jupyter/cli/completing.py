"""What fits at the end of a command line: the answer to the scripts of `completion`."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import AuraError
from .commands import COMMANDS
from .endings import OK
from .parsing import Command, Parser

FILES = ":files"
_NAME = re.compile(r"\w[\w.-]*")  # what a shell takes as it stands: the candidate becomes part of the line
Candidate = tuple[str, str]  # the word, and what it is


def main(words: list[str]) -> int:
    """Write what fits, one candidate a line.

    Args:
        words: of the command line, without the program's name; the last one is being written.

    Returns:
        The exit status.
    """
    *before, word = words or [""]
    for candidate, what in _fitting(before, word):
        if candidate == FILES or candidate.startswith(word):
            print(f"{candidate}\t{what}" if what else candidate)
    return OK


def _fitting(before: list[str], word: str) -> Iterator[Candidate]:
    if not before:
        yield from ((command.name, command.summary) for command in COMMANDS)
        yield from (("--help", "what the program does"), ("--version", "the version"))
        return
    command = next((each for each in COMMANDS if each.name == before[0]), None)
    if command is None:
        return
    parser = command.parser()
    option = parser._option_string_actions.get(before[-1])
    if option is not None and option.nargs != 0:
        yield from _values(option, before, word)
    elif word.startswith("-"):
        yield from _options(parser, before)
    else:
        yield from _positional(command, parser)


def _options(parser: Parser, before: list[str]) -> Iterator[Candidate]:
    for action in parser._actions:
        many = type(action).__name__ == "_AppendAction"
        if many or not set(action.option_strings) & set(before):
            yield from ((name, action.help or "") for name in action.option_strings)


def _values(option: argparse.Action, before: list[str], word: str) -> Iterator[Candidate]:
    """What fits behind an option."""
    if option.choices is not None:
        yield from ((str(choice), "") for choice in option.choices)
    elif option.dest == "given":
        yield from _inputs(before, word)
    elif option.dest == "inputs":
        yield FILES, ""
    elif option.dest == "imports":
        yield from ((path.stem, str(path)) for path in sorted(Path().glob("*.py")) if path.stem.isidentifier())


def _positional(command: Command, parser: Parser) -> Iterator[Candidate]:
    if command.files:
        yield FILES, ""
        return
    for action in parser._actions:
        if not action.option_strings and action.choices is not None:
            yield from ((str(choice), "") for choice in action.choices)
    if command.name == "actions":
        from ..actions.registry import registry  # noqa: PLC0415 - slow: asyncio

        yield from ((name, "") for name in registry.names())


def _inputs(before: list[str], word: str) -> Iterator[Candidate]:
    """The inputs of the spec that stands on the line and are not given yet; behind `NAME=` the values of that one."""
    file = next((word for word in before[1:] if word.endswith((".yaml", ".yml", ".json")) and Path(word).is_file()), "")
    if not file:
        return
    from ..spec.reader import read  # noqa: PLC0415 - slow: yaml

    with contextlib.suppress(OSError, AuraError):
        data, _ = read(Path(file))
        declared = data.get("inputs")
        given = {word.partition("=")[0] for word in before if "=" in word}
        for item in declared if isinstance(declared, list) else ():
            name = item.get("name") if isinstance(item, dict) else item
            kind = item.get("type") if isinstance(item, dict) else None
            if not (isinstance(name, str) and _NAME.fullmatch(name)) or name in given:
                continue
            if not word.startswith(f"{name}="):
                yield f"{name}=", kind if isinstance(kind, str) and kind.isprintable() else "any"
            elif isinstance(item, dict):
                yield from ((f"{name}={value}", "") for value in _choices(item))


def _choices(item: dict[str, Any]) -> Iterator[str]:
    """The values that an input may have, where these are counted and a shell takes them as they stand."""
    allowed = item.get("enum") or ([True, False] if item.get("type") == "boolean" else ())
    for value in allowed if isinstance(allowed, list) else ():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if _NAME.fullmatch(text):
            yield text
