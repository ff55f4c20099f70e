"""YAML where it is written: `%%aura` cells and `*.aura.yaml` files in a real JupyterLab and in Notebook 7."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from aura_jupyter.engine.planner import compile_spec
from aura_jupyter.spec.problems import Problem, Source, SpecError
from aura_jupyter.spec.reader import read_text
from tests.browser.lab import LOOK, Lab

LOAD = '''%load_ext aura_jupyter

def clean(frame, origin="JFK"):
    """Take the flights of one airport."""
    return frame
'''
HOLD = "import threading\nthreading.Event().wait()"
MIME = "text/x-aura-yaml"
LOOKS = 4  # times that the pointer is moved to a place
PANEL = "window.jupyterapp.shell.currentWidget"
COLOUR = """([cell, text, name]) => {
  const spans = [...cell.querySelectorAll(".cm-line span")].filter(span => span.textContent.trim() === text);
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(--jp-mirror-editor-${name}-color)`;
  const wanted = getComputedStyle(probe).color;
  probe.remove();
  return [spans.map(span => getComputedStyle(span).color), wanted];
}"""
MIDDLE = """(content, text) => {
  const walker = document.createTreeWalker(content, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.data.indexOf(text);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(walker.currentNode, at);
    range.setEnd(walker.currentNode, at + text.length);
    const {x, y, width, height} = range.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  }
}"""


class Editor:
    """A code cell, or the editor of a file."""

    def __init__(self, page: Page, box: Locator, model: str) -> None:
        self.page, self.box, self._model = page, box, model
        self.content = box.locator(".cm-content")
        self.underlined = box.locator(".cm-lintRange-error")
        self.doubted = box.locator(".cm-lintRange-warning")
        self.tip = page.locator(".cm-diagnostic")
        self.offers = page.locator(".jp-Completer:visible .jp-Completer-match")
        self.explained = page.locator(".aura-Hover")

    @property
    def text(self) -> str:
        return str(self.page.evaluate(f"{self._model}.sharedModel.getSource()"))

    @text.setter
    def text(self, text: str) -> None:
        self.page.evaluate(f"text => {self._model}.sharedModel.setSource(text)", text)

    def expect_mime(self, mime: str) -> None:
        self.page.wait_for_function(f"mime => {self._model}.mimeType === mime", arg=mime)

    def expect_text(self, text: str) -> None:
        self.page.wait_for_function(f"text => {self._model}.sharedModel.getSource() === text", arg=text)

    def expect_colour(self, text: str, name: str) -> None:
        found, wanted = self.page.evaluate(COLOUR, [self.box.element_handle(), text, name])
        assert found
        assert set(found) == {wanted}, text

    def write(self, text: str) -> None:
        """Type a text, as a person does, in place of what is there."""
        self.content.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.type(text)

    def at_end(self) -> None:
        self.content.click()
        self.page.keyboard.press("Control+End")

    def ask(self) -> list[str]:
        """What is offered at the cursor."""
        self.page.keyboard.press("Tab")
        expect(self.offers.first).to_be_visible()
        return [each.strip() for each in self.offers.all_text_contents()]

    def take(self, offer: str) -> None:
        """Take what is offered at the cursor, where it is one thing."""
        assert self.ask() == [offer]
        self.page.keyboard.press("Enter")

    def tip_of(self, place: Locator) -> Locator:
        """What a problem says that is pointed at."""
        self.page.mouse.move(1, 1)
        place.hover()
        expect(self.tip.first).to_be_visible()
        return self.tip.first

    def explain(self, text: str) -> Locator:
        """What is said of a text that is pointed at."""
        for _ in range(LOOKS):  # a line that is drawn anew under the pointer takes no notice of it
            self.page.mouse.move(1, 1)
            x, y = self.content.evaluate(MIDDLE, text)
            self.page.mouse.move(x, y)
            with suppress(PlaywrightTimeout):
                self.explained.wait_for(timeout=LOOK / LOOKS)
                break
        expect(self.explained).to_be_visible()
        return self.explained


@pytest.fixture
def cells(lab: Callable[..., Lab]) -> Callable[..., list[Editor]]:
    """Opens a notebook: `cells(code, …)`."""

    def opened(*codes: str, run: bool = True) -> list[Editor]:
        it = lab(list(codes))
        if run:
            it.run(0)
            expect(it.code_cell(0).locator(".jp-InputPrompt")).to_have_text("[1]:")
        return of_notebook(it, len(codes))

    return opened


def of_notebook(lab: Lab, count: int) -> list[Editor]:
    models = f"{PANEL}.content.model.cells.get"
    return [Editor(lab.page, lab.code_cell(n), f"{models}({n})") for n in range(count)]


def problems_of(text: str, above: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    """What the kernel says."""
    source = Source(text, above=above)
    with pytest.raises(SpecError) as caught:
        compile_spec(read_text(source), source)
    return caught.value.problems


def run(editor: Editor) -> None:
    editor.content.click()
    editor.page.keyboard.press("Control+Enter")


def interrupt(page: Page) -> None:
    page.evaluate(f"{PANEL}.sessionContext.session.kernel.interrupt()")
    expect(page.get_by_text("| Idle")).to_be_visible()


SPEC = """\
steps:
  - name: pick
    action: clean
    when: inputs.n > 3
    params: {frame: "{{ inputs.flights | first }}"}
"""


def test_a_cell_is_yaml_as_long_as_it_begins_with_the_magic(cells: Callable[..., list[Editor]], lab: object) -> None:
    python, aura, late = cells("x = 1", f"# daily\n%matplotlib inline\n%%aura delays\n{SPEC}", "steps: []", run=False)
    aura.expect_mime(MIME)
    aura.expect_colour("%%aura delays", "meta")
    aura.expect_colour("steps", "property")
    aura.expect_colour("# daily", "comment")
    aura.expect_colour("first", "builtin")
    aura.expect_colour("3", "number")
    late.expect_mime("text/x-ipython")
    late.content.click()
    late.page.keyboard.press("Control+Home")
    late.page.keyboard.type("%%aura\n")
    late.expect_mime(MIME)
    late.page.keyboard.press("Backspace")
    late.page.keyboard.press("Backspace")
    late.expect_mime("text/x-ipython")
    python.expect_mime("text/x-ipython")


def test_nothing_of_it_is_saved_and_other_cells_are_untouched(lab: Callable[..., Lab]) -> None:
    it = lab(["x = 1", f"%%aura\n{SPEC}", "y = 2"])
    python, aura, _ = of_notebook(it, 3)
    aura.expect_mime(MIME)
    expect(aura.box.locator(".cm-foldGutter")).to_have_count(1)
    expect(it.page.locator(".cm-foldGutter")).to_have_count(1)
    expect(python.box.locator(".cm-gutters")).to_have_count(0)
    python.write("for i in x:\npass")
    python.expect_text("for i in x:\n    pass")
    saved = it.save()
    assert [cell["metadata"] for cell in saved["cells"]] == [{}] * 3
    assert MIME not in it.path.read_text("utf-8")


def test_what_is_typed_is_indented_commented_and_folded(cells: Callable[..., list[Editor]]) -> None:
    (cell,) = cells("", run=False)
    cell.write("%%aura\nsteps:\n- name: a\naction: core.log\nparams:\nmessage: |\none\ntwo")
    written = (
        "%%aura\nsteps:\n  - name: a\n    action: core.log\n    params:\n      message: |\n        one\n        two"
    )
    cell.expect_text(written)
    press = cell.page.keyboard.press
    press("Home")
    press("Shift+Tab")
    cell.expect_text(written.replace("        two", "      two"))
    press("Tab")
    cell.expect_text(written)
    press("Control+/")
    cell.expect_text(written.replace("        two", "        # two"))
    press("Control+/")
    cell.expect_text(written)
    press("Control+Home")
    press("ArrowDown")
    press("Control+Shift+BracketLeft")
    expect(cell.box.locator(".cm-foldPlaceholder")).to_have_count(1)
    expect(cell.content).not_to_contain_text("name: a")
    press("Control+Shift+BracketRight")
    expect(cell.content).to_contain_text("name: a")
    cell.box.locator(".cm-foldGutter .cm-gutterElement span", has_text="⌄").first.click()
    expect(cell.content).not_to_contain_text("name: a")


def test_a_problem_is_underlined_as_the_kernel_words_it_and_fixed_by_a_click(
    cells: Callable[..., list[Editor]],
) -> None:
    above = ("# 😀", "%%aura")
    head, body = "\n".join(above), "steps:\n  - name: a\n    action: core.log\n    parms: {message: hi}\n"
    _, cell = cells(LOAD, f"{head}\nsteps: []")
    (said,) = problems_of(body, above)
    cell.write(f"{head}\nsteps:\n- name: a\naction: core.log\nparms: {{message: hi}}\n")
    expect(cell.underlined).to_have_text(["parms"])
    tip = cell.tip_of(cell.underlined)
    expect(tip.locator(".cm-diagnosticText")).to_have_text(f"{said.message}.\n{said.hint}")
    expect(tip.locator(".cm-diagnosticSource")).to_have_text(said.code)
    tip.get_by_role("button", name="Write 'params'").click()
    cell.expect_text(f"{head}\nsteps:\n  - name: a\n    action: core.log\n    params: {{message: hi}}\n    ")
    expect(cell.underlined).to_have_count(0)


def test_places_are_right_behind_emoji_and_fixed_by_the_keyboard(cells: Callable[..., list[Editor]]) -> None:
    spec = 'inputs: [city]\nsteps:\n  - action: core.log\n    params: {message: "😀 城 👩‍👩‍👧 {{ inputs.citty }} 😀"}'
    _, cell = cells(LOAD, f"%%aura 城 --quite\n{spec}")
    expect(cell.underlined).to_have_text(["--quite", "inputs.citty"])
    cell.content.click()
    cell.page.keyboard.press("Control+Home")
    cell.page.keyboard.press("F8")
    expect(cell.tip).to_contain_text("Write --quiet.")
    cell.page.keyboard.press("Control+.")
    expect(cell.underlined).to_have_text(["inputs.citty"])
    cell.page.keyboard.press("F8")
    expect(cell.tip).to_contain_text("there is no input 'citty'")
    cell.page.keyboard.press("Control+.")
    cell.expect_text(f"%%aura 城 --quiet\n{spec.replace('citty', 'city')}")
    expect(cell.underlined).to_have_count(0)


def test_the_functions_of_the_notebook_are_known_once_their_cell_has_run(cells: Callable[..., list[Editor]]) -> None:
    load, define, cell = cells(
        "%load_ext aura_jupyter", LOAD.split("\n", 1)[1], f"%%aura\ninputs: [n, flights]\n{SPEC}"
    )
    del load
    expect(cell.underlined).to_have_text(["clean"])
    run(define)
    expect(cell.underlined).to_have_count(0)
    explained = cell.explain("clean")
    expect(explained).to_contain_text("clean(frame, origin='JFK')")
    expect(explained).to_contain_text("Take the flights of one airport.")


def test_the_server_answers_where_the_kernel_has_not_loaded_aura(cells: Callable[..., list[Editor]]) -> None:
    text = f"# x\n%%aura\ninputs: [n, flights]\n{SPEC}    timeout: 5 minutes\n"
    load, cell = cells("%load_ext aura_jupyter", text, run=False)
    expect(cell.underlined).to_have_text(["5 minutes"])  # not `clean`, which may be a function of the notebook
    explained = cell.explain("timeout")
    expect(explained).to_contain_text("A limit on each attempt")
    cell.at_end()
    cell.page.keyboard.type("    ret")
    cell.take("retry:")
    cell.expect_text(f"{text}    retry: ")
    run(load)
    expect(cell.underlined).to_have_text(["clean", "5 minutes"])  # now the kernel is asked


def test_all_of_it_works_while_a_cell_holds_the_kernel(cells: Callable[..., list[Editor]]) -> None:
    _, hold, cell = cells(LOAD, HOLD, "%%aura\nsteps:\n  - name: a\n    action: clean\n    ")
    expect(cell.underlined).to_have_count(1)  # the frame is missing
    run(hold)
    expect(hold.box.locator(".jp-InputPrompt")).to_have_text("[*]:")
    cell.at_end()
    cell.page.keyboard.type("d")
    assert sorted(cell.ask()) == ["depends_on:", "description:"]
    cell.page.keyboard.press("Escape")
    cell.page.keyboard.press("Escape")
    cell.explain("clean")
    cell.at_end()
    cell.page.keyboard.press("Backspace")
    cell.page.keyboard.type("params: {frame: 1, origni: x}")
    expect(cell.underlined).to_have_text(["origni"])
    expect(hold.box.locator(".jp-InputPrompt")).to_have_text("[*]:")
    interrupt(cell.page)


def test_each_thing_is_offered_once_and_nothing_of_python(cells: Callable[..., list[Editor]]) -> None:
    _, cell = cells(LOAD, "%%aura\ninputs: [rate]\nsteps:\n  - name: a\n    params: {frame: 1}\n    ")
    cell.at_end()
    cell.page.keyboard.type("a")
    assert sorted(cell.ask()) == ["action:", "args:"]
    cell.page.keyboard.press("Enter")
    cell.page.keyboard.type("core.")
    offered = cell.ask()
    assert len(offered) == len(set(offered))
    assert set(offered) >= {"core.log", "core.sleep"}
    assert all(each.startswith("core.") for each in offered)
    cell.page.keyboard.type("sl")
    expect(cell.offers).to_have_text(["core.sleep"])
    cell.page.keyboard.press("Enter")
    cell.expect_text(f"{LINES}    action: core.sleep")
    cell.page.keyboard.press("Control+Home")
    cell.page.keyboard.press("End")
    cell.page.keyboard.type(" -")
    assert "--wait" in cell.ask()  # of the magic's line, from the kernel


def test_a_cell_that_has_no_spec_yet_is_offered_the_options_of_the_magic(cells: Callable[..., list[Editor]]) -> None:
    _, cell = cells(LOAD, "%%aura")
    cell.at_end()
    cell.page.keyboard.type(" daily --")
    offered = cell.ask()
    assert "--wait" in offered
    assert "steps:" not in offered


def test_wrong_white_space_is_marked_and_the_list_of_problems_opens_and_closes(
    cells: Callable[..., list[Editor]],
) -> None:
    _, cell = cells(LOAD, "%%aura\nsteps:\n\t- action: core.log")
    expect(cell.underlined).to_have_count(1)
    assert cell.underlined.evaluate("node => getComputedStyle(node).boxShadow") != "none"
    cell.at_end()
    cell.page.keyboard.press("Control+Shift+KeyM")
    problems = cell.box.locator(".cm-panel-lint")
    expect(problems).to_contain_text("a tab stands where YAML needs spaces")
    cell.page.keyboard.press("Control+Shift+KeyM")
    expect(problems).to_have_count(0)
    expect(cell.content).to_be_focused()


LINES = "%%aura\ninputs: [rate]\nsteps:\n  - name: a\n    params: {frame: 1}\n"


def test_a_late_answer_for_an_older_text_is_dropped(cells: Callable[..., list[Editor]]) -> None:
    (cell,) = cells("%%aura\nsteps: []", run=False)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    cell.page.route("**/aura/validate*", hold)
    old = "%%aura\nsteps:\n  - action: core.log\n    parms: {message: x}"
    with cell.page.expect_request(lambda request: "parms" in (request.post_data or "")):
        cell.text = old
    with cell.page.expect_request(lambda request: "params" in (request.post_data or "")):
        cell.text = old.replace("parms", "params")
    for route in reversed(held):
        with cell.page.expect_response("**/aura/validate*"):
            route.continue_()
    cell.page.unroute("**/aura/validate*")
    cell.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(cell.underlined).to_have_count(0)


@pytest.fixture
def file(lab: Callable[..., Lab], server: tuple[str, Path], page: Page) -> Callable[[str, str], Editor]:
    """Opens a file in JupyterLab: `file(name, text)`."""

    def opened(name: str, text: str) -> Editor:
        (server[1] / name).write_text(text, "utf-8")
        it = lab(["x = 1"])
        it.command("docmanager:open", path=name)
        box = page.locator(".jp-FileEditor")
        expect(box).to_be_visible()
        return Editor(page, box, f"{PANEL}.content.model")

    return opened


def test_a_file_with_a_spec_has_the_same_help(file: Callable[[str, str], Editor]) -> None:
    text = "# of the day\nsteps:\n  - name: a\n    action: clean\n    parms: {frame: 1}\n"
    editor = file("daily.aura.yaml", text)
    editor.expect_mime(MIME)
    editor.expect_colour("steps", "property")
    expect(editor.underlined).to_have_text(["parms"])
    expect(editor.doubted).to_have_text(["clean"])  # a notebook that runs the file may have it
    explained = editor.explain("action")
    expect(explained).to_contain_text("What to call")
    editor.at_end()
    editor.page.keyboard.type("    ret")
    editor.take("retry:")
    editor.expect_text(f"{text}    retry: ")


def test_another_yaml_file_is_left_alone(file: Callable[[str, str], Editor]) -> None:
    editor = file("compose.yaml", "steps:\n  parms: 1\n")
    editor.expect_mime("text/x-yaml")
    expect(editor.underlined).to_have_count(0)


@pytest.fixture
def notebook7(server: tuple[str, Path], page: Page) -> Iterator[Callable[[str], Locator]]:
    """Opens a notebook in Notebook 7; gives its first cell."""
    address, work = server

    def opened(code: str) -> Locator:
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": code}
        content: dict[str, Any] = {"cells": [cell], "metadata": {"kernelspec": spec}, "nbformat": 4}
        (work / "seven.ipynb").write_text(json.dumps({**content, "nbformat_minor": 5}), "utf-8")
        page.goto(f"{address}/notebooks/seven.ipynb?token=test")
        return page.locator(".jp-CodeCell").first

    return opened


def test_notebook_7_has_it_too(notebook7: Callable[[str], Locator], page: Page) -> None:
    box = notebook7("%%aura\nsteps:\n  - name: a\n    action: core.log\n    parms: {message: hi}\n")
    cell = Editor(page, box, "")
    expect(cell.underlined).to_have_text(["parms"])
    expect(box.locator(".cm-foldGutter")).to_have_count(1)
    cell.tip_of(cell.underlined).get_by_role("button", name="Write 'params'").click()
    expect(cell.underlined).to_have_count(0)
    expect(cell.content).to_contain_text("params: {message: hi}")
    cell.explain("core.log")
    cell.at_end()
    page.keyboard.type("    ret")
    cell.take("retry:")
    expect(cell.content).to_contain_text("retry: ")
