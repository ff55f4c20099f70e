from __future__ import annotations

import re
import subprocess
import sys

from aura_jupyter.notebook.mime import MIME
from aura_jupyter.notebook.nbval_plugin import CARD_HTML, pytest_collectstart


class NotebookCollector:
    def __init__(self) -> None:
        self.skip_compare = ("metadata",)
        self.sanitize_patterns: dict[str, str] = {}


def test_a_notebook_is_compared_without_what_differs_from_run_to_run() -> None:
    collector = NotebookCollector()
    pytest_collectstart(collector)
    assert collector.skip_compare == ("metadata", MIME)
    ((pattern, replacement),) = collector.sanitize_patterns.items()
    page = '<p>a</p><div class="aura">\n<div>1</div></div><!--/aura--><p>b</p><div class="aura">2</div><!--/aura-->'
    assert re.sub(pattern, replacement, page) == f"<p>a</p>{replacement}<p>b</p>{replacement}"
    assert pattern == CARD_HTML


def test_other_collectors_are_left_alone() -> None:
    pytest_collectstart(object())


def test_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys; import aura_jupyter.notebook.nbval_plugin; "
        "print(sorted({'IPython', 'ipywidgets', 'pydantic', 'yaml', 'jinja2', 'pytest'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
