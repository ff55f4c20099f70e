"""The card's drawing, in a page of its own: real pictures of real tasks, without JupyterLab."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
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
    made = {theme: folder / f"{theme}.html" for theme in ("light", "dark", "contrast")}
    for theme, path in made.items():
        path.write_text(html_page(states, theme), "utf-8")
    return made


@pytest.fixture
def cards(page: Page, pages: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    """Opens the page: `cards("dark", narrow=True)`. Nothing may go wrong on it, to the end of the test."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def opened(theme: str = "light", *, narrow: bool = False) -> Page:
        page.goto(f"{pages[theme].as_uri()}{'?narrow' if narrow else ''}")
        page.wait_for_selector("body[data-ready]")
        assert not errors
        return page

    yield opened
    assert not errors


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
    expect(page.locator("#retry .a-n")).to_have_text(["stations", "new", "fetch"])


NEXT_ROWS = """() => { const s = sources.many, rows = Array.from({length: 30}, (_, i) =>
    ({id: `n${i}`, name: `next_${i}`, icon: "pending", word: "Pending", detail: [["", "x"]], more: true}));
    const stays = s.state.rows.find(r => r.name === "fetch_0399");
    s.merge({rows, order: [...rows.slice(0, 5), stays, ...rows.slice(5)].map(r => r.id), rev: 1, now: Date.now()}); }"""


def test_the_rows_of_a_large_task_are_drawn_into_those_there_are_but_an_open_one_stays_with_its_step(
    cards: Callable[..., Page],
) -> None:
    page = cards()
    rows = page.locator("#many .a-rows li")
    expect(row(page, "many", "fetch_0399")).to_be_visible()
    row(page, "many", "fetch_0399").click()
    expect(row(page, "many", "fetch_0399")).to_have_attribute("aria-expanded", "true")
    page.evaluate("document.querySelectorAll('#many .a-rows li').forEach(li => { li.mark = li.textContent; })")
    page.evaluate(NEXT_ROWS)
    expect(rows).to_have_count(31)
    assert rows.first.evaluate("li => li.mark && li.mark !== li.textContent")
    expect(rows.nth(5)).to_contain_text("fetch_0399")
    assert rows.nth(5).evaluate("li => li.mark?.includes('fetch_0399')")
    assert page.locator("#many .a-rows [aria-expanded=true]").count() == 1


def test_many_rows_are_drawn_some_in_each_frame_until_all_are_there(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate(
        """() => { const s = sources.kinds;
        const rows = Array.from({length: 200}, (_, i) => ({id: `r${i}`, name: `r${i}`, detail: []}));
        const list = document.querySelector("#kinds .a-rows"); window.counts = [];
        new MutationObserver(() => counts.push(list.children.length)).observe(list, {childList: true});
        s.merge({rows, order: rows.map(r => r.id), rev: 1, now: Date.now()}); }"""
    )
    expect(page.locator("#kinds .a-rows li")).to_have_count(200)
    assert page.evaluate("counts.length") > 2


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


def test_a_saved_picture_brings_no_elements_and_no_styles_of_its_own(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate(
        """() => { const s = sources.kinds;
        const evil = [["script", "window.ran = 1"], ["style", "* {color: red}"], ["iframe", "x"], ["b", "bold"]];
        const blocks = [{label: "code", code: [evil]}, {pairs: [["name", evil[0], ""]]}];
        const rows = [{id: "x", name: "x", icon: "failed", open: true, detail: evil, note: evil, blocks}];
        const bar = [["done", "1%;position:fixed;inset:0;width:100"]];
        s.merge({head: {phrase: evil, bar}, rows, order: ["x"], rev: 1, now: Date.now()}); }"""
    )
    expect(page.locator("#kinds .a-row b", has_text="bold")).to_have_count(1)
    expect(page.locator("#kinds .a-open pre")).to_contain_text("window.ran = 1")
    assert page.locator("#kinds .aura-card :is(script, iframe, li style, p style)").count() == 0
    assert page.evaluate("window.ran") is None
    assert page.locator("#kinds .a-p i").first.evaluate("bar => getComputedStyle(bar).position") != "fixed"


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
    expect(page.locator("#running").get_by_role("status")).to_contain_text("The kernel stopped")


def test_no_answer_is_asked_for_while_nobody_takes_it(cards: Callable[..., Page]) -> None:
    page = cards()
    asked = page.locator("#asks .a-open")
    expect(asked.get_by_role("button")).to_have_text(["Approve", "Reject"])
    page.evaluate("() => { const s = sources.asks; s.lost = true; s.tell(); }")
    expect(asked.get_by_role("button")).to_have_count(0)
    expect(asked).to_contain_text("Publish the table")
    page.evaluate("() => { const s = sources.asks; s.lost = false; s.tell(); }")
    expect(asked.get_by_role("button")).to_have_text(["Approve", "Reject"])


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


def tab(page: Page, state: str, name: str) -> Locator:
    return page.locator(f"#{state} [role=tab]", has_text=name)


def test_the_log_has_time_step_level_and_text_and_is_filtered_by_them(cards: Callable[..., Page]) -> None:
    page = cards()
    expect(tab(page, "failed", "Log")).to_have_text("Log 4")
    tab(page, "failed", "Log").click()
    lines = page.locator("#failed .a-lines pre span")
    expect(lines).to_have_count(4)
    expect(lines.nth(3)).to_have_text(re.compile(r"\d\d:\d\d:\d\d\.\d  clean  warning 35 columns have mixed types"))
    page.locator("#failed .a-find button", has_text="Warnings 1").click()
    expect(lines).to_have_count(1)
    page.locator("#failed .a-find button", has_text="All").click()
    page.locator("#failed select").select_option("fetch")
    expect(lines).to_have_count(2)
    page.locator("#failed input").fill("336,776")
    expect(lines).to_have_count(1)
    page.locator("#failed input").fill("nowhere")
    expect(page.locator("#failed .a-lines")).to_contain_text("No line is like that.")


WRITE = """([from, number]) => { const s = sources.running;
    s.tell({kind: "log", after: from, last: from + number, more: false,
    lines: Array.from({length: number}, (_, i) => [0, "clean", "info", `line ${from + i + 1}`])}); }"""


def test_the_log_follows_its_end_until_one_scrolls_up(cards: Callable[..., Page]) -> None:
    page = cards()
    tab(page, "running", "Log").click()
    box = page.locator("#running .a-lines")
    expect(box).to_contain_text("35 columns")
    at_end = "box => box.scrollHeight - box.scrollTop - box.clientHeight < 5"
    page.evaluate(WRITE, [4, 300])
    assert box.evaluate(at_end)
    box.evaluate("box => { box.scrollTop = 200; }")
    page.evaluate(WRITE, [304, 300])
    assert box.evaluate("box => box.scrollTop") == 200
    box.evaluate("box => { box.scrollTop = box.scrollHeight; }")
    page.wait_for_timeout(50)
    page.evaluate(WRITE, [604, 300])
    assert box.evaluate(at_end)
    page.evaluate(WRITE, [904, 12_000])
    expect(page.locator("#running .a-lines")).to_contain_text("line 12904")
    page.wait_for_function("document.querySelectorAll('#running .a-lines pre span').length === 10000")


def test_show_all_leads_to_the_log_of_the_step(cards: Callable[..., Page]) -> None:
    page = cards()
    row(page, "completed", "clean").click()
    page.locator("#completed .a-open button", has_text="Show all").click()
    expect(tab(page, "completed", "Log")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#completed .a-lines pre span")).to_have_count(2)


def test_the_graph_shows_each_step_with_its_state_and_follows_it(cards: Callable[..., Page]) -> None:
    page = cards()
    tab(page, "side-by-side", "Graph").click()
    nodes = page.locator("#side-by-side .a-graph .n")
    expect(nodes).to_have_count(6)
    expect(page.locator("#side-by-side .a-graph > svg")).to_have_attribute(
        "aria-label", re.compile("weather runs after fetch")
    )
    expect(page.locator("#side-by-side .a-graph .n.a-running")).to_have_count(3)
    page.evaluate(
        """() => { const s = sources["side by side"], row = {...s.state.rows.find(r => r.name === "planes")};
        s.merge({marks: [[2, "c"]], rows: [{...row, icon: "completed"}], rev: 1, now: Date.now()}); }"""
    )
    expect(page.locator("#side-by-side .a-graph .n.a-running")).to_have_count(2)
    tab(page, "side-by-side", "Steps").click()
    expect(row(page, "side-by-side", "planes")).to_be_visible()


def test_a_large_task_is_filtered_by_text_and_state(cards: Callable[..., Page]) -> None:
    page = cards()
    box = page.locator("#many .a-box")
    expect(page.locator("#many .a-find")).to_contain_text("All 1,000")
    page.locator("#many .a-find input").fill("fetch_02")
    rows = box.locator("li")
    expect(rows.first).to_contain_text("fetch_0200")
    pane = page.locator("#many .a-pane")
    expect(pane).to_be_hidden()
    rows.nth(1).locator("button").click()
    expect(pane).to_contain_text("fetch_0201")  # says whose it is, far below the row
    rows.nth(1).locator("button").click()
    expect(pane).to_be_hidden()
    assert rows.count() < 40  # only those in view are drawn
    box.evaluate("box => { box.scrollTop = box.scrollHeight; }")
    expect(rows.last).to_contain_text("fetch_0299")
    page.locator("#many .a-find button", has_text="Failed 2").click()
    expect(rows).to_have_count(1)
    page.locator("#many .a-find input").fill("")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("RuntimeError: 503")
    rows.first.locator("button").click()
    expect(rows.first.locator("button")).to_have_attribute("aria-expanded", "true")
    page.locator("#many .a-find button", has_text="All").click()
    expect(box.locator("li").first).to_contain_text("211 steps")


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_axe_finds_nothing(cards: Callable[..., Page], theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = cards(theme)
    row(page, "completed", "fetch").click()
    row(page, "completed", "Inputs").click()
    row(page, "completed", "Result").click()
    for state in ("running", "kinds"):
        tab(page, state, "Graph").click()
    tab(page, "failed", "Log").click()
    page.locator("#many .a-find input").fill("fetch_02")
    expect(page.locator("#many .a-box li").first).to_contain_text("fetch_0200")
    expect(page.locator("#running .a-graph .n").first).to_be_visible()
    results = axe.run(page, context={"include": [[".aura-card"]]})
    assert not results.response["violations"], results.generate_report()


STOP = """() => { const at = document.activeElement, style = getComputedStyle(at);
    const inside = at.closest("#failed");
    const name = at.ariaLabel || at.textContent.trim();
    return inside && {name, seen: style.outlineStyle + " " + style.outlineWidth}; }"""


def test_every_control_is_reached_by_the_keyboard_and_shows_that_it_is(cards: Callable[..., Page]) -> None:
    page = cards()
    expect(page.locator("#failed .a-open")).to_contain_text("---> ")
    page.locator("#failed .a-btn").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # now the keyboard has moved the focus
    stops = []
    while stop := page.evaluate(STOP):
        stops.append(stop)
        page.keyboard.press("Tab")
    assert {stop["seen"] for stop in stops} == {"solid 2px"}
    names = " | ".join(stop["name"] for stop in stops)
    wanted = ["Run again", "Steps", "Graph", "Log 4", "Copy id", "Save spec", "Inputs", "fetch", "join", "report"]
    assert [name for name in wanted if name not in names] == []
    assert len(stops) == page.locator("#failed :is(button:enabled, [tabindex='0'])").count()


def test_what_opens_and_the_tabs_fit_into_320_pixels(cards: Callable[..., Page]) -> None:
    page = cards(narrow=True)
    for name in ("fetch", "clean", "Inputs", "Result"):
        row(page, "completed", name).click()
    expect(page.locator("#completed .a-open")).to_have_count(4)
    tab(page, "running", "Graph").click()
    tab(page, "cancelled", "Log").click()
    expect(page.locator("#running .a-graph .n").first).to_be_visible()
    expect(page.locator("#cancelled .a-lines span").first).to_be_visible()
    for state in ("completed", "running", "cancelled", "failed"):
        card = page.locator(f"#{state} .aura-card")
        assert card.evaluate("card => card.scrollWidth <= card.clientWidth"), state
        outside = """card => { const end = card.getBoundingClientRect().right;
            return [...card.querySelectorAll(".a-head button, .a-tabs button, .a-row")]
                .filter(button => button.getBoundingClientRect().right > end).length; }"""
        assert card.evaluate(outside) == 0, state


LONG = """() => { const long = "a long text that goes on ".repeat(9);
    const change = (state, name, blocks) => { const s = sources[state], row = s.state.rows.find(r => r.name === name);
        s.merge({rows: [{...row, blocks, key: "long", more: false}], rev: 1, now: Date.now()}); };
    change("failed", "join", [{error: true, code: [[["u", `ValueError: ${long}`]], [["u", "---> 1"], ["", " x"]]]}]);
    change("asks", "publish", [{ask: "Publish it?", choices: [long, "Reject"]}]); }"""


def test_a_long_message_and_a_long_choice_are_read_without_scrolling(cards: Callable[..., Page]) -> None:
    page = cards(narrow=True)
    page.evaluate(LONG)
    error, choice = page.locator("#failed pre.err"), page.locator("#asks .a-btns button").first
    expect(error).to_contain_text("a long text that goes on")
    expect(choice).to_contain_text("a long text that goes on")
    assert error.evaluate("node => node.scrollWidth <= node.clientWidth")
    end = "node => node.closest('.aura-card').getBoundingClientRect().right - node.getBoundingClientRect().right"
    assert choice.evaluate(end) > 0


def test_a_step_that_goes_on_is_announced_to_nobody_and_a_new_status_once(cards: Callable[..., Page]) -> None:
    page = cards()
    page.evaluate(
        """() => { window.said = []; const status = document.querySelector("#running output");
        const all = {childList: true, subtree: true};
        new MutationObserver(() => said.push(status.textContent)).observe(status, all); }"""
    )
    for rev in range(1, 4):
        page.evaluate(
            """rev => { const s = sources.running, row = s.state.rows.find(row => row.name === "clean");
            s.merge({rows: [{...row, detail: [["", `${rev} of 9`]]}], head: {log: rev}, rev, now: Date.now()}); }""",
            rev,
        )
        expect(row(page, "running", "clean")).to_contain_text(f"{rev} of 9")
    head = "{said: 'Flights completed in 3 s.', final: true, phrase: [['b', 'Completed'], ['', ', 6 steps']]}"
    page.evaluate(f"sources.running.merge({{head: {head}, rev: 4, now: Date.now()}})")
    expect(page.locator("#running .a-h2")).to_contain_text("Completed, 6 steps")
    assert page.evaluate("said") == ["Flights completed in 3 s."]


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
