"""Where in a YAML text each value stands. Read only when a problem is shown."""

from __future__ import annotations

import bisect
import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from .scalars import resolve
from .wording import shown

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there, ten times as fast


class Lines:
    """A text's lines as an editor counts them: breaks are CR, LF and CR LF, nothing else."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(m.end() for m in re.finditer(r"\r\n|\n|\r", text))]

    def __len__(self) -> int:
        return len(self.starts)

    def at(self, index: int) -> tuple[int, int]:
        """Line and column of a character, both from 0."""
        line = bisect.bisect_right(self.starts, index) - 1
        return line, index - self.starts[line]

    def __getitem__(self, line: int) -> str:
        return self.text[self.starts[line] : self.end(line)]

    def end(self, line: int) -> int:
        """The index behind the last character of a line, its break not counted."""
        stop = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        return self.starts[line] + len(self.text[self.starts[line] : stop].rstrip("\r\n"))


@dataclass(slots=True)
class Node:
    """A value in the text: from `start` to `end`, in characters."""

    start: int
    end: int
    style: str = ""  # "" (plain), "'", '"', "|" or ">"; of collections "[", "{" or "block"; "*" of an alias
    value: str | None = None  # of a scalar
    is_list: bool = False
    children: list[tuple[Node | None, Node]] = field(default_factory=list)  # key and value; no keys in a list
    _by_key: dict[str, tuple[Node | None, Node]] | None = None

    def child(self, part: str | int) -> tuple[Node | None, Node] | None:
        """The key and value that `part` names; of a key that is given twice, the first."""
        if self.is_list:
            return self.children[part] if isinstance(part, int) and 0 <= part < len(self.children) else None
        if self._by_key is None:
            pairs = reversed(self.children)
            self._by_key = {pair[0].value or "": pair for pair in pairs if pair[0] is not None}
        return self._by_key.get(str(part)) or self._no_text(str(part))

    def _no_text(self, part: str) -> tuple[Node | None, Node] | None:
        """The pair whose key is no text and another way to write `part`, as `0x1F` is one to write 31."""
        for key, value in self.children:
            if key is not None and not key.style and key.value is not None:
                with contextlib.suppress(ValueError):
                    means = resolve(key.value)
                    if not isinstance(means, str) and part in (str(means), shown(means)):
                        return key, value
        return None

    def keys(self) -> list[str]:
        """The keys of a mapping as they are written."""
        return [key.value for key, _ in self.children if key is not None and key.value is not None]


_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")  # a character to JSON, not to YAML
_BREAKS = "\x85\u2028\u2029"


def without_old_breaks(text: str) -> tuple[str, dict[int, str]]:
    """The text without what only YAML 1.1, and so libyaml, takes for a line break.

    Returns:
        the text, in which other characters stand for these, and the table that brings them back.
    """
    found = [character for character in _BREAKS if character in text]
    if not found:
        return text, {}
    free = (chr(code) for code in range(0xE000, 0xF900) if chr(code) not in text)
    instead = dict(zip(found, free, strict=False))
    return text.translate(str.maketrans("".join(instead), "".join(instead.values()))), {
        ord(stands): meant for meant, stands in instead.items()
    }


def tree(text: str) -> Node | None:
    """The nodes of a text, None where it cannot be read. An alias has the children of what it names."""
    text = without_old_breaks(text)[0]
    for readable in (text, *([_PAIR.sub(" " * 12, text)] if _PAIR.search(text) else [])):
        try:
            return _Tree(_events(Loader(readable))).root()
        except (yaml.YAMLError, UnicodeError):
            continue
    return None


def _events(loader: Any) -> Iterator[Any]:
    while loader.check_event():
        yield loader.get_event()


class _Tree:
    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.anchors: dict[str, Node] = {}
        self.open: list[tuple[Node, list[Node]]] = []

    def root(self) -> Node | None:
        for event in self.events:
            node = self._take(event)
            if node is not None and not self.open:
                return node
            if node is not None:
                self.open[-1][1].append(node)
        return None

    def _take(self, event: Any) -> Node | None:
        """A finished node, or None while one is under way."""
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            return self._named(event, Node(start, end, event.style or "", event.value))
        if isinstance(event, yaml.AliasEvent):
            target = self.anchors.get(str(event.anchor))
            is_list, children = (target.is_list, target.children) if target else (False, [])
            return Node(start, end, "*", None, is_list, children)
        if isinstance(event, yaml.CollectionStartEvent):
            is_list = isinstance(event, yaml.SequenceStartEvent)
            style = "block" if not event.flow_style else "[" if is_list else "{"
            self.open.append((self._named(event, Node(start, end, style, None, is_list)), []))
        elif isinstance(event, yaml.CollectionEndEvent):
            node, found = self.open.pop()
            node.end = end
            node.children = (
                [(None, v) for v in found] if node.is_list else list(zip(found[::2], found[1::2], strict=False))
            )
            return node
        return None

    def _named(self, event: Any, node: Node) -> Node:
        if event.anchor:
            self.anchors[event.anchor] = node
        return node


def descend(root: Node, path: Sequence[str | int]) -> tuple[Node | None, Node, Node | None, int]:
    """Follow a path as far as the text has it.

    Returns:
        the key and the value that were reached, what is around them, and how many parts of the path that took.
    """
    key: Node | None = None
    node, around, done = root, None, 0
    for part in path:
        pair = node.child(part)
        if pair is None:
            break
        around, (key, node), done = node, pair, done + 1
    return key, node, around, done
