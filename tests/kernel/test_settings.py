"""The settings of the magics: shown, changed while the kernel runs, and each one used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.kernels import Kernel

HOLD = "import asyncio\ngate = asyncio.Event()\nasync def hold():\n    await gate.wait()"
NAMES = ("log_lines", "loop", "max_concurrency", "max_waiting", "message_rate", "notify_after", "quiet", "wait")


@pytest.fixture
def changed(kernel: Kernel) -> Iterator[Kernel]:
    """A kernel whose settings are set back afterwards."""
    yield kernel
    kernel.ok("settings = get_ipython().magics_manager.registry['AuraMagics']")
    kernel.ok(
        "for name, trait in settings.traits(config=True).items():\n    setattr(settings, name, trait.default_value)"
    )


def test_they_are_shown_by_config_and_by_aura_config(kernel: Kernel) -> None:
    shown, ours = kernel.ok("%config AuraMagics").stdout, kernel.ok("%aura config").stdout
    for name in NAMES:
        assert f"AuraMagics.{name}=" in shown
        assert any(line.startswith(name) for line in ours.splitlines())


def test_a_changed_one_is_shown_with_its_default(changed: Kernel) -> None:
    changed.ok("%config AuraMagics.log_lines = 50")
    assert "50 (default 10000)" in changed.ok("%aura config").stdout


def test_wait_ends_each_cell_with_its_task(changed: Kernel) -> None:
    changed.ok("%config AuraMagics.wait = True")
    assert changed.ok("%%aura\nsteps: [{action: core.log, params: {message: hi}}]").value == "'hi'"


def test_quiet_shows_no_card(changed: Kernel) -> None:
    changed.ok("%config AuraMagics.quiet = True")
    assert changed.ok("%%aura t\nsteps: [{action: core.log, params: {message: hi}}]").displays == []


def test_max_concurrency_holds_at_once(changed: Kernel) -> None:
    changed.ok(HOLD)
    changed.ok("%config AuraMagics.max_concurrency = 1")
    changed.ok("%%aura one\nsteps: [{action: hold}]")
    changed.ok("%%aura two\nsteps: [{action: hold}]")
    assert changed.get("(await asyncio.sleep(0), one.status.value, two.status.value)[1:]") == "('RUNNING', 'QUEUED')"
    changed.ok("%config AuraMagics.max_concurrency = 2")
    assert changed.get("(await asyncio.sleep(0), two.status.value)[1]") == "'RUNNING'"
    changed.ok("gate.set()\nawait one\nawait two")


def test_log_lines_bounds_the_log_of_later_tasks(changed: Kernel) -> None:
    changed.ok("%config AuraMagics.log_lines = 20\ndef talk():\n    for n in range(100):\n        print(n)")
    changed.ok("%%aura t -w\nsteps: [{action: talk}]")
    assert changed.get("len(t.logs), t.logs.dropped") == "(20, 80)"


def test_message_rate_bounds_what_a_card_sends(changed: Kernel) -> None:
    changed.ok("%config AuraMagics.message_rate = 2")
    changed.ok(
        "import asyncio, time, aura_jupyter as aura\n"
        "async def busy(context: aura.ActionContext):\n"
        "    for n in range(100):\n"
        "        context.progress(n, 100)\n"
        "        await asyncio.sleep(0.01)"
    )
    start = len(changed.messages)
    changed.ok("%%aura t -w\nsteps: [{action: busy}]")
    sent = [each for each in changed.messages[start:] if each["msg_type"] == "comm_msg"]
    assert 2 <= len(sent) <= 6


def test_what_configure_sets_is_shown(changed: Kernel) -> None:
    changed.ok("import aura_jupyter as aura\naura.configure(max_concurrency=3)")
    assert "3 (default 10)" in changed.ok("%aura config").stdout
    assert "Current: 3" in changed.ok("%config AuraMagics").stdout
    changed.ok("%reload_ext aura_jupyter")
    assert "3 (default 10)" in changed.ok("%aura config").stdout
    changed.ok("%config AuraMagics.max_concurrency = 10")


def test_notify_after_says_from_when_on_an_end_is_told(changed: Kernel) -> None:
    changed.ok("%%aura task -w\nsteps: [{action: core.log, params: {message: hi}}]")
    changed.ok("from aura_jupyter.view.ending import notice\ntask.queued_at -= 31")
    told = "notice(task, get_ipython().magics_manager.registry['AuraMagics'].notify_after)"
    assert changed.get(f"{told} == 'task completed in <0.1 s.'") == "True"
    for never in ("0", "None", "60"):
        changed.ok(f"%config AuraMagics.notify_after = {never}")
        assert changed.get(f"{told} is None") == "True"


@pytest.mark.parametrize(
    "line", ["max_concurrency = 0", "wait = 3", "message_rate = 1000", "loop = 'process'", "notify_after = -1"]
)
def test_what_cannot_be_is_refused(changed: Kernel, line: str) -> None:
    name = line.partition(" ")[0]
    before = changed.get(f"get_ipython().magics_manager.registry['AuraMagics'].{name}")
    changed.run(f"%config AuraMagics.{line}")
    assert changed.get(f"get_ipython().magics_manager.registry['AuraMagics'].{name}") == before
