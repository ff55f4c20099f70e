"""What a doctor looks at anywhere: what is installed, with a verdict on each. The text of all findings."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import NamedTuple


class Finding(NamedTuple):
    """What was looked at, what it is, and what to say of it; `good` is None where it is neither good nor bad."""

    what: str
    value: str
    good: bool | None = True
    verdict: str = "ok"


def report(findings: Sequence[Finding]) -> str:
    """The findings as text, one a line, and what to make of them."""
    wide, wider = max(len(each.what) for each in findings), max(len(each.value) for each in findings)
    marks = {True: "✓", False: "✗", None: "–"}
    lines = [f"{marks[each.good]} {each.what:<{wide}}  {each.value:<{wider}}  {each.verdict}" for each in findings]
    bad = sum(each.good is False for each in findings)
    lines.append("\nNothing stands in the way." if not bad else f"\n{bad} of these need a look.")
    return "\n".join(lines)


def versions(needed: Iterable[str], others: Mapping[str, str]) -> Iterator[Finding]:
    """What is installed of this package, Python, and others.

    Args:
        needed: the packages that must be there.
        others: optional packages, each with what it means that it is not there.
    """
    yield Finding("aura_jupyter", sys.modules["aura_jupyter"].__version__)
    yield Finding("Python", platform.python_version())
    least = _least()
    for name in needed:
        version, wanted = _version(name), least.get(name, "")
        if version is None:
            yield Finding(name, "missing", good=False, verdict=f"pip install {name}")
        elif wanted and _numbers(version) < _numbers(wanted):
            yield Finding(name, version, good=False, verdict=f"needs {wanted}: pip install --upgrade {name}")
        else:
            yield Finding(name, version)
    for name, without in others.items():
        version = _version(name)
        yield Finding(name, version) if version is not None else Finding(name, "–", good=None, verdict=without)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _least() -> dict[str, str]:
    """The least versions that this package asks for, where it is installed and not merely on the path."""
    try:
        needed = metadata.requires("aura_jupyter") or []
    except metadata.PackageNotFoundError:
        return {}
    found = (re.match(r"([\w.-]+)[^;]*?>=\s*([\d.]+)[^;]*$", each) for each in needed)
    return {each[1].lower(): each[2] for each in found if each is not None}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
