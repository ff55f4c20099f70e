"""The line of options of `%%aura` and `%aura`: split, parsed, and every mistake shown under the word it stands in."""

from __future__ import annotations

import argparse
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from ..spec.durations import duration
from ..spec.problems import Mark, Problem, Source, SpecError, nearest

_NUMBER = re.compile(r"\d+(\.\d*)?")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Word(str):
    """A word of the line that knows where it stands: `start` and `end` count from 0, quotes included."""

    __slots__ = ("end", "start")
    start: int
    end: int

    def __new__(cls, text: str, start: int, end: int) -> Self:
        """A word of this text at this place."""
        word = super().__new__(cls, text)
        word.start, word.end = start, end
        return word


class LineError(Exception):
    """A mistake in the line of options: what is wrong, where, and what to write instead."""

    def __init__(self, message: str, word: Word, *, code: str = "option", hint: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message, self.word, self.code, self.hint, self.fix = message, word, code, hint, fix


@dataclass(frozen=True, slots=True)
class Line:
    """The line of a magic as it stands in its cell.

    Attributes:
        text: the options, without the name of the magic.
        above: the lines of the cell down to this one, this one included.
    """

    text: str
    above: tuple[str, ...]

    def mark(self, word: Word, note: str = "") -> Mark:
        """The place of a word in the cell."""
        column = len(self.above[-1].rstrip()) - len(self.text)
        return Mark(len(self.above), max(column + word.start + 1, 1), max(word.end - word.start, 1), note)

    def error(self, mistake: LineError, text: str = "") -> SpecError:
        """The error that shows this mistake under its line."""
        fix = (str(mistake.word), mistake.fix) if mistake.fix else None
        problem = Problem(mistake.code, mistake.message, mistake.hint, fix=fix, mark=self.mark(mistake.word))
        return SpecError([problem], Source(text, above=self.above))


def split(line: str) -> list[Word]:
    """The words of a line, parted by white space outside quotes and brackets.

    Quotes that enclose a whole word are taken away; all others belong to it.

    Raises:
        LineError: a quote or a bracket is not closed.
    """
    words: list[Word] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        end = _end_of_word(line, at)
        words.append(_word(line, at, end))
        at = end
    return words


def _end_of_word(line: str, start: int) -> int:
    opened: list[int] = []
    at = start
    while at < len(line):
        character = line[at]
        if character in "'\"":
            at = _end_of_quote(line, at)
            continue
        if character in _CLOSING:
            opened.append(at)
        elif opened and character == _CLOSING[line[opened[-1]]]:
            opened.pop()
        elif character.isspace() and not opened:
            return at
        at += 1
    if opened:
        place = Word(line[opened[-1]], opened[-1], opened[-1] + 1)
        raise LineError(f"'{place}' is not closed", place, hint=f"Add '{_CLOSING[place]}'.")
    return at


def _end_of_quote(line: str, start: int) -> int:
    at = start + 1
    while at < len(line):
        if line[at] == "\\":
            at += 1
        elif line[at] == line[start]:
            return at + 1
        at += 1
    place = Word(line[start], start, start + 1)
    raise LineError("a quote is not closed", place, hint=f"Add {line[start]} where the text ends.")


def _word(line: str, start: int, end: int) -> Word:
    quoted = line[start] in "'\"" and end - start > 1 and _end_of_quote(line, start) == end
    return Word(line[start + 1 : end - 1] if quoted else line[start:end], start, end)


@dataclass(frozen=True, slots=True)
class GivenInput:
    """One `-i NAME[=EXPR]`: the expression is None where the variable of that name is meant."""

    name: str
    expression: str | None
    word: Word


@dataclass(frozen=True, slots=True)
class CellOptions:
    """What the line of a `%%aura` cell says."""

    name: str | None = None
    inputs: tuple[GivenInput, ...] = ()
    output: str | None = None
    wait: bool = False
    quiet: bool = False
    dry_run: bool = False
    timeout: float | None = None
    words: dict[str, Word] = field(default_factory=dict)


def parse_words(parser: argparse.ArgumentParser, words: list[Word], usage: str) -> argparse.Namespace:
    """What a parser makes of these words.

    Args:
        parser: the parser of a magic.
        words: of `split`.
        usage: how to read the documentation, such as `%%aura?`.

    Raises:
        LineError: an unknown option, a missing value, a word too many.
    """
    parser.allow_abbrev = parser.exit_on_error = False
    for word in words:
        if word in ("-h", "--help"):
            raise LineError(f"the documentation is shown by {usage}", word, hint=f"Write {usage} in a cell of its own.")
    try:
        known, more = parser.parse_known_args(words)
    except argparse.ArgumentError as error:
        raise _argument_error(error, words) from None
    if more:
        raise _word_too_many(parser, more[0], words)
    return known


def _argument_error(error: argparse.ArgumentError, words: list[Word]) -> LineError:
    options = (error.argument_name or "").split("/")
    word = next((word for word in reversed(words) if word.partition("=")[0] in options), words[-1])
    if "expected one argument" in error.message:
        return LineError(f"{word} needs a value", word, code="missing-value", hint=_EXAMPLES.get(options[0], ""))
    if "ignored explicit argument" in error.message:
        return LineError(f"{options[-1]} takes no value", word, hint=f"Write {options[-1]} alone.")
    return LineError(error.message, word)


_EXAMPLES = {
    "-i": "Write -i NAME for a variable, or -i NAME=EXPRESSION.",
    "-o": "Write the name of the variable that gets the result, for example -o result.",
    "--timeout": "Write a duration, for example --timeout 30s.",
}


def _word_too_many(parser: argparse.ArgumentParser, text: str, words: list[Word]) -> LineError:
    word = text if isinstance(text, Word) else next((word for word in words if text in word), words[-1])
    if not word.startswith("-"):
        hint = (
            'Put an expression with spaces in quotes: -i "n=2 * k".' if _after_input(word, words) else "Leave it out."
        )
        return LineError(f"'{word}' stands where nothing is expected", word, hint=hint)
    options = sorted(parser._option_string_actions)
    near = nearest(word.partition("=")[0], options)
    hint = (
        f"Write {near}."
        if near
        else f"The options are: {', '.join(option for option in options if option[:2] == '--')}."
    )
    fix = near if near and "=" not in word else ""
    return LineError(f"there is no option '{word}'", word, code="unknown-option", hint=hint, fix=fix)


def _after_input(word: Word, words: list[Word]) -> bool:
    before = words[: words.index(word)]
    return any(each in ("-i", "--input") for each in before)


def cell_options(parser: argparse.ArgumentParser, words: list[Word]) -> CellOptions:
    """What the line of a `%%aura` cell says.

    Raises:
        LineError: of `parse_words`, or a NAME, VAR or duration that cannot be.
    """
    known = parse_words(parser, words, "%%aura?")
    name, output = known.name, known.output
    for word, what in ((name, "NAME"), (output, "-o")):
        if word is not None:
            check_name(word, what, _place(word, words))
    if name is not None and name == output:
        place = _place(output, list(reversed(words)))
        raise LineError(f"'{name}' cannot hold both the task and its result", place, hint="Give -o another name.")
    given = tuple(_inputs(known.input or (), words))
    marked = {
        key: _place(value, words)
        for key, value in (("name", name), ("output", output), ("timeout", known.timeout))
        if value
    }
    timeout = None if known.timeout is None else _duration(marked.get("timeout", _place(known.timeout, words)))
    return CellOptions(
        None if name is None else str(name),
        given,
        None if output is None else str(output),
        known.wait,
        known.quiet,
        known.dry_run,
        timeout,
        marked,
    )


def check_name(text: str, what: str, place: Word) -> None:
    """Refuse what no variable can be called.

    Raises:
        LineError: it is no identifier, or a keyword.
    """
    if keyword.iskeyword(text):
        raise LineError(
            f"{what}: '{text}' is a word of Python's own",
            place,
            code="bad-name",
            hint=f"Write another name, for example {text}_.",
        )
    if not text.isidentifier():
        plain = "".join(letter if letter.isalnum() else "_" for letter in text).strip("_")
        near = plain if plain.isidentifier() and not keyword.iskeyword(plain) else "a name of letters, digits and _"
        raise LineError(
            f"{what}: '{text}' cannot be the name of a variable", place, code="bad-name", hint=f"Write {near}."
        )


def _inputs(texts: Iterable[str], words: list[Word]) -> Iterator[GivenInput]:
    seen: set[str] = set()
    for text in texts:
        place = _place(text, words)
        name, equals, expression = (part.strip() for part in text.partition("="))
        check_name(name, "-i", place)
        if name in seen:
            raise LineError(f"-i {name} is given twice", place, code="duplicate-key", hint="Keep one of them.")
        if equals and not expression:
            raise LineError(
                f"-i {name}= has no value",
                place,
                code="missing-value",
                hint=f"Write -i {name} for the variable, or an expression.",
            )
        seen.add(name)
        yield GivenInput(name, expression if equals else None, place)


def _place(text: str, words: list[Word]) -> Word:
    """Where a parsed text stands: argparse hands on the words, but cuts those that hold an option and its value."""
    if isinstance(text, Word):
        return text
    return next((word for word in words if word.endswith(text)), words[-1])


def _duration(word: Word) -> float:
    text = word.rpartition("=")[2]
    try:
        seconds = duration(float(text) if _NUMBER.fullmatch(text) else text)
    except ValueError as error:
        raise LineError(f"--timeout: {error}", word, code="bad-duration", hint="Write for example 30s or 5m.") from None
    if seconds <= 0:
        raise LineError("--timeout must be more than 0", word, code="bad-duration", hint="Write for example 30s or 5m.")
    return seconds
