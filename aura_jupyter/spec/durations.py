"""Durations: a number of seconds, or text such as `1h30m`."""

from __future__ import annotations

import math
import numbers
import re
from functools import lru_cache
from typing import Any

from .wording import kind, quote, shown

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
PATTERN = rf"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?"
_TEXT = re.compile(rf"(?=.)(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?(?:({_NUMBER})ms)?")
_UNITS = (3600.0, 60.0, 1.0, 0.001)
_LOOSE = (
    (r"h(?:ou)?rs?|hours?", "h"),
    (r"min(?:ute)?s?", "m"),
    (r"sec(?:ond)?s?", "s"),
    (r"milli(?:second)?s?|msecs?", "ms"),
)


def duration(value: Any) -> float:
    """A duration in seconds.

    Args:
        value: a number of seconds, or text of numbers with `h`, `m`, `s` and `ms` in that order, such as `1h30m`.

    Raises:
        ValueError: it is no duration; the message is a sentence that says why.
    """
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        return _checked(as_float(value), value)
    if not isinstance(value, str):
        raise ValueError(f"a duration is a number of seconds or text such as 30s, and this is {kind(value)}")
    return _of_text(value)


def as_float(value: numbers.Real) -> float:
    """A number of any kind as a float; one that is too large for that as about the largest."""
    try:
        return float(value)
    except OverflowError:
        return -1e300 if value < 0 else 1e300


@lru_cache(1024)
def _of_text(value: str) -> float:
    found = _TEXT.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"{quote(value)} is no duration such as 500ms, 30s or 1h30m")
    return _checked(sum(float(n) * unit for n, unit in zip(found.groups(), _UNITS, strict=True) if n), value)


def _checked(seconds: float, value: Any) -> float:
    if seconds < 0:
        raise ValueError(f"a duration cannot be negative, and this is {shown(value)}")
    if not math.isfinite(seconds):
        raise ValueError(f"a duration must be finite, and this is {shown(value)}")
    return seconds


def meant(value: str) -> str | None:
    """The duration that a text like `5 minutes` or `30` was most likely meant to be."""
    text = re.sub(r"\s+", "", value[:60].lower())
    for words, unit in _LOOSE:
        text = re.sub(rf"(?<=[0-9.])(?:{words})(?![a-z])", unit, text)
    text = f"{text}s" if re.fullmatch(_NUMBER, text) else text
    return text if _TEXT.fullmatch(text) else None
