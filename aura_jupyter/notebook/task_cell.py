"""One `%%aura` cell, or one `%aura run`: from its options to a tasklet, and to what the cell ends with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.tasklet import Tasklet, TaskStatus
from ..errors import TaskCancelled
from ..spec.problems import Problem, Source, SpecError
from . import failures
from .options import CellOptions, Line, Word
from .waiting import interrupts_call, this_task, until_ended

if TYPE_CHECKING:
    from .notebook import Notebook

LONG = 20_000  # characters: a longer spec is read in a thread where the cell can await, so that the loop is not held


class TaskCell:
    """What one cell asks for.

    Args:
        notebook: where it stands.
        line: its line of options.
        options: what they say.
        spec: the text of the cell, or the path of a file.
    """

    def __init__(self, notebook: Notebook, line: Line, options: CellOptions, spec: Source | Path) -> None:
        self._notebook, self._line, self._options, self._spec = notebook, line, options, spec

    async def run(self) -> Any:
        """Run the cell where it can await; gives the cell's value.

        Raises:
            SpecError: the options, the spec or an input is wrong, and nothing has run.
            BaseException: with --wait, what failed the task; `TaskCancelled` where it was cancelled.
        """
        try:
            with interrupts_call(this_task().cancel):
                await self._prepare()
        except asyncio.CancelledError:
            this_task().uncancel()
            raise failures.one_line(TaskCancelled("the cell was interrupted, nothing has run")) from None
        tasklet = self._start()
        if tasklet is None or not self._notebook.waits(self._options):
            return None
        await until_ended(tasklet)
        if not self._options.quiet:
            await self._notebook.shows.show_end(tasklet)
        return self._outcome(tasklet)

    def run_without_await(self) -> Any:
        """Run the cell where it cannot await. Raises what `run` does."""
        if self._notebook.waits(self._options):
            return self._notebook.run_here(self.run())
        self._start()
        return None

    async def _prepare(self) -> None:
        """Do in a thread what takes long: read a file or a long text, whose plan is then known, and load the cards."""
        text = self._spec.text if isinstance(self._spec, Source) else None
        if text is None or len(text) >= LONG:
            with self._mistakes_placed():
                await asyncio.to_thread(self._notebook.read, self._spec)
        if not self._options.quiet:
            await self._notebook.shows.prepare()

    def _start(self) -> Tasklet | None:
        """Submit the task, bind its variables, show its card; with --dry-run only show its steps, and give None."""
        options, notebook = self._options, self._notebook
        with self._mistakes_placed():
            given = notebook.variables.given(options.inputs)
            if options.dry_run:
                notebook.show_plan(self._spec, given, options.name)
                return None
            tasklet = self.submit(given)
        if not options.quiet:
            notebook.shows.show(tasklet, awaited=notebook.waits(options))
        return tasklet

    def submit(self, given: Mapping[str, Any]) -> Tasklet:
        """Start the task and bind its variables.

        Raises:
            SpecError: the spec or an input is wrong.
        """
        options, notebook = self._options, self._notebook
        tasklet = notebook.submit(self._spec, given, name=options.name, timeout=options.timeout)
        notebook.cells_of[tasklet] = self
        if options.name:
            notebook.variables[options.name] = tasklet
        if options.output:
            tasklet.when_ended(lambda: self._bind_result(tasklet))
        return tasklet

    def _bind_result(self, tasklet: Tasklet) -> None:
        if self._options.output and tasklet.status is TaskStatus.COMPLETED:
            self._notebook.variables[self._options.output] = tasklet.result

    def _outcome(self, tasklet: Tasklet) -> Any:
        failures.raise_failure(tasklet, self._notebook.shell)
        options = self._options
        return tasklet.result if options.wait and not options.output else None

    @contextlib.contextmanager
    def _mistakes_placed(self) -> Iterator[None]:
        """Show each mistake in the cell, that of an input under the option that gave it."""
        with failures.shown_in(self._line, self._notebook.shell):
            try:
                yield
            except SpecError as error:
                raise self._with_options_marked(error) from None

    def _with_options_marked(self, error: SpecError) -> SpecError:
        given = {each.name: each.word for each in self._options.inputs}
        problems = [self._marked(problem, given) for problem in error.problems]
        if problems == list(error.problems):
            return error
        text = self._spec.text if isinstance(self._spec, Source) else None  # a file's lines are not the cell's
        return SpecError(problems, Source(text, above=self._line.above))

    def _marked(self, problem: Problem, given: dict[str, Word]) -> Problem:
        name = problem.path[1] if problem.code in _OF_INPUTS and len(problem.path) > 1 else None
        if not isinstance(name, str) or name not in given:
            return problem
        return replace(problem, mark=self._line.mark(given[name]), excerpt=())


_OF_INPUTS = frozenset({"input-value", "input-undeclared"})
