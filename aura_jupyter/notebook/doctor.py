"""`%aura doctor`: versions and settings that matter, with a verdict on each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING

from ..doctor import Finding, report, versions
from . import failures

if TYPE_CHECKING:
    from .notebook import Notebook

_NEEDED = ("ipykernel", "ipython", "ipywidgets", "anywidget", "jinja2", "pydantic", "pyyaml")
_OTHERS = {
    "jupyterlab": "not here; the server may have it elsewhere",
    "distributed": "not installed: executor: dask needs it",
    "papermill": "not installed: notebook.run needs it",
}


def examine(notebook: Notebook) -> str:
    """The findings as text, one a line.

    Args:
        notebook: what is looked at.
    """
    return report([*versions(_NEEDED, _OTHERS), *_settings(notebook)])


def _settings(notebook: Notebook) -> Iterator[Finding]:
    shell = notebook.shell
    kernel = failures.has_kernel(shell)
    yield Finding("runs in", "a kernel" if kernel else "a terminal", verdict="ok" if kernel else "cells wait for tasks")
    loop = type(notebook.loop)
    nests = loop.__module__.partition(".")[0] != "uvloop"
    verdict = "ok" if nests else "--wait under %%time and aura.run cannot nest in it"
    yield Finding("event loop", f"{loop.__module__}.{loop.__name__}", good=nests, verdict=verdict)
    if asyncio.Task is not getattr(asyncio.tasks, "_CTask", asyncio.Task):
        yield Finding("asyncio", "patched", good=None, verdict="a nested wait has made each task about twice as dear")
    in_thread = notebook.settings.loop == "thread"
    verdict = "they go on while a cell holds the kernel" if in_thread else "ok"
    yield Finding("tasks run on", "a loop in a thread" if in_thread else "the kernel's loop", verdict=verdict)
    awaits = bool(shell.autoawait)
    verdict = "ok" if awaits else "--wait needs a nested wait: %autoawait on"
    yield Finding("autoawait", "on" if awaits else "off", good=awaits or None, verdict=verdict)
    if kernel:
        watched = notebook.shows.watched
        verdict = "cards are live" if watched else "nobody can be asked: cards show the end only"
        yield Finding("front end", "watches" if watched else "runs unseen", good=watched or None, verdict=verdict)
        built = resources.files(__package__).joinpath("card", "static", "card.min.js").is_file()
        verdict = "ok" if built else "it works, and each card takes more on the wire"
        yield Finding("the card's script", "minified" if built else "as written", good=built or None, verdict=verdict)
    most = notebook.settings.max_concurrency
    verdict = "one task at a time" if most < 2 else "ok"
    yield Finding("max_concurrency", str(most), good=None if most < 2 else True, verdict=verdict)
