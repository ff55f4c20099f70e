"""`jupyter aura run`: results, lines, exit statuses, signals, pipes and terminals of real processes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aura_jupyter.cli.program import main
from tests.unit.command_line import LIMIT, PROGRAM, CommandLine, environment, hear_signals

SMALL = """
meta: {title: Small}
inputs:
  - {name: n, type: integer, default: 3}
steps:
  - {name: double, action: core.set_context, params: {d: "{{ inputs.n * 2 }}"}}
  - {name: say, action: core.log, params: {message: "it is {{ ctx.d }}"}}
returns: {n: "{{ inputs.n }}", d: "{{ ctx.d }}"}
"""
HOLDING = """
meta: {title: Holding}
steps:
  - {name: first, action: core.log, params: {message: hi}}
  - {name: hold, action: core.sleep, params: {seconds: 1000}}
finally:
  - {name: tidy, action: core.log, params: {message: tidied}}
"""
STUCK_AT_THE_END = HOLDING + "  - {name: hold_again, action: core.sleep, params: {seconds: 1000}}\n"


class Inside:
    """The program in this process, for what needs none of its own."""

    def __init__(self, line: CommandLine, capture: pytest.CaptureFixture[str]) -> None:
        self.file, self.folder, self._capture = line.file, line.folder, capture

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        self._capture.readouterr()
        status = main(words)
        out, err = self._capture.readouterr()
        return subprocess.CompletedProcess(words, status, out, err)


@pytest.fixture
def inside(aura: CommandLine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Inside:
    """The program in this process, in the folder of `aura`."""
    monkeypatch.chdir(aura.folder)
    return Inside(aura, capfd)


@pytest.fixture
def aura(tmp_path: Path) -> CommandLine:
    """The program in an empty folder, and one spec in it."""
    line = CommandLine(tmp_path)
    line.file("small.yaml", SMALL)
    return line


# --- results ----------------------------------------------------------------------------------------------------------


def test_the_result_goes_to_stdout_and_a_line_for_each_change_to_stderr(aura: CommandLine) -> None:
    done = aura("run", "small.yaml")
    assert done.returncode == 0
    assert done.stdout == "{'n': 3, 'd': 6}\n"
    lines = [re.sub(r" +(<0\.1|\d+\.\d) s", " T", line) for line in done.stderr.splitlines()]
    assert lines == [
        " T  ◐ Small: 2 steps",
        " T  ✓ double T  dict of 1",
        " T  ✓ say T  'it is 6'",
        " T  ✓ Small: completed, 2 steps",
    ]


def test_a_result_as_json_is_one_line_in_a_pipe(aura: CommandLine) -> None:
    done = aura("run", "small.yaml", "--json", "--quiet", "-i", "n=4")
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"n": 4, "d": 8}\n', "")


@pytest.mark.parametrize(
    ("returns", "plain", "as_json"),
    [("über", "über\n", '"über"\n'), ("null", "", "null\n"), ("[1, a]", "[1, 'a']\n", '[1, "a"]\n')],
)
def test_text_is_written_as_it_is_and_null_not_at_all(inside: Inside, returns: str, plain: str, as_json: str) -> None:
    inside.file("returns.yaml", f"steps: [{{action: core.log, params: {{message: hi}}}}]\nreturns: {returns}\n")
    assert inside("run", "-q", "returns.yaml").stdout == plain
    assert inside("run", "-q", "returns.yaml", "--json").stdout == as_json


def test_a_result_that_is_no_json_is_an_error_that_says_where(inside: Inside) -> None:
    code = "import datetime\n{'rows': [1, {'day': datetime.date(2013, 1, 1)}]}"
    inside.file("date.json", json.dumps({"steps": [{"action": "python.run", "params": {"code": code}}]}))
    done = inside("run", "-q", "date.json", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "its result is no JSON: rows[1].day is a datetime date." in done.stderr


def test_whatever_prints_goes_to_stderr(aura: CommandLine) -> None:
    aura.file(
        "noisy.py",
        "import os, sys, threading, aura_jupyter as aura\nprint('at import')\n"
        "@aura.action\ndef noise():\n"
        "    print('of the action')\n    os.write(1, b'past Python\\n')\n    os.system('echo of a child')\n"
        "    thread = threading.Thread(target=print, args=('of a thread',))\n    thread.start()\n    thread.join()\n"
        "    return 'result'\n",
    )
    aura.file("noisy.yaml", "steps: [{action: noise}]")
    done = aura("run", "noisy.yaml", "--import", "noisy", "--log")
    assert (done.returncode, done.stdout) == (0, "result\n")
    for text in ("at import", "of the action", "past Python", "of a child", "of a thread"):
        assert text in done.stderr


def test_a_spec_is_read_from_stdin_and_with_windows_line_ends(aura: CommandLine) -> None:
    assert aura("run", "-q", "-", "--json", stdin=SMALL).stdout == '{"n": 3, "d": 6}\n'
    aura.file("windows.yaml", b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert aura("run", "-q", "windows.yaml", "--json").stdout == '{"n": 3, "d": 6}\n'


def test_a_failed_task_exits_with_1_and_shows_the_error_and_its_place_in_the_spec(aura: CommandLine) -> None:
    aura.file("mine.py", "import aura_jupyter as aura\n\n@aura.action\ndef divide(n):\n    return 1 / n\n")
    aura.file("fails.yaml", "steps:\n  - action: divide\n    params: {n: 0}\n")
    done = aura("run", "fails.yaml", "--import", "mine")
    assert (done.returncode, done.stdout) == (1, "")
    assert "✗ fails: failed in divide\n" in done.stderr
    assert "ZeroDivisionError: division by zero\nmine.py, line 5, in divide(n)" in done.stderr
    assert "line 2 of fails.yaml:" in done.stderr
    assert "Traceback" not in done.stderr
    quiet = aura("run", "fails.yaml", "--import", "mine", "--quiet")
    assert quiet.stderr.startswith("fails: failed in divide\n\nZeroDivisionError")


def test_a_timeout_fails_the_task(inside: Inside) -> None:
    inside.file("holding.yaml", HOLDING)
    done = inside("run", "holding.yaml", "--timeout", "300ms")
    assert done.returncode == 1
    assert "TimeoutError" in done.stderr
    assert "✓ tidy" in done.stderr


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_a_bad_spec_exits_with_2_and_is_shown_under_its_line(inside: Inside) -> None:
    inside.file("bad.yaml", "steps:\n  - action: core.log\n    params: {mesage: hi}\n")
    done = inside("run", "bad.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "bad.yaml, line 3" in done.stderr
    assert "Did you mean 'message'?" in done.stderr


def test_an_unknown_action_says_how_to_bring_it_in(inside: Inside) -> None:
    inside.file("own.yaml", "steps: [{action: clean_flights}]")
    done = inside("run", "own.yaml")
    assert done.returncode == 2
    assert "no action is called 'clean_flights'" in done.stderr
    assert "--import MODULE" in done.stderr


def test_what_fails_cannot_steer_the_terminal(aura: CommandLine) -> None:
    aura.file("evil.py", 'raise ValueError("\\x1b]0;title\\x07")\n')
    aura.file(
        "evil.yaml",
        """\
meta: {title: "a\\e[31m"}
steps:
  - name: "b\\e[2J"
    action: python.run
    params: {code: 'raise ValueError("one\\x07\\x1b[2J\\n::error::two\\rthree")'}
""",
    )
    for words in (("evil.yaml",), ("evil.yaml", "--quiet"), ("evil.yaml", "--log"), ("evil.yaml", "--import", "evil")):
        done = aura("run", *words)
        assert done.returncode != 0
        assert not {"\x1b", "\x07", "\r"} & set(done.stderr), done.stderr
    on_github = aura("run", "evil.yaml", GITHUB_ACTIONS="true").stderr
    assert "\n: :error::two" in on_github
    assert not re.search(r"^\s*::", on_github, re.MULTILINE)
    assert "\nValueError: one␇\n" in aura("run", "evil.yaml").stderr


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file")
@pytest.mark.parametrize(
    "words", [["/dev/zero"], ["small.yaml", "-i", "n=@/dev/zero"], ["small.yaml", "-i", "@/dev/zero"]]
)
def test_a_file_without_an_end_is_refused(aura: CommandLine, words: list[str]) -> None:
    done = aura("run", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "/dev/zero is larger than 100 MB" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["smal.yaml"], "there is no file smal.yaml. Did you mean small.yaml?"),
        (["nowhere/a.yaml"], "There is no folder nowhere, seen from "),
        (["."], ". is a folder."),
        (["small.yaml", "--improt", "x"], "there is no option '--improt'. Did you mean --import?"),
        (["small.yaml", "more.yaml"], "'more.yaml' stands where nothing is expected"),
        (["small.yaml", "--timeout", "soon"], "--timeout: 'soon' is no duration"),
        (["small.yaml", "-i", "n"], "-i n gives no value. Write -i n=VALUE"),
        (["small.yaml", "-i", "n=1", "-i", "n=2"], "-i n is given twice"),
        (["small.yaml", "-i", "m=1"], "the spec has no input 'm'"),
        (["small.yaml", "-i", "n=three"], "must be an integer, and 'three' is str"),
        (["small.yaml", "-i", "n=@none.txt"], "there is no file none.txt"),
        (["small.yaml", "-i", "n=env:NOT_SET_HERE"], "there is no environment variable NOT_SET_HERE"),
        (["small.yaml", "--import", "smal"], "--import: there is no module smal"),
        (["small.yaml", "--import", "mine.py"], "Write --import mine."),
        (["small.yaml", "-i", "n=@-", "-i", "@-"], "standard input can be read once only"),
        ([], "the following arguments are required: FILE"),
    ],
)
def test_a_mistake_on_the_line_exits_with_2_and_says_what_is_meant(inside: Inside, words: list[str], says: str) -> None:
    done = inside("run", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_module_that_cannot_be_imported_shows_its_own_line(aura: CommandLine) -> None:
    aura.file("broken.py", "import json\n\nraise RuntimeError('not today')\n")
    done = aura("run", "small.yaml", "--import", "broken")
    assert done.returncode == 2
    assert "--import broken failed: RuntimeError: not today\n  broken.py, line 3" in done.stderr


# --- signals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_cancels_the_task_and_lets_its_finally_run(aura: CommandLine, number: int, status: int) -> None:
    aura.file("holding.yaml", HOLDING)
    with aura.started("run", "holding.yaml") as running:
        running.until("✓ first")
        running.interrupt(number)
        ended, out, err = running.end()
    assert (ended, out) == (status, "")
    assert "✓ tidy" in err
    assert "⊘ Holding: cancelled" in err
    assert "Traceback" not in err


def test_a_second_interrupt_stops_the_finally_too(aura: CommandLine) -> None:
    aura.file("holding.yaml", STUCK_AT_THE_END)
    with aura.started("run", "holding.yaml") as running:
        running.until("✓ first")
        running.interrupt()
        running.until("✓ tidy")
        running.interrupt()
        status, _, err = running.end()
    assert status == 130
    assert "⊘ hold_again" in err


def test_a_step_that_holds_the_loop_is_ended_with_its_children(aura: CommandLine) -> None:
    aura.file(
        "stuck.py",
        "import os, time, aura_jupyter as aura\n"
        "@aura.action(executor='loop')\ndef stuck(context: aura.ActionContext):\n"
        "    os.write(2, b'held\\n')\n"
        "    while not context.cancelled:\n        time.sleep(0.01)\n"
        "    os.write(2, b'heard\\n')\n"
        "    while True:\n        time.sleep(0.01)\n",
    )
    aura.file(
        "stuck.yaml",
        "steps:\n"
        "  - {name: child, action: shell.run, params: {command: 'echo pid $$; exec sleep 1000'}, depends_on: []}\n"
        "  - {action: stuck, depends_on: [go]}\n"
        "  - {name: go, action: shell.run, depends_on: [],\n"
        "     params: {command: 'read line < go'}}\n",
    )
    os.mkfifo(aura.folder / "go")
    with aura.started("run", "stuck.yaml", "--import", "stuck", "--log") as running:
        child = int(running.until("pid ").split()[-1])
        (aura.folder / "go").write_text("now\n", encoding="utf-8")
        running.until("held")
        running.interrupt()
        running.until("heard")
        running.interrupt()
        running.until("Stopping.")
        running.interrupt()
        status, _, _ = running.end()
    assert status == 130
    with pytest.raises(ProcessLookupError):
        _wait_until_gone(child)


def _wait_until_gone(pid: int) -> None:
    """Signal a process until there is none; a zombie that nobody reaps counts as none."""
    while True:
        os.kill(pid, 0)
        try:
            if Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
                raise ProcessLookupError
        except FileNotFoundError:
            raise ProcessLookupError from None


def test_an_interrupt_before_the_task_runs_is_no_traceback(aura: CommandLine) -> None:
    aura.file("waits.py", "import os, time\nos.write(2, b'importing\\n')\ntime.sleep(1000)\n")
    with aura.started("run", "small.yaml", "--import", "waits") as running:
        running.until("importing")
        running.interrupt()
        status, _, err = running.end()
    assert (status, err) == (130, "")


def test_a_plain_function_that_never_returns_does_not_keep_the_program_alive(aura: CommandLine) -> None:
    aura.file(
        "sleeper.py",
        "import os, time, aura_jupyter as aura\n"
        "@aura.action\ndef sleep():\n    os.write(2, b'asleep\\n')\n    time.sleep(1000)\n",
    )
    aura.file("sleeper.yaml", "steps: [{action: sleep}]")
    with aura.started("run", "sleeper.yaml", "--import", "sleeper") as running:
        running.until("asleep")
        running.interrupt()
        assert running.end()[0] == 130


# --- pipes and terminals ----------------------------------------------------------------------------------------------


def test_a_closed_pipe_is_no_traceback(aura: CommandLine) -> None:
    aura.file("long.yaml", "steps: [{action: python.run, params: {code: \"'x' * 1_000_000\"}}]")
    command = [*PROGRAM, "run", "long.yaml"]
    kept = (aura.folder / "err").open("w+", encoding="utf-8")
    with kept, subprocess.Popen(command, cwd=aura.folder, stdout=subprocess.PIPE, stderr=kept) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(LIMIT) == 0
        kept.seek(0)
        assert [line for line in kept.read().splitlines() if " s  " not in line] == []


def test_stderr_that_nobody_reads_any_more_does_not_stop_the_task(aura: CommandLine) -> None:
    command = [*PROGRAM, "run", "small.yaml", "--json"]
    with subprocess.Popen(command, cwd=aura.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        process.stderr.close()
        assert process.stdout.read() == b'{"n": 3, "d": 6}\n'
        assert process.wait(LIMIT) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is Linux's")
def test_a_full_disk_is_said(aura: CommandLine) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "run", "-q", "small.yaml"], cwd=aura.folder, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"standard output: No space left on device.\n")


def test_closed_streams_harm_nothing(aura: CommandLine) -> None:
    line = shlex.join([*PROGRAM, "run", "small.yaml"])
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
        assert (
            subprocess.run(f"{line} {closed}", shell=True, cwd=aura.folder, check=False, timeout=LIMIT).returncode == 0
        ), closed


def _on_its_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    hear_signals()


class Terminal:
    """The program on a pseudo-terminal: its standard input and error, and its controlling terminal."""

    def __init__(self, aura: CommandLine, *words: str, stdout: int = subprocess.PIPE, **env: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*PROGRAM, *words],
            cwd=aura.folder,
            env=environment(**env),
            stdin=slave,
            stdout=slave if stdout == 0 else stdout,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_on_its_terminal,  # noqa: PLW1509 - no lock in it
        )
        os.close(slave)
        self._watch = threading.Timer(LIMIT, self.process.kill)
        self._watch.start()
        self.seen = ""

    def until(self, text: str) -> None:
        while text not in self.seen:
            if not self._read():
                raise AssertionError(f"no {text!r}, but: {self.seen}")

    def _read(self) -> bool:
        try:
            piece = os.read(self.master, 4096)
        except OSError:  # Linux's way to say that the other side is closed
            return False
        self.seen += piece.decode()
        return bool(piece)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> tuple[int, str]:
        """The exit status, and what was written to standard output, where that is a pipe."""
        while self._read():
            pass
        out = self.process.stdout.read().decode() if self.process.stdout is not None else ""
        return self.process.wait(LIMIT), out

    def close(self) -> None:
        """Give everything back, whatever it does."""
        self._watch.cancel()
        self.process.kill()
        self.process.communicate()
        os.close(self.master)


@pytest.fixture
def on_terminal(aura: CommandLine) -> Iterator[Callable[..., Terminal]]:
    """Starts the program on terminals."""
    with contextlib.ExitStack() as started:

        def start(*words: str, stdout: int = subprocess.PIPE, **env: str) -> Terminal:
            terminal = Terminal(aura, *words, stdout=stdout, **env)
            started.callback(terminal.close)
            return terminal

        yield start


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_gets_colours(
    aura: CommandLine, on_terminal: Callable[..., Terminal], env: dict[str, str], coloured: bool
) -> None:
    terminal = on_terminal("run", "small.yaml", **env)
    status, out = terminal.end()
    assert (status, out) == (0, "{'n': 3, 'd': 6}\n")
    assert ("\x1b[32m✓\x1b[0m say" in terminal.seen) is coloured
    assert ("\x1b[" in terminal.seen) is coloured


def test_colours_can_be_forced(aura: CommandLine) -> None:
    assert "\x1b[32m✓" in aura("run", "small.yaml", FORCE_COLOR="1").stderr


def test_json_on_a_terminal_is_indented(aura: CommandLine, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal("run", "small.yaml", "--json", "-q", stdout=0)
    assert terminal.end()[0] == 0
    assert terminal.seen == '{\r\n  "n": 3,\r\n  "d": 6\r\n}\r\n'


ASKING = """
steps:
  - {name: publish, action: human.approve, params: {message: "Publish it?", choices: [Approve, Reject, Wait]}}
"""


def test_a_question_is_asked_and_answered_on_the_terminal(
    aura: CommandLine, on_terminal: Callable[..., Terminal]
) -> None:
    aura.file("asking.yaml", ASKING)
    terminal = on_terminal("run", "asking.yaml")
    terminal.until("Publish it? [Approve/Reject/Wait]")
    terminal.until("Type Approve, Reject or Wait, or how it begins")
    terminal.type("perhaps\n")
    terminal.until("Type Approve, Reject or Wait.")
    terminal.type("w\n")
    assert terminal.end() == (0, "Wait\n")


def test_a_question_is_shown_with_quiet_too(aura: CommandLine, on_terminal: Callable[..., Terminal]) -> None:
    aura.file("asking.yaml", ASKING.replace("Publish it?", "Publish\\e[31m it?"))
    terminal = on_terminal("run", "-q", "asking.yaml")
    terminal.until("how it begins")
    assert "publish: Publish\N{REPLACEMENT CHARACTER}[31m it? [Approve/Reject/Wait]" in terminal.seen
    terminal.type("Approve\n")
    assert terminal.end() == (0, "Approve\n")


def test_a_rejection_fails_the_task_and_ctrl_c_cancels_it(
    aura: CommandLine, on_terminal: Callable[..., Terminal]
) -> None:
    aura.file("asking.yaml", ASKING)
    terminal = on_terminal("run", "asking.yaml")
    terminal.until("how it begins")
    terminal.type("reject\n")
    assert terminal.end() == (1, "")
    assert "'Publish it?' was rejected" in terminal.seen
    terminal = on_terminal("run", "asking.yaml")
    terminal.until("how it begins")
    terminal.type("\x03")
    assert terminal.end() == (130, "")


def test_a_terminal_on_which_nobody_answers_cancels_the_task(
    aura: CommandLine, on_terminal: Callable[..., Terminal]
) -> None:
    aura.file("asking.yaml", ASKING)
    terminal = on_terminal("run", "asking.yaml")
    terminal.until("how it begins")
    terminal.type("\x04\x04\x04")
    assert terminal.end() == (1, "")
    assert "Nobody answers" in terminal.seen


def test_questions_of_steps_side_by_side_are_answered_one_after_the_other(
    aura: CommandLine, on_terminal: Callable[..., Terminal]
) -> None:
    aura.file(
        "two.yaml",
        "steps:\n"
        "  - {name: a, action: human.approve, params: {message: First?, choices: [A1, A2]}, depends_on: []}\n"
        "  - {name: b, action: human.approve, params: {message: Second?, choices: [B1, B2]}, depends_on: []}\n"
        'returns: "{{ steps.a.output }} {{ steps.b.output }}"\n',
    )
    terminal = on_terminal("run", "two.yaml")
    terminal.until("Second? [B1/B2]")
    terminal.type("A2\n")
    terminal.until("b: Second? [B1/B2]")
    terminal.type("B1\n")
    assert terminal.end() == (0, "A2 B1\n")


def test_without_a_terminal_a_question_takes_its_default_or_fails(aura: CommandLine) -> None:
    aura.file("asking.yaml", ASKING)
    done = aura("run", "asking.yaml")
    assert done.returncode == 1
    assert "there is nobody to ask: Publish it?" in done.stderr
    aura.file("default.yaml", ASKING.replace("Wait]", "Wait], default: Wait"))
    assert aura("run", "-q", "default.yaml").stdout == "Wait\n"


# --- inputs -----------------------------------------------------------------------------------------------------------

TYPES = """
inputs:
  - {name: text, type: string, default: ""}
  - {name: whole, type: integer, default: 0}
  - {name: number, type: number, default: 0}
  - {name: flag, type: boolean, default: false}
  - {name: some, type: "list[string]", default: []}
  - {name: dict, type: dict, default: {}}
  - {name: any, default: null}
  - {name: new-text, default: null}
steps: [{action: core.log, params: {message: hi}}]
returns:
  - "{{ inputs.text }}"
  - "{{ inputs.whole }}"
  - "{{ inputs.number }}"
  - "{{ inputs.flag }}"
  - "{{ inputs.some }}"
  - "{{ inputs.dict }}"
  - "{{ inputs.any }}"
  - "{{ inputs['new-text'] }}"
"""


def test_values_are_read_by_the_types_of_the_spec(inside: Inside) -> None:
    inside.file("types.yaml", TYPES)
    words = [
        "text=3",
        "whole=012",
        "number=1e3",
        "flag=true",
        "some=[AA, '7']",
        "dict={a: 1}",
        "any=true",
        "new-text=a=b",
    ]
    done = inside("run", "-q", "--json", "types.yaml", *(part for word in words for part in ("-i", word)))
    assert json.loads(done.stdout) == ["3", 12, 1000.0, True, ["AA", "7"], {"a": 1}, True, "a=b"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-0.5", -0.5), ("JFK", "JFK"), ("yes", "yes"), ("2013-07-31", "2013-07-31"), ("null", None),
        ("", ""), ('"3"', "3"), ("[1, a]", [1, "a"]), ('{"a": [true]}', {"a": [True]}), ("a: b", "a: b"),
        ("@@home", "@home"), ("{{ 1 }", None),
    ],
)  # fmt: skip
def test_a_value_without_a_type_is_what_it_would_be_in_the_spec(inside: Inside, text: str, value: object) -> None:
    inside.file("any.yaml", 'steps: [{action: core.log, params: {message: hi}}]\nreturns: "{{ inputs.x }}"\n')
    done = inside("run", "-q", "--json", "any.yaml", "-i", f"x={text}")
    if text == "{{ 1 }":
        assert done.returncode == 2
        assert "inputs.x: " in done.stderr
        assert "put it in quotes" in done.stderr
    else:
        assert json.loads(done.stdout) == value


def test_inputs_come_from_files_and_stdin_too(aura: CommandLine) -> None:
    aura.file(
        "all.yaml",
        "inputs: [a, b, c, {name: d, type: list}]\nsteps: [{action: core.log, params: {message: hi}}]\n"
        'returns: ["{{ inputs.a }}", "{{ inputs.b }}", "{{ inputs.c }}", "{{ inputs.d }}"]\n',
    )
    aura.file("given.json", '{"a": 1, "b": 2}')
    aura.file("more.yaml", "b: 3\n")
    aura.file("d.yaml", "- 1\n- x: 2\n")
    done = aura(
        "run",
        "-q",
        "--json",
        "all.yaml",
        "--inputs",
        "given.json",
        "-i",
        "@more.yaml",
        "-i",
        "c=@-",
        "-i",
        "d=@d.yaml",
        stdin="text\n",
    )
    assert json.loads(done.stdout) == [1, 3, "text\n", [1, {"x": 2}]]
    aura.file("list.json", "[1]")
    done = aura("run", "all.yaml", "--inputs", "list.json")
    assert done.returncode == 2
    assert "list.json, line 1" in done.stderr


SECRET = """
inputs: [{name: key, type: secret}]
steps: [{name: tell, action: core.log, params: {message: "key {{ inputs.key }}"}}]
returns: "{{ inputs.key | length }}"
"""


def test_a_secret_comes_from_the_environment_or_a_file_and_is_never_shown(aura: CommandLine) -> None:
    aura.file("secret.yaml", SECRET)
    aura.file("key.txt", "hunter2\n")
    for word, env in (("key=env:THE_KEY", {"THE_KEY": "hunter2"}), ("key=@key.txt", {})):
        done = aura("run", "secret.yaml", "--log", "-i", word, **env)
        assert done.stdout == "7\n"
        assert "key ***" in done.stderr
        assert "hunter2" not in done.stderr
        assert "history" not in done.stderr


def test_a_file_of_inputs_that_cannot_be_read_is_not_shown_where_there_are_secrets(aura: CommandLine) -> None:
    aura.file("login.yaml", "inputs: [{name: key, type: secret}]\nsteps: [{action: core.log, params: {message: x}}]")
    aura.file("inputs.yaml", "other: 1\nkey: [s3cr3t-k3y")
    done = aura("run", "login.yaml", "-i", "@inputs.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "inputs.yaml cannot be read as YAML: there is a mistake in line 2" in done.stderr
    assert "s3cr3t" not in done.stderr


def test_a_secret_in_plain_is_taken_and_said_once_to_be_visible(inside: Inside) -> None:
    inside.file("secret.yaml", SECRET)
    done = inside("run", "secret.yaml", "-i", "key=hunter2")
    assert done.stdout == "7\n"
    assert done.stderr.count("The secret 'key' stands on the command line") == 1
    assert "hunter2" not in done.stderr


def test_an_input_that_is_missing_is_named(inside: Inside) -> None:
    inside.file("secret.yaml", SECRET)
    done = inside("run", "secret.yaml")
    assert done.returncode == 2
    assert "the input 'key' is missing" in done.stderr
    assert "-i key=" in done.stderr


# --- what is imported -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["completion", "bash"], ["__complete", "run", "--"]])
def test_what_reads_no_spec_loads_nothing_of_the_engine(aura: CommandLine, words: list[str]) -> None:
    code = (
        "import sys\nfrom aura_jupyter.cli.program import main\n"
        f"status = main({words!r})\n"
        "print(*sorted({'asyncio', 'jinja2', 'pydantic', 'yaml'} & set(sys.modules)), file=sys.stderr)\n"
        "raise SystemExit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=aura.folder, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "\n")


@pytest.mark.parametrize("command", ["run", "validate"])
def test_nothing_of_jupyter_is_imported(aura: CommandLine, command: str) -> None:
    code = (
        "import sys\nfrom aura_jupyter.cli.program import main\n"
        f"status = main([{command!r}, 'small.yaml'])\n"
        "heads = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*sorted(head for head in heads if head.startswith('jupyter') or head in\n"
        "      {'IPython', 'ipykernel', 'ipywidgets', 'anywidget', 'comm', 'tornado', 'traitlets', 'zmq', 'httpx'}),\n"
        "      file=sys.stderr)\n"
        "raise SystemExit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=aura.folder, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == ""
