"""Optional packages: imported where they are used, and missed in one line."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import MissingPackageError


def require(module: str, *, extra: str, what: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: the module to import, such as `papermill`.
        extra: the extra of this package that brings it, such as `notebooks`.
        what: what needs it, in a person's words, such as `notebook.run`.

    Raises:
        MissingPackageError: it is not installed; the message names the `pip install`.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        message = f"{what} needs the package {module.partition('.')[0]}: pip install 'aura_jupyter[{extra}]'"
        raise MissingPackageError(message, name=error.name) from None
