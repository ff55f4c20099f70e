"""Progress bars that are read from what an action prints."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from tqdm import tqdm

import aura_jupyter as aura
from aura_jupyter.engine.bars import read_bar
from tests.unit.running import Recorder, on_loop, scheduler


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\r 42%|████▏     | 42/100 [00:01<00:02, 30.00it/s]", (42, 100, "")),
        ("\rmonths:  25%|██▌       | 3/12 [00:00<00:02,  3.62it/s]", (3, 12, "months")),
        ("\r 10%|█  | 1/10 [0s]\r 20%|██ | 2/10 [0s]", (2, 10, "")),
        ("\rRead: 50%|#####     | 1.50k/3.00k [00:01<00:01]", (1500, 3000, "Read")),
        ("\r  0%|          | 0/5 [00:00<?, ?it/s]", (0, 5, "")),
        ("100%|██████████| 5/5 [00:01<00:00]\n", (5, 5, "")),
        ("5it [00:00, 31.9it/s]", (5, None, "")),
        ("\rrows: 1.50kit [01:00:00,  3.62it/s, loss=0.3]", (1500, None, "rows")),
        ("\rread: 12.0MB [00:03, 4.00MB/s]   \n", (12_000_000, None, "read")),
        ("0it [00:00, ?it/s]", (0, None, "")),
        ("slow: 2it [00:04, 2.00s/it]", (2, None, "slow")),
        ("see [00:00, a/b]", None),
        ("5 of [3/4]", None),
        ("42 % of 100|200", None),
        ("5%|x| 1.2.3/4", None),
        ("\n", None),
    ],
)
def test_a_bar_is_read(written: str, read: Any) -> None:
    assert read_bar(written) == read


@on_loop
async def test_a_printed_bar_is_the_progress_of_its_step_and_no_warning() -> None:
    def works() -> None:
        for number in range(4):
            sys.stderr.write(f"\rfiles: {number * 25}%|██  | {number}/4 [00:00<00:01, 3.6it/s]")
        sys.stderr.write("\n")
        sys.stderr.write("careful\n")

    async with scheduler(works) as made:
        recorder = Recorder(made)
        tasklet = await made.run_ad_hoc_task("steps: [{action: works}]").wait()
    progress = tasklet.steps["works"].progress
    assert (progress.done, progress.total, progress.text) == (3, 4, "files")
    assert recorder.named("step_progress")
    assert [(line.level, line.text) for line in tasklet.logs] == [
        ("info", "files: 75%|██  | 3/4 [00:00<00:01, 3.6it/s]"),
        ("warning", "careful"),
    ]


@on_loop
async def test_what_the_action_reports_itself_stays_when_nothing_is_printed() -> None:
    async def works(context: aura.ActionContext) -> None:
        context.progress(1, 2)
        print("100 %| done")

    async with scheduler(works) as made:
        tasklet = await made.run_ad_hoc_task("steps: [{action: works}]").wait()
    assert tasklet.steps["works"].progress.done == 1


# --- bars of tqdm -------------------------------------------------------------------------------------------------


async def ran(action: Any) -> tuple[list[tuple[str, str]], list[tuple[float, float | None, str]]]:
    """The log of a step without the times of its bars, and what it told of its progress, changes only."""
    async with scheduler(action) as made:
        recorder = Recorder(made)
        tasklet = await made.run_ad_hoc_task(f"steps: [{{action: {action.__name__}, executor: loop}}]").wait()
    told = [(event.done, event.total, event.text) for event in recorder.named("step_progress")]
    log = [(line.level, line.text.partition(" [")[0]) for line in tasklet.logs]
    return log, [each for number, each in enumerate(told) if number == 0 or told[number - 1] != each]


@on_loop
async def test_a_bar_below_another_one_tells_nothing_of_the_step_and_is_a_line_at_its_end_only() -> None:
    def nested() -> None:
        for _ in tqdm(range(3), desc="outer", mininterval=0):
            for _ in tqdm(range(4), desc="inner", mininterval=0, leave=False):
                pass

    log, told = await ran(nested)
    assert log == [("info", "outer: 100%|██████████| 3/3")]
    assert told == [(0, 3, "outer"), (1, 3, "outer"), (2, 3, "outer"), (3, 3, "outer")]


@on_loop
async def test_bars_that_stay_are_a_line_each() -> None:
    def staying() -> None:
        for _ in tqdm(range(2), desc="outer", mininterval=0):
            for _ in tqdm(range(3), desc="inner", mininterval=0):
                pass

    log, told = await ran(staying)
    assert log == [
        ("info", f"{name}: 100%|██████████| {n}/{n}") for name, n in (("inner", 3), ("inner", 3), ("outer", 2))
    ]
    assert told[-1] == (2, 2, "outer")


@on_loop
async def test_a_bar_without_a_total_tells_how_many_are_done() -> None:
    def counting() -> None:
        for _ in tqdm(iter(range(3)), desc="rows", mininterval=0):
            pass
        print("done", file=sys.stderr)

    log, told = await ran(counting)
    assert log == [("info", "rows: 3it"), ("warning", "done")]
    assert told == [(0, None, "rows"), (1, None, "rows"), (2, None, "rows"), (3, None, "rows")]


@on_loop
async def test_lines_that_are_written_beside_a_bar_stand_in_the_log_at_once() -> None:
    def writing() -> None:
        for number in tqdm(range(2), desc="outer", mininterval=0):
            tqdm.write(f"line {number}")
            tqdm.write(f"careful {number}", file=sys.stderr)

    log, _ = await ran(writing)
    assert log[:-1] == [
        (level, f"{text} {n}") for n in range(2) for level, text in (("info", "line"), ("warning", "careful"))
    ]
    assert log[-1] == ("info", "outer: 100%|██████████| 2/2")


@on_loop
async def test_colours_are_left_out_of_the_log() -> None:
    def coloured(context: aura.ActionContext) -> None:
        print("\x1b[31mred\x1b[0m and \x1b]8;;http://x\x1b\\a link\x1b]8;;\x1b\\")
        context.log("\x1b[1mbold\x1b[0m")
        print("\x1b[2Kerased first", "\x1b[A", sep="")

    log, _ = await ran(coloured)
    assert log == [("info", "red and a link"), ("info", "bold"), ("info", "erased first")]
