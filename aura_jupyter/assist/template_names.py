"""The names that a template sets in front of the cursor: by `{% set %}`, `{% for %}`, `{% with %}`, `{% macro %}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

Fields = dict[str, None]
"""What is known of a name's fields, in order."""

LOOP = ("index", "index0", "first", "last", "length", "revindex", "revindex0", "previtem", "nextitem", "cycle", "depth")
_TAG = re.compile(r"\{%[-+]?\s*(set|for|with|macro|endfor|endwith|endmacro)\b(.*?)[-+]?%\}", re.DOTALL)
_TARGETS = re.compile(r"\s*\(?\s*([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)")
_FIELD = re.compile(r"\s*([^\W\d]\w*)\.([^\W\d]\w*)\s*=")
_NAMED = re.compile(r"([^\W\d]\w*)\s*=(?!=)")
_KEY = re.compile(r"""["']([^\W\d]\w*)["']\s*:""")


def names_set(before: str) -> Mapping[str, Fields]:
    """The names in scope at the end of a part of a template, each with its fields as far as they are written out.

    Args:
        before: the template up to the expression that the cursor is in.
    """
    scopes: list[dict[str, Fields]] = [{}]
    for tag in _TAG.finditer(before):
        word, rest = tag[1], tag[2]
        if word.startswith("end"):
            if len(scopes) > 1:
                scopes.pop()
        elif word == "set":
            _set(scopes, rest)
        else:
            scopes.append(_opened(scopes, word, rest))
    return {name: fields for scope in scopes for name, fields in scope.items()}


def _set(scopes: list[dict[str, Fields]], rest: str) -> None:
    field = _FIELD.match(rest)
    targets = _TARGETS.match(rest)
    if field is not None:
        known = next((scope[field[1]] for scope in reversed(scopes) if field[1] in scope), {})
        known[field[2]] = None
    elif targets is not None:
        value = rest[targets.end() :].partition("=")[2]
        scopes[-1].update({name: _fields_of(value) for name in _each(targets[1])})


def _opened(scopes: list[dict[str, Fields]], word: str, rest: str) -> dict[str, Fields]:
    """The scope that a tag opens."""
    if word == "with":
        return {found[1]: {} for found in _NAMED.finditer(rest)}
    targets = _TARGETS.match(rest)
    if targets is None:
        return {}
    if word == "for":
        return {**{name: {} for name in _each(targets[1])}, "loop": dict.fromkeys(LOOP)}
    scopes[-1][targets[1]] = {}
    parameters = rest[targets.end() :].partition("(")[2].rpartition(")")[0]
    return {name: {} for part in parameters.split(",") if (name := part.partition("=")[0].strip()).isidentifier()}


def _each(targets: str) -> list[str]:
    return [name.strip() for name in targets.split(",")]


def _fields_of(value: str) -> Fields:
    value = value.strip()
    if value.startswith("{"):
        return dict.fromkeys(_KEY.findall(value))
    if value.startswith(("namespace(", "dict(")):
        return dict.fromkeys(_NAMED.findall(value))
    return {}
