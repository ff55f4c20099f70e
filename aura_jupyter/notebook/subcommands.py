"""What `%aura` can do: the words of each subcommand, its help, and what fits on its line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..assist.completion import Offer, durations
from ..assist.outline import outline
from ..assist.surroundings import Surroundings

if TYPE_CHECKING:
    from .notebook import Notebook


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One of the subcommands.

    Attributes:
        usage: what follows its name.
        summary: what it does, in a few words.
        more: sentences for its own help.
        takes: what its words are: `task`, `action`, `file`.
        flags: its options.
        least: how many words it needs.
        most: how many words it takes; None for any number.
    """

    usage: str
    summary: str
    more: str = ""
    takes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    least: int = 0
    most: int | None = 0


SUBCOMMANDS = {
    "run": Subcommand(
        "FILE [options]",
        "run the spec of a file, with the options of %%aura",
        "The options are those of %%aura: see %%aura?.",
        ("file",),
        least=1,
        most=None,
    ),
    "wait": Subcommand(
        "[NAME...]",
        "wait until tasks have ended, all of them without a NAME",
        "The cell fails if one of them does. An interrupt of the kernel ends the wait and leaves the tasks alone.",
        ("task",),
        most=None,
    ),
    "show": Subcommand("NAME", "the card of a task, by its variable or its id", "", ("task",), least=1, most=1),
    "logs": Subcommand(
        "NAME [-f]",
        "what a task wrote",
        "With -f it goes on printing until the task has ended; an interrupt of the kernel ends that.",
        ("task",),
        ("-f", "--follow"),
        least=1,
        most=1,
    ),
    "cancel": Subcommand(
        "NAME | --all",
        "stop a task; its finally runs",
        "Called again, it stops the finally, too.",
        ("task",),
        ("--all",),
        most=1,
    ),
    "rerun": Subcommand(
        "NAME",
        "run the spec of a task again, with the inputs that it was given",
        "NAME holds the new task from then on.",
        ("task",),
        least=1,
        most=1,
    ),
    "graph": Subcommand(
        "[NAME | FILE]",
        "the steps of a task or of a file, and what each waits for",
        "Nothing runs. Without a NAME it is the last task. Its picture follows a task that runs.",
        ("task", "file"),
        most=1,
    ),
    "save": Subcommand(
        "NAME FILE", "write the spec of a task into a file", "A file that is there stays.", ("task",), least=2, most=2
    ),
    "actions": Subcommand("[NAME]", "what a step can do", "", ("action",), most=1),
    "schema": Subcommand(
        "[FILE]", "the JSON Schema of specs, for an editor", "With a FILE it is written there.", most=1
    ),
    "config": Subcommand("", "the settings; %config AuraMagics.NAME = VALUE changes one"),
    "doctor": Subcommand("", "versions and settings that matter, with a verdict on each"),
}


def overview() -> str:
    """All subcommands, one a line."""
    heads = {name: f"%aura {name} {command.usage}".rstrip() for name, command in SUBCOMMANDS.items()}
    width = max(map(len, heads.values()))
    lines = [f"{'%aura':<{width}}  the tasks of this notebook"]
    lines += [f"{heads[name]:<{width}}  {command.summary}" for name, command in SUBCOMMANDS.items()]
    return "\n".join(lines)


def help_of(name: str) -> str:
    """The help of one subcommand."""
    command = SUBCOMMANDS[name]
    text = f"%aura {name} {command.usage}".rstrip() + f": {command.summary}."
    return f"{text}\n{command.more}".rstrip()


def offers_on_line(
    magic: str, before: str, notebook: Notebook, known: Surroundings, spec: str
) -> tuple[int, list[Offer]]:
    """What fits on a line of ours.

    Args:
        magic: `%%aura` or `%aura`.
        before: what stands between the magic and the cursor.
        notebook: whose tasks and options.
        known: its actions and variables.
        spec: the body of the cell.

    Returns:
        How many characters before the cursor they stand for, and what fits.
    """
    words = re.split(r"\s+", before.lstrip())
    *given, word = words
    options_from = 0 if magic == "%%aura" else 2 if given[:1] == ["run"] else None
    found: Iterable[Offer] = ()
    if options_from is None:
        found = _of_subcommand(given, notebook, known)
    elif len(given) >= options_from:
        found = _options(notebook.parser, given[options_from:], word, known, spec)
    return len(word), [each for each in found if each.text.lower().startswith(word.lower())]


def _of_subcommand(given: list[str], notebook: Notebook, known: Surroundings) -> Iterator[Offer]:
    if not given:
        yield from (Offer(name, "command") for name in SUBCOMMANDS)
        return
    command = SUBCOMMANDS.get(given[0])
    if command is None:
        return
    if "task" in command.takes and (command.most is None or len(given) <= max(1, command.most - 1)):
        yield from (Offer(name, "task") for name in task_names(notebook) if name not in given)
    if "action" in command.takes and len(given) == 1:
        yield from (Offer(name, "function") for name in known.actions(""))
    yield from (Offer(flag, "option") for flag in (*command.flags, "--help") if flag not in given)


def task_names(notebook: Notebook) -> list[str]:
    """The variables, else the ids, of the tasks that are there."""
    return list(dict.fromkeys(notebook.name_of(tasklet) for tasklet in notebook.tasklets()))


def _options(
    parser: argparse.ArgumentParser, given: list[str], word: str, known: Surroundings, spec: str
) -> Iterable[Offer]:
    last = given[-1] if given else ""
    if last in ("-i", "--input"):
        return [] if "=" in word else [Offer(name, "variable") for name in _inputs(known, given, spec)]
    if last == "--timeout":
        return [Offer(text, "duration") for text in durations(word)]
    if last in ("-o", "--output") or not (word.startswith("-") or not word):
        return []
    options = [option for action in parser._actions for option in _spellings(action, given)]
    return [Offer(option, "option") for option in options]


def _spellings(action: argparse.Action, given: list[str]) -> Iterable[str]:
    """The spellings of an option, unless it is given already and may be given once only."""
    many = type(action).__name__ == "_AppendAction"
    return action.option_strings if many or not set(action.option_strings) & set(given) else ()


def _inputs(known: Surroundings, given: list[str], spec: str) -> list[str]:
    """The variables, those first that the spec declares as inputs; each once."""
    root, _ = outline(spec, 0)
    declared = root.get("inputs")
    names = [item.text or item.value("name") for item in declared.items] if declared is not None else []
    variables = list(known.variables())
    first = [name for name in names if name in variables]
    return [name for name in dict.fromkeys((*first, *variables)) if name not in given]
