"""`jupyter aura run`: a spec in this process."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from typing import Any, TextIO

from .. import api
from ..engine.scheduler import Scheduler
from ..engine.tasklet import Tasklet, TaskStatus
from ..spec.durations import duration
from ..spec.problems import Source
from ..view import trace
from ..view.json_value import NoJson
from ..view.picture import failed_in
from ..view.text import TerminalLines, text_final
from .asking import Terminal
from .endings import FAILED, OK, UsageError, harmless, tell
from .signals import Signals
from .specs import STDIN, import_modules, mistakes_shown, plan_of, source_from
from .streams import kept_for_result, write_result
from .values import given_inputs

_NUMBER = re.compile(r"\d+(\.\d*)?")


def main(options: argparse.Namespace) -> int:
    """Run the spec.

    Args:
        options: of the command line.

    Returns:
        The exit status.
    """
    timeout = _timeout(options.timeout)
    with kept_for_result() as out:
        with mistakes_shown():
            import_modules(options.imports)
            source = source_from(options.file)
            inputs = _inputs(options, source)
        with Signals(quiet=options.quiet) as signals:
            tasklet = asyncio.run(_run(options, source, inputs, timeout, signals))
        if tasklet.status is TaskStatus.COMPLETED:
            return _write(tasklet, out, as_json=options.json)
        _tell_end(tasklet, quiet=options.quiet)
        cancelled = tasklet.status is TaskStatus.CANCELLED
        return signals.status if cancelled and signals.status is not None else FAILED


def _timeout(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = duration(float(text) if _NUMBER.fullmatch(text) else text)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}", "Write for example 30s or 5m") from None
    if seconds <= 0:
        raise UsageError("--timeout must be more than 0", "Write for example 30s or 5m")
    return seconds


def _inputs(options: argparse.Namespace, source: Source) -> dict[str, Any]:
    stdin = options.file == STDIN
    given = given_inputs(options.given, options.inputs, plan_of(source).inputs, source, spec_is_stdin=stdin)
    for name in given.in_plain:
        tell(
            f"The secret '{name}' stands on the command line, and so in the shell's history and in the list of "
            f"processes. -i {name}=env:VARIABLE or -i {name}=@FILE keeps it out."
        )
    return given.values


async def _run(
    options: argparse.Namespace, source: Source, inputs: dict[str, Any], timeout: float | None, signals: Signals
) -> Tasklet:
    loop = asyncio.get_running_loop()
    async with api.scheduler_for(loop) as scheduler:
        if not options.quiet and sys.stderr is not None:
            scheduler.hooks.add(_UntilClosed(scheduler, TerminalLines(sys.stderr, log=options.log)))
        terminal = Terminal(loop, shown=not options.quiet)
        scheduler.manager.person = terminal.can_answer
        scheduler.hooks.add(terminal, "step_asks")
        with mistakes_shown():
            title = "task" if options.file == STDIN else None
            tasklet = scheduler.run_ad_hoc_task(source, inputs, title=title, timeout=timeout)
        signals.cancel(tasklet)
        return await tasklet.wait()


class _UntilClosed:
    """A listener that writes, until the one who reads has had enough."""

    def __init__(self, scheduler: Scheduler, lines: TerminalLines) -> None:
        self._scheduler, self._lines = scheduler, lines

    def __call__(self, event: Any) -> None:
        try:
            self._lines(event)
        except OSError:  # a closed pipe, a full disk: the task goes on
            self._scheduler.hooks.remove(self)


def _write(tasklet: Tasklet, out: TextIO | None, *, as_json: bool) -> int:
    if out is None:
        return OK
    try:
        write_result(tasklet.result, out, as_json=as_json)
    except NoJson as error:
        hint = "Make it JSON in `returns`, or leave --json out."
        tell(f"The task completed, and its result is no JSON: {error}. {hint}")
        return FAILED
    return OK


def _tell_end(tasklet: Tasklet, *, quiet: bool) -> None:
    """Say how a task ended that has no result, and where it failed."""
    lines = [text_final(tasklet).splitlines()[0]] if quiet else []
    error = tasklet.error
    if error is not None:
        mask = tasklet.secrets.mask
        lines += ["", *trace.plain(trace.error_lines(error, mask))]
        step = failed_in(tasklet)
        mark = trace.failed_mark(tasklet.source, step) if step is not None else None
        if mark is not None:
            where = trace.where(tasklet.source, mark)
            lines += ["", f"{where}:", *trace.plain(trace.spec_lines(tasklet.source, mark, mask))]
    if lines:
        tell(harmless("\n".join(lines)))
