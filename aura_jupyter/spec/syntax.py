"""What is wrong with a text that is no YAML, in sentences that a beginner can follow."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from .positions import Lines, Loader, without_old_breaks
from .spellings import type_meant
from .wording import quote


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in the text, from `start` to `end`, in characters."""

    code: str
    message: str
    hint: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Scene:
    """An error of the YAML reader, and the text around it."""

    text: str
    lines: Lines
    problem: str
    context: str
    at: int  # where the reader gave up
    since: int  # where what it was reading began

    @property
    def line(self) -> int:
        return self.lines.at(self.at)[0]

    def whole_line(self, line: int) -> tuple[int, int]:
        content = self.lines[line]
        begin = self.lines.starts[line] + len(content) - len(content.lstrip())
        return begin, max(self.lines.end(line), begin + 1)

    def fault(self, message: str, hint: str, start: int, end: int | None = None, code: str = "bad-yaml") -> Fault:
        return Fault(code, message, hint, start, start + 1 if end is None else end)


CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_UNQUOTED = re.compile(
    r"""(?:^|(?<=[\s\[{,:(]))(?:"(?:[^"\\]|\\.)*"|'[^']*')"""  # quoted texts are passed over
    r"""|(?:^\s*|[:\-,\[{(]\s*)(?P<template>\{\{.*?\}\}|\{\{.*|\{%.*?%\}|\{%.*)"""
)
KEY = re.compile(r"^(?P<indent>\s*(?:- +)*)(?P<key>[\w.-]+)\s*:(?:\s|$)")
NO_SPACE = re.compile(r"^\s*(?:- *)*(?P<key>[A-Za-z_][\w-]*):(?P<value>[^\s/:].*)$")


def explain(error: Exception, text: str) -> Fault:
    """Turn an error of the YAML reader into a fault with a place, a sentence and what to do."""
    lines = Lines(text)
    if not isinstance(error, yaml.MarkedYAMLError):
        return _unreadable(text)
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, len(text)) if mark else 0
    since = error.context_mark.index if error.context_mark else at
    scene = _Scene(text, lines, str(error.problem or ""), str(error.context or ""), at, min(since, len(text)))
    for look in _LOOKS:
        fault = look(scene)
        if fault is not None:
            return fault
    character = text[at : at + 1].strip()
    words = f"{quote(character)} cannot stand here" if character else "this cannot be read as YAML"
    return scene.fault(words, "Look here and on the line above for a missing quote, bracket, colon or space.", at)


def _unreadable(text: str) -> Fault:
    found = CONTROL.search(text)
    start = found.start() if found else 0
    code = f"U+{ord(text[start]):04X}" if found else "unknown"
    return Fault(
        "bad-yaml", f"the character {code} cannot stand in YAML", "Delete it: it may not be visible.", start, start + 1
    )


def no_break_space(text: str, at: int) -> Fault | None:
    """A no-break space where indentation, or the blank behind '-', should be: it looks like a blank and is none."""
    found = re.compile(r"-?(\u00a0+)").match(text, at)
    return _no_break(*found.span(1)) if found else None


def _no_break(start: int, end: int) -> Fault:
    count = end - start
    write = "Write a space in its place." if count == 1 else f"Write {count} spaces in their place."
    few = "a no-break space stands" if count == 1 else f"{count} no-break spaces stand"
    return Fault("bad-yaml", f"{few} where YAML needs {'a space' if count == 1 else 'spaces'}", write, start, end)


_NO_BREAK = re.compile(r"^ *(?:- +)*(?:-|[\w.-]+:)?(\u00a0+)")


def _no_break_spaces(scene: _Scene) -> Fault | None:
    above = _line_above(scene, scene.line)
    for line in (scene.lines.at(scene.since)[0], scene.line, *(() if above is None else (above,))):
        found = _NO_BREAK.match(scene.lines[line])
        if found:
            start = scene.lines.starts[line]
            return _no_break(start + found.start(1), start + found.end(1))
    return None


def _tab(scene: _Scene) -> Fault | None:
    line = scene.line
    content = scene.lines[line]
    if re.match(r" *-[ -]*\t", content) and scene.text[scene.at : scene.at + 1] == "\t":
        message, hint = "a tab stands where YAML needs a space", "Write a space in its place."
        return scene.fault(message, hint, scene.at, code="tab")
    indent = content[: len(content) - len(content.lstrip(" \t"))]
    if "\t" not in indent or "while scanning a quoted scalar" in scene.context:
        return None
    start = scene.lines.starts[line] + indent.index("\t")
    run = re.match(r"[\t ]*", scene.text[start:])
    length = len(run[0].rstrip(" ")) if run else 1
    spaces = _spaces_wanted(scene, line) - indent.index("\t")
    return scene.fault(
        "a tab stands where YAML needs spaces", f"Write {spaces} spaces in its place.", start, start + length, "tab"
    )


def _spaces_wanted(scene: _Scene, line: int) -> int:
    """How far a line should be indented, seen from the line above it."""
    content = scene.lines[line]
    tabs = content[: len(content) - len(content.lstrip(" \t"))].expandtabs(4)
    above = _line_above(scene, line)
    if above is None:
        return len(tabs)
    text = scene.lines[above]
    first = len(text) - len(text.lstrip(" "))
    is_item = content.lstrip().startswith("- ")
    dash = re.match(r" *((?:- +)*)", text)
    wanted = first if is_item else first + (len(dash[1]) if dash else 0)
    wanted += 2 if text.rstrip().endswith((":", "|", ">")) else 0
    return wanted if wanted > content.index("\t") else len(tabs)


def _line_above(scene: _Scene, line: int) -> int | None:
    for number in range(line - 1, -1, -1):
        text = scene.lines[number].strip()
        if text and not text.startswith("#"):
            return number
    return None


def unquoted_template(lines: Lines, line: int, start: int = 0) -> Fault | None:
    """A template without quotes that begins a value in this line, at column `start` (from 0) or behind it."""
    content = lines[line]
    for match in _UNQUOTED.finditer(content):
        begin = match.start("template")
        if begin < 0 or begin < start:
            continue
        rest = _rest_of_value(content, begin, match["template"].rstrip())
        mark = "'" if '"' in rest else '"'
        inside = rest.replace("'", "''") if mark == "'" else rest
        at = lines.starts[line] + begin
        hint = f"Write {mark}{inside}{mark}."
        return Fault("unquoted-template", "a template needs quotes around it", hint, at, at + len(rest))
    return None


def _rest_of_value(content: str, start: int, template: str) -> str:
    """The whole value that begins with a template: to the line's end, in brackets only the template."""
    before = re.sub(r"\{\{.*?\}\}", "", content[:start])
    if any(before.count(a) > before.count(b) for a, b in ("{}", "[]")):
        return template
    if content[start + len(template) :].lstrip().startswith(":"):  # it is the key
        return template
    return re.split(r"\s#", content[start:])[0].rstrip()


def _template(scene: _Scene) -> Fault | None:
    for line in sorted({scene.line, scene.lines.at(scene.since)[0]}, reverse=True):
        fault = unquoted_template(scene.lines, line)
        if fault is not None:
            return fault
    return None


def _quotes(scene: _Scene) -> Fault | None:
    """An unclosed quote: reported where it opens, not where the reader gave up."""
    ends = ("found unexpected end", "found unexpected document")
    if "quoted scalar" in scene.context and scene.problem.startswith(ends):
        return _unclosed_quote(scene, scene.since)
    if scene.context.startswith("while scanning") and "could not find expected ':'" not in scene.problem:
        return None
    if not scene.problem.startswith(("did not find expected", "could not find expected", "expected ")):
        return None
    before = [t for t in _tokens(scene.text) if t.start_mark.index < scene.at and isinstance(t, yaml.ScalarToken)]
    if not before or before[-1].style not in {"'", '"'}:
        return None
    token = before[-1]
    start, end = token.start_mark.index, token.end_mark.index
    if scene.lines.at(start)[0] != scene.lines.at(end)[0]:
        return _unclosed_quote(scene, start)
    if scene.text[end : scene.at].strip() or (end < scene.at and "',' or" in scene.problem):
        return None
    mark = scene.text[start]
    inside = "Write two for one inside the text: 'it''s'." if mark == "'" else 'Write \\" for one inside the text.'
    return scene.fault("the text goes on after the quote that closes it", inside, start, max(end, scene.at))


def _unclosed_quote(scene: _Scene, start: int) -> Fault:
    mark = scene.text[start : start + 1] or '"'
    return scene.fault(
        "the quote that opens here is not closed",
        f"Write {mark} at the end of the text.",
        start,
        scene.lines.end(scene.lines.at(start)[0]),
    )


def _brackets(scene: _Scene) -> Fault | None:
    """A bracket that is not closed, or closed by another one: reported where it opens."""
    if scene.problem in _OWN_WORDS:
        return None
    opening, closing = _open_bracket(scene)
    if opening is None:
        return None
    bracket = scene.text[opening]
    right = {"{": "}", "[": "]"}[bracket]
    if closing is not None:
        message = f"'{bracket}' is closed by '{scene.text[closing]}'"
        return scene.fault(message, f"Write '{right}' in place of '{scene.text[closing]}'.", opening)
    return scene.fault(f"'{bracket}' is not closed", f"Write '{right}' where it ends.", opening)


def _open_bracket(scene: _Scene) -> tuple[int | None, int | None]:
    """The innermost bracket open at the error that nothing closes, and what stands where it should be closed."""
    open_: list[int] = []
    for token in _tokens(scene.text):
        index = token.start_mark.index
        if isinstance(token, (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)):
            open_.append(index)
        elif isinstance(token, (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)) and open_:
            if {"{": "}", "[": "]"}.get(scene.text[open_[-1]]) != scene.text[index]:
                return open_[-1], index
            open_.pop()
        if not open_ and index > scene.at:
            return None, None
    before = [index for index in open_ if index < scene.at]
    return (before[-1] if before else None), None


def _tokens(text: str) -> list[Any]:
    tokens = []
    try:
        loader = Loader(without_old_breaks(text)[0])
        while loader.check_token():
            tokens.append(loader.get_token())
    except (yaml.YAMLError, UnicodeError):
        pass  # the tokens before the error are what is asked for
    return tokens


def _comma(scene: _Scene) -> Fault | None:
    """Between two values in brackets."""
    if "',' or" not in scene.problem and not scene.problem.startswith("expected ',' or"):
        return None
    if (fault := _text_in_brackets(scene)) is not None:
        return fault
    return scene.fault("a ',' is missing in front of this", "Write a ',' between the two values.", scene.at)


_PLAIN_IN_BRACKETS = re.compile(r"""(?:^|[\[{,:]\s)\s*(?P<text>[^\s\[\]{},:'"](?:[^\[\]{},:]|:(?!\s))*)$""")
_BALANCED = re.compile(r"(?:\[[^\[\]{}]*){1,20}\]{1,20}|\{[^\[\]{}]*\}")


def _text_in_brackets(scene: _Scene) -> Fault | None:
    """Text without quotes that could stand on a line of its own, such as `list[string]`, but not in brackets."""
    start, end = scene.lines.starts[scene.line], scene.lines.end(scene.line)
    before, rest = scene.text[start : scene.at], scene.text[scene.at : end]
    found = _PLAIN_IN_BRACKETS.search(before)
    if not found:
        return None
    begin, text = start + found.start("text"), found["text"]
    if text[0] in "“”‘’„":
        hint = "Write \" or ' in its place, and where the text ends."
        return scene.fault(f"'{text[0]}' is no quote to YAML", hint, begin)
    if rest.startswith(":"):
        text += re.split(r"[\[\]{},]", rest)[0].rstrip()
        hint = f'Put the text in quotes: "{text}".'
        return scene.fault("a ': ' stands inside a text that has no quotes", hint, begin, begin + len(text))
    inside = _BALANCED.match(rest)
    if inside is None or ("," in inside[0] and text[-1] == " "):  # a list of its own, rather
        return None
    text += inside[0]
    meant = type_meant(text) if re.search(r"\btype\s*:\s*$", scene.text[start:begin]) else None
    message = f"text with a '{rest[0]}' in it needs quotes inside of brackets"
    return scene.fault(message, f'Write "{meant or text}".', begin, begin + len(text))


def _no_space(scene: _Scene) -> Fault | None:
    """`key:value` without the space that YAML needs."""
    for line in (scene.lines.at(scene.since)[0], scene.line):
        found = NO_SPACE.match(scene.lines[line])
        if found and "'" not in found["key"]:
            start = scene.lines.starts[line] + found.start("key")
            return missing_space(found["key"], found["value"], start)
    return None


def missing_space(key: str, value: str, start: int) -> Fault:
    """`key:value`, which YAML takes for one text."""
    return Fault(
        "missing-space",
        "a space is missing after the colon",
        f"Write {quote(f'{key}: {value.rstrip()}')}.",
        start,
        start + len(key) + 1,
    )


def _no_colon(scene: _Scene) -> Fault | None:
    if "could not find expected ':'" not in scene.problem:
        return None
    start, end = scene.whole_line(scene.lines.at(scene.since)[0])
    return scene.fault(
        "this line has no ': ' between a key and its value", "Write it as 'key: value'.", max(start, scene.since), end
    )


def _second_colon(scene: _Scene) -> Fault | None:
    if not scene.problem.startswith("mapping values are not allowed"):
        return None
    line = scene.line
    start, end = scene.whole_line(line)
    head = scene.text[start : scene.at]
    if ":" in head or "'" in head or '"' in head:
        return _colon_in_text(scene, line)
    above = _line_above(scene, line)
    if above is None:
        return scene.fault("a ':' stands where none can be", "Put the text in quotes.", scene.at)
    text = scene.lines[above]
    found = KEY.match(text)
    if not found:
        begin, stop = scene.whole_line(above)
        return scene.fault(
            f"a ':' is missing after {quote(text.strip().removeprefix('- '))}", "Write ':' at its end.", begin, stop
        )
    column = len(found["indent"]) + 1
    return scene.fault(
        "this line is indented more than the line it follows",
        f"Let it begin in column {column}, under {quote(found['key'])}.",
        start,
        end,
    )


def _colon_in_text(scene: _Scene, line: int) -> Fault:
    content = scene.lines[line]
    found = KEY.match(content)
    if not found:
        return scene.fault("a ': ' stands inside a text", "Put the text in quotes.", scene.at)
    value = re.split(r"\s#", content[found.end() :])[0].strip()
    mark = "'" if '"' in value else '"'
    start = scene.lines.starts[line] + content.index(value, found.end())
    hint = f"Put the text in quotes: {mark}{value if len(value) < 60 else value[:59] + '…'}{mark}."
    return scene.fault("a ': ' stands inside a text that has no quotes", hint, start, start + len(value))


def _list_on_the_line(scene: _Scene) -> Fault | None:
    if not scene.problem.startswith("block sequence entries are not allowed"):
        return None
    return scene.fault("a list cannot begin on the line of its key", "Begin it on the next line, with '- '.", scene.at)


def _indentation(scene: _Scene) -> Fault | None:
    expected = ("did not find expected key", "did not find expected '-' indicator", "expected <block end>")
    if not scene.problem.startswith(expected):
        return None
    line = scene.line
    start, end = scene.whole_line(line)
    if scene.text[start : start + 1] == ":":
        return scene.fault("a key is missing in front of this ':'", "Write the key.", start)
    if scene.at > start:
        return scene.fault("something is left over here", "Delete it, or put the whole value in quotes.", scene.at, end)
    column = _column_wanted(scene, line)
    return scene.fault(
        "this line is indented unlike the lines above it", f"Let it begin in column {column}.", start, end
    )


def _column_wanted(scene: _Scene, line: int) -> int:
    """The column nearest to a line's own at which a line above it lets it begin."""
    content = scene.lines[line]
    own = len(content) - len(content.lstrip(" "))
    is_item = content.lstrip().startswith("- ")
    columns: list[int] = []
    lowest = 10**6
    number = _line_above(scene, line)
    for _ in range(200):
        if number is None or lowest == 0:
            break
        text = scene.lines[number]
        first = len(text) - len(text.lstrip(" "))
        dash = re.match(r" *((?:- +)*)", text)
        if first < lowest:
            inner = first + (len(dash[1]) if dash else 0)
            columns += [first] if is_item == (inner > first) else [inner] if inner > first else []
            lowest = first
        number = _line_above(scene, number)
    return min(columns or [own], key=lambda column: abs(column - own)) + 1


def _first_character(scene: _Scene) -> Fault | None:
    if "cannot start any token" not in scene.problem and "expected alphabetic or numeric" not in scene.problem:
        return None
    start = scene.since if "alias" in scene.context or "anchor" in scene.context else scene.at
    return _quote_it(scene, start)


def _quote_it(scene: _Scene, start: int) -> Fault:
    line = scene.lines.at(start)[0]
    rest = re.split(
        r"\s#|[,\]}]" if scene.text[scene.lines.starts[line] : start].count("{") else r"\s#",
        scene.text[start : scene.lines.end(line)],
    )[0].rstrip()
    mark = "'" if '"' in rest or "\\" in rest else '"'
    hint = f"Write {mark}{rest if len(rest) < 60 else rest[:59] + '…'}{mark}." if rest else "Put it in quotes."
    return scene.fault(
        f"text cannot begin with '{scene.text[start : start + 1]}' without quotes",
        hint,
        start,
        start + max(len(rest), 1),
    )


def _block_text(scene: _Scene) -> Fault | None:
    return _quote_it(scene, scene.since) if "while scanning a block scalar" in scene.context else None


def _escape(scene: _Scene) -> Fault | None:
    if "escape" not in scene.problem and "hexdecimal" not in scene.problem:
        return None
    start = max(scene.text.rfind("\\", 0, scene.at + 1), scene.since)
    if "Unicode character escape code" in scene.problem:
        half = scene.text[start : start + (10 if scene.text[start + 1 : start + 2] == "U" else 6)]
        hint = "Write the character itself, or its whole number: \\U and eight digits."
        return scene.fault(f"{quote(half)} is no character", hint, start, start + len(half))
    hint = "Write the text in single quotes, or every backslash twice."
    return scene.fault(
        f"{quote(scene.text[start : start + 2])} is nothing that YAML knows in double quotes", hint, start, start + 2
    )


def _directive(scene: _Scene) -> Fault | None:
    content = scene.lines[scene.line]
    if not content.startswith("%"):
        return None
    start, end = scene.whole_line(scene.line)
    if content.startswith("%%"):
        return scene.fault(
            f"{quote(content.split()[0])} belongs in the first line of a notebook cell", "Delete this line.", start, end
        )
    return scene.fault("a line cannot begin with '%'", "Delete this line.", start, end)


def _tag(scene: _Scene) -> Fault | None:
    if "tag" not in scene.problem and "tag" not in scene.context:
        return None
    return tag(scene.text, scene.since)


def tag(text: str, start: int) -> Fault:
    """A YAML tag such as `!!python/object` or `!secret`."""
    found = re.match(r"!\S*", text[start:])
    word = found[0] if found else "!"
    return Fault(
        "tag",
        f"{quote(word)} is a YAML tag, and a spec takes none",
        "Delete it, or put the value in quotes if it is text.",
        start,
        start + len(word),
    )


def _after_the_end(scene: _Scene) -> Fault | None:
    if "<document start>" not in scene.problem:
        return None
    mark = " or the '...' in front of it" if scene.text[: scene.at].rstrip().endswith("...") else ""
    start, end = scene.whole_line(scene.line)
    message = "the spec has ended above, and something stands behind its end"
    return scene.fault(message, f"Delete it{',' if mark else ''}{mark}.", max(start, scene.at), end)


LONGEST_KEY = 1024  # characters, by the rules of YAML


def _long_key(scene: _Scene) -> Fault | None:
    start = scene.lines.starts[scene.line]
    before = scene.text[start : scene.at]
    if scene.text[scene.at : scene.at + 1] != ":" or len(before) <= LONGEST_KEY:
        return None
    key = re.search(r"[^\s\[{,]*$", before)
    if not key or len(key[0]) <= LONGEST_KEY:
        return None
    message = f"a key has {LONGEST_KEY:,} characters at the most, and this one {len(key[0]):,}"
    return scene.fault(message, "Write a shorter one.", start + key.start(), scene.at)


def _deep(scene: _Scene) -> Fault | None:
    return too_deep(scene.at) if "nesting depth" in scene.problem else None


def too_deep(start: int) -> Fault:
    """More levels than a spec may have."""
    return Fault("too-deep", "the spec has more than 100 levels", "Write it with fewer levels.", start, start + 1)


_OWN_WORDS = {
    "found character that cannot start any token",
    "did not find expected alphabetic or numeric character",
    "found unknown escape character",
    "did not find expected hexdecimal number",
    "found invalid Unicode character escape code",
    "found undefined tag handle",
    "exceeded maximum nesting depth",
}
_LOOKS: tuple[Callable[[_Scene], Fault | None], ...] = (
    _deep,
    _after_the_end,
    _no_break_spaces,
    _tab,
    _directive,
    _quotes,
    _template,
    _brackets,
    _long_key,
    _comma,
    _no_space,
    _no_colon,
    _second_colon,
    _list_on_the_line,
    _first_character,
    _block_text,
    _escape,
    _tag,
    _indentation,
)
