"""Progress bars that an action displays as widgets, such as those of `tqdm.notebook`: they are its step's progress."""

from __future__ import annotations

import contextvars
import re
import sys
from collections.abc import Mapping
from typing import Any

from ..engine.logs import Sink
from .mime import VIEW

_PERCENT = re.compile(r":?\s*\d*%?\s*$")
_followed: contextvars.ContextVar[tuple[Sink, Any] | None] = contextvars.ContextVar("aura_widget_bar", default=None)


def follow_bar(data: Mapping[str, Any], sink: Sink) -> bool:
    """Tell of a progress bar's changes from now on, where one is displayed.

    A bar that is displayed while another one of the same action is under way is part of it, and tells nothing.

    Args:
        data: the bundle that is displayed.
        sink: the action that displays it.

    Returns:
        Whether there was a bar.
    """
    shown = _widget(data.get(VIEW))
    parts = [shown, *getattr(shown, "children", ())]
    bar = next((part for part in parts if hasattr(part, "bar_style") and hasattr(part, "max")), None)
    if bar is None:
        return False
    before = _followed.get()
    if before is not None and before[0] is sink and before[1].value < before[1].max:
        return True
    _followed.set((sink, bar))
    label = next((part.value for part in parts[1:] if isinstance(getattr(part, "value", None), str)), "")
    text = _PERCENT.sub("", bar.description or label)

    def tell(_change: object = None) -> None:
        if bar.bar_style != "info":  # tqdm's sign that it knows no total
            sink.progress(bar.value - bar.min, bar.max - bar.min, text)

    bar.observe(tell, ["value", "max"])
    tell()
    return True


def _widget(view: Any) -> Any:
    module = sys.modules.get("ipywidgets.widgets.widget")
    return module._instances.get(view["model_id"]) if module is not None and view else None
