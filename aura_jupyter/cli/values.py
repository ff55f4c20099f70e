"""The inputs that a command line gives: `-i NAME=VALUE` and its kin, read by the types of the spec."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..spec.problems import Problem, Source, SpecError
from ..spec.reader import read_text, read_value, source_of
from ..spec.scalars import resolve
from .endings import UsageError
from .specs import NAME_OF_STDIN, STDIN, content_of

if TYPE_CHECKING:
    from ..spec.model import InputSpec

_VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_WRITTEN = ("[", "{", '"', "'")  # how a value begins that is more than a word
_TEXTS = ("string", "secret")


@dataclass
class Given:
    """What was given.

    Attributes:
        values: by the inputs' names.
        in_plain: the names of secrets whose text stands on the command line.
    """

    values: dict[str, Any] = field(default_factory=dict)
    in_plain: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Word:
    """One `-i`: the name of the input, and what follows the `=`."""

    name: str
    text: str


def given_inputs(
    words: Iterable[str], file: str | None, specs: list[InputSpec] | None, source: Source, *, spec_is_stdin: bool
) -> Given:
    """Read the inputs. Whether they are what the spec wants is not looked at, the engine does.

    Args:
        words: each `-i`: `NAME=VALUE`, `NAME=@FILE`, `NAME=env:VARIABLE`, or `@FILE` for a file of inputs.
        file: of `--inputs`; what `-i` gives comes first.
        specs: the inputs that the spec declares; None where it has no `inputs` block.
        source: the spec.
        spec_is_stdin: standard input holds the spec, and nothing else.

    Raises:
        UsageError: a word that is none of these, a file or a variable that is not there.
        SpecError: a value that cannot be read.
    """
    files = [word[1:] for word in words if word.startswith("@")]
    single = [_word(word) for word in words if not word.startswith("@")]
    files = [file, *files] if file is not None else files
    _check(files, single, spec_is_stdin=spec_is_stdin)
    found = Given()
    types = {spec.name: spec.type for spec in specs or ()}
    has_secrets = any("secret" in kind for kind in types.values())
    for each in files:
        found.values |= _mapping(each, has_secrets=has_secrets)
    problems: list[Problem] = []
    for word in single:
        kind = types.get(word.name, "any")
        try:
            found.values[word.name] = _value(word, kind)
        except SpecError as error:
            problems.append(_unreadable(word, kind, error))
        if "secret" in kind and not _VARIABLE.fullmatch(word.text) and _file_of(word.text) is None:
            found.in_plain.append(word.name)
    if problems:
        raise SpecError(problems, source)
    return found


def _word(word: str) -> _Word:
    name, equals, text = word.partition("=")
    name = name.strip()
    if not equals or not name:
        hint = f"Write -i {name or 'NAME'}=VALUE, or -i @FILE for a file of inputs"
        raise UsageError(f"-i {word} gives no value", hint)
    return _Word(name, text)


def _check(files: list[str], words: list[_Word], *, spec_is_stdin: bool) -> None:
    names = [word.name for word in words]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"-i {name} is given twice", "Keep one of them; several values are a list: [a, b]")
    readers = [*files, *filter(None, (_file_of(word.text) for word in words))].count(STDIN) + spec_is_stdin
    if readers > 1:
        raise UsageError("standard input can be read once only", "Give a file for the others")


def _file_of(text: str) -> str | None:
    return text[1:] if text.startswith("@") and not text.startswith("@@") else None


def _mapping(file: str, *, has_secrets: bool) -> Mapping[str, Any]:
    """The inputs of a file."""
    name = NAME_OF_STDIN if file == STDIN else file
    source = source_of(content_of(file), name)
    try:
        found = read_text(source)
    except SpecError as error:
        if not has_secrets:
            raise
        where = f"line {error.line}" if error.line is not None else "it"
        hint = "What stands there is not shown, since it may be a secret"
        raise UsageError(f"{name} cannot be read as YAML: there is a mistake in {where}", hint) from None
    for name in found:
        if not isinstance(name, str):
            problem = Problem("wrong-type", f"the name of an input must be text, and this is {name!r}", "", (name,))
            raise SpecError([problem], source)
    return found


def _value(word: _Word, kind: str) -> Any:
    """The value of an input of this type.

    Raises:
        UsageError: the file or the variable is not there.
        SpecError: it cannot be read.
    """
    text = word.text
    file = _file_of(text)
    if file is not None:
        read = source_of(content_of(file), file).text or ""
        text = read.removeprefix("\ufeff")
        if "secret" in kind:
            text = text.removesuffix("\n").removesuffix("\r")  # an editor's, and none of the secret's
    elif variable := _VARIABLE.fullmatch(text):
        text = _variable(variable[1], word.name)
    elif text.startswith("@@"):
        text = text[1:]
    if kind in _TEXTS:
        return text
    if kind == "any":
        return _of_any(text, from_file=file is not None)
    return read_value(Source(text)) if text.strip() else text


def _of_any(text: str, *, from_file: bool) -> Any:
    if from_file or not text:
        return text
    return read_value(Source(text)) if text.startswith(_WRITTEN) else resolve(text)


def _variable(name: str, of: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise UsageError(f"-i {of}=env:{name}: there is no environment variable {name}", f"Set it: export {name}=…")
    return value


def _unreadable(word: _Word, kind: str, error: SpecError) -> Problem:
    """What is wrong with a value, without the value where it is secret."""
    first = error.problems[0]
    if "secret" in kind:
        return Problem("input-value", f"input '{word.name}' cannot be read as {kind}", "", ("inputs", word.name))
    hint = first.hint
    if kind == "any":
        hint = f"Where it is text, put it in quotes: -i '{word.name}=\"…\"', or declare the input with type: string."
    where = f"line {first.line}: " if first.line is not None and "\n" in word.text else ""
    return Problem("input-value", f"input '{word.name}': {where}{first.message}", hint, ("inputs", word.name))
