"""The card as HTML that lasts."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from aura_jupyter.engine.scheduler import Scheduler
from aura_jupyter.engine.tasklet import Tasklet
from aura_jupyter.notebook.card.snapshot import to_html
from aura_jupyter.view.picture import stored

# what JupyterLab's sanitiser lets pass in a notebook that is not trusted
KEPT = {
    "div": {"class", "style"}, "span": {"style"}, "strong": {"style"}, "table": {"style"}, "thead": {"style"},
    "tbody": set(), "tr": {"style"}, "th": {"style", "scope"}, "td": {"style", "colspan"}, "details": {"style", "open"},
    "summary": {"style"}, "pre": {"style"}, "progress": {"value", "max", "title", "style"}, "wbr": set(), "br": set(),
    "img": {"src", "alt", "style"},
}  # fmt: skip
VOID = {"wbr", "br", "img"}


class Reader(HTMLParser):
    """Reads the tags of a card, checks that they are closed in order, and keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader


class Names(dict[str, Any]):
    """The variables of a notebook."""

    def find(self, name: str) -> Any:
        return self.get(name)

    def names(self) -> list[str]:
        return list(self)


def odd() -> None:
    raise ValueError('<img src=x onerror="alert(1)">\nsecond line')


SPEC = """
meta: {title: "<b>bold</b> & co"}
inputs: [{name: "a<i>", default: "<script>alert(1)</script>"}]
steps:
  - {name: "<script>alert(1)</script>", action: frame}
  - {name: long_name_of_a_step, action: core.log, params: {message: "</pre><script>"}}
  - name: handled
    action: odd
    on_error: [{name: instead, action: frame}]
  - {name: "\\" onmouseover=\\"x", action: odd}
"""
GOOD = "steps: [{name: make, action: frame}]"


@pytest.fixture
async def scheduler() -> Any:
    names = Names(odd=odd, frame=lambda: pd.DataFrame({"<u>": ["<s>x</s>"], "n": [1.5]}))
    async with Scheduler(namespace=names) as scheduler:
        yield scheduler


async def ended(scheduler: Scheduler, spec: str) -> Tasklet:
    return await scheduler.run_ad_hoc_task(spec, {}).wait()


@pytest.mark.parametrize("spec", [SPEC, GOOD])
async def test_only_what_the_sanitiser_keeps_is_used(scheduler: Scheduler, spec: str) -> None:
    for tag, attributes in read(to_html(stored(await ended(scheduler, spec)))).tags:
        assert set(attributes) <= KEPT[tag], tag
        style = attributes.get("style") or ""
        assert "var(" not in style
        assert "url(" not in style
        assert "<" not in style


async def test_all_that_a_task_says_is_text(scheduler: Scheduler) -> None:
    reader = read(to_html(stored(await ended(scheduler, SPEC))))
    for text in ("<b>bold</b> & co", "<script>alert(1)</script>", '<img src=x onerror="alert(1)">', "</pre><script>"):
        assert text in reader.text
    assert '" onmouseover="x' in reader.text


async def test_it_is_wrapped_so_that_a_comparison_can_leave_it_out(scheduler: Scheduler) -> None:
    html = to_html(stored(await ended(scheduler, GOOD)))
    assert html.startswith('<div class="aura">')
    assert html.endswith("</div><!--/aura-->")
    assert html.count("<!--/aura-->") == 1


async def test_its_first_line_is_short_since_jupyterlab_shows_that_of_a_collapsed_output(scheduler: Scheduler) -> None:
    assert to_html(stored(await ended(scheduler, GOOD))).splitlines()[0] == '<div class="aura">'


async def test_a_long_name_may_break_after_an_underscore(scheduler: Scheduler) -> None:
    assert "long_<wbr>name_<wbr>of" in to_html(stored(await ended(scheduler, SPEC)))


async def test_words_stand_beside_every_glyph(scheduler: Scheduler) -> None:
    reader = read(to_html(stored(await ended(scheduler, SPEC))))
    for words in ("Failed in", "Completed", "Failed, handled", "On error of handled"):
        assert words in reader.text


async def test_the_head_of_a_table_is_shown_as_a_table(scheduler: Scheduler) -> None:
    reader = read(to_html(stored(await ended(scheduler, GOOD + "\nreturns: '{{ steps.make.output }}'"))))
    assert "Result, DataFrame 1 × 2" in reader.text
    assert "<u>" in reader.text
    assert ("th", {"scope": "row", "style": "padding:1px 0;text-align:left;font-weight:normal"}) in reader.tags


async def test_an_unfinished_task_is_worded_so_that_it_stays_true(scheduler: Scheduler) -> None:
    tasklet = scheduler.run_ad_hoc_task(GOOD, {})
    expected = "Queued when this was made, 1st in the queue. Its end is not recorded here."
    assert expected in read(to_html(stored(tasklet))).text
    await tasklet.wait()


@pytest.mark.parametrize("theme", ["#ffffff", "#111111"])
async def test_status_colours_show_on_light_and_dark(scheduler: Scheduler, theme: str) -> None:
    colours = {
        part.removeprefix("color:")
        for _, attributes in read(to_html(stored(await ended(scheduler, SPEC)))).tags
        for part in (attributes.get("style") or "").split(";")
        if part.startswith("color:")
    }
    assert colours
    assert all(contrast(colour, theme) >= 3 for colour in colours)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
