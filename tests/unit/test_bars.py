"""Progress bars that are read from what an action prints."""

from __future__ import annotations

import sys
from typing import Any

import pytest

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
        ("5it [00:00, 31.9it/s]", None),
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
