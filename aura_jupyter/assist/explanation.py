"""What is said of the key or the action at the cursor."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from ..actions.registry import Action
from ..engine.sandbox import ENVIRONMENT
from .expressions import expression_at
from .language import Spot
from .outline import outline
from .place import Place
from .surroundings import Surroundings, signature_of


def explain(text: str, at: int, known: Surroundings) -> str:
    """What to know of the word at a place: a key of the language, an action, a parameter, a filter; else empty.

    Args:
        text: the YAML, whatever state it is in.
        at: where the cursor stands, a number of characters.
        known: what is known outside the spec.
    """
    root, cursor = outline(text, at)
    if cursor is None:
        return ""
    place = Place(root, cursor, known)
    if cursor.role != "value":
        return _key(place, cursor.whole or cursor.text)
    if place.step is not None and place.below_step == ("action",):
        action = known.action(cursor.whole)
        return "\n".join(of_action(action)) if action is not None else ""
    if expression_at(cursor.text, bare=place.spot.is_condition) is not None:
        return _filter(text, at)
    return _key(place, str(cursor.node.key)) if place.spot.description else ""


def of_action(action: Action) -> Iterator[str]:
    """The lines that say what an action is.

    Args:
        action: registered, or made of a notebook's callable.
    """
    yield f"{action.name}{signature_of(action)}"
    yield ""
    yield inspect.getdoc(action.function) or "It has no documentation."
    yield ""
    runs = "on the event loop" if action.is_async else f"in a {action.executor or 'thread'}"
    yield f"An action ({action.source}), which runs {runs}."


def _key(place: Place, key: str) -> str:
    path = place.spot.path if place.cursor.role != "value" else place.spot.path[:-1]
    if place.below_step == ("params",) and place.action is not None:
        return "\n".join(of_action(place.action)) if key in place.action.face.named else ""
    schema = Spot(path).keys.get(key)
    return "\n".join(_of_key(Spot((*path, key)), Spot(path), key, schema)) if schema is not None else ""


def _of_key(spot: Spot, above: Spot, key: str, schema: Mapping[str, Any]) -> Iterator[str]:
    needed = "needed" if above.is_needed(key) else ""
    default = f"default {schema['default']}" if schema.get("default") not in (None, "", [], {}) else ""
    note = ", ".join(filter(None, (needed, default)))
    yield f"{key}  ({note})" if note else key
    yield ""
    yield str(schema.get("description", ""))
    keys = spot.keys
    if keys:
        width = max(map(len, keys))
        yield ""
        for name, inner in keys.items():
            yield f"  {name:<{width}}  {inner.get('description', '')}".rstrip()


def _filter(text: str, at: int) -> str:
    """What Jinja2 says of the filter at the cursor."""
    start = end = at
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    name = text[start:end]
    if name not in ENVIRONMENT.filters or not text[:start].rstrip().endswith("|"):
        return ""
    return f"{name}, a filter\n\n{inspect.getdoc(ENVIRONMENT.filters[name]) or ''}".rstrip()
