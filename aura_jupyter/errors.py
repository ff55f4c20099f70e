"""The exceptions that a person meets.

AuraError
├── SpecError            the spec or an input is wrong, nothing has run   (in spec/problems.py: it carries its problems)
├── TaskError            a step failed without an exception of its own
├── TemplateError        a template could not be rendered while the task ran
├── TaskCancelled        the task was cancelled; no subclass of CancelledError
├── NoSchedulerError     there is no event loop to run on
└── MissingPackageError  an optional package is not installed
"""

from __future__ import annotations


class AuraError(Exception):
    """Base of every exception that this package raises itself."""


class TaskError(AuraError):
    """A step failed without an exception of its action's own: `core.fail`, `until`, one that had to be replaced."""


class TemplateError(AuraError):
    """A template could not be rendered. The message names the step, the parameter and what was available.

    Attributes:
        place: the keys that lead from the step to the template in the spec; empty where that is not known.
    """

    place: tuple[str, ...] = ()


class TaskCancelled(AuraError):
    """The awaited task was cancelled. Not a `CancelledError`: the one who waits is not cancelled."""


class NoSchedulerError(AuraError, RuntimeError):
    """`submit` was called in a thread without a running loop, and no scheduler could be found."""


class MissingPackageError(AuraError, ImportError):
    """An optional package is not installed. The message is one line with the `pip install` to run."""


def message_of(error: BaseException) -> str:
    """What an exception says: `KeyError('lost')` says `lost`, without the quotes that `str` gives it."""
    try:
        if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
            return error.args[0]
        return str(error)
    except Exception as trouble:  # noqa: BLE001 - its own __str__ fails: say that
        return f"it cannot be shown ({type(trouble).__name__})"
