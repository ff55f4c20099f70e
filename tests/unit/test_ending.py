"""What is told of a task that ended while nobody looked."""

from __future__ import annotations

from aura_jupyter.view.ending import ending, notice
from tests.unit.running import on_loop, scheduler


@on_loop
async def test_an_end_is_one_sentence_that_says_where_it_failed_and_no_secret() -> None:
    def join(word: str) -> None:
        raise KeyError(f"no {word}")

    steps = "steps: [{action: join, params: {word: '{{ inputs.word }}'}}]"
    spec = f"meta: {{title: delays}}\ninputs: [{{name: word, type: secret}}]\n{steps}"
    async with scheduler(join) as made:
        failed = await made.run_ad_hoc_task(spec, {"word": "hush-hush"}).wait()
        done = await made.run_ad_hoc_task("steps: [{action: core.log, params: {message: x}}]", title="short").wait()
        stopped = made.run_ad_hoc_task("steps: [{action: core.sleep, params: {seconds: 100}}]")
        stopped.cancel()
        await stopped.wait()
    assert ending(failed).startswith("delays failed in join: KeyError: 'no ")
    assert "hush-hush" not in ending(failed)
    assert ending(done) == "short completed in <0.1 s."
    for task in (failed, done, stopped):
        task.queued_at -= 31
    assert [notice(task, 30) is not None for task in (failed, done, stopped)] == [True, True, False]
    assert [notice(failed, after) for after in (None, 0, 60)] == [None, None, None]
