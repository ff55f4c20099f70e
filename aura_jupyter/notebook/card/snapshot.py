"""The picture as HTML that lasts: no script, no style sheet, no variables; it reads well with no CSS at all.

JupyterLab's sanitiser for notebooks it does not trust lets all of it pass: tables, details, progress and plain inline
styles. Text colours are inherited, status colours are such that they show on light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ...view.lines import text as log_text
from ...view.words import GLYPHS, counted

Json = dict[str, Any]

_LINE = "1px solid rgba(127,127,127,.4)"
_DIM = "opacity:.75"
_COLOURS = {
    "completed": "#37883f",
    "failed": "#d6363a",
    "handled": "#d6363a",
    "running": "#1f78d1",
    "asks": "#1f78d1",
    "retry": "#b8680f",
}
_STEP_IN_LOG = 20
_STRONG = frozenset({"failed", "asks"})
_ROW = '<tr style="background-color:transparent">'
_CODE = "white-space:pre-wrap;font-family:monospace;font-size:12px;line-height:18px"


def to_html(picture: Json) -> str:
    """The whole card.

    Args:
        picture: what `view.picture.stored` makes.
    """
    rows = [row for row in picture["rows"] if row["id"] not in {"inputs", "result", "error"}]
    by_id = {row["id"]: row for row in picture["rows"]}
    parts = [
        _head(picture),
        _inputs(by_id.get("inputs")),
        _table(rows),
        *(_errors(row) for row in picture["rows"]),
        _result(by_id.get("result")),
        _log(picture),
    ]
    style = (
        f"max-width:780px;border:{_LINE};border-radius:2px;padding:8px 12px;font-size:13px;line-height:20px;"
        "overflow-wrap:break-word"
    )
    inner = "\n".join(part for part in parts if part)
    # JupyterLab shows the first line in the place of an output that is collapsed
    return f'<div class="aura">\n<div class="aura-snapshot" style="{style}">\n{inner}\n</div></div><!--/aura-->'


def _text(text: str) -> str:
    """Escaped; a long name may break after an underscore."""
    return escape(text).replace("_", "_<wbr>")


def _dim(text: str) -> str:
    return f'<span style="{_DIM}">{text}</span>' if text else ""


def _glyph(kind: str) -> str:
    style = "display:inline-block;width:16px;text-indent:0;"
    style += f"color:{_COLOURS[kind]};font-weight:bold" if kind in _COLOURS else _DIM
    return f'<span style="{style}">{GLYPHS.get(kind, "")}</span>'


def _head(picture: Json) -> str:
    word, facts = picture["phrase"][0][1], "".join(text for _, text in picture["phrase"][1:])
    if not picture["final"]:
        word = f"{word.rstrip('…')} when this was made"
        facts = f"{facts}. Its end is not recorded here."
    title = f'<strong style="flex:1">{_text(picture["title"])}</strong>'
    line = f"{_glyph(picture['icon'])} {title} <span>{escape(picture['time'])}</span>"
    return f'<div style="display:flex;gap:4px">{line}</div>\n<div style="padding-left:20px">{_text(word + facts)}</div>'


def _inputs(row: Json | None) -> str:
    if row is None:
        return ""
    shown = []
    for name, (_, value), origin in row["blocks"][0]["pairs"] if "blocks" in row else ():
        shown.append(f"{_text(name)} {_dim(_text(', '.join(part for part in (value, origin) if part)))}")
    return f'<div style="padding:2px 0 4px 20px">{_dim("Inputs")} {"; ".join(shown)}</div>' if shown else ""


def _table(rows: Sequence[Json]) -> str:
    cell = f"padding:3px 8px 3px 0;text-align:left;font-weight:normal;border-bottom:{_LINE}"
    room = '<span style="display:inline-block;width:20px"></span>'
    first = f'<th scope="col" style="{cell};width:32%">{room}{_dim("Step")}</th>'
    second = f'<th scope="col" style="{cell}">{_dim("Status")}</th>'
    last_style = f"width:70px;padding:3px 0;text-align:right;font-weight:normal;border-bottom:{_LINE}"
    last = f'<th scope="col" style="{last_style}">{_dim("Time")}</th>'
    style = "width:100%;table-layout:fixed;border-collapse:collapse;margin:4px 0 0;font-size:13px"
    head = f"<thead>{_ROW}{first}{second}{last}</tr></thead>"
    body = "\n".join(_row(row) for row in rows)
    return f'<table style="{style}">\n{head}\n<tbody>\n{body}\n</tbody></table>'


def _row(row: Json) -> str:
    depth = row.get("depth", 0)
    if "sec" in row:
        style = f"padding:6px 0 1px {20 * depth}px;text-align:left;border-bottom:1px dashed rgba(127,127,127,.4);{_DIM}"
        return f'{_ROW}<td colspan="3" style="{style}">{_text(row["sec"])}</td></tr>'
    name_style = f"padding:3px 8px 3px {20 + 20 * depth}px;text-indent:-20px;text-align:left;vertical-align:top"
    name = f"{_glyph(row['icon'])} {_dim('↳ ') if depth else ''}{_text(row['name'])}"
    status_style = "padding:3px 8px 3px 0;text-align:left;vertical-align:top"
    time_style = "padding:3px 0;text-align:right;vertical-align:top;white-space:nowrap"
    cells = f'<td style="{name_style}">{name}</td><td style="{status_style}">{_status(row)}</td>'
    return f'{_ROW}{cells}<td style="{time_style}">{escape(row.get("time", ""))}</td></tr>'


def _status(row: Json) -> str:
    """The word, then what the card's row says without repeating it."""
    word = row["word"].removesuffix(", side by side")
    said = "".join(text for _, text in row["detail"]).removesuffix(", next in ")
    if said.startswith(word.partition(",")[0]):
        said = said[len(word) :].lstrip(", ")
    if row["icon"] in {"pending", "asks"} and "bar" not in row:
        said = said if row["icon"] == "pending" and row["detail"][:1] and row["detail"][0][0] != "c" else ""
    shown = f"<strong>{escape(word)}</strong>" if row["icon"] in _STRONG else escape(word)
    if "bar" in row:
        percent = row["bar"]["percent"]
        value = percent.removesuffix(" %")
        style = "width:90px;height:8px;vertical-align:middle"
        shown += f', {percent} <progress value="{value}" max="100" title="{percent}" style="{style}"></progress>'
        return f"{shown} {_dim(_text(said))}"
    note = "".join(text for _, text in row.get("note", ()))
    return f"{shown}{', ' if said else ''}{_dim(_text(said))}{f'<br>{_text(note)}' if note else ''}"


def _errors(row: Json) -> str:
    if row.get("icon") != "failed":
        return ""
    blocks = [block for block in row.get("blocks", ()) if "code" in block]
    return "\n".join(_code(block, row) for block in blocks)


def _code(block: Json, row: Json) -> str:
    colour = "#d6363a" if block["error"] else "rgba(127,127,127,.4)"
    title = f"Error in {row['name']}" if block["error"] and row["id"] != "error" else block["label"]
    lines = "\n".join("".join(_span(*span) for span in line) for line in block["code"])
    return _details(title, f'<pre style="{_pre(colour)}">{lines}</pre>', opened=True)


def _span(style: str, text: str) -> str:
    shown = escape(text.replace("│", "|"))
    if style == "mark":
        return f'<strong style="text-decoration:underline">{shown}</strong>'
    return f"<strong>{shown}</strong>" if style == "u" and text.strip("^") else shown


def _pre(colour: str) -> str:
    return f"margin:4px 0;padding:0 0 0 10px;border-left:2px solid {colour};background-color:transparent;{_CODE}"


def _details(title: str, inner: str, *, opened: bool) -> str:
    is_open = " open" if opened else ""
    summary = f'<summary style="cursor:pointer">{_text(title)}</summary>'
    return f'<details{is_open} style="margin-top:6px">{summary}\n{inner}\n</details>'


def _result(row: Json | None) -> str:
    if row is None:
        return ""
    said = "".join(text for _, text in row["detail"])
    block = next(iter(row.get("blocks", ())), None)
    if block is None:
        return f'<div style="margin-top:6px">Result {_dim(_text(said))}</div>'
    if "table" in block:
        return _details(f"Result, {said}", _frame(block["table"]), opened=True)
    if "png" in block:
        image = f'<img src="data:image/png;base64,{block["png"]}" alt="{escape(block["alt"])}" style="max-width:100%">'
        return _details(f"Result, {said}", image, opened=True)
    if block["text"] == said or len(block["text"]) <= len(said) + 2:
        return f'<div style="margin-top:6px">Result <span style="font-family:monospace">{_text(said)}</span></div>'
    return _details(
        f"Result, {said}", f'<pre style="{_pre("rgba(127,127,127,.4)")}">{escape(block["text"])}</pre>', opened=False
    )


def _frame(table: Json) -> str:
    def cells(tag: str, texts: Sequence[str], scope: str) -> str:
        shown = []
        for number, text in enumerate(texts):
            style = "padding:1px 0;text-align:left" if number == 0 else "padding:1px 0 1px 20px;text-align:right"
            name = tag if number else "th"
            extra = f' scope="{scope}"' if name == "th" else ""
            shown.append(f'<{name}{extra} style="{style};font-weight:normal">{escape(text)}</{name}>')
        return f"{_ROW}{''.join(shown)}</tr>"

    style = "border-collapse:collapse;margin:4px 0 4px 20px;font-family:monospace;font-size:12px"
    head = f'<thead style="border-bottom:{_LINE}">{cells("th", table["columns"], "col")}</thead>'
    body = "".join(cells("td", line, "row") for line in table["rows"])
    more = f'<div style="padding-left:20px;{_DIM}">{escape(table["more"])}</div>' if table["more"] else ""
    return f'<table style="{style}">{head}<tbody>{body}</tbody></table>{more}'


def _log(picture: Json) -> str:
    shown = picture.get("lines")
    if not shown:
        return ""
    width = max(min(len(line[1]), _STEP_IN_LOG) for line in shown)
    text = "\n".join(escape(log_text(line, width)) for line in shown)
    number = counted(picture["log"], "line")
    title = f"Log, {number}" if picture["log"] == len(shown) else f"Log, last {len(shown)} of {number}"
    return _details(title, f'<pre style="{_pre("rgba(127,127,127,.4)")}">{text}</pre>', opened=False)
