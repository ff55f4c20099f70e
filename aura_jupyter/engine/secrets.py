"""The one place where text is masked: a secret's value never stands in a log, a card, a title or an exception."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from ..errors import TaskError

MASK = "***"
_ATTRIBUTES = (
    "filename",
    "filename2",
    "msg",
    "name",
    "object",
    "path",
    "reason",
    "strerror",
    "text",
)  # of Python's own
_DEPTH = 8  # levels of containers in an exception's arguments that are looked through
_CUT = re.compile(r"( ?\[?(?:…|\.{3,})\]? ?)")  # what stands where a text was shortened, by us or by a library
_TELLING = 4  # characters of a secret's beginning or end that tell something of it
_IN_PATHS = "!$%&'()*+,/:;=@[\\]^|"  # what httpx leaves in the path of an address
_IN_ADDRESSES = "!$&'()*+,/:;=?@"  # and requests in all of it


class Secrets:
    """The values that are not to be shown. An empty one masks nothing and costs nothing."""

    __slots__ = ("_forms", "_pattern", "_values")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = frozenset(value for value in values if value)
        self._forms = _forms_of(self._values)
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if self._forms else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def __or__(self, other: Secrets) -> Secrets:
        return Secrets(self._values | other._values) if other and other is not self else self

    def mask(self, text: str) -> str:
        """The text with `***` wherever a secret, one line of it, or what a cut left of it would stand.

        It can be sent and stored then: half of a character pair, as in a file's name that is no UTF-8, becomes a `?`.
        """
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
            text = self._mask_cuts(text)
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def _mask_cuts(self, text: str) -> str:
        """The text without beginnings and ends of secrets around ellipses: it was shortened before it came here."""
        if "…" not in text and "..." not in text:
            return text
        pieces = _CUT.split(text)
        texts = pieces[::2]
        texts[:-1] = map(self._without_beginning, texts[:-1])
        texts[1:] = map(self._without_end, texts[1:])
        pieces[::2] = texts
        return "".join(pieces)

    def _without_beginning(self, text: str) -> str:
        """The text with `***` where it ends with the beginning of a secret."""
        tail = text[-_TELLING:]
        if len(tail) < _TELLING:
            return text
        longest = 0
        for form in self._forms:
            at = form.rfind(tail)
            while at >= 0:
                if text.endswith(form[: at + _TELLING]):
                    longest = max(longest, at + _TELLING)
                    break
                at = form.rfind(tail, 0, at + _TELLING - 1)
        return text[: len(text) - longest] + MASK if longest else text

    def _without_end(self, text: str) -> str:
        """The text with `***` where it begins with the end of a secret."""
        head = text[:_TELLING]
        if len(head) < _TELLING:
            return text
        longest = 0
        for form in self._forms:
            at = form.find(head)
            while at >= 0:
                if text.startswith(form[at:]):
                    longest = max(longest, len(form) - at)
                    break
                at = form.find(head, at + 1)
        return MASK + text[longest:] if longest else text

    def shows(self, text: str) -> bool:
        """Whether a secret, or what a cut left of it, stands in the text."""
        return self._pattern is not None and self.mask(text) != text

    def mask_error(self, error: BaseException) -> BaseException:
        """The exception without a secret in its arguments or its chain, or a `TaskError` where that cannot be."""
        return error if self._pattern is None else self._masked(error, set())

    def _masked(self, error: BaseException, seen: set[int]) -> BaseException:
        if id(error) in seen:
            return error
        seen.add(id(error))
        try:
            self._rewrite(error, seen)
            shown = "\n".join([*traceback.format_exception_only(error), str(error), repr(error)])
        except Exception as trouble:  # noqa: BLE001 - an exception that can be neither rewritten nor shown is replaced
            shown, hidden = "", type(trouble).__name__
        else:
            hidden = ""
        if hidden or self.shows(shown):
            replaced = TaskError(f"{type(error).__name__}: {self.mask(_text(error))}")
            replaced.__traceback__ = error.__traceback__
            replaced.__suppress_context__ = True
            return replaced
        for link in ("__cause__", "__context__"):
            below = getattr(error, link)
            if below is not None:
                suppress = error.__suppress_context__
                BaseException.__setattr__(error, link, self._masked(below, seen))
                BaseException.__setattr__(error, "__suppress_context__", suppress)
        return error

    def _rewrite(self, error: BaseException, seen: set[int]) -> None:
        cleaned = tuple(self._clean(value, _DEPTH) for value in error.args)
        if any(a is not b for a, b in zip(cleaned, error.args, strict=True)):
            BaseException.__setattr__(error, "args", cleaned)
        attributes = list(vars(error)) + [name for name in _ATTRIBUTES if hasattr(error, name)]
        for name in attributes:
            value = getattr(error, name)
            cleaned = self._clean(value, _DEPTH)
            if cleaned is not value and name != "args":
                setattr(error, name, cleaned)
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                if self._masked(inner, seen) is not inner:
                    raise TypeError("one of a group cannot be replaced")

    def _clean(self, value: Any, depth: int) -> Any:
        """A copy without secrets, or the very value where there is none in it."""
        if isinstance(value, str):
            masked = self.mask(value)
            return masked if masked != value else value
        if isinstance(value, bytes):
            text = value.decode("utf-8", "replace")
            masked = self.mask(text)
            return masked.encode() if masked != text else value
        if depth and type(value) in (list, tuple, set, frozenset):
            cleaned = [self._clean(item, depth - 1) for item in value]
            return value if all(a is b for a, b in zip(cleaned, value, strict=True)) else type(value)(cleaned)
        if depth and type(value) is dict:
            pairs = [(self._clean(k, depth - 1), self._clean(v, depth - 1)) for k, v in value.items()]
            same = all(k is old and v is value[old] for (k, v), old in zip(pairs, value, strict=True))
            return value if same else dict(pairs)
        return value


def _forms_of(values: Iterable[str]) -> list[str]:
    """Whole values, their lines, and the forms that `repr` and JSON give them; the longest first, since it wins."""
    forms: set[str] = set()
    for value in values:
        for line in (value, *value.splitlines()):
            if line.strip():
                forms.update((line, *_forms(line.strip())))
    return sorted(forms, key=len, reverse=True)


def _forms(text: str) -> Iterable[str]:
    yield text
    yield " ".join(text.split())  # as a text stands on one line
    quoted = repr(f'"{text}')[2:-1]  # as `repr` writes it among other text, with its apostrophes escaped
    yield from (repr(text)[1:-1], quoted, ascii(text)[1:-1], repr(text.encode("utf-8", "replace"))[2:-1])
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    yield from (
        quote(text, errors="replace"),
        quote(text, safe="", errors="replace"),
        quote_plus(text, errors="replace"),
        quote(text, safe=_IN_PATHS, errors="replace"),
        quote(text, safe=f"{_IN_PATHS}?`{{}}", errors="replace"),  # in a query
        quote(text, safe=_IN_ADDRESSES, errors="replace"),
    )


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as trouble:  # noqa: BLE001 - its own __str__ fails: say that
        return f"it cannot be shown ({type(trouble).__name__})"


NONE = Secrets()
