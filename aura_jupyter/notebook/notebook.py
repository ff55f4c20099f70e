"""A notebook with Aura loaded: what the magics hand over to."""

from __future__ import annotations

import argparse
import asyncio
import threading
import weakref
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from IPython.core.async_helpers import _asyncio_runner, get_asyncio_loop

from .. import api
from ..engine.inputs import resolve
from ..engine.logs import capture
from ..engine.plan import Plan
from ..engine.plans import plan_for
from ..engine.scheduler import Scheduler
from ..engine.tasklet import StepRun, Tasklet
from ..spec.problems import Source, SpecError
from ..view import words
from ..view.ending import notice
from ..view.order import describe
from . import failures
from .cell import RunningCells, options_at
from .commands import Commands
from .magics import AuraMagics
from .options import CellOptions, Line, LineError, Word, cell_options, split
from .publishing import Publisher
from .shows import Shows
from .task_cell import TaskCell
from .variables import Variables
from .waiting import SignalsWake, run_here, until_ended

T = TypeVar("T")
Spec = Source | Path


class Notebook:
    """A shell with Aura loaded.

    Attributes:
        shell: the InteractiveShell.
        cells: the cells that run.
        variables: the person's variables.
        publisher: sends what is shown.
        shows: shows tasks.
        settings: the traits of `AuraMagics`.
        cells_of: the cells that the tasks came from.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.cells = RunningCells()
        self.variables = Variables(shell)
        self.publisher = Publisher(shell, lambda: self.cells.everywhere)
        self.shows = Shows(shell, self.publisher, self.run_again, lambda: self.settings)
        self.settings: AuraMagics  # the magics are made after it, and say so
        self.cells_of: weakref.WeakKeyDictionary[Tasklet, TaskCell] = weakref.WeakKeyDictionary()
        self._commands = Commands(self)
        self._connected = False
        self._home: asyncio.AbstractEventLoop | None = None  # the kernel's, once it is known
        self._waker: SignalsWake | None = None
        self._schedulers: weakref.WeakSet[Scheduler] = weakref.WeakSet()

    def begin_cell(self, info: Any) -> None:
        """A listener of `pre_run_cell`."""
        if not self._connected:
            self.connect()
        self.cells.begin(info)
        self.publisher.publish_unseen()

    # --- what the magics hand over ------------------------------------------------------------------------------------

    def run_cell(self, options: str, body: str) -> Any:
        """Run a `%%aura` cell that cannot await."""
        return self._task_cell(options, body).run_without_await()

    async def run_cell_awaited(self, options: str, body: str) -> Any:
        """Run a `%%aura` cell."""
        return await self._task_cell(options, body).run()

    def run_line(self, text: str) -> Any:
        """Run a `%aura` line that cannot await."""
        return self._commands.run_without_await(self.cells.line("%aura", text))

    async def run_line_awaited(self, text: str) -> Any:
        """Run a `%aura` line."""
        return await self._commands.run(self.cells.line("%aura", text))

    def refuse_misplaced(self, options: str) -> None:
        """Refuse a `%%aura` that stands below Python code.

        Raises:
            SpecError: always.
        """
        line = self.cells.line("%%aura", options)
        start = -len("%%aura ")
        mistake = LineError(
            "%%aura stands below other code",
            Word("%%aura", start, start + len("%%aura")),
            code="misplaced-cell",
            hint="Put it into a cell of its own; comments and line magics may stand above it.",
        )
        with failures.shown_in(line, self.shell):
            raise mistake

    def refuse_body(self, options: str) -> None:
        """Refuse a `%aura` under which a spec stands.

        Raises:
            SpecError: always.
        """
        line = self.cells.line("%aura", options)
        mistake = LineError(
            "a spec stands under %aura",
            Word("%aura", -len("%aura "), -1),
            code="misplaced-cell",
            hint="Write %%aura, with two percent signs: it runs what stands under it.",
        )
        with failures.shown_in(line, self.shell):
            raise mistake

    @property
    def parser(self) -> argparse.ArgumentParser:
        """The parser of the options of `%%aura`."""
        parser: argparse.ArgumentParser = AuraMagics.cell.parser
        return parser

    def _task_cell(self, options: str, body: str) -> TaskCell:
        line = self.cells.line("%%aura", options)
        with failures.shown_in(line, self.shell):
            given = self.with_settings(cell_options(self.parser, split(line.text)))
            return TaskCell(self, line, given, Source(body, above=line.above))

    def line_mistake(self, above: tuple[str, ...]) -> SpecError | None:
        """The mistake in the options of a `%%aura` cell that has not run; None where there is none.

        Args:
            above: the lines of the cell down to the magic's, this one included.
        """
        found = options_at(above[-1], len(above[-1])) if above else None
        if found is None:
            return None
        line = Line(found[1].strip(), above)
        try:
            cell_options(self.parser, split(line.text))
        except LineError as mistake:
            return line.error(mistake)
        return None

    def with_settings(self, options: CellOptions) -> CellOptions:
        """The options of a cell with what the settings say for all cells."""
        wait, quiet = options.wait or self.settings.wait, options.quiet or self.settings.quiet
        return replace(options, wait=wait, quiet=quiet)

    # --- the engine ---------------------------------------------------------------------------------------------------

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler that takes tasks now: of this thread's loop, or of the loop in a thread of its own."""
        return self._adopted(
            api.scheduler_in_thread() if self.settings.loop == "thread" else api.scheduler_for(self.loop)
        )

    def _adopted(self, scheduler: Scheduler) -> Scheduler:
        """A scheduler that knows the notebook's variables, its person and its settings."""
        scheduler.namespace = self.variables
        scheduler.manager.person = self._can_be_asked
        scheduler.log_lines = self.settings.log_lines
        self._schedulers.add(scheduler)
        return scheduler

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the cells of this thread run on."""
        if _runs_here() and not api.runs_in_thread():
            return asyncio.get_running_loop()
        loop: asyncio.AbstractEventLoop = self._home or get_asyncio_loop()  # a terminal's runs while a cell awaits
        return loop

    def keep_log_lines(self, lines: int) -> None:
        """Let tasks keep so many lines of their logs, from the next one on."""
        for scheduler in self._schedulers:
            scheduler.log_lines = lines

    def loop_changed(self, loop: api.Loop) -> None:
        """Let the next task run on another loop, and say so."""
        if not self._connected:
            return
        under_way = sum(not tasklet.status.is_final for tasklet in self.tasklets())
        self.scheduler  # noqa: B018 - it is made, and known to the Python API
        print(words.loop_changed(loop, under_way))

    def connect(self) -> None:
        """Make the notebook's variables known to the Python API; in a kernel that only starts its first cell does."""
        self._connected = not failures.has_kernel(self.shell) or _runs_here()
        api.use_notebook(self._adopted(api.scheduler_for(self.loop)) if self._connected else None, self.variables)
        if not self._connected:
            return
        self.scheduler  # noqa: B018 - the one in a thread is made, where that is set
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and failures.has_kernel(self.shell):
            self._home = asyncio.get_running_loop()
            if self._waker is None:
                self._waker = SignalsWake(self._home)

    def disconnect(self) -> None:
        """Take them back; what is printed is captured until no task runs any more, and a card lives until its ends."""
        api.use_notebook(None, None)
        self.shows.let_go()
        if self._waker is not None and threading.current_thread() is threading.main_thread():
            self._waker.remove()
            self._waker = None
        for scheduler in self._schedulers:
            if scheduler.running_tasks and scheduler.loop.is_running():
                asyncio.run_coroutine_threadsafe(_release_when_idle(scheduler), scheduler.loop)
            else:
                capture.release(scheduler)

    async def close(self) -> None:
        """Cancel all tasks and wait for their end, whatever their loops' threads; end the processes in any case."""
        schedulers = list(self._schedulers)
        ends = [
            asyncio.run_coroutine_threadsafe(each.close(), each.loop) for each in schedulers if each.loop.is_running()
        ]
        try:
            await asyncio.gather(*map(asyncio.wrap_future, ends))
        finally:
            for scheduler in schedulers:
                scheduler.manager.processes.end_all()
            self.shows.close()

    def _can_be_asked(self, _tasklet: Tasklet, _step: StepRun) -> bool:
        return self.shows.watched

    def submit(
        self, spec: Spec | Plan, given: Mapping[str, Any], *, name: str | None, timeout: float | None
    ) -> Tasklet:
        """Start a task with the values of its `-i` options."""
        origins = dict.fromkeys(given, "given with -i")
        return self.scheduler.run_ad_hoc_task(spec, given, name=name, origins=origins, timeout=timeout)

    def run_again(self, tasklet: Tasklet) -> Tasklet:
        """Start the spec of a task again, with the inputs that it was given; its variables hold the new one.

        Raises:
            SpecError: it cannot be: a variable or file that it needs has gone or changed.
        """
        given = {name: tasklet.inputs[name] for name, origin in tasklet.origins.items() if origin.startswith("given")}
        cell = self.cells_of.get(tasklet)
        if cell is not None:
            return cell.submit(given)
        spec = tasklet.plan if tasklet.source.text is None else tasklet.source  # of a mapping only the plan is kept
        new = self.submit(spec, given, name=tasklet.name, timeout=tasklet.timeout)
        if tasklet.name:
            self.variables[tasklet.name] = new
        return new

    async def run_again_here(self, tasklet: Tasklet) -> None:
        """Start the spec of a task again, and show it in the running cell, which waits where no loop runs on."""
        await self.shows.prepare()
        new = self.run_again(tasklet)
        waits = self.waits(CellOptions())
        self.shows.show(new, awaited=waits)
        if waits:
            await until_ended(new)
            failures.raise_failure(new, self.shell)

    def read(self, spec: Spec) -> None:
        """Read and compile a spec, so that submitting it is quick; from any thread."""
        plan_for(spec, self.variables)

    def show_plan(self, spec: Spec, given: Mapping[str, Any], title: str | None) -> None:
        """Check a spec and its inputs as for a task, and print its steps."""
        plan, source = plan_for(spec, self.variables)
        plan.bind(self.variables, source)
        inputs = resolve(plan.inputs, given, dict.fromkeys(given, "given with -i"), self.variables)
        if inputs.problems:
            raise SpecError(inputs.problems, source)
        made = plan.title_for(inputs.values, inputs.secrets, source) or title or Path(source.name).stem or "task"
        print(describe(plan, inputs, made))

    # --- tasks --------------------------------------------------------------------------------------------------------

    def tasklets(self) -> list[Tasklet]:
        """The tasks that run, wait or are held, the oldest first."""
        every = (tasklet for scheduler in self._schedulers for tasklet in scheduler.tasks())
        return sorted(every, key=lambda tasklet: tasklet.queued_at)

    def tasklet(self, name: str) -> Tasklet | None:
        """The task that a variable holds, or that has this id."""
        found = self.variables.find(name)
        if isinstance(found, Tasklet):
            return found
        return next((tasklet for tasklet in self.tasklets() if tasklet.task_id == name), None)

    def notice(self, tasklet: Tasklet) -> str | None:
        """What a front end is to tell of a task that ended unseen; None where the settings say nothing."""
        return notice(tasklet, self.settings.notify_after)

    def name_of(self, tasklet: Tasklet) -> str:
        """The variable that holds a task, else its id."""
        name = tasklet.name
        return name if name and self.variables.find(name) is tasklet else tasklet.task_id

    # --- waiting and showing ------------------------------------------------------------------------------------------

    def waits(self, options: CellOptions) -> bool:
        """Whether a cell ends with its task: in a terminal each does, since no loop runs there between two cells."""
        loop_runs_on = failures.has_kernel(self.shell) or getattr(self.shell, "active_eventloop", None) == "asyncio"
        return options.wait or not loop_runs_on

    def can_await(self) -> bool:
        """Whether the cell that is transformed now may hold an `await`."""
        return bool(self.shell.autoawait) and self.shell.loop_runner is _asyncio_runner and self.cells.depth == 0

    def run_here(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end in a cell that cannot await."""
        return run_here(work, self.loop)


async def _release_when_idle(scheduler: Scheduler) -> None:
    await scheduler.join()
    capture.release(scheduler)


def _runs_here() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
