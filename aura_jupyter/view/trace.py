"""Where it failed: the person's own frames of a traceback, and the lines of the spec."""

from __future__ import annotations

import linecache
import re
import sysconfig
import traceback
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

from ..engine.tasklet import StepRun
from ..errors import TemplateError
from ..spec.problems import Mark, Problem, Source, locate
from . import words
from .values import Mask

Span = list[str]
"""A text with its style, `["", "text"]`: `s` quiet, `u` bold, `b` in the text's colour, `c` code, `mark` meant."""

_OWN = str(Path(__file__).parents[1])
_FOREIGN = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_CELL = re.compile(r"ipykernel_\d+[/\\]|<ipython-input-")
_FRAMES = 4
_BEFORE = 2
_MESSAGE = 2_000

CellName = Callable[[str], str | None]
_cell_name: list[CellName] = []


def set_cell_name(function: CellName | None) -> None:
    """Tell how the file name of a cell's code reads, such as `Cell In[7]`; the function gives None for other files."""
    _cell_name[:] = [] if function is None else [function]


def error_lines(error: BaseException, mask: Mask) -> list[list[Span]]:
    """The message, the frames of the person's own code with their lines, and how many frames were left out."""
    name, message = type(error).__name__, words.middle_cut(words.message(error), _MESSAGE)
    lines: list[list[Span]] = [[["u", mask(text)]] for text in f"{name}: {message}".rstrip(": ").splitlines()]
    own: list[tuple[FrameType, int]] = []
    others: Counter[str] = Counter()
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if _is_own(file):
            own.append((frame, number))
        elif not file.startswith(_OWN):
            others[_package(frame)] += 1
    for frame, number in own[-_FRAMES:]:
        lines += _frame_lines(frame, number, mask)
    if len(own) > _FRAMES:
        others["yours"] += len(own) - _FRAMES
    return [*lines, *_left_out(others)]


def _is_own(file: str) -> bool:
    if _CELL.search(file):
        return True
    foreign = file.startswith((*_FOREIGN, "<frozen ")) or "site-packages" in file or "dist-packages" in file
    return not foreign and not file.startswith(_OWN)


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] or "other code"


def _left_out(others: Counter[str]) -> list[list[Span]]:
    if not others:
        return []
    parts = [f"{words.counted(number, 'frame')} of {name}" for name, number in others.most_common(4)]
    return [[["s", f"{', '.join(parts)} not shown"]]]


def _frame_lines(frame: FrameType, number: int, mask: Mask) -> list[list[Span]]:
    code = frame.f_code
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    called = code.co_name if code.co_name.startswith("<") else f"{code.co_name}({', '.join(arguments)})"
    lines: list[list[Span]] = [[["s", f"{_place(code.co_filename)}, line {number}, in"], ["", f" {called}"]]]
    source = linecache.getlines(code.co_filename, frame.f_globals)
    for at in range(max(number - _BEFORE, code.co_firstlineno, 1), min(number, len(source)) + 1):
        text = mask(source[at - 1].rstrip("\n"))[:200]
        lines.append([["u", f"---> {at:<3}"], ["", text]] if at == number else [["s", f"{at:>7} "], ["", text]])
    return lines


def _place(file: str) -> str:
    for cell_name in _cell_name:
        name = cell_name(file)
        if name:
            return name
    return "Cell" if _CELL.search(file) else Path(file).name


def failed_mark(source: Source, step: StepRun) -> Mark | None:
    """Where the template stands that failed a step, else its action."""
    return step_mark(source, step.path, step.error.place if isinstance(step.error, TemplateError) else ())


@lru_cache(maxsize=50)
def step_mark(source: Source, path: tuple[str | int, ...], place: tuple[str, ...] = ()) -> Mark | None:
    """Where a step's action stands in the spec's text, which is read to find it; None where there is no text.

    Args:
        source: the spec.
        path: of the step.
        place: the keys that lead from it to another place in it.
    """
    if source.text is None or not path:
        return None
    for end in (*([(*path, *place)] if place else []), (*path, "action"), path):
        found = locate([Problem(code="", message="", path=end)], source)
        if found and found[0].mark is not None:
            return found[0].mark
    return None


def where(source: Source, mark: Mark) -> str:
    """`line 18 of the cell`, `line 3 of daily.yaml`, `line 18`."""
    if source.name:
        return f"line {mark.line} of {source.name}"
    return f"line {mark.line} of the cell" if source.above else f"line {mark.line}"


def spec_lines(source: Source, mark: Mark, mask: Mask) -> list[list[Span]]:
    """The marked line of the spec with a caret under it, and the lines around it."""
    text = source.lines()
    last = min(mark.line + 1, len(text))
    if last > mark.line and last == len(text) and not text[-1].strip():  # the end of the last line of the spec
        last = mark.line
    lines: list[list[Span]] = []
    for number in range(max(mark.line - 1, 1), last + 1):
        line = text[number - 1]
        if number == mark.line:
            lines.append(_marked(number, line, mark, mask))
            lines.append([["s", f"    │ {' ' * (mark.column - 1)}"], ["u", "^" * mark.length]])
        else:
            lines.append([["s", f"{number:>3} │ "], ["", mask(line)]])
    return lines


def _marked(number: int, line: str, mark: Mark, mask: Mask) -> list[Span]:
    start, end = mark.column - 1, mark.column - 1 + mark.length
    parts = [
        ["s", f"{number:>3} │ "],
        ["", mask(line[:start])],
        ["mark", mask(line[start:end])],
        ["", mask(line[end:])],
    ]
    return [part for part in parts if part[1]]


def plain(lines: list[list[Span]]) -> list[str]:
    """The lines without their styles."""
    return ["".join(text for _, text in line) for line in lines]


def block(label: str, lines: list[list[Span]], *, error: bool = False) -> dict[str, Any]:
    """A labelled piece of code for the card."""
    return {"label": label, "code": lines, "error": error}
