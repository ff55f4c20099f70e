"""The manual page of the command line, made of the parsers, so that neither can say what the other does not.

`python -m aura_jupyter.cli.manual > docs/reference/command-line.md` writes it anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from .commands import COMMANDS, EXIT_STATUSES
from .parsing import PROGRAM, Command, Parser

_TOP = f"""# The command line

`{PROGRAM} COMMAND …` runs and checks specs without a notebook. `jupyter-aura` and `python -m aura_jupyter` are the same
program.

`{PROGRAM} --help` lists the commands, `{PROGRAM} COMMAND --help` explains one, `{PROGRAM} --version` tells the version.
"""


def manual() -> str:
    """The page as Markdown."""
    lines = [_TOP, "| command | what it does |", "| --- | --- |"]
    lines += [f"| [`{command.name}`](#{command.name}) | {command.summary} |" for command in COMMANDS]
    lines += ["", "## Exit status", "", "| status | when |", "| --- | --- |"]
    lines += [f"| {status} | {what} |" for status, what in EXIT_STATUSES]
    for command in COMMANDS:
        lines += ["", *_section(command)]
    return "\n".join(lines) + "\n"


def _section(command: Command) -> Iterator[str]:
    parser = command.parser()
    yield f"## {command.name}"
    yield ""
    yield f"`{' '.join([PROGRAM, command.name, *_usage(parser)])}`"
    yield ""
    yield f"{command.summary[0].upper()}{command.summary[1:]}."
    for paragraph in command.about.strip().split("\n\n"):
        yield ""
        yield " ".join(paragraph.split())
    rows = [f"| `{_call(action)}` | {_escaped(action.help or '')} |" for action in _arguments(parser)]
    if rows:
        yield ""
        yield "| argument | what it does |"
        yield "| --- | --- |"
        yield from rows
    yield ""
    yield "```sh"
    for line, what in command.examples:
        yield f"{line}  # {what}"
    yield "```"


def _arguments(parser: Parser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.dest != "help"]


def _usage(parser: Parser) -> Iterator[str]:
    """The arguments in one line, options first."""
    for action in sorted(_arguments(parser), key=lambda action: not action.option_strings):
        many = type(action).__name__ == "_AppendAction" or action.nargs == "+"
        call = _value(action) if not action.option_strings else f"{action.option_strings[0]}{_after(action)}"
        required = not action.option_strings and action.nargs != "?"
        yield f"{call if required else f'[{call}]'}{'…' if many else ''}"


def _call(action: argparse.Action) -> str:
    if not action.option_strings:
        return _value(action)
    return ", ".join(action.option_strings) + _after(action)


def _after(action: argparse.Action) -> str:
    return "" if action.nargs == 0 else f" {_value(action)}"


def _value(action: argparse.Action) -> str:
    if action.choices is not None and action.option_strings:
        return f"{{{','.join(map(str, action.choices))}}}"
    return str(action.metavar or action.dest.upper())


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    print(manual(), end="")
