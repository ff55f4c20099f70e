"""How a `%%aura` cell reaches its magic: which lines stand above it, and that it is awaited where it can be."""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from .options import Line

AWAITED = "aura_awaited"

_CELL_LINE = re.compile(r"([ \t]*)%%aura(?=\s|$)")
_OPTIONS = re.compile(r"\s*(%%?aura)[ \t](.*)$")
_SPEC_LINE = re.compile(r"\s*((meta|inputs|steps|finally|returns)[ \t]*:|-[ \t]+\{?[ \t]*(name|action)[ \t]*:)")
_MADE_CALL = re.compile(r"get_ipython\(\)\.run_(cell|line)_magic\('aura', ")
_AWAITED_COMMANDS = frozenset({"wait", "run", "rerun", "logs"})


def lift(lines: list[str]) -> list[str]:
    """Let comments, blank lines and line magics stand above `%%aura`, let it be indented, and its body be empty.

    An input transformer of IPython's clean-up stage, whose own cell magics look at the first line only. Below Python
    code the cell becomes a call that refuses it, where IPython would complain of the spec's Python.
    """
    at = next((number for number, line in enumerate(lines) if _CELL_LINE.match(line)), None)
    if at is None:
        return _with_body_refused(lines)
    indent = lines[at][: lines[at].index("%")]
    options = lines[at].strip()[len("%%aura") :].strip()
    if not all(map(_may_stand_above, lines[:at])):
        misplaced = not indent and _is_code(lines[:at])
        return [f"get_ipython().run_line_magic('%aura', {options!r})\n"] if misplaced else lines
    body = "".join(line.removeprefix(indent) for line in lines[at + 1 :]) or "\n"
    return [*lines[:at], f"get_ipython().run_cell_magic('aura', {options!r}, {body!r})\n"]


def _with_body_refused(lines: list[str]) -> list[str]:
    """A cell whose `%aura` has a spec under it, where `%%aura` was meant, becomes a call that says so."""
    at = next((number for number, line in enumerate(lines) if not _may_stand_above(line)), None)
    if at is None or not _SPEC_LINE.match(lines[at]):
        return lines
    above = [number for number, line in enumerate(lines[:at]) if line.strip() and not line.strip().startswith("#")]
    if not above or not lines[above[-1]].startswith("%aura"):
        return lines
    options = lines[above[-1]][len("%aura") :].strip()
    return [*lines[: above[-1]], f"get_ipython().run_line_magic('%aura_body', {options!r})\n"]


lift.has_side_effects = True  # type: ignore[attr-defined] # skips it where a console asks whether the cell is complete


def body_of(cell: str) -> int | None:
    """Where the body of a `%%aura` cell begins, as a number of characters; None for other cells."""
    begin = 0
    for line in cell.split("\n"):
        begin += len(line) + 1
        if _CELL_LINE.match(line):
            return begin
        if line.strip() and not line.strip().startswith(("#", "%")):
            return None
    return None


def options_at(cell: str, at: int) -> tuple[str, str] | None:
    """The magic of ours whose line the cursor is on, and what stands between it and the cursor."""
    line = cell[cell.rfind("\n", 0, at) + 1 : at]
    found = _OPTIONS.match(line)
    return (found[1], found[2]) if found is not None else None


def _may_stand_above(line: str) -> bool:
    text = line.strip()
    return not text or text.startswith("#") or (text.startswith("%") and not text.startswith("%%"))


def _is_code(lines: list[str]) -> bool:
    """Whether these lines are whole statements, so that what follows is not inside a text of theirs."""
    if lines[0].startswith("%%"):
        return False
    try:
        ast.parse(TransformerManager().transform_cell("".join(lines)))
    except SyntaxError:
        return False
    return True


class Awaiting:
    """An input transformer that makes a cell await its task, so that the loop stays free.

    Args:
        possible: whether the cell that is transformed now may hold an `await`.
    """

    def __init__(self, possible: Callable[[], bool]) -> None:
        self._possible = possible

    def __call__(self, lines: list[str]) -> list[str]:
        """The last stage: calls of our magics at the cell's top level become `await` of their awaited form."""
        text = "".join(lines)
        if not _MADE_CALL.search(text) or not self._possible():
            return lines
        try:
            tree = ast.parse(text)
        except SyntaxError:
            return lines
        for call in reversed(list(_calls(tree))):
            text = _await(text, call)
        return text.splitlines(keepends=True)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls of our magics that are a statement or what is assigned, outside functions and classes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Call) and _is_ours(node.value):
            yield node.value
        elif not isinstance(node, ast.expr):
            yield from _calls(node)


def _is_ours(call: ast.Call) -> bool:
    source = ast.unparse(call.func)
    values = [each.value if isinstance(each, ast.Constant) else None for each in call.args]
    if source == "get_ipython().run_cell_magic":
        return values[:1] == ["aura"] and len(values) == 3
    if source == "get_ipython().run_line_magic":
        return values[:1] == ["aura"] and str(values[-1]).split()[:1] in [[each] for each in _AWAITED_COMMANDS]
    return False


def _await(text: str, call: ast.Call) -> str:
    lines = text.split("\n")
    name = call.args[0]
    end_of_name = name.end_col_offset or 0
    line = lines[call.lineno - 1].encode()
    begin, middle, end = line[: call.col_offset], line[call.col_offset : name.col_offset], line[end_of_name:]
    lines[call.lineno - 1] = (begin + b"await " + middle + repr(AWAITED).encode() + end).decode()
    return "\n".join(lines)


class RunningCells:
    """The cells that run in this thread, the outer first: kept by the shell's events.

    Attributes:
        everywhere: how many cells run in all threads together.
    """

    def __init__(self) -> None:
        self.everywhere = 0
        self._here = threading.local()
        self._lock = threading.Lock()

    @property
    def _cells(self) -> list[str]:
        if not hasattr(self._here, "cells"):
            self._here.cells = []
        cells: list[str] = self._here.cells
        return cells

    @property
    def depth(self) -> int:
        """How many cells run within each other."""
        return len(self._cells)

    def begin(self, info: Any) -> None:
        """A listener of `pre_run_cell`."""
        self._cells.append(info.raw_cell or "")
        self._count(1)

    def end(self, _result: Any) -> None:
        """A listener of `post_run_cell`; the cell that loaded the extension was never begun."""
        if self._cells:
            self._cells.pop()
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self.everywhere += more

    def line(self, magic: str, options: str) -> Line:
        """The line of a magic with what stands above it in the cell.

        Args:
            magic: as written, `%%aura` or `%aura`.
            options: what follows it.
        """
        rows = self._cells[-1].split("\n") if self._cells else []
        for number, row in enumerate(rows, 1):
            written = row.strip()
            if written.startswith(magic) and written[len(magic) :].strip() == options.strip():
                return Line(options.strip(), tuple(rows[:number]))
        return Line(options.strip(), (f"{magic} {options.strip()}".rstrip(),))
