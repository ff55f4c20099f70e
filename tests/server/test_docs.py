"""The lines of the docs are run as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest

from aura_jupyter.server.operations import OPERATIONS
from aura_jupyter.server.problems import STATUS
from tests.server.servers import TOKEN, JupyterServer, ServerKernel

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "rest-api.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def answers(text: str) -> list[dict[str, Any]]:
    """The JSON objects in what the lines printed, one after another."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (start := text.find("{", at)) >= 0:
        value, at = decoder.raw_decode(text, start)
        found.append(value)
    return found


def run_lines(page: str, server: JupyterServer, folder: Path) -> list[dict[str, Any]]:
    """What the lines of a page with `curl` in them answer."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    script = "\n".join(block for block in blocks if "curl " in block)
    assert script.count("curl ") >= 3
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "AURA": f"{server.url}aura", "TOKEN": TOKEN},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return answers(done.stdout)


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="the lines call curl")


@needs_curl
def test_the_lines_of_the_readme_run_as_they_stand(server: JupyterServer, tmp_path: Path) -> None:
    submitted, *_, task = run_lines(README, server, tmp_path)
    assert (task["task_id"], task["status"]) == (submitted["task_id"], "COMPLETED")


@needs_curl
def test_the_lines_of_the_page_on_the_api_run_as_they_stand(server: JupyterServer, tmp_path: Path) -> None:
    submitted, *_, task, log, kernels, problems = run_lines(PAGE, server, tmp_path)
    assert task["task_id"] == submitted["task_id"]
    assert task["result"] == {"type": "str", "is_json": True, "value": "ADA", "preview": ""}
    assert "Hello Ada" in json.dumps(log)
    assert "kernels" in kernels
    assert "core.log" in json.dumps(problems)


def test_the_page_names_every_address_and_every_refusal() -> None:
    named = set(re.findall(r"`(?:GET|POST) ([^`]+)`", PAGE))
    assert {operation.path for operation in OPERATIONS} <= named
    rows = dict.fromkeys(re.findall(r"`([a-z-]+)`", PAGE.partition("## Refusals")[2].partition("## From Python")[0]))
    assert set(STATUS) <= set(rows)


def test_the_notebook_reaches_its_own_kernel_through_the_server_that_it_runs_in(own_kernel: ServerKernel) -> None:
    own_kernel.ok(f"import os, sys; os.chdir({str(ROOT / 'notebooks')!r}); sys.path.insert(0, '')")
    notebook = nbformat.read(ROOT / "notebooks" / "04-from-outside.ipynb", as_version=4)
    said = [own_kernel.ok(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    assert own_kernel.get("kernel_id") == repr(own_kernel.kernel_id)
    assert "result: 42" in "".join(reply.stdout for reply in said)
    assert "Sum for a script" in said[-1].displays[0]["text/plain"]
