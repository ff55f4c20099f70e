"""`jupyter aura submit`, `tasks`, `logs` and `cancel` against a running server."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.server.servers import ASKING, TOKEN, JupyterServer, ServerKernel, until
from tests.unit.command_line import CommandLine

ADDING = """
meta: {title: Add them}
inputs:
  - {name: numbers, type: "list[integer]"}
  - {name: word, type: string}
steps:
  - {name: say, action: core.log, params: {message: "{{ inputs.word }}"}}
returns: "{{ inputs.numbers | sum }}"
"""


@pytest.fixture
def aura(server: JupyterServer, tmp_path: Path) -> partial[object]:
    """The program in a folder with two specs, on the machine of the server."""
    line = CommandLine(tmp_path)
    line.file("adding.yaml", ADDING)
    line.file("asking.yaml", ASKING)
    return partial(line, JUPYTER_RUNTIME_DIR=str(server.runtime))


def test_a_spec_is_submitted_with_inputs_by_its_types_and_its_result_waited_for(
    aura: CommandLine, kernel: ServerKernel
) -> None:
    words = ("-i", "numbers=[1, 2, 39]", "-i", "word=42", "--kernel", kernel.kernel_id)
    done = aura("submit", "adding.yaml", *words, "--wait")
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
    assert "Completed, 1 step" in done.stderr
    task = kernel.server.client.tasks(kernel_id=kernel.kernel_id, limit=1)[0]
    assert [line.text for line in kernel.server.client.logs(task.task_id)] == ["42"]


def test_tasks_are_listed_their_log_written_and_cancelled(
    server: JupyterServer, aura: CommandLine, kernel: ServerKernel
) -> None:
    submitted = aura("submit", "asking.yaml", "--kernel", kernel.kernel_id)
    task_id = submitted.stdout.strip()
    kernel.wait_until_running(task_id)
    listed = aura("tasks", "--kernel", kernel.kernel_id, "--status", "RUNNING")
    assert listed.stdout.startswith(f"{task_id}  RUNNING    Wait for a person: "), listed.stderr
    assert [task["task_id"] for task in json.loads(aura("tasks", "--status", "RUNNING", "--json").stdout)] == [task_id]
    url = f"{server.url}?token={TOKEN}"
    cancelled = aura("cancel", task_id, "--server", url, JUPYTER_RUNTIME_DIR="nowhere")
    assert (cancelled.returncode, cancelled.stdout, cancelled.stderr) == (0, "", "")
    assert server.client.wait(task_id).status == "CANCELLED"
    assert aura("cancel", task_id).stderr == "The task had ended already.\n"
    done = aura("submit", "adding.yaml", "-i", "numbers=[]", "-i", "word=hello", "--kernel", kernel.kernel_id)
    followed = aura("logs", "-f", done.stdout.strip())
    assert [line.split("  ")[1] for line in followed.stdout.splitlines()] == ["say: hello"]


def test_a_kernel_s_words_cannot_steer_the_terminal(aura: CommandLine, kernel: ServerKernel) -> None:
    kernel.ok("import aura_jupyter as aura\n@aura.action(name='test.steer')\ndef steer():\n"
              "    print('out\\x1b]0;title\\x07')\n    raise ValueError('no\\x1b[2J')")  # fmt: skip
    aura.func.file("steer.yaml", 'steps: [{name: "s\\e[31m", action: test.steer}]')  # type: ignore[attr-defined]
    done = aura("submit", "steer.yaml", "--kernel", kernel.kernel_id, "--wait")
    assert (done.returncode, "ValueError: no␛[2J" in done.stderr) == (1, True), done.stderr
    task_id = kernel.server.client.tasks(kernel_id=kernel.kernel_id, limit=1)[0].task_id
    logged, listed = aura("logs", task_id), aura("tasks", "--kernel", kernel.kernel_id)
    assert "s␛[31m: out" in logged.stdout
    assert "\x1b" not in done.stderr + logged.stdout + listed.stdout


def test_a_first_interrupt_cancels_what_is_waited_for(
    server: JupyterServer, kernel: ServerKernel, tmp_path: Path
) -> None:
    line = CommandLine(tmp_path)
    line.file("asking.yaml", ASKING)
    words = ("submit", "asking.yaml", "--wait", "--kernel", kernel.kernel_id)
    with line.started(*words, JUPYTER_RUNTIME_DIR=str(server.runtime)) as running:
        running.until("Task ")
        running.interrupt(signal.SIGINT)
        status, out, _ = running.end()
    assert (status, out) == (130, "")
    task = server.client.tasks(kernel_id=kernel.kernel_id, limit=1)[0]
    until(lambda: kernel.status(task.task_id) == "CANCELLED")


def test_what_is_wrong_is_said_and_told_from_what_failed(aura: CommandLine, kernel: ServerKernel) -> None:
    wrong = aura("submit", "adding.yaml", "-i", "numbers=[x]", "-i", "word=a", "--kernel", kernel.kernel_id)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "numbers" in wrong.stderr
    gone = aura("logs", "0123456789abcdef")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "There is no task with this id" in gone.stderr
    nowhere = aura("tasks", JUPYTER_RUNTIME_DIR="nowhere")
    assert (nowhere.returncode, "No Jupyter server was found here" in nowhere.stderr) == (1, True)
