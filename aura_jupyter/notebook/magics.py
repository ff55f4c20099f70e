"""`%%aura` and `%aura`: thin parsers that hand over."""

# mypy: allow-untyped-calls, allow-untyped-decorators, disable-error-code="arg-type"
# IPython's decorators have no types, or those of functions without self.

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Bool, Enum, Float, Int, observe

from .. import api
from ..engine.logs import LINES
from ..engine.scheduler import MAX_CONCURRENCY, MAX_WAITING
from ..view.ending import NOTIFY_AFTER
from .subcommands import overview

if TYPE_CHECKING:
    from .notebook import Notebook

_SHARED = ("max_concurrency", "loop")  # that `aura.configure` sets, too


@magics_class
class AuraMagics(Magics):
    """The magics of one shell.

    Args:
        notebook: what they hand over to.
    """

    max_concurrency = Int(MAX_CONCURRENCY, min=1, help="How many tasks run at once.").tag(config=True)
    wait = Bool(default_value=False, help="Whether a %%aura cell ends when its task does, without --wait, too.").tag(
        config=True
    )
    quiet = Bool(default_value=False, help="Whether a %%aura cell shows no card, without -q, too.").tag(config=True)
    message_rate = Int(10, min=1, max=50, help="How many messages a second a card takes.").tag(config=True)
    log_lines = Int(LINES, min=10, help="How many lines of its log a task keeps, from its start on.").tag(config=True)
    max_waiting = Int(
        MAX_WAITING, min=1, help="How many tasks may wait before those that other programs submit are refused."
    ).tag(config=True)
    loop = Enum(
        api.LOOPS,
        default_value="kernel",
        help="""Where tasks run: on the kernel's event loop, or on one in a thread. There they go on while a cell holds
        the kernel. A change holds from the next task on.""",
    ).tag(config=True)
    notify_after = Float(
        NOTIFY_AFTER,
        min=0,
        allow_none=True,
        help="""Seconds that a task must have taken for a front end to tell of its end when nobody looks. With 0 or None
        it never does.""",
    ).tag(config=True)

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        notebook.settings = self
        found = api.configured()
        super().__init__(notebook.shell, parent=notebook.shell)
        for name in _SHARED:
            if found[name] != self.traits()[name].default_value:  # what a cell has set goes before a profile
                api.configure(**{name: found[name]})
        self._adopt()
        self.forget = api.when_configured(self._adopt)

    def _adopt(self) -> None:
        """Show what `aura.configure` has set."""
        found = api.configured()
        for name in _SHARED:
            setattr(self, name, found[name])

    @observe(*_SHARED)
    def _configure(self, change: Any) -> None:
        api.configure(**{change.name: change.new})

    @observe("loop")
    def _tell_loop(self, change: Any) -> None:
        self._notebook.loop_changed(change.new)

    @observe("log_lines")
    def _limit_logs(self, change: Any) -> None:
        self._notebook.keep_log_lines(change.new)

    @observe("message_rate")
    def _limit_messages(self, change: Any) -> None:
        self._notebook.shows.limit_messages(change.new)

    @magic_arguments("%aura")
    @argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="""The variable that holds the task: `await NAME` gives its result, `NAME.cancel()` stops it.""",
    )
    @argument(
        "-i",
        "--input",
        action="append",
        metavar="NAME[=EXPR]",
        help="""Give the task the variable NAME, or the value of a Python expression (with spaces: -i "n=2 * k").
        May be given several times. An input without a default is taken from the variable of its name without -i.""",
    )
    @argument("-o", "--output", metavar="VAR", help="""The variable that gets the result when the task is done.""")
    @argument(
        "-w",
        "--wait",
        action="store_true",
        help="""End the cell when the task ends: its result is the cell's value, a failed task fails the cell, and an
        interrupt of the kernel cancels the task. Other tasks and the card go on meanwhile.""",
    )
    @argument("-q", "--quiet", action="store_true", help="""Show no card: only errors, and the result with --wait.""")
    @argument("--dry-run", action="store_true", help="""Check spec and inputs and show the steps. Nothing runs.""")
    @argument("--timeout", metavar="TIME", help="""A limit on the whole task, such as 30s, in place of meta.timeout.""")
    @no_var_expand
    @cell_magic("aura")
    def cell(self, line: str, cell: str) -> Any:
        """Run the task whose spec, in YAML, is the rest of the cell.

        The cell returns at once and the kernel stays free; its card shows how the task goes.

            %%aura delays
            steps:
              - action: clean            # a function of the notebook
                params: {frame: "{{ inputs.flights }}"}
        """
        return self._notebook.run_cell(line, cell)

    @no_var_expand
    @cell_magic("aura_awaited")
    def awaited_cell(self, line: str, cell: str) -> Coroutine[Any, Any, Any]:
        """What `%%aura` becomes where a cell may await."""
        return self._notebook.run_cell_awaited(line, cell)

    @no_var_expand
    @line_magic("aura")
    def line(self, line: str) -> Any:
        """Look at the tasks of this notebook, and steer them. `%aura COMMAND --help` tells more of one."""
        return self._notebook.run_line(line)

    line.__doc__ = f"{line.__doc__}\n\n{overview()}"

    @no_var_expand
    @line_magic("aura_awaited")
    def awaited_line(self, line: str) -> Coroutine[Any, Any, Any]:
        """What `%aura wait` and `%aura run` become where a cell may await."""
        return self._notebook.run_line_awaited(line)

    @no_var_expand
    @line_magic("%aura")
    def misplaced_cell(self, line: str) -> None:
        """What IPython makes of a `%%aura` that stands below Python code."""
        self._notebook.refuse_misplaced(line)

    @no_var_expand
    @line_magic("%aura_body")
    def misplaced_body(self, line: str) -> None:
        """What a `%aura` becomes under which a spec stands."""
        self._notebook.refuse_body(line)
