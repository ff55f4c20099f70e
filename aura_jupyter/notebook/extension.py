"""`%load_ext aura_jupyter` and `%unload_ext`: what is put in place in a shell, and given back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from ..actions.children import end_all
from ..engine.logs import current_sink
from ..engine.tasklet import Tasklet
from ..view import trace
from . import completion, failures
from .cell import Awaiting, lift
from .door import registration as door
from .magics import AuraMagics
from .notebook import Notebook
from .output import DisplayCapture, NoInput
from .shutdown import ShutdownGuard

_loaded: dict[int, ExitStack] = {}


def load(shell: Any) -> None:
    """Put everything in place, once.

    Args:
        shell: the InteractiveShell.
    """
    if id(shell) in _loaded:
        return
    notebook = Notebook(shell)
    with ExitStack() as undo:
        _transform_cells(shell, notebook, undo)
        _follow_cells(shell, notebook, undo)
        _register_magics(shell, AuraMagics(notebook), undo)
        undo.callback(failures.draw_spec_errors(shell))
        _show_values(shell, notebook, undo)
        undo.callback(completion.install(shell, completion.Assistant(notebook)))
        trace.set_cell_name(lambda file: _cell_name(shell, file))
        undo.callback(trace.set_cell_name, None)
        undo.callback(DisplayCapture(shell.display_pub, current_sink.get).remove)
        undo.callback(NoInput(getattr(shell, "kernel", None), current_sink.get).remove)
        notebook.connect()
        undo.callback(notebook.disconnect)
        if failures.has_kernel(shell):
            undo.callback(ShutdownGuard(shell.kernel, notebook.close, end_all).remove)
            undo.callback(door.open_for(shell.kernel, notebook))
            notebook.shows.prepare_early()
        _loaded[id(shell)] = undo.pop_all()


def unload(shell: Any) -> None:
    """Give everything back; tasks go on."""
    undo = _loaded.pop(id(shell), None)
    if undo is not None:
        undo.close()


def _transform_cells(shell: Any, notebook: Notebook, undo: ExitStack) -> None:
    for transformers, transformer in (
        (shell.input_transformers_cleanup, lift),
        (shell.input_transformers_post, Awaiting(notebook.can_await)),
    ):
        transformers.append(transformer)
        undo.callback(transformers.remove, transformer)


def _follow_cells(shell: Any, notebook: Notebook, undo: ExitStack) -> None:
    listeners: tuple[tuple[str, Callable[[Any], None]], ...] = (
        ("pre_run_cell", notebook.begin_cell),
        ("post_run_cell", notebook.cells.end),
    )
    for event, listener in listeners:
        shell.events.register(event, listener)
        undo.callback(shell.events.unregister, event, listener)


def _register_magics(shell: Any, magics: AuraMagics, undo: ExitStack) -> None:
    manager = shell.magics_manager
    shell.register_magics(magics)
    for kind, names in magics.magics.items():
        for name in names:
            undo.callback(manager.magics[kind].pop, name, None)
    undo.callback(manager.registry.pop, type(magics).__name__, None)
    undo.callback(shell.configurables.remove, magics)
    undo.callback(magics.forget)


def _show_values(shell: Any, notebook: Notebook, undo: ExitStack) -> None:
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type(Tasklet, notebook.shows.value)
    undo.callback(formatter.pop, Tasklet, None)


def _cell_name(shell: Any, file: str) -> str | None:
    """How the shell's own tracebacks call a cell: `Cell In[7]`."""
    named = shell.compile.format_code_name(file)
    return None if named is None else " ".join(named)
