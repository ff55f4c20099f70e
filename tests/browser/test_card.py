"""The card's drawing, in a page of its own: real pictures of real tasks, without JupyterLab."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.card_states import all_states
from tests.browser.card_states import page as html_page


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file with every state for each theme. Made in a thread: Playwright's loop runs in this one."""
    import threading

    states: dict[str, Any] = {}
    worker = threading.Thread(target=lambda: states.update(asyncio.run(all_states())))
    worker.start()
    worker.join(60)
    assert states
    folder = tmp_path_factory.mktemp("cards")
    made = {theme: folder / f"{theme}.html" for theme in ("light", "dark")}
    for theme, path in made.items():
        path.write_text(html_page(states, theme), "utf-8")
    return made


@pytest.fixture
def cards(page: Page, pages: dict[str, Path]) -> Callable[..., Page]:
    """Opens the page: `cards("dark", narrow=True)`."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def opened(theme: str = "light", *, narrow: bool = False) -> Page:
        page.goto(f"{pages[theme].as_uri()}{'?narrow' if narrow else ''}")
        page.wait_for_selector("body[data-ready]")
        assert not errors
        return page

    return opened


def row(page: Page, state: str, name: str) -> Locator:
    return page.locator(f"#{state} .a-row", has=page.locator(".a-n", has_text=name)).first


def test_a_failed_row_opens_by_itself_and_closes_for_good(cards: Callable[..., Page]) -> None:
    page = cards()
    join = row(page, "failed", "join")
    expect(join).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#failed .a-open")).to_contain_text("---> ")
    join.focus()
    page.keyboard.press("Enter")
    expect(join).to_have_attribute("aria-expanded", "false")
    page.evaluate("sources.failed.merge({head: {title: 'Another'}, rev: 1, now: 0})")
    expect(page.locator("#failed .a-title")).to_have_text("Another")
    expect(join).to_have_attribute("aria-expanded", "false")


def test_a_row_opens_by_keyboard_and_asks_once_for_what_is_under_it(cards: Callable[..., Page]) -> None:
    page = cards()
    fetch = row(page, "completed", "fetch")
    fetch.focus()
    page.keyboard.press("Space")
    expect(page.locator("#completed .a-open")).to_contain_text("DataFrame 336,776 × 19")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    asked = page.evaluate("asked.filter(m => m.kind === 'open' && m.row === '0' && m.key.startsWith('completed'))")
    assert len(asked) == 1


def test_what_changes_is_changed_in_place(cards: Callable[..., Page]) -> None:
    page = cards()
    clean = row(page, "running", "clean")
    clean.focus()
    clean.evaluate("node => { node.mark = 1; node.querySelector('.a-bar').mark = 1; }")
    page.evaluate(
        """() => { const s = sources.running, old = s.state.rows.find(r => r.name === 'clean');
        const row = {...old, bar: {done: 80, failed: 0, percent: '80 %'}, detail: [['', '8 of 10']]};
        s.merge({rows: [row], rev: 1, now: Date.now()}); }"""
    )
    expect(clean).to_contain_text("80 %")
    assert clean.evaluate("node => node.mark && node.querySelector('.a-bar').mark && document.activeElement === node")


def test_rows_come_and_go_in_the_order_of_the_picture(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate(
        """() => { const s = sources.retry, ids = s.state.rows.map(r => r.id);
        s.merge({rows: [{id: 'new', name: 'new', icon: 'pending', word: 'Pending', detail: [['', 'x']]}],
        order: [ids[0], 'new', ...ids.slice(1, -1)], rev: 1, now: Date.now()}); }"""
    )
    names = page.locator("#retry .a-n > span:last-child").all_text_contents()
    assert names == ["stations", "new", "fetch"]


def test_a_press_is_offered_to_the_page_first_and_carries_its_id(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate(
        """() => { window.heard = []; const take = e => { heard.push(e.detail.message); e.preventDefault(); };
        document.addEventListener('aura:ask', take, {once: true}); }"""
    )
    page.locator("#running .a-btn").click()
    (heard,) = page.evaluate("heard")
    assert (heard["kind"], bool(heard["press"])) == ("cancel", True)
    assert not page.evaluate("asked.filter(m => m.kind === 'cancel').length")
    expect(page.locator("#running .a-btn")).to_have_text("Cancelling…")
    expect(page.locator("#running .a-btn")).to_be_disabled()
    page.locator("#asks .a-open .a-btn", has_text="Reject").click()
    (answer,) = page.evaluate("asked.filter(m => m.kind === 'answer')")
    assert answer["choice"] == "Reject"


def test_the_keeper_can_read_the_picture_from_the_root(cards: Callable[..., Page]) -> None:
    titles = cards().evaluate("[...document.querySelectorAll('.aura-card')].map(card => card.aura().title)")
    assert len(titles) > 10
    assert "Nightly report" in titles


def test_what_a_task_says_is_text(cards: Callable[..., Page]) -> None:
    page = cards()
    expect(page.locator("#odd .a-title")).to_have_text("<img src=x onerror=alert(1)> & <b>bold</b>")
    assert page.locator("#odd :is(img, script)").count() == 0


def test_without_a_kernel_a_card_is_what_was_last_saved(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate("() => { const s = sources.running; delete s.send; s.tell(); }")
    head = page.locator("#running .a-h2")
    expect(head).to_contain_text("As last saved at ")
    expect(head).to_contain_text(", 1 of 6 steps")
    expect(head.locator("button")).to_be_hidden()


def test_when_the_kernel_is_gone_the_card_says_so(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate("() => { const s = sources.running; s.state = {...s.state, lost: true}; s.tell(); }")
    expect(page.locator("#running .a-h2")).to_contain_text("The kernel stopped while this ran. Last seen at ")
    expect(row(page, "running", "clean")).to_contain_text("Was running")
    expect(page.locator("#running [role=status]")).to_contain_text("The kernel stopped")


def test_the_clock_ticks_and_the_countdown_counts(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate("() => { const s = sources.retry; s.skew -= 2000; s.tell(); }")
    expect(row(page, "retry", "fetch")).to_contain_text("next in 2 s")
    page.evaluate("() => { const s = sources.running; s.skew -= 65000; s.tell(); }")
    expect(page.locator("#running .a-h1 .a-t")).to_contain_text("1 m 0")


def test_an_ended_view_leaves_nothing_behind(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate("sources.running.off()")
    assert page.locator("#running .aura-card").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(cards: Callable[..., Page], theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = cards(theme)
    row(page, "completed", "fetch").click()
    row(page, "completed", "Inputs").click()
    row(page, "completed", "Result").click()
    results = axe.run(page, context={"include": [[".aura-card"]]})
    assert not results.response["violations"], results.generate_report()


def test_nothing_overflows_at_320_pixels(cards: Callable[..., Page]) -> None:
    page = cards(narrow=True)
    wide = page.evaluate(
        "[...document.querySelectorAll('.aura-card')].filter(c => c.scrollWidth > c.clientWidth).length"
    )
    assert wide == 0


def test_no_ring_turns_for_a_person_who_wants_no_motion(cards: Callable[..., Page]) -> None:
    page = cards()
    running = "document.querySelector('#running').getAnimations({subtree: true}).filter(a => a.animationName).length"
    assert page.evaluate(running) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(running) == 0
