"""`jupyter aura doctor`: versions and settings that matter."""

from __future__ import annotations

import argparse
import shutil
import sys
import warnings
from collections.abc import Iterator

from ..actions.registry import registry
from ..doctor import Finding, report, versions
from ..view.text import wants_colour
from ..view.words import counted
from .endings import FAILED, OK

_NEEDED = ("jinja2", "pydantic", "pyyaml", "tenacity", "httpx", "cloudpickle")
_OTHERS = {
    "ipykernel": "not installed: %%aura needs it",
    "jupyterlab": "not installed",
    "distributed": "not installed: executor: dask needs it",
    "papermill": "not installed: notebook.run needs it",
}


def main(_: argparse.Namespace) -> int:
    """Write the findings.

    Returns:
        The exit status: 1 where something needs a look.
    """
    findings = [*versions(_NEEDED, _OTHERS), *_surroundings()]
    print(report(findings))
    return FAILED if any(finding.good is False for finding in findings) else OK


def _surroundings() -> Iterator[Finding]:
    with warnings.catch_warnings(record=True) as failed:
        warnings.simplefilter("always")
        names = registry.names()
    yield Finding("actions", counted(len(names), "action"))
    yield from (Finding("actions", "missing", good=False, verdict=str(each.message)) for each in failed)
    found = shutil.which("jupyter-aura")
    verdict = "ok" if found else "`jupyter aura` needs it on PATH; `python -m aura_jupyter` does without"
    yield Finding("jupyter-aura", "found" if found else "–", good=True if found else None, verdict=verdict)
    encoding = (sys.stderr.encoding if sys.stderr is not None else None) or "none"
    unicode = encoding.lower().startswith("utf")
    yield Finding(
        "encoding", encoding, good=unicode or None, verdict="ok" if unicode else "glyphs are written as ASCII"
    )
    colour = sys.stderr is not None and wants_colour(sys.stderr)
    yield Finding(
        "colours",
        "on" if colour else "off",
        good=colour or None,
        verdict="ok" if colour else "no terminal, NO_COLOR or TERM=dumb",
    )
