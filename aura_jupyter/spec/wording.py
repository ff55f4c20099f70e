"""The words that messages are made of: what a value is, names in quotes, lists of names."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = 60  # characters of a value that a message repeats

YES = {
    "yes": "true",
    "on": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "n": "false",
}  # what YAML 1.1 took for booleans


def quote(value: object) -> str:
    """A name or text in single quotes, on one line and not too long to read."""
    text = str(value).replace("\\", "\\\\") if not isinstance(value, str) else value
    text = "".join(c if c.isprintable() else _escaped(c) for c in text[: LONGEST + 1])
    return f"'{text}'" if len(text) <= LONGEST else f"'{text[: LONGEST - 1]}…'"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def kind(value: Any) -> str:
    """What a value is, in a beginner's words, with its article."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a template" if "{{" in value or "{%" in value else "text"
    if isinstance(value, numbers.Integral):
        return "a whole number"
    if isinstance(value, numbers.Real):
        return "a number"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a mapping" if isinstance(value, Mapping) else f"a Python object ({type(value).__name__})"


def shown(value: Any) -> str:
    """A value as a person would write it in the spec, cut where it is long."""
    if isinstance(value, str):
        return quote(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    if isinstance(value, int) and abs(value) >= 10**LONGEST:
        text = f"{value:.3e}" if abs(value) < 10**300 else "a huge number"
    else:
        try:
            text = " ".join(repr(value).split())
        except Exception:  # noqa: BLE001 - an object's own repr may raise anything
            text = f"an object of type {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def listing(names: Iterable[str], word: str = "or") -> str:
    """`a, b or c`."""
    *rest, last = list(names)
    return f"{', '.join(rest)} {word} {last}" if rest else last


def nearest(word: str, among: Iterable[str]) -> str | None:
    """The known name that a person most likely meant, or None if nothing is near.

    Differences of case and of `_`, `-`, blanks and dots count least.
    """
    names = list(dict.fromkeys(among))
    plain = {_plain(name): name for name in reversed(names)}
    if _plain(word) in plain:
        return plain[_plain(word)]
    found = difflib.get_close_matches(_plain(word[:200]), plain, n=1, cutoff=0.65)
    return plain[found[0]] if found else None


def _plain(word: str) -> str:
    return word.lower().translate(_IGNORED)


_IGNORED = str.maketrans("", "", "_- ")
