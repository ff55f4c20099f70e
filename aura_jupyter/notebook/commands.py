"""The subcommands of `%aura`."""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..actions.registry import Action, from_callable, registry
from ..engine.tasklet import Tasklet
from ..spec.problems import nearest
from ..view.text import text_now
from ..view.words import counted
from . import failures
from .options import Line, LineError, Word, cell_options, split
from .task_cell import TaskCell
from .waiting import interrupts_call, this_task

if TYPE_CHECKING:
    from .notebook import Notebook

COMMANDS = ("actions", "cancel", "logs", "run", "schema", "show", "wait")


class Commands:
    """What `%aura` does with its words.

    Args:
        notebook: where it stands.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook

    async def run(self, line: Line) -> Any:
        """Do what the line says, where the cell can await."""
        with failures.shown_in(line, self._notebook.shell):
            words = split(line.text)
            if words[:1] == ["wait"]:
                tasklets = self._named(words[1:])
                return self._end_wait(tasklets, interrupted=await self._wait(tasklets))
            if words[:1] == ["run"]:
                return await self._file(line, words).run()
            return self._at_once(words)

    def run_without_await(self, line: Line) -> Any:
        """Do what the line says, where the cell cannot await."""
        with failures.shown_in(line, self._notebook.shell):
            words = split(line.text)
            if words[:1] == ["wait"]:
                tasklets = self._named(words[1:])
                return self._end_wait(tasklets, interrupted=self._notebook.run_here(self._wait(tasklets)))
            if words[:1] == ["run"]:
                return self._file(line, words).run_without_await()
            return self._at_once(words)

    def _at_once(self, words: list[Word]) -> None:
        if not words:
            return self._list()
        match words:
            case ["show", name]:
                return self._show(self._tasklet(name))
            case ["logs", name]:
                return _print_log(self._tasklet(name))
            case ["cancel", name]:
                return self._cancel(name)
            case ["actions"]:
                return self._actions()
            case ["actions", name]:
                return self._action(name)
            case ["schema"]:
                return print(_schema())
            case ["schema", path]:
                return _write_schema(path)
        raise _not_understood(words)

    def _list(self) -> None:
        tasklets = self._notebook.tasklets()
        names = [self._notebook.name_of(tasklet) for tasklet in tasklets]
        width = max(map(len, names), default=0)
        for name, tasklet in zip(names, tasklets, strict=True):
            print(f"{name:<{width}}  {text_now(tasklet).splitlines()[0]}")
        if not tasklets:
            print("There are no tasks. A %%aura cell starts one.")

    def _show(self, tasklet: Tasklet) -> None:
        if failures.has_kernel(self._notebook.shell):
            self._notebook.shows.show(tasklet, awaited=False)
        else:
            print(text_now(tasklet))

    def _file(self, line: Line, words: list[Word]) -> TaskCell:
        if len(words) == 1 or words[1].startswith("-"):
            raise LineError("%aura run needs a file", words[0], code="missing-value", hint="Write %aura run FILE.")
        path = Path(words[1]).expanduser()
        if not path.is_file():
            there = [each.name for pattern in ("*.yaml", "*.yml", "*.json") for each in path.parent.glob(pattern)]
            near = nearest(path.name, there)
            hint = f"Did you mean {path.parent / near}?" if near else f"Paths are relative to {Path.cwd()}."
            raise LineError(f"there is no file {words[1]}", words[1], code="no-file", hint=hint)
        return TaskCell(self._notebook, line, cell_options(self._notebook.parser, words[2:]), path)

    async def _wait(self, tasklets: list[Tasklet]) -> bool:
        """Wait until tasks have ended. An interrupt ends the wait, and not the tasks; says whether there was one."""
        waiter = this_task()
        with interrupts_call(waiter.cancel):
            try:
                for tasklet in tasklets:
                    await tasklet.wait()
            except asyncio.CancelledError:
                waiter.uncancel()
                return True
        return False

    def _end_wait(self, tasklets: list[Tasklet], *, interrupted: bool) -> None:
        """Fail the cell with the first task that failed."""
        if interrupted:
            left = counted(sum(not tasklet.status.is_final for tasklet in tasklets), "task")
            raise failures.one_line(KeyboardInterrupt(f"the wait has ended, {left} under way"))
        for tasklet in tasklets:
            failures.raise_failure(tasklet, self._notebook.shell)

    def _named(self, names: list[Word]) -> list[Tasklet]:
        """The tasks of these names; without one, those that have not ended."""
        if names:
            return [self._tasklet(name) for name in names]
        return [tasklet for tasklet in self._notebook.tasklets() if not tasklet.status.is_final]

    def _cancel(self, name: Word) -> None:
        tasklets = self._named([] if name == "--all" else [name])
        for tasklet in tasklets:
            tasklet.cancel()
            print(text_now(tasklet).splitlines()[0])
        if not tasklets:
            print("No task is under way.")

    def _tasklet(self, name: Word) -> Tasklet:
        found = self._notebook.tasklet(name)
        if found is not None:
            return found
        names = [self._notebook.name_of(tasklet) for tasklet in self._notebook.tasklets()]
        near = nearest(name, names)
        hint = (
            f"Did you mean '{near}'?"
            if near
            else f"The tasks are: {', '.join(names)}."
            if names
            else "There are no tasks."
        )
        raise LineError(f"there is no task '{name}'", name, code="unknown-task", hint=hint)

    def _actions(self) -> None:
        variables = self._notebook.variables
        registered = [(name, registry.get(name)) for name in registry.names()]
        rows = [(name, _summary(action.source, action.function)) for name, action in registered if action is not None]
        rows += [(name, _summary("notebook", variables[name])) for name in variables.names()]
        width = max(len(name) for name, _ in rows)
        for name, text in rows:
            print(f"{name:<{width}}  {text}".rstrip())

    def _action(self, name: Word) -> None:
        action = registry.get(name)
        function = self._notebook.variables.find(name)
        if action is None and callable(function):
            action = from_callable(name, function)
        if action is None:
            near = nearest(name, [*registry.names(), *self._notebook.variables.names()])
            hint = f"Did you mean '{near}'?" if near else "%aura actions lists them all."
            raise LineError(f"no action is called '{name}'", name, code="unknown-action", hint=hint)
        print(f"{name}{_signature(action)}")
        print(inspect.getdoc(action.function) or "It has no documentation.")


def _print_log(tasklet: Tasklet) -> None:
    for record in tasklet.logs:
        print(record)
    if not len(tasklet.logs):
        print(f"{tasklet.title} has written nothing.")


def _write_schema(path: Word) -> None:
    try:
        Path(path).expanduser().write_text(_schema() + "\n", encoding="utf-8")
    except OSError as error:
        raise LineError(
            f"{path} cannot be written: {error.strerror}", path, code="no-file", hint="Write another path."
        ) from None
    print(f"The JSON Schema of specs is in {path}.")


def _signature(action: Action) -> str:
    signature = action.signature
    if signature is None:
        return "(…)"
    shown = [
        each.replace(annotation=each.empty)
        for name, each in signature.parameters.items()
        if name != action.context_parameter
    ]
    return str(signature.replace(parameters=shown, return_annotation=signature.empty))


def _summary(source: str, function: object) -> str:
    first_line = (inspect.getdoc(function) or "").partition("\n")[0]
    return f"{source}: {first_line}" if first_line else source


def _not_understood(words: list[Word]) -> LineError:
    name, *rest = words
    if name not in COMMANDS:
        near = nearest(name, COMMANDS)
        hint = f"Did you mean %aura {near}?" if near else f"Write %aura alone, or with {', '.join(COMMANDS)}."
        return LineError(f"%aura has no '{name}'", name, code="unknown-command", hint=hint)
    most = 1
    if len(rest) > most:
        return LineError(f"'{rest[most]}' stands where nothing is expected", rest[most], hint="Leave it out.")
    other = ", or %aura cancel --all" if name == "cancel" else ""
    hint = f"Write %aura {name} NAME{other}."
    return LineError(f"%aura {name} needs the name of a task", name, code="missing-value", hint=hint)


def _schema() -> str:
    from ..spec.model import json_schema  # noqa: PLC0415 - 100 ms that loading the extension would have to wait for

    return json.dumps(json_schema(), indent=2)
