"""Which frames of a traceback are the person's: what stands below those by which the engine reached the action."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

_PASSED_THROUGH = frozenset(
    {"aura_jupyter", "asyncio", "collections", "concurrent", "contextvars", "nest_asyncio2", "threading"}
)


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """What an action's own code did, without the engine above it; nothing of what a built-in action called.

    Args:
        trace: of an exception that an action raised.
    """
    every = list(walk(trace))
    start = next((at for at, each in enumerate(every) if module_of(each).startswith("aura_jupyter.engine")), 0)
    module = ""
    for each in every[start:]:
        if module_of(each).partition(".")[0] not in _PASSED_THROUGH:
            built_in = module.startswith("aura_jupyter.actions.") and "__file__" in each.tb_frame.f_globals
            return None if built_in else each
        module = module_of(each)
    return None


def walk(trace: TracebackType | None) -> Iterator[TracebackType]:
    """The frames of a traceback, the outermost first."""
    while trace is not None:
        yield trace
        trace = trace.tb_next


def module_of(trace: TracebackType) -> str:
    """The name of the module that a frame is in."""
    return str(trace.tb_frame.f_globals.get("__name__", ""))
