"""Work of several steps inside a notebook: a spec in a cell, the notebook's own objects in and out, a card for it.

    import aura_jupyter as aura

    tasklet = aura.submit(spec, inputs={"n": 3})
    await tasklet

Everything is imported at its first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .actions.context import ActionContext
    from .actions.registry import action
    from .api import configure, run, submit
    from .engine.hooks import hook
    from .engine.scheduler import Scheduler
    from .engine.tasklet import StepStatus, Tasklet, TaskStatus
    from .errors import AuraError, MissingPackageError, NoSchedulerError, TaskCancelled, TaskError, TemplateError
    from .notebook.card.board import own_card as card
    from .spec.problems import SpecError

__version__ = "0.1.0"

_HOMES = {
    "ActionContext": ".actions.context",
    "AuraError": ".errors",
    "MissingPackageError": ".errors",
    "NoSchedulerError": ".errors",
    "Scheduler": ".engine.scheduler",
    "SpecError": ".spec.problems",
    "StepStatus": ".engine.tasklet",
    "TaskCancelled": ".errors",
    "TaskError": ".errors",
    "TaskStatus": ".engine.tasklet",
    "Tasklet": ".engine.tasklet",
    "TemplateError": ".errors",
    "action": ".actions.registry",
    "card": ".notebook.card.board:own_card",
    "configure": ".api",
    "hook": ".engine.hooks",
    "run": ".api",
    "submit": ".api",
}

__all__ = [
    "ActionContext",
    "AuraError",
    "MissingPackageError",
    "NoSchedulerError",
    "Scheduler",
    "SpecError",
    "StepStatus",
    "TaskCancelled",
    "TaskError",
    "TaskStatus",
    "Tasklet",
    "TemplateError",
    "action",
    "card",
    "configure",
    "hook",
    "load_ipython_extension",
    "run",
    "submit",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, there = home.partition(":")
    value = getattr(importlib.import_module(module, __name__), there or name)
    globals()[name] = value
    if name in ("run", "submit") and "ipykernel" in sys.modules:
        importlib.import_module(".api", __name__).before_first_submit(_open_door)
    return value


def _open_door() -> None:
    """Let other programs speak to this kernel from its first task on, without the extension too."""
    from .notebook.door.registration import open_door  # noqa: PLC0415 - the kernel's side

    open_door()


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where the JupyterLab extension is built to, for who works on it: `make lab`."""
    return [{"src": "labextension", "dest": "aura-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """What Jupyter Server loads: the REST API."""
    from .server.api_server import AuraServer  # noqa: PLC0415 - the server's side

    return [{"module": "aura_jupyter.server", "app": AuraServer}]


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext aura_jupyter`: the magics, and what they need of the kernel."""
    from .notebook.extension import load  # noqa: PLC0415 - IPython's side

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext aura_jupyter`: give everything back."""
    from .notebook.extension import unload  # noqa: PLC0415 - IPython's side

    unload(shell)
