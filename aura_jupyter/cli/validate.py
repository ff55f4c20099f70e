"""`jupyter aura validate`: what is wrong with specs, as text or for other programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..spec import layout
from ..spec.problems import Problem, SpecError
from ..view.text import wants_colour
from ..view.words import counted
from .endings import OK, WRONG, UsageError
from .specs import NAME_OF_STDIN, STDIN, checked_anew, import_modules, source_from

_IN_FOLDERS = ("*.aura.yaml", "*.aura.yml", "*.aura.json")


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file that was looked at."""

    file: str
    steps: int = 0
    error: SpecError | None = None

    @property
    def problems(self) -> Sequence[Problem]:
        return self.error.problems if self.error is not None else ()


def main(options: argparse.Namespace) -> int:
    """Check the files.

    Args:
        options: of the command line.

    Returns:
        The exit status.
    """
    import_modules(options.imports)
    checked = [_check(file) for file in dict.fromkeys(_files(options.files))]
    for line in _FORMATS[options.format](checked):
        print(line)
    return WRONG if any(each.error is not None for each in checked) else OK


def _files(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word == STDIN or not Path(word).is_dir():
            yield word
            continue
        found = sorted({str(path) for pattern in _IN_FOLDERS for path in Path(word).rglob(pattern)})
        if not found:
            raise UsageError(f"there is no spec in {word}", f"A folder is searched for {', '.join(_IN_FOLDERS)}")
        yield from found


def _check(file: str) -> _Checked:
    name = NAME_OF_STDIN if file == STDIN else file
    try:
        plan = checked_anew(source_from(file))
    except SpecError as error:
        return _Checked(name, error=error)
    return _Checked(name, steps=len(plan.rows))


def _text(checked: Sequence[_Checked]) -> Iterator[str]:
    colour = sys.stdout is not None and wants_colour(sys.stdout)
    for each in checked:
        if each.error is None:
            yield f"{each.file}: right, {counted(each.steps, 'step')}"
            continue
        yield f"{each.file}: wrong, {counted(len(each.problems), 'problem')}"
        for problem in each.problems:
            rows = layout.report([problem], each.error.source)
            yield f"\n{layout.painted(rows, layout.PAINT if colour else {})}"
        yield ""
    if len(checked) > 1:
        wrong = sum(each.error is not None for each in checked)
        yield f"{counted(len(checked), 'spec')}, {f'{wrong} wrong' if wrong else 'all right'}"


def _json(checked: Sequence[_Checked]) -> Iterator[str]:
    found = [
        {"file": each.file, "valid": each.error is None, "problems": [problem.to_json() for problem in each.problems]}
        for each in checked
    ]
    yield json.dumps(found, indent=2)


def _github(checked: Sequence[_Checked]) -> Iterator[str]:
    """Workflow commands of GitHub Actions, one for each problem."""
    for each in checked:
        for problem in each.problems:
            found = problem.to_json()
            place = {
                "file": each.file,
                "line": found["line"],
                "col": found["column"],
                "endColumn": found["end_column"],
                "title": found["code"],
            }
            properties = ",".join(f"{key}={_escaped(value)}" for key, value in place.items() if value is not None)
            yield f"::error {properties}::{_escaped(_said(found), more='')}"


def _escaped(value: object, more: str = ":,") -> str:
    text = str(value)
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _said(problem: dict[str, Any]) -> str:
    message = problem["message"]
    message = message if message.endswith((".", "?", "!")) else f"{message}."
    return f"{message} {problem['hint']}".strip()


def _sarif(checked: Sequence[_Checked]) -> Iterator[str]:
    """SARIF 2.1.0."""
    codes = sorted({problem.code for each in checked for problem in each.problems})
    driver = {
        "name": "aura_jupyter",
        "version": __version__,
        "rules": [{"id": code, "shortDescription": {"text": code.replace("-", " ")}} for code in codes],
    }
    results = [_result(each.file, problem, codes) for each in checked for problem in each.problems]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": _uri(each.file)}} for each in checked],
        "results": results,
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    yield json.dumps(log, indent=2)


def _result(file: str, problem: Problem, codes: list[str]) -> dict[str, Any]:
    found = problem.to_json()
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    if found["line"] is not None:
        region = {"startLine": found["line"], "startColumn": found["column"], "endColumn": found["end_column"]}
        place["region"] = region
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": "error",
        "message": {"text": _said(found)},
        "locations": [{"physicalLocation": place}],
    }


def _uri(file: str) -> str:
    return Path(file).as_uri() if Path(file).is_absolute() else quote(Path(file).as_posix())


_FORMATS: dict[str, Callable[[Sequence[_Checked]], Iterator[str]]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
}
