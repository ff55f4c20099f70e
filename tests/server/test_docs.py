"""The lines of the docs are run as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from aura_jupyter.server.operations import OPERATIONS
from aura_jupyter.server.problems import STATUS
from tests.server.servers import TOKEN, JupyterServer

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rest-api.md").read_text("utf-8")


def answers(text: str) -> list[dict[str, object]]:
    """The JSON objects in what the lines printed, one after another."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (start := text.find("{", at)) >= 0:
        value, at = decoder.raw_decode(text, start)
        found.append(value)
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines call curl")
def test_the_lines_of_the_page_on_the_api_run_as_they_stand(server: JupyterServer, tmp_path: Path) -> None:
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    assert script.count("curl ") == 6
    variables = {**os.environ, "AURA": f"{server.url}aura", "TOKEN": TOKEN}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    submitted, *_, task, log, kernels, problems = answers(done.stdout)
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
