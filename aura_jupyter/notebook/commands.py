"""What the subcommands of `%aura` do."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..actions.registry import Action, from_callable, registry
from ..assist.listing import described, listed
from ..engine.plan import Plan
from ..engine.plans import plan_for
from ..engine.tasklet import Tasklet
from ..spec.problems import nearest
from ..view import graph
from ..view.order import order
from ..view.text import text_now
from ..view.words import counted
from . import failures
from .doctor import examine
from .follow import follow
from .live_graph import LiveGraph
from .options import CellOptions, Line, LineError, Word, cell_options, split
from .publishing import Bundle
from .subcommands import SUBCOMMANDS, help_of, overview, task_names
from .task_cell import TaskCell
from .waiting import wait_for_all

if TYPE_CHECKING:
    from .notebook import Notebook

_HELP = ("-h", "--help")


class Commands:
    """What `%aura` does with its words.

    Args:
        notebook: where it stands.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._at_once: dict[str, Callable[..., None]] = {
            "show": self._show,
            "logs": self._logs,
            "cancel": self._cancel,
            "graph": self._graph,
            "save": self._save,
            "actions": self._actions,
            "schema": _schema,
            "config": self._config,
            "doctor": self._doctor,
        }

    async def run(self, line: Line) -> Any:
        """Do what the line says, where the cell can await."""
        with failures.shown_in(line, self._notebook.shell):
            work = self._begin(line)
            return await work() if work is not None else None

    def run_without_await(self, line: Line) -> Any:
        """Do what the line says, where the cell cannot await."""
        with failures.shown_in(line, self._notebook.shell):
            words = split(line.text)
            if words[:1] == ["run"] and not set(_HELP) & set(words):
                return self._file(line, words).run_without_await()
            work = self._begin(line)
            return self._notebook.run_here(work()) if work is not None else None

    def _begin(self, line: Line) -> Callable[[], Coroutine[Any, Any, Any]] | None:
        """Do what can be done at once; gives what has to be awaited, if anything has."""
        words = split(line.text)
        if not words:
            self._list()
            return None
        name, rest = words[0], words[1:]
        if name in ("help", *_HELP):
            print(overview())
            return None
        if name not in SUBCOMMANDS:
            raise _unknown_command(name)
        if set(_HELP) & set(rest):
            print(help_of(name))
            return None
        if name == "run":
            return self._file(line, words).run
        flags = _flags(name, rest)
        names = _counted(words, [word for word in rest if not word.startswith("-")], flags)
        return self._do(name, names, flags)

    def _do(self, name: str, names: list[Word], flags: set[str]) -> Callable[[], Coroutine[Any, Any, Any]] | None:
        if name == "wait":
            tasklets = self._named(names)
            return lambda: self._wait(tasklets)
        if name == "rerun":
            tasklet = self._tasklet(names[0])
            return lambda: self._notebook.run_again_here(tasklet)
        if name == "logs" and flags:
            tasklet = self._tasklet(names[0])
            return lambda: self._follow(tasklet)
        if name == "cancel":
            self._cancel(names, every=bool(flags))
        else:
            self._at_once[name](*names)
        return None

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _list(self) -> None:
        tasklets = self._notebook.tasklets()
        names = [self._notebook.name_of(tasklet) for tasklet in tasklets]
        width = max(map(len, names), default=0)
        for name, tasklet in zip(names, tasklets, strict=True):
            print(f"{name:<{width}}  {text_now(tasklet).splitlines()[0]}")
        if not tasklets:
            print("There are no tasks. A %%aura cell starts one.")

    def _show(self, name: Word) -> None:
        tasklet = self._tasklet(name)
        if failures.has_kernel(self._notebook.shell):
            self._notebook.shows.show(tasklet, awaited=False)
        else:
            print(text_now(tasklet))

    def _logs(self, name: Word) -> None:
        tasklet = self._tasklet(name)
        for record in tasklet.logs:
            print(record)
        if not len(tasklet.logs):
            print(f"{tasklet.title} has written nothing.")

    async def _follow(self, tasklet: Tasklet) -> None:
        if await follow(tasklet):
            raise failures.one_line(KeyboardInterrupt(f"no longer following {tasklet.title}, which goes on"))

    def _cancel(self, names: list[Word], *, every: bool) -> None:
        tasklets = self._named([] if every else names)
        for tasklet in tasklets:
            tasklet.cancel()
            print(text_now(tasklet).splitlines()[0])
        if not tasklets:
            print("No task is under way.")

    async def _wait(self, tasklets: list[Tasklet]) -> None:
        """Wait for tasks, and fail the cell with the first one that failed."""
        if await wait_for_all(tasklets):
            left = counted(sum(not tasklet.status.is_final for tasklet in tasklets), "task")
            raise failures.one_line(KeyboardInterrupt(f"the wait has ended, {left} under way"))
        for tasklet in tasklets:
            failures.raise_failure(tasklet, self._notebook.shell)

    def _graph(self, what: Word | None = None) -> None:
        tasklets = self._notebook.tasklets()
        if what is None and not tasklets:
            print("There are no tasks. A %%aura cell starts one.")
        elif what is not None and Path(what).expanduser().is_file():
            path = Path(what).expanduser()
            plan, _ = plan_for(path, self._notebook.variables)
            self._show_graph(_graph_of(plan, order(plan, path.stem)))
        else:
            self._follow_graph(self._tasklet(what) if what is not None else tasklets[-1])

    def _follow_graph(self, tasklet: Tasklet) -> None:
        """Show the graph of a task: to who watches, as it goes on; else as it stands."""

        def draw() -> Bundle:
            return _graph_of(tasklet, tasklet.secrets.mask(order(tasklet.plan, tasklet.title, tasklet.steps)))

        if self._notebook.shows.watched and not tasklet.status.is_final:
            LiveGraph(tasklet, self._notebook.publisher, draw)
        else:
            self._show_graph(draw())

    def _show_graph(self, drawn: Bundle) -> None:
        """Show a graph: as a picture where there is a front end, with the text for those who see none."""
        if failures.has_kernel(self._notebook.shell):
            self._notebook.publisher.display(drawn)
        else:
            print(drawn["text/plain"])

    def _save(self, name: Word, file: Word) -> None:
        tasklet = self._tasklet(name)
        text = tasklet.source.text
        if text is None:
            raise LineError(f"the spec of '{name}' was no text", name, code="no-text", hint="Save what it was made of.")
        path = Path(file).expanduser()
        if path.exists():
            raise LineError(f"{file} is there already", file, code="file-exists", hint="Write another name.")
        _write(file, tasklet.secrets.mask(text).rstrip("\n") + "\n")
        print(f"The spec of {tasklet.title} is in {path}.")

    # --- finding ------------------------------------------------------------------------------------------------------

    def _file(self, line: Line, words: list[Word]) -> TaskCell:
        if len(words) == 1 or words[1].startswith("-"):
            raise LineError("%aura run needs a file", words[0], code="missing-value", hint="Write %aura run FILE.")
        path = Path(words[1]).expanduser()
        if not path.is_file():
            there = [each.name for pattern in ("*.yaml", "*.yml", "*.json") for each in path.parent.glob(pattern)]
            near = nearest(path.name, there)
            hint = f"Did you mean {path.parent / near}?" if near else f"Paths are relative to {Path.cwd()}."
            raise LineError(f"there is no file {words[1]}", words[1], code="no-file", hint=hint)
        options: CellOptions = self._notebook.with_settings(cell_options(self._notebook.parser, words[2:]))
        return TaskCell(self._notebook, line, options, path)

    def _named(self, names: list[Word]) -> list[Tasklet]:
        """The tasks of these names; without one, those that have not ended."""
        if names:
            return [self._tasklet(name) for name in names]
        return [tasklet for tasklet in self._notebook.tasklets() if not tasklet.status.is_final]

    def _tasklet(self, name: Word) -> Tasklet:
        found = self._notebook.tasklet(name)
        if found is not None:
            return found
        names = task_names(self._notebook)
        near = nearest(name, names)
        hint = (
            f"Did you mean '{near}'?"
            if near
            else f"The tasks are: {', '.join(names)}."
            if names
            else "There are no tasks."
        )
        raise LineError(f"there is no task '{name}'", name, code="unknown-task", hint=hint)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _actions(self, name: Word | None = None) -> None:
        if name is not None:
            return self._action(name)
        variables = self._notebook.variables
        registered = [action for action in map(registry.get, registry.names()) if action is not None]
        print(listed([*registered, *(from_callable(name, variables[name]) for name in variables.names())]))
        return None

    def _action(self, name: Word) -> None:
        action: Action | None = registry.get(name)
        function = self._notebook.variables.find(name)
        if action is None and callable(function):
            action = from_callable(name, function)
        if action is None:
            near = nearest(name, [*registry.names(), *self._notebook.variables.names()])
            hint = f"Did you mean '{near}'?" if near else "%aura actions lists them all."
            raise LineError(f"no action is called '{name}'", name, code="unknown-action", hint=hint)
        print(described(action))

    def _config(self) -> None:
        settings = self._notebook.settings
        traits = settings.traits(config=True)
        width = max(map(len, traits))
        for name, trait in sorted(traits.items()):
            value = getattr(settings, name)
            changed = "" if value == trait.default_value else f" (default {trait.default_value})"
            print(f"{name:<{width}}  {value}{changed}  {trait.help.split('. ')[0].rstrip('.')}")
        print("\n%config AuraMagics.NAME = VALUE changes one, c.AuraMagics.NAME = VALUE in a profile's settings.")

    def _doctor(self) -> None:
        print(examine(self._notebook))


def _graph_of(task: Plan | Tasklet, text: str) -> Bundle:
    return {"image/svg+xml": graph.svg(graph.graph(task)), "text/plain": text}


def _flags(name: str, rest: list[Word]) -> set[str]:
    known = SUBCOMMANDS[name].flags
    for word in rest:
        if word.startswith("-") and word not in known:
            near = nearest(word, known)
            hint = f"Write {near}." if near else f"%aura {name} --help tells what it takes."
            raise LineError(f"%aura {name} has no option '{word}'", word, code="unknown-option", hint=hint)
    return {str(word) for word in rest if word.startswith("-")}


def _counted(words: list[Word], names: list[Word], flags: set[str]) -> list[Word]:
    """The words of a subcommand, as many as it takes."""
    command = SUBCOMMANDS[words[0]]
    if command.most is not None and len(names) > command.most:
        word = names[command.most]
        raise LineError(f"'{word}' stands where nothing is expected", word, hint="Leave it out.")
    if words[0] == "cancel" and bool(names) == bool(flags):
        place = names[0] if names else words[0]
        message = "%aura cancel takes a name or --all" if names else "%aura cancel needs the name of a task"
        raise LineError(message, place, code="missing-value", hint="Write %aura cancel NAME, or %aura cancel --all.")
    if len(names) < command.least:
        what = "the name of a file" if names else "the name of a task"
        usage = f"%aura {words[0]} {command.usage.partition(' [')[0]}"
        raise LineError(f"%aura {words[0]} needs {what}", words[0], code="missing-value", hint=f"Write {usage}.")
    return names


def _unknown_command(name: Word) -> LineError:
    near = nearest(name, SUBCOMMANDS)
    hint = f"Did you mean %aura {near}?" if near else f"Write %aura alone, or with {', '.join(sorted(SUBCOMMANDS))}."
    return LineError(f"%aura has no '{name}'", name, code="unknown-command", hint=hint)


def _schema(path: Word | None = None) -> None:
    from ..spec.model import json_schema  # noqa: PLC0415 - 100 ms that loading the extension would have to wait for

    text = json.dumps(json_schema(), indent=2)
    if path is None:
        print(text)
        return
    _write(path, text + "\n")
    print(f"The JSON Schema of specs is in {path}.")


def _write(path: Word, text: str) -> None:
    try:
        Path(path).expanduser().write_text(text, encoding="utf-8")
    except OSError as error:
        raise LineError(
            f"{path} cannot be written: {error.strerror}", path, code="no-file", hint="Write another path."
        ) from None
