"""`jupyter aura`: the commands that run nothing, the shells' completion, the manual page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import aura_jupyter
from aura_jupyter.cli.commands import COMMANDS
from aura_jupyter.cli.manual import manual
from aura_jupyter.cli.program import main
from tests.unit.command_line import PROGRAM, environment

ROOT = Path(__file__).parents[2]
RIGHT = "steps: [{action: core.log, params: {message: hi}}]\n"
WRONG = "steps:\n  - action: core.lgo\n    params: {message: hi}\n  - {name: x, action: mine_not_there}\n"
BRANCHED = """
inputs: [{name: n, type: integer}, m]
steps:
  - {name: fetch, action: core.sleep, params: {seconds: 0}, loop: {times: 3}}
  - {name: 'a "q" <b>', action: core.log, params: {message: x}, depends_on: []}
  - name: join
    action: core.log
    params: {message: x}
    depends_on: [fetch, 'a "q" <b>']
    on_error: [{name: tell, action: core.log, params: {message: x}}]
finally:
  - {name: close, action: core.log, params: {message: x}}
"""

Says = Callable[..., tuple[int, str, str]]


@pytest.fixture
def aura(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """The program in a folder with some specs: its exit status, and what it wrote."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in (("right.yaml", RIGHT), ("wrong.yaml", WRONG), ("branched.yaml", BRANCHED)):
        Path(name).write_text(text, encoding="utf-8")

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(words)
        return status, *capsys.readouterr()

    return run


# --- the program ------------------------------------------------------------------------------------------------------


def test_the_version_and_the_commands_are_told(aura: Says) -> None:
    assert aura("--version") == (0, f"aura_jupyter {aura_jupyter.__version__}\n", "")
    status, out, _ = aura("--help")
    assert status == 0
    assert aura() == (2, out, "")
    for command in COMMANDS:
        assert re.search(rf"^  {command.name} +{command.summary}$", out, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_explains_itself_with_examples_that_its_parser_takes(aura: Says, command: object) -> None:
    known = next(each for each in COMMANDS if each is command)
    status, out, err = aura(known.name, "--help")
    assert (status, err) == (0, "")
    assert (status, out, err) == aura("help", known.name)
    for line, what in known.examples:
        assert f"  {line}\n      {what}\n" in out
        words = re.search(r"jupyter[ -]aura (\S+)(.*?)( [|>] .*|\)\")?$", line)
        assert words is not None
        assert words[1] == known.name
        known.parser().parse([word.strip("'") for word in re.findall(r"'[^']*'|\S+", words[2])])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rnu"], "jupyter aura: there is no command 'rnu'. Did you mean run?"),
        (["frobnicate"], "The commands are run, validate, "),
        (["validate", "--format", "jsn", "x"], "--format takes no 'jsn'. Did you mean json?"),
        (["completion", "tcsh"], "SHELL takes no 'tcsh'. It takes bash, zsh or fish."),
        (["graph", "right.yml"], "there is no file right.yml. Did you mean right.yaml?"),
        (["graph", "a\0b"], "cannot be read: embedded null byte"),
        (["actions", "core.lgo"], "no action is called 'core.lgo'. Did you mean core.log?"),
        (["schema", "more"], "'more' stands where nothing is expected. Leave it out."),
    ],
)
def test_a_mistake_exits_with_2_and_says_what_is_meant(aura: Says, words: list[str], says: str) -> None:
    status, out, err = aura(*words)
    assert (status, out) == (2, "")
    assert says in err


def test_it_runs_as_a_module_and_a_closed_pipe_is_no_traceback() -> None:
    with subprocess.Popen([*PROGRAM, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"{\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


# --- validate ---------------------------------------------------------------------------------------------------------


def test_right_specs_are_said_to_be_right_and_wrong_ones_shown_under_their_lines(aura: Says) -> None:
    assert aura("validate", "right.yaml") == (0, "right.yaml: right, 1 step\n", "")
    status, out, err = aura("validate", "right.yaml", "wrong.yaml")
    assert (status, err) == (2, "")
    assert "right.yaml: right, 1 step\nwrong.yaml: wrong, 2 problems\n" in out
    assert "wrong.yaml, line 2: step 'lgo': no action is called 'core.lgo'" in out
    assert "   2 |   - action: core.lgo\n     |             ^^^^^^^^\nDid you mean 'core.log'?" in out
    assert "--import MODULE" in out
    assert out.endswith("2 specs, 1 wrong\n")


def test_actions_of_imported_modules_are_known(aura: Says) -> None:
    Path("cli_own_actions.py").write_text(
        "import aura_jupyter as aura\nprint('at import')\n@aura.action(name='mine_not_there')\ndef mine(): 'Mine.'\n",
        encoding="utf-8",
    )
    Path("own.yaml").write_text("steps: [{action: mine_not_there}]", encoding="utf-8")
    assert aura("validate", "own.yaml")[0] == 2
    try:
        words = ("own.yaml", "--import", "cli_own_actions")
        assert aura("validate", *words) == (0, "own.yaml: right, 1 step\n", "at import\n")
        assert "mine_not_there  registered: Mine." in re.sub(" +", "  ", aura("actions")[1]).replace(
            "registered:  ", "registered: "
        )
    finally:
        from aura_jupyter.actions.registry import registry

        registry.remove("mine_not_there")


def test_of_a_folder_what_is_called_aura_is_checked(aura: Says) -> None:
    Path("tasks/deep").mkdir(parents=True)
    for name in ("tasks/b.aura.yaml", "tasks/deep/a.aura.yml", "tasks/a.aura.json"):
        Path(name).write_text(RIGHT, encoding="utf-8")
    Path("tasks/other.yaml").write_text(WRONG, encoding="utf-8")
    status, out, _ = aura("validate", "tasks", "tasks/b.aura.yaml")
    assert status == 0
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        "tasks/a.aura.json", "tasks/b.aura.yaml", "tasks/deep/a.aura.yml", "3 specs, all right",
    ]  # fmt: skip
    Path("empty").mkdir()
    assert "there is no spec in empty. A folder is searched for *.aura.yaml" in aura("validate", "empty")[2]


def test_problems_as_json_are_those_of_the_library(aura: Says) -> None:
    status, out, _ = aura("validate", "--format", "json", "right.yaml", "wrong.yaml")
    right, wrong = json.loads(out)
    assert status == 2
    assert right == {"file": "right.yaml", "valid": True, "problems": []}
    assert (wrong["file"], wrong["valid"]) == ("wrong.yaml", False)
    first = wrong["problems"][0]
    assert (first["code"], first["line"], first["column"], first["end_column"]) == ("unknown-action", 2, 13, 21)


def test_problems_for_github_are_one_escaped_command_each(aura: Says) -> None:
    Path("a,b: c.yaml").write_text('steps: [{action: "50%\\nno"}]', encoding="utf-8")
    status, out, _ = aura("validate", "--format", "github", "right.yaml", "wrong.yaml", "a,b: c.yaml")
    assert status == 2
    first, second, third = out.splitlines()
    assert first.startswith("::error file=wrong.yaml,line=2,col=13,endColumn=21,title=unknown-action::step 'lgo'")
    assert second.startswith("::error file=wrong.yaml,line=4,")
    assert third.startswith("::error file=a%2Cb%3A c.yaml,line=1,")
    assert "50%25" in third


def test_problems_for_code_scanning_are_sarif(aura: Says) -> None:
    log = json.loads(aura("validate", "--format", "sarif", "right.yaml", "wrong.yaml")[1])
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "aura_jupyter"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [artifact["location"]["uri"] for artifact in run["artifacts"]] == ["right.yaml", "wrong.yaml"]
    assert len(run["results"]) == 2
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"] == "unknown-action"
        assert result["level"] == "error"
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "wrong.yaml"}
    assert place["region"] == {"startLine": 2, "startColumn": 13, "endColumn": 21}


def test_stdin_is_checked_too() -> None:
    done = subprocess.run(
        [*PROGRAM, "validate", "-"], input=RIGHT.replace("\n", "\r\n"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "standard input: right, 1 step\n", "")


def test_a_file_that_is_no_text_is_wrong(aura: Says) -> None:
    Path("latin.yaml").write_bytes("steps: [{action: ü}]".encode("latin-1"))
    status, out, _ = aura("validate", "latin.yaml")
    assert status == 2
    assert "'latin.yaml' is no UTF-8 text: line 1 cannot be read" in out


# --- graph, schema, actions, doctor -----------------------------------------------------------------------------------


def test_a_graph_is_text_mermaid_or_a_picture(aura: Says) -> None:
    status, out, _ = aura("graph", "branched.yaml")
    assert status == 0
    assert '  join       core.log  (after fetch, a "q" <b>)\n    on error\n' in out
    assert aura("graph", "branched.yaml", "--format", "mermaid")[1].splitlines() == [
        "flowchart LR",
        '  s1[["fetch"]]',
        '  s2["a #34;q#34; #60;b#62;"]',
        '  s3["join"]',
        '  s4["tell"]',
        "  s1 --> s3",
        "  s2 --> s3",
        "  s3 -. on error .-> s4",
        "  subgraph Finally",
        '    s5["close"]',
        "  end",
        "  s3 --> s5",
    ]
    drawn = ElementTree.fromstring(aura("graph", "branched.yaml", "--format", "svg")[1])
    titles = {title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")}
    assert {"fetch", 'a "q" <b>', "join", "tell", "close"} <= titles


def test_a_graph_of_a_bad_spec_exits_with_2(aura: Says) -> None:
    status, out, err = aura("graph", "wrong.yaml")
    assert (status, out) == (2, "")
    assert "wrong.yaml, line 2" in err


def test_a_graph_that_is_too_large_to_draw_is_said(aura: Says) -> None:
    Path("large.json").write_text(json.dumps({"steps": [{"action": "core.sleep", "params": {"seconds": 0}}] * 1001}))
    status, out, err = aura("graph", "large.json", "--format", "svg")
    assert (status, out) == (1, "")
    assert "1,001 steps is too large to draw" in err


def test_what_a_spec_says_cannot_steer_the_terminal(aura: Says) -> None:
    Path("evil.yaml").write_text('steps: [{name: "a\\e]0;b", action: core.log, params: {message: x}}]')
    assert "\x1b" not in aura("graph", "evil.yaml")[1]


def test_a_picture_is_xml_whatever_the_names_are(aura: Says) -> None:
    Path("evil.json").write_text('{"steps": [{"name": "a\\ufffeb", "action": "core.sleep", "params": {"seconds": 0}}]}')
    drawn = ElementTree.fromstring(aura("graph", "evil.json", "--format", "svg")[1])
    assert "a\ufffdb" in {title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")}


def test_a_name_is_no_directive_to_mermaid_wherever_it_stands(aura: Says) -> None:
    name = "a %%{init: {'theme': 'dark'}}%%"
    spec = {"steps": [{"name": name, "action": "core.sleep", "params": {"seconds": 0}}]}
    Path("evil.json").write_text(json.dumps(spec))
    assert "%%" not in aura("graph", "evil.json", "--format", "mermaid")[1]


def test_the_schema_is_that_of_specs(aura: Says) -> None:
    status, out, _ = aura("schema")
    schema = json.loads(out)
    assert status == 0
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "steps" in schema["properties"]


def test_actions_are_listed_and_described(aura: Says) -> None:
    names = [line.split()[0] for line in aura("actions")[1].splitlines()]
    assert {"core.log", "http.request", "human.approve"} <= set(names)
    assert aura("actions", "core.log")[1].startswith("core.log(message, level='info')\nWrite a line")


def test_the_doctor_looks_at_what_is_installed(aura: Says) -> None:
    status, out, _ = aura("doctor")
    assert status == 0
    assert re.search(rf"^✓ aura_jupyter +{re.escape(aura_jupyter.__version__)} +ok$", out, re.MULTILINE)
    assert re.search(r"^✓ pydantic +[\d.]+ +ok$", out, re.MULTILINE)
    assert re.search(r"^✓ actions +\d+ actions +ok$", out, re.MULTILINE)
    assert out.endswith("Nothing stands in the way.\n")


def test_the_doctor_finds_a_package_whose_actions_do_not_load(tmp_path: Path) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[aura_jupyter.actions]\nbroken.do = nowhere_at_all:do\n", encoding="utf-8")
    done = subprocess.run(
        [*PROGRAM, "doctor"], env=environment(PYTHONPATH=str(tmp_path)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "the actions of the package broken do not load" in done.stdout
    assert done.stdout.endswith("1 of these need a look.\n")


# --- completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        (["va"], ["validate"]),
        (["validate", "--fo"], ["--format"]),
        (["validate", "--format", ""], ["text", "json", "github", "sarif"]),
        (["validate", "ri"], [":files"]),
        (["run", "branched.yaml", "--ti"], ["--timeout"]),
        (["run", "branched.yaml", "-i", ""], ["n=", "m="]),
        (["run", "branched.yaml", "-i", "n=1", "--input", ""], ["m="]),
        (["run", "--inputs", ""], [":files"]),
        (["run", "right.yaml", "--json", "--js"], []),
        (["actions", "core.lo"], ["core.log"]),
        (["completion", "z"], ["zsh"]),
        (["nothing", ""], []),
    ],
)
def test_what_fits_is_offered(aura: Says, words: list[str], fits: list[str]) -> None:
    status, out, err = aura("__complete", *words)
    assert (status, err) == (0, "")
    assert [line.partition("\t")[0] for line in out.splitlines()] == fits


def test_the_values_of_an_input_are_offered_where_they_are_counted(aura: Says) -> None:
    Path("counted.yaml").write_text(
        "inputs: [{name: at, enum: [JFK, LGA, $(touch x), 3]}, {name: dry, type: boolean}, {name: n, type: integer}]\n"
    )
    for word, fits in (("at=", "at=JFK at=LGA at=3"), ("at=L", "at=LGA"), ("dry=", "dry=true dry=false"), ("n=", "")):
        assert aura("__complete", "run", "counted.yaml", "-i", word)[1].split() == fits.split()


def test_what_a_shell_would_run_is_not_offered(aura: Says) -> None:
    Path("evil.yaml").write_text(
        'inputs: ["$(touch gone)", "`touch gone`", "a;b", "a\\n:files", {name: ok, type: "x\\ny"}]\n'
    )
    Path("$(touch gone).py").touch()
    Path("-c.py").touch()
    assert aura("__complete", "run", "evil.yaml", "-i", "")[1] == "ok=\tany\n"
    assert aura("__complete", "run", "evil.yaml", "--import", "")[1] == ""


BASH = """
source <(jupyter-aura completion bash)
complete_line() {
    COMP_LINE="$1" COMP_POINT=${#1}
    local IFS=$' \\t\\n'
    COMP_WORDS=($1)
    [[ $1 == *' ' ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _jupyter_aura
    echo "$1 => ${COMPREPLY[*]}"
}
complete_line 'jupyter-aura va'
complete_line 'jupyter-aura validate --format '
complete_line 'jupyter-aura run branched.yaml -i '
complete_line 'jupyter-aura graph bran'
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(aura: Says, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "jupyter-aura"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m aura_jupyter "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", BASH], env=environment(PATH=path), capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "jupyter-aura va => validate",
        "jupyter-aura validate --format  => text json github sarif",
        "jupyter-aura run branched.yaml -i  => n= m=",
        "jupyter-aura graph bran => branched.yaml",
    ], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_is_one_that_its_shell_reads(aura: Says, shell: str) -> None:
    status, script, _ = aura("completion", shell)
    assert status == 0
    assert "jupyter-aura __complete" in script
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


# --- the manual page --------------------------------------------------------------------------------------------------


def test_the_manual_page_says_what_the_parsers_take() -> None:
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    assert page == manual(), "write it anew: python -m aura_jupyter.cli.manual > docs/reference/command-line.md"
