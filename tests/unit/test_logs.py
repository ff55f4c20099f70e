"""What a task writes, and what it leaves alone."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

import aura_jupyter as aura
from aura_jupyter.engine.logs import Log, LogRecord
from aura_jupyter.engine.screen import Lines
from tests.unit.running import done, on_loop, scheduler


def texts(task: Any, step: str | None = None) -> list[str]:
    return [line.text for line in task.logs if step is None or line.step == step]


async def echo(value: Any = None) -> Any:
    return value


# --- the log ----------------------------------------------------------------------------------------------------------


def test_a_full_log_drops_its_middle_and_says_so() -> None:
    log = Log()
    for n in range(25_000):
        log.append(LogRecord("s", "info", f"line {n}", n))
    lines = [line.text for line in log]
    assert len(log) == 10_000
    assert lines[0] == "line 0"
    assert lines[999] == "line 999"
    assert lines[1000] == "… 15,000 lines left out …"
    assert lines[1001] == "line 16000"
    assert lines[-1] == "line 24999"
    assert log.dropped == 15_000


def test_a_log_holds_a_million_characters_at_the_most() -> None:
    log = Log()
    for _ in range(1000):
        log.append(LogRecord("s", "info", "x" * 9_000, 0))
    assert sum(len(line.text) for line in log) <= 1_010_000
    assert log.dropped > 800
    assert "left out" in str(log)


def test_a_very_long_line_is_cut_in_its_middle() -> None:
    log = Log()
    log.append(LogRecord("s", "info", "a" * 50_000 + "z" * 50_000, 0))
    [line] = log
    assert len(line.text) < 10_100
    assert line.text.startswith("aaa")
    assert line.text.endswith("zzz")
    assert "90,000 characters left out" in line.text


def test_a_record_reads_as_a_line() -> None:
    record = LogRecord("fetch", "warning", "slow", 0.25)
    assert str(record).endswith(":00.2  fetch  warning: slow")
    assert str(LogRecord(None, "info", "x", 0)).endswith("–  x")


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (["a", "b\n", "c"], ["ab", "c"]),
        (["10%\r20%\r30%\n"], ["30%"]),
        (["10%\r", "20%\r", "done\n"], ["done"]),
        (["10%\r", "\n"], ["10%"]),
        (["10%\r"], ["10%"]),
        (["a\r\nb\r\n"], ["a", "b"]),
        (["\n\n"], ["", ""]),
        (["", ""], []),
    ],
)
def test_lines_are_made_of_what_is_written_bit_by_bit(written: list[str], lines: list[str]) -> None:
    taken: list[str] = []
    made = Lines(lambda _, line: taken.append(line))
    for text in written:
        made.write("stdout", text)
    made.flush()
    made.flush()
    assert taken == lines


def test_the_two_streams_are_kept_apart() -> None:
    taken: list[tuple[str, str]] = []
    made = Lines(lambda stream, line: taken.append((stream, line)))
    for stream, text in (("stdout", "o"), ("stderr", "e"), ("stdout", "ut\n"), ("stderr", "rr\n")):
        made.write(stream, text)
    assert taken == [("stdout", "out"), ("stderr", "err")]


def test_a_line_written_in_many_bits_takes_linear_time() -> None:
    taken: list[str] = []
    made = Lines(lambda _, line: taken.append(line))
    for _ in range(200_000):
        made.write("stdout", ".")
    made.flush()
    assert taken == ["." * 200_000]


# --- what actions write -----------------------------------------------------------------------------------------------


@on_loop
async def test_what_an_action_prints_and_warns_is_in_the_log_with_its_step() -> None:
    def speak() -> None:
        print("printed")
        print("to stderr", file=sys.stderr)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = _plain_showwarning
            warnings.warn("warned", UserWarning, stacklevel=1)
        sys.stdout.write("unfinished")

    async def speak_async() -> None:
        speak()
        await asyncio.to_thread(print, "from a helper thread")
        await asyncio.create_task(_print_later())

    spec = "steps: [{name: a, action: speak}, {name: b, action: speak_async}, {name: c, action: speak, executor: loop}]"
    task = await done(spec, speak, speak_async)
    for step in "abc":
        said = texts(task, step)
        assert "printed" in said
        assert "to stderr" in said
        assert any("UserWarning: warned" in line for line in said)
        assert any(line.startswith("unfinished") for line in said)
    levels = {line.text: line.level for line in task.logs}
    assert (levels["printed"], levels["to stderr"]) == ("info", "warning")
    assert "unfinishedfrom a helper thread" in texts(task, "b")
    assert "from a task of its own" in texts(task, "b")


def _plain_showwarning(
    message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    print(warnings.formatwarning(message, category, filename, lineno, line), file=file or sys.stderr)


async def _print_later() -> None:
    await asyncio.sleep(0)
    print("from a task of its own")


@on_loop
async def test_two_tasks_at_once_are_kept_apart() -> None:
    meet = asyncio.Barrier(2)
    both = threading.Barrier(2)

    async def in_turns(name: str) -> None:
        for n in range(20):
            await meet.wait()
            print(name, n)

    def side_by_side(name: str) -> None:
        for n in range(20):
            both.wait()
            print(name, n)

    async with scheduler(in_turns, side_by_side) as made:
        for action in ("in_turns", "side_by_side"):
            specs = [{"steps": [{"action": action, "params": {"name": name}}]} for name in ("one", "two")]
            one, two = [made.run_ad_hoc_task(spec) for spec in specs]
            await asyncio.gather(one, two)
            assert texts(one) == [f"one {n}" for n in range(20)]
            assert texts(two) == [f"two {n}" for n in range(20)]


@on_loop
async def test_output_outside_actions_is_left_alone() -> None:
    before = sys.stdout
    found = sys.stdout = io.StringIO()
    try:
        async with scheduler(echo) as made:
            task = made.run_ad_hoc_task("steps: [{action: core.sleep, params: {seconds: 1ms}}]")
            made.hooks.add(lambda event: print("a listener"), "after_step_run")
            print("before")
            await task
            print("after")
            assert sys.stdout is not found
        assert sys.stdout is found
    finally:
        sys.stdout = before
    assert found.getvalue() == "before\na listener\nafter\n"
    assert texts(task) == []


@on_loop
async def test_a_task_that_an_action_submits_has_a_log_of_its_own() -> None:
    submitted = []

    async def submit() -> None:
        print("outer")
        submitted.append(made.run_ad_hoc_task({"steps": [{"action": "core.log", "params": {"message": "inner"}}]}))

    async with scheduler(submit) as made:
        task = await made.run_ad_hoc_task("steps: [{action: submit}]").wait()
        await submitted[0]
    assert texts(task) == ["outer"]
    assert texts(submitted[0]) == ["inner"]


@on_loop
async def test_a_stream_that_is_swapped_while_tasks_run_is_left_to_who_swapped_it() -> None:
    before = sys.stdout
    theirs = io.StringIO()
    try:
        async with scheduler(echo) as made:
            await made.run_ad_hoc_task("steps: [{action: echo}]")
            sys.stdout = theirs
            await made.run_ad_hoc_task("steps: [{action: core.log, params: {message: x}}]")
            print("mine")
        assert theirs.getvalue() == "mine\n"
        assert sys.stdout is theirs
    finally:
        sys.stdout = before


@on_loop
async def test_two_schedulers_share_the_capture_and_the_last_one_gives_it_back() -> None:
    found = sys.stdout
    async with scheduler(echo) as first:
        await first.run_ad_hoc_task("steps: [{action: echo}]")
        ours = sys.stdout
        async with scheduler(echo) as second:
            await second.run_ad_hoc_task("steps: [{action: echo}]")
            assert sys.stdout is ours
        assert sys.stdout is ours
    assert sys.stdout is found


def test_logging_can_be_configured_before_while_and_after_tasks_run(run_python: Any) -> None:
    code = """
import asyncio, logging, sys
import aura_jupyter as aura
sys.stderr = sys.stdout
{before}
def speak():
    logging.warning("inside")
@aura.action(name="speak")
def _(): speak()
async def main():
    async with aura.Scheduler() as made:
        task = await made.run_ad_hoc_task("steps: [{{action: speak}}]").wait()
        {during}
        logging.warning("outside")
        task = await made.run_ad_hoc_task("steps: [{{action: speak}}]").wait()
        assert [line.text for line in task.logs][-1].endswith("inside"), list(task.logs)
asyncio.run(main())
logging.basicConfig(force=True, format="%(message)s")
logging.warning("afterwards")
"""
    configure = 'logging.basicConfig(format="%(levelname)s %(message)s")'
    for before, during in (("", ""), (configure, ""), ("", configure)):
        printed = run_python(code.format(before=before, during=during)).splitlines()
        assert printed[-1] == "afterwards"
        assert sum("outside" in line for line in printed) == 1
        assert not any("inside" in line for line in printed)


def test_logging_into_files_alone_is_in_the_log_too_once_and_silences_nothing_later(
    run_python: Any, tmp_path: Path
) -> None:
    code = f"""
import asyncio, logging, sys
import aura_jupyter as aura
sys.stderr = sys.stdout
logging.basicConfig(filename={str(tmp_path / "all.log")!r}, level=logging.INFO)
def speak(word):
    logging.getLogger("deep.down").info("%s", word)
@aura.action(name="speak")
def _(word): speak(word)
async def said(word):
    task = await made.run_ad_hoc_task({{"steps": [{{"action": "speak", "params": {{"word": word}}}}]}}).wait()
    return [(line.level, line.text) for line in task.logs]
async def main():
    global made
    async with aura.Scheduler() as made:
        print(await said("first"))
        handler = logging.StreamHandler(sys.stdout)
        logging.getLogger("deep").addHandler(handler)
        print(await said("second"))
        logging.getLogger("deep").removeHandler(handler)
        speak("outside")
        logging.getLogger().removeHandler(logging.getLogger().handlers[0])
        print(await said("third"))
        logging.basicConfig(format="%(message)s", level=logging.INFO)
        speak("printed")
        print(await said("fourth"))
    print(len(logging.getLogger().handlers))
asyncio.run(main())
"""
    printed = run_python(code).splitlines()
    assert printed == ["[('info', 'first')]", "[('info', 'second')]", "[]", "printed", "[('warning', 'fourth')]", "1"]
    written = (tmp_path / "all.log").read_text("utf-8")
    assert [word for word in ("first", "second", "outside", "third") if word in written] == [
        "first",
        "second",
        "outside",
    ]


@on_loop
async def test_text_of_another_kind_is_refused_as_by_a_real_stream() -> None:
    def wrong() -> None:
        with pytest.raises(TypeError):
            sys.stdout.write(7)  # type: ignore[arg-type]
        print("fine")

    assert texts(await done("steps: [{action: wrong}]", wrong)) == ["fine"]


@on_loop
async def test_what_an_action_asks_of_its_stream_is_answered() -> None:
    def look() -> list[Any]:
        sys.stdout.writelines(["a\n", "b\n"])
        sys.stdout.flush()
        return [sys.stdout.writable(), sys.stdout.encoding is not None]

    task = await done("steps: [{action: look}]", look)
    assert task.result[0] is True
    assert texts(task) == ["a", "b"]


@on_loop
async def test_a_message_of_many_lines_is_a_record_for_each() -> None:
    async def say(context: aura.ActionContext) -> None:
        context.log("one\ntwo\n", level="ERROR")
        context.log("")
        context.log({"k": 1})
        with pytest.raises(ValueError, match="no level"):
            context.log("x", level="loud")

    task = await done("steps: [{action: say}]", say)
    assert [(line.level, line.text) for line in task.logs] == [
        ("error", "one"),
        ("error", "two"),
        ("info", ""),
        ("info", "{'k': 1}"),
    ]


@on_loop
async def test_the_unfinished_lines_of_each_attempt_are_its_own() -> None:
    calls = 0

    def flaky() -> None:
        nonlocal calls
        calls += 1
        sys.stdout.write(f"attempt {calls}")
        if calls < 3:
            raise OSError

    task = await done("steps: [{action: flaky, retry: 3}]", flaky)
    assert texts(task) == ["attempt 1", "attempt 2", "attempt 3"]


@on_loop
async def test_turns_at_once_do_not_mix_their_lines() -> None:
    both = threading.Barrier(2)

    def bits(n: int) -> None:
        for part in "abc":
            both.wait()
            sys.stdout.write(f"{part}{n}")
        print()

    spec = "steps: [{action: bits, loop: {times: 2, parallelism: 2}, params: {n: '{{ item }}'}}]"
    assert sorted(texts(await done(spec, bits))) == ["a0b0c0", "a1b1c1"]
