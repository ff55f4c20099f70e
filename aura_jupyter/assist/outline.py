"""A spec as far as it is written: keys, items and texts of a YAML that may be broken, and where the cursor stands.

It looks at indentation, not at the grammar, and gives up on nothing: what it cannot make sense of stays out.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["", "map", "list", "text"]

_DASH = re.compile(r"-(?:[ \t]+|$)")
_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]{}\#&*!|>'"%@`][^\#]*?)[ \t]*:(?=[ \t]|$)""", re.MULTILINE
)
_BLOCK = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?$")
_SPACE = re.compile(r"(?:\s|(?<=\s)#[^\n]*)*")
_FLOW_KEY = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s,\[\]{}:"'][^,\[\]{}:\n]*?)?[ \t]*(?=[,\[\]{}:\n]|$)""")
_FLOW_TEXT = re.compile(
    r"(?:\{\{(?:[^}\n]|\}(?!\}))*(?:\}\}|$|(?=\n))|:(?=[^\s,\[\]{}])|[^,\[\]{}:\n]|(?<!\s)\{(?!\{))*"
)
_QUOTED = {'"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL), "'": re.compile(r"'(?:[^']|'')*'", re.DOTALL)}


class Node:
    """A value as far as it is written.

    Attributes:
        kind: `map`, `list`, `text`, or empty where nothing is written yet.
        children: of a mapping and a list, in their order.
        text: of a text, without its quotes.
    """

    __slots__ = ("children", "key", "kind", "parent", "text")

    def __init__(self, parent: Node | None = None, key: str | int | None = None) -> None:
        self.parent, self.key = parent, key
        self.kind: Kind = ""
        self.children: list[Node] = []
        self.text = ""

    def add(self, key: str | int) -> Node:
        """A new child, empty so far."""
        child = Node(self, key)
        self.children.append(child)
        return child

    def get(self, key: str) -> Node | None:
        """The value of a key."""
        if self.kind != "map":
            return None
        return next((child for child in self.children if child.key == key), None)

    def value(self, key: str) -> str:
        """The text of a key's value, empty where there is none."""
        child = self.get(key)
        return child.text if child is not None and child.kind == "text" else ""

    @property
    def keys(self) -> list[str]:
        """The keys of a mapping."""
        return [str(child.key) for child in self.children] if self.kind == "map" else []

    @property
    def items(self) -> list[Node]:
        """The items of a list."""
        return self.children if self.kind == "list" else []

    @property
    def line_up(self) -> Iterator[Node]:
        """This node, what it stands in, and so on up to the whole."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent


@dataclass(slots=True)
class Cursor:
    """Where the cursor stands.

    Attributes:
        node: for a key the mapping that it belongs to, or what would become one; for a value its place.
        role: `key`, `value`, or `word` where a key or a value may be meant.
        start: where the word begins that is being written.
        text: the word down to the cursor.
        whole: the whole of the key or value, for what is said of it.
        quote: the quote that it stands in.
        below: the list whose next item may begin here.
    """

    node: Node
    role: Literal["key", "value", "word"]
    start: int
    text: str
    whole: str = ""
    quote: str = ""
    below: Node | None = None


def outline(text: str, at: int) -> tuple[Node, Cursor | None]:
    """Read a spec, whatever state it is in.

    Args:
        text: the YAML.
        at: where the cursor stands, a number of characters.

    Returns:
        The whole, and the cursor's place, None where nothing of the language can stand (in a comment).
    """
    reader = _Reader(text, at)
    with contextlib.suppress(RecursionError):  # brackets deeper than any spec has them: what was read so far stands
        reader.read()
    return reader.root, reader.cursor


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at
        self.root = Node()
        self.cursor: Cursor | None = None
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._stack: list[tuple[int, Node]] = []
        self._below: Node | None = None  # the list that the cursor's line could go on

    def read(self) -> None:
        number = 0
        while number < len(self._lines):
            number = self._line(number)

    # --- block style --------------------------------------------------------------------------------------------------

    def _line(self, number: int) -> int:
        line, start = self._lines[number], self._starts[number]
        here = start <= self.at <= start + len(line)
        at = len(line) - len(line.lstrip())
        if not line.strip() or (line[at] == "#" and self.at <= start + at):
            if here:
                self._word(self.at - start, self.at, "")
            return number + 1
        if line[at] == "#" or line.startswith(("---", "...")):
            return number + 1
        if here and self.at < start + at:
            self._word(self.at - start, self.at, "")
        slot, column = None, at
        while (dash := _DASH.match(line, at)) is not None:
            slot, column = self._enter(at, "list").add(0), at
            assert slot.parent is not None
            slot.key = len(slot.parent.children) - 1
            at = dash.end()
            if here and start + dash.start() < self.at <= start + at and at == len(line):
                self.cursor = Cursor(slot, "word", self.at, "")
        if at >= len(line):
            return number + 1
        key = _KEY.match(line, at)
        if key is not None:
            return self._key(number, at, key)
        return self._rest(number, at, slot, column)

    def _key(self, number: int, at: int, key: re.Match[str]) -> int:
        start = self._starts[number]
        child = self._enter(at, "map").add(_unquoted(key[1]))
        if start + at <= self.at <= start + key.end(1):
            assert child.parent is not None
            child.parent.children.remove(child)
            self.cursor = Cursor(child.parent, "key", start + at, self.text[start + at : self.at], _unquoted(key[1]))
            following = self._value(child, number, key.end() + 1, at)
            child.parent.children.append(child)
            return following
        return self._value(child, number, key.end() + 1, at)

    def _rest(self, number: int, at: int, slot: Node | None, column: int) -> int:
        """A line, or what follows a dash, that has no key: a value, or a word whose colon is still to come."""
        line, start = self._lines[number], self._starts[number]
        if slot is None:
            if start + at <= self.at <= start + len(line.rstrip()) and line[at] not in "{[\"'|>":
                self._word(at, start + at, self.text[start + at : self.at])
                return number + 1
            place = self._place(at)[0]
            slot = place if not place.kind else Node()
        elif start + at <= self.at <= start + len(line) and re.fullmatch(r"[\w.-]*", self.text[start + at : self.at]):
            self.cursor = Cursor(slot, "word", start + at, self.text[start + at : self.at], line[at:].strip())
            return number + 1
        return self._value(slot, number, at, column)

    def _word(self, column: int, start: int, text: str) -> None:
        node, below = self._place(column)
        whole = text + re.match(r"[^\s:]*", self.text[self.at :])[0]  # type: ignore[index]
        self.cursor = Cursor(node, "word", start, text, whole, below=below)

    def _place(self, column: int) -> tuple[Node, Node | None]:
        """What a key in this column belongs to, and the list that an item in this column belongs to."""
        below = None
        for depth, node in reversed(self._stack):
            if depth > column:
                continue
            if depth == column:
                if node.kind == "map":
                    last = node.children[-1] if node.children else None
                    return node, below or (last if last is not None and last.kind == "" else None)
                below = node
                continue
            slot = _slot(node)
            return slot, below or (slot if not slot.kind else None)
        return self.root, below

    def _enter(self, column: int, kind: Kind) -> Node:
        """The mapping or list that a key or dash in this column belongs to."""
        while self._stack:
            depth, node = self._stack[-1]
            if depth < column or (depth == column and kind in {node.kind, "list"}):
                break
            self._stack.pop()
        if self._stack and self._stack[-1][0] == column and self._stack[-1][1].kind == kind:
            return self._stack[-1][1]
        slot = _slot(self._stack[-1][1]) if self._stack else self.root
        if slot.kind != kind:
            slot.kind, slot.children, slot.text = kind, [], ""
        self._stack.append((column, slot))
        return slot

    def _value(self, slot: Node, number: int, at: int, column: int) -> int:
        """The value that begins in a line, and the number of the line after it."""
        line, start = self._lines[number], self._starts[number]
        first = at + len(line[at:]) - len(line[at:].lstrip())
        rest = line[first:]
        if not rest or rest.startswith("#"):
            if start + at <= self.at <= start + first:
                self.cursor = Cursor(slot, "value", self.at, "")
            return number + 1
        if start + at <= self.at < start + first:
            self.cursor = Cursor(slot, "value", self.at, "")
        if _BLOCK.match(rest):
            return self._block(slot, number, column)
        end = self._end_of_deeper(number, column)
        if rest[0] == "[" or (rest[0] == "{" and not rest.startswith("{{")):
            stop = self._flow(slot, start + first, self._starts[end] - 1)
            return max(number + 1, self._line_of(stop, number) + 1)
        if rest[0] in _QUOTED:
            return self._line_of(self._quoted(slot, start + first, self._starts[end] - 1), number) + 1
        comment = re.search(r"\s#", rest)
        last = start + first + (comment.start() if comment else len(rest))
        self._text(slot, start + first, last, last)
        return number + 1

    def _block(self, slot: Node, number: int, column: int) -> int:
        end = self._end_of_deeper(number, column)
        self._text(slot, self._starts[number + 1], self._starts[end] - 1, self._starts[end] - 1)
        return end

    def _end_of_deeper(self, number: int, column: int) -> int:
        """The number of the first line after this one that stands no deeper than a column."""
        last = number
        for following in range(number + 1, len(self._lines)):
            line = self._lines[following]
            if line.strip():
                if len(line) - len(line.lstrip()) <= column and line.strip()[0] not in "}]":
                    break
                last = following
            elif self._starts[following] + column < self.at <= self._starts[following] + len(line):
                last = following  # the cursor stands in a line that is still empty
        return last + 1

    def _line_of(self, offset: int, number: int) -> int:
        while number + 1 < len(self._lines) and self._starts[number + 1] <= offset:
            number += 1
        return number

    # --- texts --------------------------------------------------------------------------------------------------------

    def _text(self, slot: Node, start: int, end: int, covered: int, quote: str = "") -> None:
        slot.kind, slot.text = "text", self.text[start:end].strip() if not quote else self.text[start:end]
        if start <= self.at <= covered:
            self.cursor = Cursor(slot, "value", start, self.text[start : self.at], slot.text, quote)

    def _quoted(self, slot: Node, start: int, end: int) -> int:
        quote = self.text[start]
        found = _QUOTED[quote].match(self.text, start, end)
        if found is not None and "\n" in found[0] and _KEY.search(found[0].partition("\n")[2]):
            found = None  # a quote that is still to be closed, and one of a line below
        if found is not None:
            self._text(slot, start + 1, found.end() - 1, found.end() - 1, quote)
            return found.end()
        stop = self.text.find("\n", start, end)
        stop = end if stop < 0 else stop
        self._text(slot, start + 1, stop, stop, quote)
        return stop

    # --- flow style ---------------------------------------------------------------------------------------------------

    def _flow(self, slot: Node, start: int, end: int) -> int:
        character = self.text[start : start + 1]
        if character == "{" and not self.text.startswith("{{", start):
            slot.kind = "map"
            return self._flow_map(slot, start + 1, end)
        if character == "[":
            slot.kind = "list"
            return self._flow_list(slot, start + 1, end)
        if character in _QUOTED:
            return self._quoted(slot, start, end)
        found = _FLOW_TEXT.match(self.text, start, end)
        stop = found.end() if found is not None else start
        self._text(slot, start, stop, stop)
        return stop

    def _gap(self, at: int, end: int) -> tuple[int, bool]:
        """The end of the white space, and whether the cursor stands in it."""
        found = _SPACE.match(self.text, at, end)
        stop = found.end() if found is not None else at
        comment = self.text.rfind("#", at, self.at) if self.at <= stop else -1
        return stop, at <= self.at <= stop and (comment < 0 or "\n" in self.text[comment : self.at])

    def _flow_map(self, node: Node, at: int, end: int) -> int:
        fresh = True  # at the beginning, or after a comma
        while True:
            at, here = self._gap(at, end)
            if here and fresh:
                self.cursor = Cursor(node, "key", self.at, "")
            if at >= end or self.text[at] in "]}":
                return min(at + 1, end) if self.text[at : at + 1] == "}" else at
            before = at
            key = _FLOW_KEY.match(self.text, at, end)
            name = key[1] or "" if key is not None else ""
            own = self.at if at <= self.at <= at + len(name) else -1
            at = self._flow_pair(node, _unquoted(name), at, key.end() if key is not None else at, own, end)
            at, fresh = self._next(at, end)
            at += at == before  # what cannot be made sense of

    def _next(self, at: int, end: int) -> tuple[int, bool]:
        """Where the next one begins, and whether a comma stands before it."""
        at, _ = self._gap(at, end)
        comma = at < end and self.text[at] == ","
        return at + comma, comma

    def _flow_pair(self, node: Node, name: str, at: int, stop: int, own: int, end: int) -> int:
        if own >= 0:
            self.cursor = Cursor(node, "key", at, self.text[at:own], name)
        if self.text[stop : min(stop + 1, end)] != ":":
            if own < 0 and name:
                node.add(name)
            return stop
        child = Node(node, name)
        if own < 0:
            node.children.append(child)
        first, here = self._gap(stop + 1, end)
        if here:
            self.cursor = Cursor(child, "value", self.at, "")
        if first >= end or self.text[first] in ",]}":
            return first
        return self._flow(child, first, end)

    def _flow_list(self, node: Node, at: int, end: int) -> int:
        fresh = True
        while True:
            at, here = self._gap(at, end)
            if here and fresh:
                self.cursor = Cursor(Node(node, len(node.children)), "value", self.at, "")
            if at >= end or self.text[at] in "]}":
                return min(at + 1, end) if self.text[at : at + 1] == "]" else at
            before = at
            at, fresh = self._next(self._flow(node.add(len(node.children)), at, end), end)
            at += at == before


def _slot(node: Node) -> Node:
    """Where what stands deeper than a mapping's or list's own column belongs."""
    return node.children[-1] if node.children else node


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] else text
