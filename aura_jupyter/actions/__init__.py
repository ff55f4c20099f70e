"""What a step can do: the registry of actions and the built-in ones, which importing this registers."""

from __future__ import annotations

from . import core, files, http, human, notebooks, python, shell

__all__ = ["core", "files", "http", "human", "notebooks", "python", "shell"]
