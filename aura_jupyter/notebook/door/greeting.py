"""The answer to `hello`, which has to come at once, so it is made without the models of the messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import __version__, api
from ...protocol import PROTOCOL

if TYPE_CHECKING:
    from ..notebook import Notebook


def greets(content: object) -> bool:
    """Whether a request is a plain `hello`."""
    return isinstance(content, Mapping) and content.get("kind") == "hello" and len(content) == 1


def greeting(notebook: Notebook | None) -> dict[str, Any]:
    """What `HelloAnswer` holds."""
    schedulers = api.schedulers()
    settings = notebook.settings if notebook is not None else None
    return {
        "version": __version__,
        "protocol": PROTOCOL,
        "running": sum(len(scheduler.running_tasks) for scheduler in schedulers),
        "queued": sum(scheduler.waiting for scheduler in schedulers),
        "settings": {name: getattr(settings, name) for name in settings.trait_names(config=True)} if settings else {},
    }
