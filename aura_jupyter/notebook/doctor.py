"""`%aura doctor`: versions and settings that matter, with a verdict on each."""

from __future__ import annotations

import asyncio
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata, resources
from typing import TYPE_CHECKING, NamedTuple

from . import failures

if TYPE_CHECKING:
    from .notebook import Notebook

_NEEDED = ("ipykernel", "ipython", "ipywidgets", "anywidget", "jinja2", "pydantic", "pyyaml")
_OTHERS = {
    "jupyterlab": "not here; the server may have it elsewhere",
    "distributed": "not installed: executor: dask needs it",
    "papermill": "not installed: notebook.run needs it",
}


class Finding(NamedTuple):
    """What was looked at, what it is, and what to say of it; `good` is None where it is neither good nor bad."""

    what: str
    value: str
    good: bool | None = True
    verdict: str = "ok"


def examine(notebook: Notebook) -> str:
    """The findings as text, one a line.

    Args:
        notebook: what is looked at.
    """
    findings = [*_versions(), *_settings(notebook)]
    wide, wider = max(len(each.what) for each in findings), max(len(each.value) for each in findings)
    marks = {True: "✓", False: "✗", None: "–"}
    lines = [f"{marks[each.good]} {each.what:<{wide}}  {each.value:<{wider}}  {each.verdict}" for each in findings]
    bad = sum(each.good is False for each in findings)
    lines.append("\nNothing stands in the way." if not bad else f"\n{bad} of these need a look.")
    return "\n".join(lines)


def _versions() -> Iterator[Finding]:
    yield Finding("aura_jupyter", sys.modules["aura_jupyter"].__version__)
    yield Finding("Python", platform.python_version())
    least = _least()
    for name in _NEEDED:
        version, needed = _version(name), least.get(name, "")
        if version is None:
            yield Finding(name, "missing", good=False, verdict=f"pip install {name}")
        elif needed and _numbers(version) < _numbers(needed):
            yield Finding(name, version, good=False, verdict=f"needs {needed}: pip install --upgrade {name}")
        else:
            yield Finding(name, version)
    for name, without in _OTHERS.items():
        version = _version(name)
        yield Finding(name, version) if version is not None else Finding(name, "–", good=None, verdict=without)


def _settings(notebook: Notebook) -> Iterator[Finding]:
    shell = notebook.shell
    kernel = failures.has_kernel(shell)
    yield Finding("runs in", "a kernel" if kernel else "a terminal", verdict="ok" if kernel else "cells wait for tasks")
    loop = type(notebook.scheduler.loop)
    nests = loop.__module__.partition(".")[0] != "uvloop"
    verdict = "ok" if nests else "--wait under %%time and aura.run cannot nest in it"
    yield Finding("event loop", f"{loop.__module__}.{loop.__name__}", good=nests, verdict=verdict)
    if asyncio.Task is not getattr(asyncio.tasks, "_CTask", asyncio.Task):
        yield Finding("asyncio", "patched", good=None, verdict="a nested wait has made each task about twice as dear")
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
    failed = notebook.settings.max_concurrency < 2
    verdict = "one task at a time" if failed else "ok"
    yield Finding(
        "max_concurrency", str(notebook.settings.max_concurrency), good=None if failed else True, verdict=verdict
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _least() -> dict[str, str]:
    """The least versions that this package asks for, where it is installed and not merely on the path."""
    try:
        needed = metadata.requires("aura_jupyter") or []
    except metadata.PackageNotFoundError:
        return {}
    found = (re.match(r"([\w.-]+)[^;]*?>=\s*([\d.]+)[^;]*$", each) for each in needed)
    return {each[1].lower(): each[2] for each in found if each is not None}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
