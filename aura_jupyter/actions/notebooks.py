"""`notebook.run`: another notebook, executed by papermill in a kernel of its own."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from .. import extras
from ..errors import TaskError
from . import children
from .checks import BadValue, each, mapping, optional, path
from .context import ActionContext
from .registry import builtin

_ours: contextvars.ContextVar[bool] = contextvars.ContextVar("aura_notebook_run", default=False)


def _parameters(name: str, value: Any) -> dict[str, Any]:
    return {key: _plain(f"{name}.{key}", item) for key, item in mapping(name, value).items()}


def _plain(name: str, value: Any) -> Any:
    """What a parameters cell can hold; papermill would put the text of anything else there."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: _plain(f"{name}.{key}", item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(f"{name}[{index}]", item) for index, item in enumerate(value)]
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # NumPy's scalars
        return value.item()
    hint = "Give text, numbers, booleans, null, lists or mappings, or the path of a file."
    raise BadValue(name, f"'{name}' is a {type(value).__name__}, which cannot be written into a notebook", hint)


@builtin("notebook.run", check=each(path=path, parameters=optional(mapping), output_path=optional(path)))
def run(
    path: str, context: ActionContext, parameters: Mapping[str, Any] | None = None, output_path: str | None = None
) -> str:
    """Execute a notebook in a kernel of its own; the output is the path of the executed one.

    Args:
        path: the notebook; it is not changed.
        context: filled in.
        parameters: put in place of those in its cell tagged `parameters`.
        output_path: where to write the executed notebook; if left out, beside the other one, as `NAME-output.ipynb`.
            It is written as it goes, and is there when a cell has failed too.

    Raises:
        TaskError: a cell failed; the message names it.
        MissingPackageError: papermill is not installed.
    """
    papermill = _require("papermill")
    source, target = _paths(path, output_path)
    values = optional(_parameters)("parameters", parameters)
    try:
        _without_its_loop().run(_execute, papermill, source, target, values, context)
    except papermill.PapermillExecutionError as error:
        where = f"cell [{error.exec_count}] of {target}"
        raise TaskError(f"{where} failed: {error.ename}: {error.evalue}") from None
    return target


def _execute(papermill: Any, source: str, target: str, values: dict[str, Any] | None, context: ActionContext) -> None:
    _keep_quiet()
    loop = _require("jupyter_core.utils").ensure_event_loop()  # the one that papermill then runs on, and leaves open
    kernels: list[int] = []
    try:
        with tempfile.TemporaryFile() as said:
            manager = _kernel_manager(context, kernels.append, said)
            with _reason(said):
                papermill.execute_notebook(source, target, values, progress_bar=False, kernel_manager_class=manager)
    finally:
        for pid in kernels:
            children.discard(pid)
        if not loop.is_running():
            loop.close()


@contextlib.contextmanager
def _reason(said: IO[bytes]) -> Iterator[None]:
    """A kernel that dies says why to its own terminal, if anywhere."""
    try:
        yield
    except RuntimeError as error:
        said.seek(0)
        last = said.read().decode("utf-8", "replace").strip().splitlines()[-3:]
        raise TaskError("\n".join([f"the notebook's kernel: {error}", *last])) from error


def _without_its_loop() -> contextvars.Context:
    """This context, but for the event loop that jupyter_core may have noted in it: that is the kernel's, which runs."""
    fresh = contextvars.Context()
    for variable, value in contextvars.copy_context().items():
        if variable.name != "_loop":
            fresh.run(variable.set, value)
    return fresh


def _require(package: str) -> Any:
    return extras.require(package, extra="notebooks", what="notebook.run")


def _paths(source: Any, target: Any) -> tuple[str, str]:
    notebook = Path(path("path", source))
    if not notebook.is_file():
        raise FileNotFoundError(f"there is no notebook '{notebook}'")
    if target is None:
        return str(notebook), str(notebook.with_name(f"{notebook.stem}-output.ipynb"))
    executed = Path(path("output_path", target))
    if not executed.parent.is_dir():
        raise FileNotFoundError(f"there is no folder '{executed.parent}' to write '{executed.name}' into")
    return str(notebook), str(executed)


def _kernel_manager(context: ActionContext, started: Callable[[int], None], said: IO[bytes]) -> type:
    """A kernel manager whose kernel ends when the step is cancelled, and writes nothing into this one's cells."""
    base: Any = _require("jupyter_client").AsyncKernelManager

    class KernelManager(base):  # type: ignore[misc]
        async def start_kernel(self, **options: Any) -> None:
            await super().start_kernel(**options, stdout=said, stderr=said)
            pid = getattr(self.provisioner, "pid", None)
            if isinstance(pid, int):  # else it is no process of this machine
                started(pid)
                children.add(pid)
                context.call_when_cancelled(lambda: children.send(pid, children.SIGKILL))

    return KernelManager


def _keep_quiet() -> None:
    """Papermill's own log is left alone, but for what it says on our account."""
    _ours.set(True)
    logger = logging.getLogger("papermill")
    if _not_ours not in logger.filters:
        logger.addFilter(_not_ours)


def _not_ours(record: logging.LogRecord) -> bool:  # noqa: ARG001 - what a filter takes
    return not _ours.get()
