"""Short previews of values, made without running code that may be slow: no `len` or `repr` of unknown classes."""

from __future__ import annotations

import base64
import datetime
import decimal
import enum
import io
import pathlib
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import words
from .json_value import digits, is_huge

Mask = Callable[[str], str]

_SIZED = (list, tuple, set, frozenset, dict, deque)
_PLAIN = (
    bool, int, float, complex, type(None), range, datetime.date, datetime.time, datetime.timedelta,
    decimal.Decimal, uuid.UUID, pathlib.PurePath, enum.Enum,
)  # fmt: skip
SHORT = 60
FRAME_ROWS, FRAME_COLUMNS = 10, 12
LONG = 4_000


def preview(value: Any) -> str:
    """One line for a value: `DataFrame 4 × 5`, `list of 4`, `'text'`; at most about 60 characters."""
    try:
        return _preview(value)
    except Exception:  # noqa: BLE001 - an object that cannot show its state, as a file that is closed
        return type(value).__name__


def _preview(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{type(value).__name__} of {len(value):,}"
    if isinstance(value, _SIZED):
        return f"{_class_name(value)} of {len(value):,}"
    if isinstance(value, int) and is_huge(value):
        return f"int of about {digits(value):,} digits"
    if isinstance(value, _PLAIN):
        return words.cut(repr(value), SHORT)
    return _of_a_library(value)


def _text(value: str) -> str:
    if len(value) <= SHORT:
        return repr(value)
    return repr(value[:SHORT])[:-1] + "…"


def _class_name(value: Any) -> str:
    for plain in (dict, list, tuple):
        if isinstance(value, plain) and not hasattr(value, "_fields"):
            return plain.__name__
    return type(value).__name__


def _of_a_library(value: Any) -> str:
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    if module == "numpy" and kind.__name__ == "ndarray":
        return words.cut(f"array {value.dtype} {value.shape}", SHORT)
    if module == "numpy" and hasattr(value, "item"):
        return words.cut(repr(value.item()), SHORT)
    if module == "matplotlib" and kind.__name__ == "Figure":
        return "figure"
    if isinstance(value, type) or callable(value):
        return words.cut(getattr(value, "__qualname__", kind.__name__), SHORT)
    shape = _shape(value)
    return words.cut(f"{kind.__name__} {shape}" if shape else kind.__name__, SHORT)


def _shape(value: Any) -> str:
    """`336,776 × 19` of a frame or series; nothing where the shape is not known without computing it."""
    if "shape" not in dir(type(value)):
        return ""
    shape = getattr(value, "shape", ())
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape):
        return ""
    return " × ".join(f"{size:,}" for size in shape)


def full(value: Any, mask: Mask) -> str:
    """The value as a person who opened it sees it: its `repr` where that is short, else the preview."""
    if isinstance(value, _SIZED):
        try:
            text = _small_repr(value)
        except Exception:  # noqa: BLE001 - one of its parts cannot show its state
            return mask(preview(value))
        return mask(text if len(text) <= SHORT else preview(value))
    return mask(preview(value))


def _small_repr(value: Any) -> str:
    """The `repr` of a container of plain things; a long text for anything else, so that it is not used."""
    if len(value) > SHORT // 2 or not all(isinstance(part, (*_PLAIN, str)) for part in _parts(value)):
        return " " * (SHORT + 1)
    return repr(value)


def _parts(value: Any) -> Iterable[Any]:
    return (*value.keys(), *value.values()) if isinstance(value, Mapping) else value


def is_frame(value: Any) -> bool:
    """Whether the value is a table with a head: a DataFrame of pandas or polars."""
    return type(value).__name__ == "DataFrame" and hasattr(value, "head") and bool(_shape(value))


def table(value: Any, mask: Mask) -> dict[str, Any]:
    """The head of a DataFrame as text: `columns` and `rows`, and `more` where it is larger than what is shown."""
    height, width = value.shape[:2]
    head = value.head(FRAME_ROWS)
    if hasattr(head, "iloc"):
        head = head.iloc[:, :FRAME_COLUMNS]
        index, name = list(head.index), " / ".join(str(part) for part in head.index.names if part is not None)
        rows = [[key, *line] for key, line in zip(index, head.itertuples(index=False, name=None), strict=True)]
        columns = [name or "index", *(_label(column) for column in head.columns)]
    else:
        columns = ["row", *head.columns[:FRAME_COLUMNS]]
        rows = [[number, *line[:FRAME_COLUMNS]] for number, line in enumerate(head.rows())]
    more = [words.counted(height - len(rows), "more row")] if height > len(rows) else []
    more += [words.counted(width - FRAME_COLUMNS, "more column")] if width > FRAME_COLUMNS else []
    return {
        "columns": [mask(words.cut(str(column), 30)) for column in columns],
        "rows": [[mask(_cell(cell)) for cell in line] for line in rows],
        "more": ", ".join(more),
    }


def _label(column: Any) -> str:
    return " / ".join(str(part) for part in column) if isinstance(column, tuple) else str(column)


def _cell(cell: Any) -> str:
    if isinstance(cell, str):
        return words.cut(cell, 40)
    if isinstance(cell, tuple):
        return words.cut(" / ".join(_cell(part) for part in cell), 40)
    if isinstance(cell, float):
        return f"{cell:.6g}"
    if isinstance(cell, _PLAIN):
        return words.cut(str(cell), 40)
    if type(cell).__module__.partition(".")[0] in {"numpy", "pandas"}:
        return words.cut(str(cell), 40)
    return preview(cell)


def picture(value: Any) -> bytes | None:
    """The value as a PNG, where it is a figure of matplotlib's or says itself how it looks."""
    kind = type(value)
    if kind.__module__.partition(".")[0] == "matplotlib" and kind.__name__ == "Figure":
        drawn = io.BytesIO()
        value.savefig(drawn, format="png", bbox_inches="tight")
        return drawn.getvalue()
    if isinstance(value, type) or not callable(getattr(kind, "_repr_png_", None)):
        return None
    png = value._repr_png_()
    png = png[0] if isinstance(png, tuple) else png
    return base64.b64decode(png) if isinstance(png, str) else png


def long_text(value: Any, mask: Mask) -> str:
    """The text of a value that somebody asked to see: bounded, without its middle where it is long."""
    try:
        text = value if isinstance(value, str) else bounded_repr(value)
    except Exception as error:  # noqa: BLE001 (an object of the person's: what it raises is what there is to show)
        text = f"its repr failed: {words.error_line(error)}"
    return words.middle_cut(mask(text), LONG)


_BRACKETS: dict[type, str] = {list: "[]", tuple: "()", set: "{}", dict: "{}"}
_DEPTH = 6


def bounded_repr(value: Any, room: int = 2 * LONG) -> str:
    """The `repr` of a value. Of a long list, tuple, set or dict only as much as fits is looked at."""
    pieces: list[str] = []
    _write(value, pieces, [room], _DEPTH)
    return "".join(pieces)


def _write(value: Any, pieces: list[str], room: list[int], depth: int) -> None:
    brackets = _BRACKETS.get(type(value))
    if brackets is None or not value or not depth:
        piece = preview(value) if brackets and value else repr(value)
        room[0] -= len(piece)
        pieces.append(piece)
        return
    pieces.append(brackets[0])
    for at, part in enumerate(value):
        pieces.append(", " if at else "")
        if room[0] <= 0:
            pieces.append(f"… {len(value) - at:,} more")
            break
        _write(part, pieces, room, depth - 1)
        if type(value) is dict:
            pieces.append(": ")
            _write(value[part], pieces, room, depth - 1)
    room[0] -= 2
    pieces.append("," if type(value) is tuple and len(value) == 1 else "")
    pieces.append(brackets[1])
