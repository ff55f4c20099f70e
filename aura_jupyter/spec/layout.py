"""One layout for the problems of a spec. Terminal, cell, HTML and JSON only paint what is laid out here."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .problems import Mark, Problem, Source

MOST = 10  # problems that are shown
WIDEST = 110  # columns of a line that are shown
TAB = 4  # columns

Segment = tuple[str, str]  # what it is ("", "head", "strong", "faint", "caret", "hint"), and its text
Row = list[Segment]

PAINT = {"head": "1;31", "strong": "1", "faint": "2", "caret": "31", "hint": "36"}
PAINT_IN_A_CELL = {"head": "1", "strong": "1", "faint": "2", "caret": "1"}  # its ground makes red and cyan unreadable
TAGS = {
    "head": ('<b class="bad">', "</b>"),
    "strong": ("<b>", "</b>"),
    "faint": ("<s>", "</s>"),
    "caret": ('<span class="bad">', "</span>"),
    "hint": ('<span class="hint">', "</span>"),
}


def report(problems: Sequence[Problem], source: Source) -> list[Row]:
    """Everything that is shown: a heading where there are several, ten problems at the most."""
    lines = source.lines()
    rows: list[Row] = []
    if len(problems) > 1:
        rows += [[("strong", f"SpecError: {len(problems)} problems, nothing has run")], []]
    for number, problem in enumerate(problems[:MOST]):
        rows += [[]] if number else []
        rows += [_heading(problem, source), *excerpt(problem, lines)]
        rows += [[("hint", visible(problem.hint))]] if problem.hint else []
    if more := _left_out(problems):
        rows += [[], [("", more)]]
    return rows


def _left_out(problems: Sequence[Problem]) -> str:
    """The sentence about the problems that are too many to show."""
    more = len(problems) - MOST
    return "" if more <= 0 else "1 more problem is not shown." if more == 1 else f"{more} more problems are not shown."


def place(problem: Problem, source: Source) -> str:
    """`Line 3`, `daily.yaml, line 3`, or `steps[1].retry.attempts` where there is no text."""
    if problem.mark is not None:
        return f"{visible(source.name)}, line {problem.mark.line}" if source.name else f"line {problem.mark.line}"
    return visible(path_text(problem.path))


def words(problem: Problem) -> str:
    """The message; where the path stands in front of it, without the key that the path ends in."""
    message = visible(problem.message)
    if problem.mark is None and problem.path:
        _, found, rest = message.rpartition(f"'{problem.path[-1]}' must ")
        return f"must {rest}" if found else message
    return message


def path_text(path: Sequence[str | int]) -> str:
    """`steps[2].retry.attempts`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[^\W\d][\w-]*", part):
            text += f".{part}" if text else part
        else:
            text += '["' + part.replace('"', '\\"') + '"]'
    return text


def _heading(problem: Problem, source: Source) -> Row:
    where = place(problem, source)
    if not source.name or problem.mark is None:
        where = where.replace("line ", "Line ", 1) if problem.mark is not None else where
    row: Row = [("head", f"{where}: ")] if where else []
    return [*row, ("strong", words(problem)), ("", "  "), ("faint", f"[{problem.code}]")]


def excerpt(problem: Problem, lines: Sequence[str]) -> list[Row]:
    """Two lines that lead to the problem, its line, and the other places that it names, with carets."""
    if problem.mark is None or not lines:
        return []
    first = problem.mark.line
    marks = sorted((problem.mark, *problem.others), key=lambda m: (m.line, m.column))
    wanted = {*range(first - 2, first + 1), *(m.line for m in marks)}
    numbers = sorted(n for n in wanted if 1 <= n <= len(lines))
    width = max(4, len(str(numbers[-1]))) if numbers else 4
    rows: list[Row] = []
    for before, number in zip([None, *numbers], numbers, strict=False):
        if before is not None and number > before + 1:
            rows.append([("faint", " " * (width - 1) + "...")])
        rows += _numbered(number, lines[number - 1], [m for m in marks if m.line == number], width)
    return rows


def _numbered(number: int, line: str, marks: Sequence[Mark], width: int) -> Iterator[Row]:
    begin, cells = _window(line, marks[0] if marks else None)
    yield [("faint", f"{number:>{width}} | "), ("", "".join(text for text, _ in cells).rstrip())]
    for mark in marks:
        from_, to = mark.column - 1 - begin, mark.column - 1 - begin + mark.length
        left = sum(columns for _, columns in cells[: max(from_, 0)])
        run = sum(columns for _, columns in cells[max(from_, 0) : max(to, 0)])
        carets = "^" * max(run, 1) + (f" {visible(mark.note)}" if mark.note else "")
        row: Row = [("faint", " " * (width + 1) + "| ")]
        yield [*row, *([("", " " * left)] if left else []), ("caret", carets)]


def _window(line: str, mark: Mark | None) -> tuple[int, list[tuple[str, int]]]:
    """The part of a line that is shown, as characters with their widths, and the index it begins at."""
    begin = (
        max(0, mark.column - 1 - WIDEST // 3)
        if mark and mark.column - 1 + min(mark.length, WIDEST // 2) > WIDEST
        else 0
    )
    cells: list[tuple[str, int]] = [("…", 1)] if begin else []
    start = begin + 1 if begin else 0
    column = len(cells)
    for character in line[start : start + WIDEST * 2]:
        text, columns = _cell(character, column)
        if column + columns > WIDEST:
            return begin, [*cells, ("…", 1)]
        cells.append((text, columns))
        column += columns
    return begin, cells


def _cell(character: str, column: int) -> tuple[str, int]:
    if character == "\t":
        columns = TAB - column % TAB
        return "→" + " " * (columns - 1), columns
    if " " <= character <= "~":
        return character, 1
    text = visible(character)
    if unicodedata.combining(text) or unicodedata.category(text) in {"Mn", "Me"}:
        return text, 0
    return text, 2 if unicodedata.east_asian_width(text) in {"W", "F"} else 1


_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)


def visible(text: str) -> str:
    """Text in which nothing can move the cursor, change colours or turn the writing direction; XML can hold it."""
    return _UNSAFE.sub(lambda found: _picture(ord(found[0])), text)


def _picture(code: int) -> str:
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def plain(rows: Sequence[Row]) -> list[str]:
    """Rows without any paint."""
    return ["".join(text for _, text in row) for row in rows]


def painted(rows: Sequence[Row], paint: dict[str, str]) -> str:
    """Rows for a terminal, with escape codes."""
    return "\n".join("".join(f"\x1b[{paint[s]}m{t}\x1b[0m" if s in paint else t for s, t in row) for row in rows)


def markup(rows: Sequence[Row]) -> str:
    """Rows as HTML: the inside of a `<pre>`."""
    lines = []
    for row in rows:
        parts = ((TAGS.get(style, ("", "")), html.escape(text)) for style, text in row)
        lines.append("".join(f"{begin}{text}{end}" for (begin, end), text in parts))
    return "\n".join(lines)
