"""The commands that speak to a running Jupyter server. Importing this loads no client."""

from __future__ import annotations

import argparse

from .parsing import Command

_STATUSES = ("QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "LOST")
_SERVER = """
The server is the one that --server names, else the one in whose terminal or notebook this runs, else the only one that
runs here. Its token is taken from there, from the address (?token=…), or from the variable JUPYTER_TOKEN.
"""


def _server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", metavar="URL", help="the Jupyter server, with its base URL")


def _task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="the task's id")
    _server(parser)


def _submit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a spec as YAML or JSON; - reads it from standard input")
    parser.add_argument(
        "-i", "--input", dest="given", metavar="NAME=VALUE", action="append", default=[],
        help="give an input, as to run",
    )  # fmt: skip
    parser.add_argument(
        "--inputs", metavar="FILE.json", help="take inputs from a JSON or YAML file; those of -i come first"
    )
    parser.add_argument("--kernel", metavar="ID", help="the kernel to run it in; else one that the server keeps")
    parser.add_argument("--wait", action="store_true", help="wait for the end, and write the result as JSON")
    _server(parser)


def _tasks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernel", metavar="ID", help="of this kernel alone")
    parser.add_argument(
        "--status", choices=_STATUSES, action="append", help="with this status alone; may be given several times"
    )
    parser.add_argument("--limit", metavar="NUMBER", type=int, default=50, help="how many at most; 50 if left out")
    parser.add_argument("--json", action="store_true", help="write all that is known of each, as a JSON list")
    _server(parser)


def _logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on with the lines to come, to the task's end")
    parser.add_argument("--step", metavar="NAME", help="the lines of this step alone")
    _task(parser)


REMOTE_COMMANDS = (
    Command(
        "submit",
        "run a spec in a kernel of a Jupyter server",
        f"""
The task's id goes to standard output. With --wait the result does, as JSON, when the task has ended, and the exit
status is that of run.
{_SERVER}""",
        (
            ("jupyter aura submit report.yaml -i origin=JFK", "in a kernel that the server keeps for such tasks"),
            ("jupyter aura submit report.yaml --kernel 7c5e… --wait | jq .rows", "in a notebook's kernel"),
            ("jupyter aura submit report.yaml --server https://hub.example/user/me/", "on another machine"),
        ),
        _submit,
        "remote",
        (".yaml", ".yml", ".json"),
    ),
    Command(
        "tasks",
        "list the tasks of a Jupyter server's kernels, the newest first",
        _SERVER,
        (
            ("jupyter aura tasks --status RUNNING --status QUEUED", "what is not done yet"),
            ("jupyter aura tasks --json | jq -r .[].task_id", "for other programs"),
        ),
        _tasks,
        "remote",
    ),
    Command(
        "logs",
        "write what a task of a Jupyter server has logged",
        _SERVER,
        (("jupyter aura logs -f 0f3a5b7c9d1e2f40", "and what it goes on to log"),),
        _logs,
        "remote",
    ),
    Command(
        "cancel",
        "cancel a task of a Jupyter server",
        f"""
It takes effect at once, even while a cell holds the kernel. While the task's finally runs, that is cancelled.
{_SERVER}""",
        (("jupyter aura cancel 0f3a5b7c9d1e2f40", "by its id"),),
        _task,
        "remote",
    ),
)
