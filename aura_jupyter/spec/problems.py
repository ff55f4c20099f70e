"""What is wrong with a spec: one type of problem, where it stands, and the exception that holds all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..errors import AuraError
from . import layout
from .collector import paused
from .positions import Lines, Node, descend, tree
from .spellings import meant_by
from .wording import nearest

__all__ = [
    "Mark",
    "Path",
    "Problem",
    "Source",
    "SpecError",
    "locate",
    "nearest",
    "nested",
    "path_text",
    "to_cell",
    "to_html",
    "to_text",
]

Path = tuple[str | int, ...]
path_text = layout.path_text


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the text, counted from 1 as the person counts: a cell's first line is 1."""

    line: int
    column: int
    length: int = 1  # of the run of carets, in characters
    note: str = ""  # what the place is: "first here", "the limit"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: what it is, where it stands, and one sentence that says what to do."""

    code: str  # kebab-case, stable
    message: str  # with the step where there is one
    hint: str = ""
    path: Path = ()  # where in the data: ("steps", 2, "retry", "attempts")
    at_key: bool = False  # underline the key, not the value
    fragment: str = ""  # underline this text inside the value
    fix: tuple[str, str] | None = None  # a text, and what to write in its place; kept where just that is underlined
    occurrence: int = 0  # which of several
    also: tuple[tuple[Path, str], ...] = ()  # other places, each with a note; `locate` makes `others` of them
    mark: Mark | None = None
    others: tuple[Mark, ...] = ()
    inner: Mark | None = None  # where it stands in the text that is the value at `path`
    excerpt: tuple[str, ...] = ()  # the lines as shown, filled in by `locate`

    @property
    def line(self) -> int | None:
        """The line, from 1; None where there is no text."""
        return self.mark.line if self.mark else None

    @property
    def column(self) -> int | None:
        """The column, from 1; None where there is no text."""
        return self.mark.column if self.mark else None

    def to_json(self) -> dict[str, Any]:
        """For other programs: plain JSON types only."""
        return {
            "code": self.code,
            "message": layout.visible(self.message),
            "hint": layout.visible(self.hint),
            "line": self.line,
            "column": self.column,
            "end_column": self.mark.column + self.mark.length if self.mark else None,
            "fix": self.fix[1] if self.fix and self.mark else None,
            "path": layout.visible(path_text(self.path)),
            "excerpt": list(self.excerpt),
        }


@dataclass(frozen=True, slots=True)
class Source:
    """Where a spec came from: all that messages need."""

    text: str | None  # the YAML as given; None for a mapping
    name: str = ""  # of a file: messages say `daily.yaml, line 3`
    above: tuple[str, ...] = ()  # the lines of the cell above the text, which count as lines

    def lines(self) -> list[str]:
        """Every line that a message may show."""
        text = (self.text or "").removeprefix("\ufeff")
        return [*self.above, *(re.split(r"\r\n|\n|\r", text) if self.text is not None else ())]


class SpecError(AuraError, ValueError):
    """The spec or an input is wrong, and nothing has run.

    Attributes:
        problems: every mistake that was found, in the order of their lines.
        source: the text that they stand in.
    """

    def __init__(self, problems: Iterable[Problem], source: Source) -> None:
        self.source = source
        self.problems = locate(problems, source)
        super().__init__(self.problems, source)

    @property
    def line(self) -> int | None:
        """The line of the first problem, from 1; None where there is no text."""
        return self.problems[0].line if self.problems else None

    @property
    def column(self) -> int | None:
        """The column of the first problem, from 1; None where there is no text."""
        return self.problems[0].column if self.problems else None

    def __str__(self) -> str:
        lines = [_one_line(problem, self.source) for problem in self.problems]
        if len(self.problems) > 1:
            lines.insert(0, f"{len(self.problems)} problems")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"SpecError({str(self)!r})"

    def to_json(self) -> list[dict[str, Any]]:
        """Every problem for other programs."""
        return [problem.to_json() for problem in self.problems]


def _one_line(problem: Problem, source: Source) -> str:
    where, says = layout.place(problem, source), layout.words(problem)
    says = says if says.endswith((".", "?", "!")) else f"{says}."
    return " ".join(part for part in (f"{where}:" if where else "", says, layout.visible(problem.hint)) if part)


def to_text(error: SpecError, *, colour: bool = False) -> str:
    """For a terminal: the lines as written, a caret, one hint; with `colour` in red, cyan, bold and faint."""
    return layout.painted(layout.report(error.problems, error.source), layout.PAINT if colour else {})


def to_cell(error: SpecError) -> str:
    """For the error output of a cell, on whose ground only bold and faint can be read."""
    return layout.painted(layout.report(error.problems, error.source), layout.PAINT_IN_A_CELL)


def to_html(error: SpecError) -> str:
    """A `<pre>` in which everything of the person's is escaped."""
    return f'<pre tabindex="0" class="spec-error">{layout.markup(layout.report(error.problems, error.source))}</pre>'


def nested(problems: Iterable[Problem], path: Path) -> list[Problem]:
    """Problems of a spec that is the text at `path` of another one, as problems of that one."""
    moved = []
    for problem in problems:
        inner = problem.inner or problem.mark
        clean = replace(problem, path=(*path, *problem.path), inner=inner, mark=None, others=(), also=(), excerpt=())
        moved.append(clean)
    return moved


def locate(problems: Iterable[Problem], source: Source) -> tuple[Problem, ...]:
    """Find the place in the text of each problem that has none yet, and put all in the order of their lines.

    Reads the text once more, this time with positions. Without a text the problems stay as they are.
    """
    found = list(problems)
    if source.text is None and not source.above:
        return tuple(found)
    places = _Places(source)
    lines = source.lines()
    placed = [places.place(problem) for problem in found]
    placed.sort(key=lambda p: (p.mark.line, p.mark.column) if p.mark else (10**9, 0))
    return tuple(replace(p, excerpt=tuple(layout.plain(layout.excerpt(p, lines)))) for p in placed)


class _Places:
    """Paths of one source to marks in its text."""

    def __init__(self, source: Source) -> None:
        self.shift = len(source.above)
        self.text = (source.text or "").removeprefix("\ufeff")
        self.has_text = source.text is not None

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.text)

    @cached_property
    def root(self) -> Node | None:
        with paused():
            return tree(self.text) if self.has_text else None

    def place(self, problem: Problem) -> Problem:
        mark = problem.mark or self._mark(problem)
        others = list(problem.others)
        for path, note in problem.also:
            other = self._other(path, note, key_only=problem.at_key)
            others += [other] if other is not None else []
        return replace(problem, mark=mark, others=tuple(others), also=(), fix=self._fix(problem, mark))

    def _fix(self, problem: Problem, mark: Mark | None) -> tuple[str, str] | None:
        """The fix, where what it replaces is what is underlined, and as it can be written there."""
        if problem.fix is None or mark is None:
            return None
        if mark.line <= self.shift:  # in the line of options
            return problem.fix
        if self.root is None:
            return None
        text, write = problem.fix
        line, start = mark.line - 1 - self.shift, mark.column - 1
        if not 0 <= line < len(self.lines) or self.lines[line][start : start + mark.length] != text:
            return None
        style = "" if problem.at_key else self._follow(self.root, problem.path)[1].style
        if style in {"'", '"'} and problem.code == "yes-is-text":  # in quotes, true is text as well
            return None
        return text, write.replace('"', "'") if style == '"' else write

    def _mark(self, problem: Problem) -> Mark | None:
        if self.root is None or _is_given(problem):
            return None
        key, node, around, done = self._follow(self.root, problem.path)
        if done < len(problem.path) or problem.inner is not None:
            deeper = self._inside(node, problem, done)
            if deeper is not None:
                return deeper
            return self._first_token(node)
        if problem.at_key and key is not None:
            return self._run(key.start, key.end)
        if problem.fragment and (run := find_fragment(self.text, node, problem.fragment, problem.occurrence)):
            return self._run(*run)
        if node.value == "" and node.start == node.end and (key or around):
            return self._run(key.start, key.end) if key else self._run(node.start, node.start + 1)
        return self._value(node)

    def _follow(self, root: Node, path: Path) -> tuple[Node | None, Node, Node | None, int]:
        """As `descend`, but a key that the text lacks may be the nearest one that it has: it was taken for that."""
        key, node, around, done = descend(root, path)
        while done < len(path) and isinstance(path[done], str) and not node.is_list and node.children:
            name, keys = str(path[done]), node.keys()
            near = next((key for key in keys if meant_by(key, name)), None) or nearest(name, keys)
            if near is None:
                break
            path = (*path[:done], near, *path[done + 1 :])
            key, node, around, done = descend(root, path)
        return key, node, around, done

    def _inside(self, node: Node, problem: Problem, done: int) -> Mark | None:
        """A place inside a text of several lines that is a spec of its own."""
        if node.value is None or node.style != "|":
            return None
        mark = problem.inner
        if mark is None:
            inner = _Places(Source(node.value))
            mark = inner._mark(replace(problem, path=problem.path[done:]))
        return self._outer(node, mark) if mark is not None else None

    def _outer(self, node: Node, mark: Mark) -> Mark | None:
        line = self.lines.at(node.start)[0] + mark.line
        inner = Lines(node.value or "")
        if line >= len(self.lines) or mark.line > len(inner):
            return None
        indent = len(self.lines[line]) - len(inner[mark.line - 1])
        if indent < 0 or not self.lines[line].endswith(inner[mark.line - 1]):
            return None
        return Mark(line + 1 + self.shift, mark.column + indent, mark.length, mark.note)

    def _other(self, path: Path, note: str, *, key_only: bool) -> Mark | None:
        """A key with its value, or only the key where that is meant or the value stands on other lines."""
        if self.root is None:
            return None
        key, node, _, done = descend(self.root, path)
        if done < len(path):
            return None
        if key is None:
            return replace(self._value(node), note=note)
        return replace(self._run(key.start, key.end if key_only else self._pair_end(key, node)), note=note)

    def _pair_end(self, key: Node, value: Node) -> int:
        """Where a key ends, with its value if that is on the same line."""
        same = self.lines.at(key.start)[0] == self.lines.at(value.end)[0] and value.style not in {"block", "|", ">"}
        return max(key.end, value.end) if same else key.end

    def _value(self, node: Node) -> Mark:
        if node.style in {"'", '"'} and node.end - node.start > 2:
            return self._run(node.start + 1, node.end - 1)
        return self._first_token(node) if node.style == "block" else self._run(node.start, node.end)

    def _first_token(self, node: Node) -> Mark:
        """Of a mapping its first key with its value, where that is on the same line; of a list its first item."""
        if node.style != "block" or not node.children:
            return self._run(node.start, node.end)
        key, value = node.children[0]
        if key is None:
            return self._first_token(value)
        return self._run(key.start, self._pair_end(key, value))

    def _run(self, start: int, end: int) -> Mark:
        return mark_of(self.lines, self.shift, start, end)


def _is_given(problem: Problem) -> bool:
    """Whether it is about the value that an input was given, which stands in no text."""
    path = problem.path
    if path == ("inputs",):
        return problem.code == "input-value"
    return len(path) == 2 and path[0] == "inputs" and isinstance(path[1], str) and not problem.at_key


def find_fragment(text: str, node: Node, fragment: str, occurrence: int) -> tuple[int, int] | None:
    """Where a text stands inside a value as written: folded lines and escaped quotes count as what they mean."""
    pattern = "".join(_written(part) for part in re.findall(r"\s+|.", fragment, re.DOTALL))
    for number, found in enumerate(re.finditer(pattern, text[node.start : node.end])):
        if number == occurrence:
            return node.start + found.start(), node.start + found.end()
    return None


def _written(part: str) -> str:
    if part.isspace():
        return r"\s+"
    return {'"': r'\\?"', "'": "''?", "\\": r"\\\\?"}.get(part, re.escape(part))


def mark_of(lines: Lines, above: int, start: int, end: int) -> Mark:
    """The mark of a run of characters, on the line it begins in; `above` is how many lines stand above the text."""
    line, column = lines.at(start)
    stop = max(start, min(end, lines.end(line)))
    return Mark(line + 1 + above, column + 1, max(len(lines.text[start:stop].rstrip()), 1))
