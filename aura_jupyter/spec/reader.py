"""YAML in, plain data out: YAML 1.2's core schema, read straight from libyaml's events."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path as File
from typing import Any

import yaml

from . import syntax
from .collector import paused
from .labels import owner
from .positions import Lines, Loader, without_old_breaks
from .problems import Path, Problem, Source, SpecError, mark_of
from .scalars import resolve
from .wording import kind, quote, shown

DEEPEST = 100  # levels
MOST_COPIED = 10_000  # values that aliases may add


def read(spec: object) -> tuple[Any, Source]:
    """Read a spec.

    Args:
        spec: YAML text, a mapping, which is copied, or the `pathlib.Path` of a file.

    Returns:
        the plain data, and where it came from.

    Raises:
        SpecError: it is no YAML, or YAML of a kind that a spec does not take.
        OSError: the file cannot be read.
    """
    if isinstance(spec, File):
        source = source_of(spec.read_bytes(), spec.name)
    elif isinstance(spec, str):
        source = Source(spec)
    elif isinstance(spec, Mapping):
        return _copied(spec), Source(None)
    else:
        message = f"a spec is YAML text, a mapping or a pathlib.Path, and this is {kind(spec)}"
        raise SpecError([Problem("wrong-type", message)], Source(None))
    return read_text(source), source


def read_text(source: Source) -> dict[Any, Any]:
    """Read the text of a source that is there already, such as a cell's.

    Raises:
        SpecError: with every mistake's line and column.
    """
    text = (source.text or "").removeprefix("\ufeff")
    with paused():
        data, faults = _Reading(text).document()
    if not faults and not isinstance(data, dict):
        faults = [_no_mapping(data, text, source)]
    if faults:
        raise SpecError(_problems(faults, data, text, source), source)
    found: dict[Any, Any] = data
    return found


def read_value(source: Source) -> Any:
    """Read the text of any value, as it would be written in a spec.

    Raises:
        SpecError: it is no YAML, or YAML of a kind that a spec does not take.
    """
    text = (source.text or "").removeprefix("\ufeff")
    with paused():
        data, faults = _Reading(text).document()
    if faults:
        raise SpecError(_problems(faults, data, text, source), source)
    return data


def source_of(content: bytes, name: str) -> Source:
    """The text of a file's content: UTF-8, or UTF-16 with its mark.

    Args:
        content: the bytes.
        name: what messages call it.

    Raises:
        SpecError: it is no text in this encoding.
    """
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        return Source(content.decode(encoding), name)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"{quote(name)} is no {encoding.upper()} text: line {line} cannot be read"
        raise SpecError([Problem("bad-yaml", message, "Save the file as UTF-8.")], Source(None, name)) from None


class _Stop(Exception):
    """Nothing more can be read."""


_Faults = list[tuple[syntax.Fault, Path]]


class _Reading:
    """One reading of one text. Positions are looked at only where something is wrong."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.faults: _Faults = []
        self.trail: list[Any] = []
        self.anchors: dict[str, Any] = {}
        self.copied = 0

    def document(self) -> tuple[Any, _Faults]:
        """The data, and what is wrong with the text."""
        try:
            return self._first_document(), self.faults
        except _Stop:
            return None, self.faults
        except (yaml.YAMLError, UnicodeError) as error:
            return self._as_json(error)

    def _first_document(self) -> Any:
        self.next = _events(self.text)
        self.next()  # the stream's start
        if type(self.next()) is yaml.StreamEndEvent:
            return None
        data = self.value(self.next(), 1)
        self.next()  # the document's end
        event = self.next()
        if type(event) is not yaml.StreamEndEvent:
            at = event.start_mark.index
            self.fault(
                syntax.Fault(
                    "several-documents",
                    "a second document begins here, and a spec is one",
                    "Delete '---' and what follows it.",
                    at,
                    at + 3,
                )
            )
        return data

    def _as_json(self, error: Exception) -> tuple[Any, _Faults]:
        """JSON has escapes that YAML lacks."""
        if self.text.lstrip().startswith("{"):
            try:
                return _copied(json.loads(self.text, object_pairs_hook=_unique, parse_constant=_no_constant)), []
            except (ValueError, RecursionError, SpecError):
                pass  # it is no JSON either: what was wrong with it as YAML is said
        return None, [(syntax.explain(error, self.text), ())]

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.text)

    def fault(self, fault: syntax.Fault, *key: Any) -> None:
        self.faults.append((fault, (*self.trail, *key)))

    def value(self, event: Any, depth: int) -> Any:
        kind_ = type(event)
        if kind_ is yaml.ScalarEvent:
            if event.anchor or event.tag:
                return self.marked(event, self.scalar(event))
            return self.scalar(event)
        if kind_ is yaml.AliasEvent:
            return self.alias(event, depth)
        if depth > DEEPEST:
            self.fault(syntax.too_deep(event.start_mark.index))
            raise _Stop
        if event.anchor:
            self.anchors[event.anchor] = _OPEN
        found = self.mapping(event, depth + 1) if kind_ is yaml.MappingStartEvent else self.sequence(depth + 1)
        return self.marked(event, found) if event.anchor or event.tag else found

    def scalar(self, event: Any) -> Any:
        value = event.value
        if event.style or value[:1] not in _FIRST:
            return value
        return self.resolved(value, event)

    def resolved(self, value: str, event: Any) -> Any:
        try:
            return resolve(value)
        except ValueError:
            at = event.start_mark.index
            self.fault(
                syntax.Fault(
                    "bad-value",
                    "this number has too many digits",
                    "Put it in quotes if it is text.",
                    at,
                    event.end_mark.index,
                )
            )
            return None

    def sequence(self, depth: int) -> list[Any]:
        found: list[Any] = []
        trail, next_event, value = self.trail, self.next, self.value
        trail.append(0)
        event = next_event()
        while type(event) is not yaml.SequenceEndEvent:
            trail[-1] = len(found)
            found.append(value(event, depth))
            event = next_event()
        trail.pop()
        return found

    def mapping(self, start: Any, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        trail, next_event, value = self.trail, self.next, self.value
        trail.append("")
        while True:
            event = next_event()
            if type(event) is yaml.MappingEndEvent:
                break
            simple = type(event) is yaml.ScalarEvent and not event.tag and not event.anchor
            key: Any = event.value if simple else _NO_KEY
            if key is _NO_KEY or (key[:1] in _FIRST_OF_KEY and not event.style):
                key = self.key(event, start, depth)
            event_of_value = next_event()
            if key in found:
                self.twice(event, key, next(first for first in found if first == key))
            trail[-1] = key
            inside = value(event_of_value, depth)
            found.setdefault(key, inside)
            if inside is None and start.flow_style:
                self.spaced(key, event, event_of_value)
        trail.pop()
        found.pop(_NO_KEY, None)
        return found

    def key(self, event: Any, start: Any, depth: int) -> Any:
        """A key that is not simply text."""
        at = event.start_mark.index
        if type(event) is yaml.ScalarEvent:
            if event.value == "<<" and not event.style and not event.tag:
                self.fault(
                    syntax.Fault(
                        "merge-key",
                        "'<<' merges mappings, and a spec takes no merge keys",
                        "Write the keys out.",
                        at,
                        at + 2,
                    ),
                    "<<",
                )
            elif not event.style and (fault := syntax.no_break_space(self.text, at)) is not None:
                self.fault(fault)
            return self.value(event, depth)
        before = len(self.faults)
        found = self.value(event, depth)
        if len(self.faults) > before:  # such as the inner braces of {{ x }}
            return _NO_KEY
        if type(event) is yaml.AliasEvent:
            return found if isinstance(found, (str, int, float, type(None))) else _NO_KEY
        fault = (
            syntax.unquoted_template(self.lines, *self.lines.at(start.start_mark.index)) if start.flow_style else None
        )
        words = f"a key must be text, and this is {kind(found)}"
        self.fault(fault or syntax.Fault("wrong-type", words, "Put it in quotes.", at, event.end_mark.index))
        return _NO_KEY

    def twice(self, event: Any, key: Any, first: Any) -> None:
        if key is _NO_KEY or key == "<<":
            return
        says = f"{quote(str(key) if isinstance(key, str) else shown(key))} is given twice"
        if type(key) is not type(first):
            says = f"to Python the keys {shown(key)} and {shown(first)} are one, and it is given twice"
        at, end = event.start_mark.index, event.end_mark.index
        fault = syntax.Fault("duplicate-key", says, "Keep one of them.", at, end)
        self.faults.append((fault, (*self.trail[:-1], first)))

    def spaced(self, key: Any, event: Any, value: Any) -> None:
        """`{a:1}`, which YAML takes for the key `a:1` without a value."""
        empty = value.start_mark.index == value.end_mark.index and not getattr(event, "style", None)
        found = syntax.NO_SPACE.match(key) if empty and isinstance(key, str) else None
        if found:
            self.fault(syntax.missing_space(found["key"], found["value"], event.start_mark.index))

    def marked(self, event: Any, value: Any) -> Any:
        """A value with a tag, which is refused, or an anchor."""
        if event.tag:
            found = self.text.find("!", event.start_mark.index)
            self.fault(syntax.tag(self.text, max(found, event.start_mark.index)))
        if event.anchor:
            self.anchors[event.anchor] = value
        return value

    def alias(self, event: Any, depth: int) -> Any:
        at, end = event.start_mark.index, event.end_mark.index
        found = self.anchors.get(event.anchor, _MISSING)
        if found is _MISSING:
            hint = f'Put it in quotes if it is text: "*{event.anchor}".'
            self.fault(
                syntax.Fault("alias", f"there is no anchor {quote(event.anchor)} above for this alias", hint, at, end)
            )
            return None
        if found is _OPEN:
            self.fault(
                syntax.Fault(
                    "alias",
                    f"the alias {quote('*' + event.anchor)} stands inside of what it names",
                    "Write the value out.",
                    at,
                    end,
                )
            )
            return None
        room = MOST_COPIED - self.copied
        size = _size(found, room)
        self.copied += size
        if size > room:
            message = f"aliases make the spec more than {MOST_COPIED:,} values larger"
            self.fault(syntax.Fault("alias", message, "Write the values out, or make them in a step.", at, end))
            raise _Stop
        if _depth(found) + depth - 1 > DEEPEST:
            self.fault(syntax.too_deep(at))
            raise _Stop
        return _copy(found)


def _events(text: str) -> Callable[[], Any]:
    """What gives the next event of a text."""
    text, back = without_old_breaks(text)
    next_event: Callable[[], Any] = Loader(text).get_event
    if not back:
        return next_event

    def restored() -> Any:
        event = next_event()
        if type(event) is yaml.ScalarEvent:
            event.value = event.value.translate(back)
        return event

    return restored


_OPEN, _MISSING, _NO_KEY = object(), object(), object()
_FIRST = frozenset(["", *"~nNtTfF+-.0123456789"])
_FIRST_OF_KEY = _FIRST | {"<", "\u00a0"}


def _size(value: Any, most: int) -> int:
    """How many values there are in a value; counting stops above `most`."""
    count, left = 0, [value]
    while left and count <= most:
        found = left.pop()
        count += 1
        if isinstance(found, dict):
            left.extend(found.values())
        elif isinstance(found, list):
            left.extend(found)
    return count


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


_VALUES = frozenset({"params", "args", "default", "returns", "enum", "for_each", "with"})


def _copied(spec: Mapping[str, Any]) -> dict[Any, Any]:
    """A mapping with its dicts, lists and tuples copied; other objects are kept as they are.

    Dicts and lists of other classes, as YAML readers make them, are objects where they are values without a template.
    """
    source = Source(None)

    def copy(value: Any, path: Path, is_value: bool) -> Any:
        if len(path) >= DEEPEST and isinstance(value, (dict, list, tuple)):
            raise SpecError(
                [Problem("too-deep", "the spec has more than 100 levels", "Write it with fewer levels.", path[:8])],
                source,
            )
        own = isinstance(value, (dict, list)) and (not is_value or _holds_template(value))
        if type(value) is dict or (own and isinstance(value, dict)):
            return {
                k: copy(v, (*path, k if isinstance(k, int) else str(k)), is_value or k in _VALUES)
                for k, v in value.items()
            }
        if type(value) is list or (own and isinstance(value, list)):
            return [copy(v, (*path, i), is_value) for i, v in enumerate(value)]
        if type(value) is tuple:
            return tuple(copy(v, (*path, i), is_value) for i, v in enumerate(value))
        return value

    with paused():
        return {k: copy(v, (str(k),), k in _VALUES) for k, v in spec.items()}


def _holds_template(value: Any) -> bool:
    """Whether a template stands in a dict or list of another class than these two, as far as is quickly seen."""
    if type(value) in (dict, list):
        return False
    left, seen = [value], {id(value)}
    while left and len(seen) < MOST_COPIED:
        found = left.pop()
        if isinstance(found, (dict, list, tuple)):
            inside = [v for v in (found.values() if isinstance(found, dict) else found) if id(v) not in seen]
            left += inside
            seen.update(map(id, inside))
        elif isinstance(found, str) and ("{{" in found or "{%" in found):
            return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _no_mapping(data: Any, text: str, source: Source) -> tuple[syntax.Fault, Path]:
    found = re.search(r"^(?!\s*(?:#|---|$)).*\S", text, re.MULTILINE)
    start, end = (found.start(), found.end()) if found else (0, 1)
    if data is None:
        what = quote(source.name) if source.name else "the cell" if source.above else "the spec"
        return syntax.Fault(
            "empty", f"{what} is empty", "Write 'steps:' and under it what is to be done.", start, end
        ), ()
    hint = "Begin with 'steps:' and a list of steps under it."
    if isinstance(data, str) and re.fullmatch(r"\S+\.(ya?ml|json)", data):
        hint = f"To run the file, give pathlib.Path({data!r})."
    elif isinstance(data, str) and (spaced := syntax.NO_SPACE.match(data)):
        hint = f"A space is missing after the colon: write {quote(spaced['key'] + ': ' + spaced['value'])}."
    return syntax.Fault("wrong-type", f"a spec must be a mapping, and this is {kind(data)}", hint, start, end), ()


def _problems(faults: _Faults, data: Any, text: str, source: Source) -> list[Problem]:
    lines = Lines(text)
    found = []
    for fault, path in faults:
        clean = tuple(part if isinstance(part, int) and not isinstance(part, bool) else str(part) for part in path)
        mark = mark_of(lines, len(source.above), fault.start, fault.end)
        problem = Problem(fault.code, fault.message, fault.hint, clean, mark=mark)
        if fault.code == "duplicate-key":
            where = owner(data, path[:-1])
            problem = replace(
                problem, message=f"{fault.message} in {where}", at_key=True, also=((clean, "first here"),)
            )
        found.append(problem)
    return found
