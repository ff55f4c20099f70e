"""The values of scalars without quotes, by the core schema of YAML 1.2."""

from __future__ import annotations

import re
from typing import Any

WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL, _HEXADECIMAL = re.compile(r"0o[0-7]+"), re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def resolve(value: str) -> Any:
    """The value of a scalar without quotes.

    Raises:
        ValueError: a number of more digits than Python converts.
    """
    if value in WORDS:
        return WORDS[value]
    if _INTEGER.fullmatch(value):
        return int(value)
    if _FLOAT.fullmatch(value):
        return float(value)
    if _OCTAL.fullmatch(value):
        return int(value, 0)
    if _HEXADECIMAL.fullmatch(value):
        return int(value, 0)
    return float(value.replace(".", "")) if _SPECIAL.fullmatch(value) else value
