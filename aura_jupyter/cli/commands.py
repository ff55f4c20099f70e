"""The commands: what each takes, its help, and the module that does it. Importing this loads none of these."""

from __future__ import annotations

import argparse

from .parsing import Command
from .remote_commands import REMOTE_COMMANDS

_SPECS = (".yaml", ".yml", ".json")


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a spec as YAML or JSON; - reads it from standard input")


def _imports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--import",
        dest="imports",
        metavar="MODULE",
        action="append",
        default=[],
        help="import a module that registers actions with @aura.action; the current folder is looked into first",
    )


def _run(parser: argparse.ArgumentParser) -> None:
    _file(parser)
    parser.add_argument(
        "-i",
        "--input",
        dest="given",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="give an input; NAME=@FILE takes the text of a file, NAME=env:VARIABLE that of an environment variable, "
        "@FILE all inputs of a JSON or YAML file",
    )
    parser.add_argument(
        "--inputs", metavar="FILE.json", help="take inputs from a JSON or YAML file; those of -i come first"
    )
    _imports(parser)
    parser.add_argument("--json", action="store_true", help="write the result as JSON")
    parser.add_argument("-q", "--quiet", action="store_true", help="write no progress: the result and errors alone")
    parser.add_argument("--log", action="store_true", help="write what the steps write, too")
    parser.add_argument(
        "--timeout", metavar="DURATION", help="a limit on the whole task, such as 90s or 1h30m, for that of the spec"
    )


def _validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="a spec; - reads standard input; of a folder all *.aura.yaml, *.aura.yml and *.aura.json",
    )
    parser.add_argument(
        "--format", choices=("text", "json", "github", "sarif"), default="text", help="how problems are written"
    )
    _imports(parser)


def _graph(parser: argparse.ArgumentParser) -> None:
    _file(parser)
    parser.add_argument("--format", choices=("text", "mermaid", "svg"), default="text", help="how the graph is written")
    _imports(parser)


def _actions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="an action, to be described")
    _imports(parser)


def _nothing(_: argparse.ArgumentParser) -> None:
    """It takes nothing."""


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


COMMANDS = (
    Command(
        "run",
        "run a spec in this process and write its result",
        """
The result goes to standard output, everything else to standard error: a line for each change, in colour where that is
a terminal (NO_COLOR and FORCE_COLOR are heeded). Text is written as it is, other values as Python shows them; with
--json the result must be JSON. A result of null writes nothing, with --json null.

VALUE is read by the type that the spec gives the input: text as it is for string and secret, else as the value would
be written in the spec: 3, true, null, [AA, UA], {a: 1}. Where the type is any it is text unless it reads as a number,
true, false or null, or begins with a quote, [ or {. A VALUE that shall begin with @ is written with two: @@home.

A secret is best given as NAME=env:VARIABLE or NAME=@FILE, so that it stands neither in the shell's history nor in the
list of processes.

The first Ctrl-C, or SIGTERM, cancels the task and runs its finally; the second stops that, too. A step that asks a
person asks on the terminal; where standard input is none, the step takes its default or fails.
""",
        (
            ("jupyter aura run report.yaml -i origin=JFK -i 'carriers=[AA, UA]'", "with two inputs"),
            ("jupyter aura run report.yaml --import my_actions --json | jq .rows", "with actions of your own, for jq"),
            ("jupyter aura run publish.yaml -i token=env:API_TOKEN --inputs nightly.json", "with a secret"),
            ("generate-spec | jupyter aura run - --quiet --timeout 10m", "a spec from another program"),
        ),
        _run,
        "run",
        _SPECS,
    ),
    Command(
        "validate",
        "check specs without running anything",
        """
Every problem is written to standard output with its line and what to do. github writes annotations for a workflow of
GitHub Actions, sarif a log that code scanning reads, json a list of the files with their problems.
""",
        (
            ("jupyter aura validate report.yaml tasks/", "a file, and all *.aura.yaml of a folder"),
            ("jupyter aura validate --format github --import my_actions tasks/", "in a workflow of GitHub Actions"),
            ("jupyter aura validate --format sarif tasks/ > aura.sarif", "for code scanning"),
        ),
        _validate,
        "validate",
        _SPECS,
    ),
    Command(
        "graph",
        "show the steps of a spec and what each waits for",
        "Nothing runs.",
        (
            ("jupyter aura graph report.yaml", "as text"),
            ("jupyter aura graph report.yaml --format svg > report.svg", "as a picture"),
            ("jupyter aura graph report.yaml --format mermaid", "for a Markdown file"),
        ),
        _graph,
        "graph",
        _SPECS,
    ),
    Command(
        "schema",
        "write the JSON Schema of specs, for an editor",
        "It is draft 7, which YAML editors read.",
        (("jupyter aura schema > aura.schema.json", "into a file that an editor's settings name"),),
        _nothing,
        "schema",
    ),
    Command(
        "actions",
        "list what a step can do, or describe one action",
        "Built-in actions, those of installed packages, and those of the modules that --import names.",
        (
            ("jupyter aura actions", "all of them"),
            ("jupyter aura actions http.request", "what one takes"),
            ("jupyter aura actions --import my_actions", "with those of a module"),
        ),
        _actions,
        "actions",
    ),
    *REMOTE_COMMANDS,
    Command(
        "doctor",
        "show versions and settings that matter, with a verdict on each",
        "It exits with 1 where something needs a look.",
        (("jupyter aura doctor", "what is installed here"),),
        _nothing,
        "doctor",
    ),
    Command(
        "completion",
        "write a script that lets a shell complete this program's words",
        """
It completes `jupyter-aura`, the name by which `jupyter aura` finds this program: commands, options, files, the inputs
of the spec on the line, actions.
""",
        (
            ('eval "$(jupyter-aura completion bash)"', "in ~/.bashrc"),
            ('eval "$(jupyter-aura completion zsh)"', "in ~/.zshrc, below compinit"),
            ("jupyter-aura completion fish | source", "in ~/.config/fish/config.fish"),
        ),
        _completion,
        "completion",
    ),
)

EXIT_STATUSES = (
    ("0", "all went well: the task completed, the specs are right"),
    ("1", "the task failed or was cancelled by itself, or what was asked for could not be done"),
    ("2", "a spec, an input or the command line is wrong; nothing has run"),
    ("129", "the terminal was closed"),
    ("130", "interrupted by Ctrl-C"),
    ("143", "ended by SIGTERM"),
)
