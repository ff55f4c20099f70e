"""What a message calls the thing at a path: `step 'report'`, `'retry' of step 'report'`, `input 'rate'`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .wording import quote

NOTHING = "\0"  # stands for an action that could not be understood
_BELOW = {  # what stands under each key, for the kinds of mappings that a spec is made of
    "spec": {"steps": "steps", "finally": "steps", "inputs": "inputs", "meta": "meta"},
    "step": {"on_error": "on_error", "loop": "loop", "retry": "retry", "params": "params"},
    "on_error": {"steps": "steps"},
    "meta": {"concurrency": "concurrency"},
    "params": {"task": "spec"},
}


def walk(path: Sequence[str | int]) -> list[tuple[str, int]]:
    """The kinds of mappings that a path leads through, each with how long the path is there."""
    kinds = [("spec", 0)]
    for length, part in enumerate(path, 1):
        now = kinds[-1][0]
        if isinstance(part, int):
            item = {"steps": "step", "on_error": "step", "inputs": "input"}.get(now, "value")
        else:
            item = _BELOW.get(now, {}).get(part, "value")
        kinds.append((item, length))
    return kinds


def at(data: Any, path: Sequence[Any], otherwise: Any = None) -> Any:
    """The value at a path, `otherwise` where there is none."""
    for part in path:
        in_list = isinstance(data, (list, tuple)) and isinstance(part, int) and 0 <= part < len(data)
        if not in_list and not (isinstance(data, Mapping) and part in data):
            return otherwise
        data = data[part]
    return data


def step_label(step: Any, index: int) -> str:
    """A step by its name, else by its action, else by its number."""
    if isinstance(step, Mapping):
        for key in ("name", "action"):
            if isinstance(step.get(key), str) and step[key].strip() and step[key] != NOTHING:
                return f"step {quote(step[key])}"
    return f"step {index + 1}"


def step_of(data: Any, path: Sequence[Any]) -> str:
    """The label of the innermost step that a path leads into, empty where there is none."""
    for found, length in reversed(walk(path)):
        if found == "step":
            return step_label(at(data, path[:length]), path[length - 1])
    return ""


def owner(data: Any, path: Sequence[Any]) -> str:
    """The words for the mapping at a path."""
    kinds = walk(path)
    found = kinds[-1][0]
    if found == "spec":
        return "the spec" if not path else f"the spec in {step_of(data, path)}"
    if found == "step":
        return step_of(data, path)
    if found == "input":
        item = at(data, path)
        name = item.get("name") if isinstance(item, Mapping) else None
        return f"input {quote(name)}" if isinstance(name, str) else f"input {path[-1] + 1}"
    step = step_of(data, path)
    last = next((part for part in reversed(path) if isinstance(part, str)), "")
    return f"{quote(last)} of {step}" if step else quote(last)
