"""What a command is, and how its words are parsed: every mistake names what was meant, if that can be guessed."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ..spec.wording import listing, nearest, quote
from .endings import UsageError

PROGRAM = "jupyter aura"


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are `UsageError`s, and which takes options anywhere among the words."""

    def __init__(self, **how: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **how)

    def error(self, message: str) -> NoReturn:
        """End with what argparse found wrong.

        Raises:
            UsageError: always.
        """
        said, hint = _plainer(message)
        raise UsageError(f"{self.prog}: {said}", hint or f"See {self.prog} --help")

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """What the words say.

        Raises:
            UsageError: an option that is not known, a value that is missing, a word too many.
        """
        known, more = self.parse_known_intermixed_args(words)
        if more:
            raise self._too_many(more[0])
        return known

    def _too_many(self, word: str) -> UsageError:
        if not word.startswith("-"):
            return UsageError(f"{self.prog}: {quote(word)} stands where nothing is expected", "Leave it out")
        options = sorted(self._option_string_actions)
        near = nearest(word.partition("=")[0], options)
        long = [option for option in options if option.startswith("--")]
        hint = f"Did you mean {near}?" if near else f"The options are {listing(long, 'and')}"
        return UsageError(f"{self.prog}: there is no option {quote(word)}", hint)


def _plainer(message: str) -> tuple[str, str]:
    """The message of argparse without the word `argument` and its Python quotes, and what to do."""
    found = re.match(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", message)
    if found is None:
        return re.sub(r"^argument (\S+): ", r"\1: ", message), ""
    choices = [choice.strip().strip("'") for choice in found[3].split(",")]
    near = nearest(found[2], choices)
    hint = f"Did you mean {near}?" if near else f"It takes {listing(choices)}"
    return f"{found[1].rpartition('/')[2]} takes no {quote(found[2])}", hint


@dataclass(frozen=True, slots=True)
class Command:
    """One of the program's commands.

    Attributes:
        name: what it is called by.
        summary: what it does, in a few words.
        about: sentences for its help and the manual.
        examples: lines to type, each with what it does.
        arguments: adds what it takes to its parser.
        module: the module of this package whose `main(options)` does it and gives the exit status.
        files: the endings of the files that it takes, for the shell's completion.
    """

    name: str
    summary: str
    about: str
    examples: tuple[tuple[str, str], ...]
    arguments: Callable[[argparse.ArgumentParser], None]
    module: str
    files: tuple[str, ...] = ()

    def parser(self) -> Parser:
        """Its parser."""
        lines = [line for example, what in self.examples for line in (f"  {example}", f"      {what}")]
        epilog = "\n".join(["examples:", *lines])
        parser = Parser(prog=f"{PROGRAM} {self.name}", description=_wrapped(self.summary, self.about), epilog=epilog)
        self.arguments(parser)
        return parser


def _wrapped(summary: str, about: str) -> str:
    paragraphs = [f"{summary[0].upper()}{summary[1:]}.", *about.strip().split("\n\n")]
    return "\n\n".join(textwrap.fill(each, 90, break_on_hyphens=False) for each in paragraphs)


def command_named(name: str, commands: Iterable[Command]) -> Command:
    """The command of this name.

    Raises:
        UsageError: there is none.
    """
    every = {command.name: command for command in commands}
    if name in every:
        return every[name]
    near = nearest(name, every)
    hint = f"Did you mean {near}?" if near else f"The commands are {listing(every, 'and')}"
    raise UsageError(f"{PROGRAM}: there is no command {quote(name)}", hint)
