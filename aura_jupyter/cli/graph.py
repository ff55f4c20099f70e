"""`jupyter aura graph`: the steps of a spec and what each waits for."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..spec.layout import visible
from ..view import graph
from ..view.mermaid import mermaid
from ..view.order import order
from .endings import FAILED, OK, tell
from .specs import STDIN, import_modules, mistakes_shown, plan_of, source_from


def main(options: argparse.Namespace) -> int:
    """Write the graph.

    Args:
        options: of the command line.

    Returns:
        The exit status.
    """
    import_modules(options.imports)
    with mistakes_shown():
        plan = plan_of(source_from(options.file))
    if options.format == "text":
        title = "task" if options.file == STDIN else Path(options.file).stem
        print("\n".join(visible(line) for line in order(plan, title).split("\n")))
        return OK
    if options.format == "mermaid":
        print(mermaid(plan))
        return OK
    drawn = graph.graph(plan)
    if "nodes" not in drawn:
        tell(f"{drawn['said']} As text or for Mermaid it can be written.")
        return FAILED
    print(graph.svg(drawn))
    return OK
