"""Completion and inspection, as a front end asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kernel.kernels import LIMIT, Kernel

FUNCTIONS = '''
import math

def clean(frame, origin="JFK"):
    """Take the flights of one airport."""
    return frame

class Model:
    def fit(self, n):
        return n

model = Model()
flights = [1, 2]
'''


def complete(kernel: Kernel, code: str) -> dict[str, Any]:
    """What the kernel answers; `¦` is the cursor."""
    at = code.index("¦")
    asked = kernel.client.complete(code.replace("¦", ""), at)
    while True:
        reply = kernel.client.get_shell_msg(timeout=LIMIT)
        if reply["parent_header"].get("msg_id") == asked:
            content: dict[str, Any] = reply["content"]
            return content


def words(kernel: Kernel, code: str) -> list[str]:
    return [each.strip().rstrip(":") for each in complete(kernel, code)["matches"]]


def inspect(kernel: Kernel, code: str) -> str:
    at = code.index("¦")
    asked = kernel.client.inspect(code.replace("¦", ""), at)
    while True:
        reply = kernel.client.get_shell_msg(timeout=LIMIT)
        if reply["parent_header"].get("msg_id") == asked:
            return str(reply["content"]["data"].get("text/plain", ""))


@pytest.mark.parametrize(
    "above", ["", "# daily\n", "%matplotlib inline\n\n", "%%time\n"], ids=["alone", "comment", "magic", "time"]
)
def test_keys_are_offered_whatever_stands_above_the_cell(kernel: Kernel, above: str) -> None:
    assert words(kernel, f"{above}%%aura\nsteps:\n  - name: a\n    action: x\n    dep¦") == ["depends_on"]


def test_the_word_that_is_being_written_is_replaced(kernel: Kernel) -> None:
    code = "%%aura\n# ä€\nsteps: [{action: core.lo¦, params: {message: hi}}]"
    reply = complete(kernel, code)
    assert reply["matches"] == ["core.log"]
    assert code[reply["cursor_start"] : reply["cursor_end"]] == "core.lo"


def test_actions_come_with_their_signatures(kernel: Kernel) -> None:
    kernel.ok(FUNCTIONS)
    reply = complete(kernel, "%%aura\nsteps:\n  - action: c¦")
    found = {each["text"]: each["signature"] for each in reply["metadata"]["_jupyter_types_experimental"]}
    assert found["clean"] == "(frame, origin='JFK')"
    assert found["core.log"] == "(message, level='info')"


def test_actions_are_callables_of_the_notebook_dots_allowed(kernel: Kernel) -> None:
    kernel.ok(FUNCTIONS)
    assert words(kernel, "%%aura\nsteps:\n  - action: mat¦") == ["math."]
    assert words(kernel, "%%aura\nsteps:\n  - action: math.sq¦") == ["math.sqrt"]
    assert words(kernel, "%%aura\nsteps:\n  - action: model.¦") == ["model.fit"]


def test_parameters_of_a_function_of_the_notebook(kernel: Kernel) -> None:
    kernel.ok(FUNCTIONS)
    assert words(kernel, "%%aura\nsteps:\n  - action: clean\n    params: {frame: 1, ¦}") == ["origin"]


def test_names_inside_a_template(kernel: Kernel) -> None:
    spec = "%%aura\ninputs: [flights]\nsteps:\n  - {{name: pick, action: core.log}}\n  - when: {}"
    assert words(kernel, spec.format('"{{ steps.¦ }}"')) == ["pick"]
    assert words(kernel, spec.format('"{{ steps.pick.st¦ }}"')) == ["status"]
    assert words(kernel, spec.format('"all {{ inputs.¦ }} of them"')) == ["flights"]


def test_variables_after_i_those_first_that_the_spec_declares(kernel: Kernel) -> None:
    kernel.ok(FUNCTIONS + "\nairlines = 3")
    assert words(kernel, "%%aura -i ¦\ninputs: [flights]\nsteps: []")[0] == "flights"
    assert words(kernel, "%%aura -i a¦\nsteps: []") == ["airlines"]
    assert words(kernel, "%%aura -i flights -i ¦") == ["model", "airlines"]


def test_options_that_are_not_given_yet(kernel: Kernel) -> None:
    assert words(kernel, "%%aura task --¦\nsteps: []") == [
        "--input",
        "--output",
        "--wait",
        "--quiet",
        "--dry-run",
        "--timeout",
    ]
    assert words(kernel, "%%aura task --wait --w¦\nsteps: []") == []
    assert words(kernel, "%%aura --timeout 5¦\nsteps: []") == ["5s", "5h", "5m", "5ms"]


def test_subcommands_and_the_names_of_tasks(kernel: Kernel) -> None:
    kernel.ok("%%aura daily -w\nsteps: [{action: core.log, params: {message: hi}}]")
    assert words(kernel, "x = 1\n%aura ca¦") == ["cancel"]
    assert words(kernel, "%aura logs da¦") == ["daily"]
    assert words(kernel, "%aura actions core.l¦") == ["core.log"]


@pytest.mark.parametrize(
    "cell",
    [
        "%%aura\nsteps:\n  - name: fl¦",
        "%%aura\nsteps:\n  - {action: core.log, params: {message: 'fl¦'}}",
        "%%aura\nsteps:\n  - action: python.run\n    params:\n      code: |\n        fl¦",
    ],
)
def test_where_nothing_of_a_spec_fits_nothing_of_python_is_offered(kernel: Kernel, cell: str) -> None:
    kernel.ok(FUNCTIONS)
    assert words(kernel, cell) == []


def test_files_are_offered_on_a_line_that_takes_one(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "daily.yaml").write_text("steps: []")
    kernel.ok(f"import os\nbefore = os.getcwd()\nos.chdir({str(tmp_path)!r})")
    assert words(kernel, "%aura run dai¦") == ["daily.yaml"]
    kernel.ok("os.chdir(before)")


def test_other_cells_are_completed_as_ever(kernel: Kernel) -> None:
    kernel.ok("steps_taken = 1")
    assert "steps_taken" in words(kernel, "steps_t¦")


def test_a_cell_of_500_lines_is_completed(kernel: Kernel) -> None:
    kernel.ok("ip = get_ipython()")
    step = (
        '  - name: s{0}\n    action: core.log\n    when: "{{{{ inputs.f }}}}"\n'
        '    params: {{message: "{{{{ steps.s{1}.output }}}}"}}\n    retry: {{attempts: 3}}\n'
    )
    cell = "%%aura\ninputs: [f]\nsteps:\n" + "".join(step.format(n, n - 1) for n in range(100)) + "  - when: steps.s9"
    kernel.ok(
        "from IPython.core.completer import provisionalcompleter\n"
        f"with provisionalcompleter():\n    found = list(ip.Completer.completions({cell!r}, {len(cell)}))"
    )
    assert kernel.get("len(found)") == "11"


def test_inspecting_a_key_tells_its_part_of_the_language(kernel: Kernel) -> None:
    assert "Try again on failure" in inspect(kernel, "%%aura\nsteps:\n  - ret¦ry: 3")


def test_inspecting_an_action_tells_its_signature_and_its_documentation(kernel: Kernel) -> None:
    kernel.ok(FUNCTIONS)
    text = inspect(kernel, "%%aura\nsteps:\n  - action: cle¦an")
    assert "clean(frame, origin='JFK')" in text
    assert "Take the flights of one airport." in text


def test_inspecting_in_other_cells_is_as_ever(kernel: Kernel) -> None:
    kernel.ok(FUNCTIONS)
    assert "Take the flights" in inspect(kernel, "cle¦an(1)")


def test_unloading_gives_completion_and_inspection_back(own_kernel: Kernel) -> None:
    own_kernel.ok("%unload_ext aura_jupyter")
    assert "depends_on" not in words(own_kernel, "%%aura\nsteps:\n  - action: x\n    dep¦")
    assert "Try again" not in inspect(own_kernel, "%%aura\nsteps:\n  - ret¦ry: 3")
    assert own_kernel.get("len(get_ipython().Completer.custom_matchers)") == "0"
