"""How problems are shown: the layout of terminal, cell, HTML and JSON, and the places that they name."""

from __future__ import annotations

import html
import pickle
import re
from dataclasses import replace
from typing import Any

import pytest

from aura_jupyter.spec.model import validate
from aura_jupyter.spec.problems import (
    Mark,
    Problem,
    Source,
    SpecError,
    locate,
    nearest,
    nested,
    path_text,
    to_cell,
    to_html,
    to_text,
)
from aura_jupyter.spec.reader import read, read_text

ABOVE = ("%%aura delays -i rate=1.5",)
TEXT = """\
meta:
  title: Delays
inputs:
  - flights
  - {name: rate, type: number, default: 0.5, min: 0, max: 1}
  - {name: by_month, type: boolean, default: true}
steps:
  - name: clean
    action: clean_delays
    parms: {frame: "{{ inputs.flights }}"}
  - name: join
    action: join_plane
    params: {left: "{{ steps.clean.output }}", rate: "{{ inputs.rat }}"}
    retry: {attempts: three}
  - name: report
    action: notebook.run
    params: {path: "{{ steps.join.output | title }"}
    timeout: 30s
    when: inputs.by_month
"""
SOURCE = Source(TEXT, above=ABOVE)
ACTION = Problem(
    "unknown-action",
    "step 'join': no action is called 'join_plane'",
    "The notebook has 'join_planes'. Is that the one?",
    ("steps", 1, "action"),
)
INPUT = Problem(
    "undefined-name",
    "step 'join': there is no input 'rat'",
    "Did you mean 'inputs.rate'? The inputs are: flights, rate, by_month.",
    ("steps", 1, "params", "rate"),
    fragment="inputs.rat",
)
TEMPLATE = Problem(
    "broken-template",
    "step 'report': the template has no end",
    "It begins with '{{' and needs '}}' at its end.",
    ("steps", 2, "params", "path"),
)
LIMIT = Problem(
    "input-value",
    "input 'rate' is 1.5, and the largest value is 1",
    "Give a value from 0 to 1.",
    ("inputs", "rate"),
    mark=Mark(1, 18, 8),
    also=((("inputs", 1, "max"), "the limit"),),
)


def problems_of(text: str, above: tuple[str, ...] = ABOVE) -> SpecError:
    """What the reader and the models say of a cell."""
    source = Source(text, above=above)
    try:
        data = read_text(source)
    except SpecError as error:
        return error
    return SpecError(validate(data)[1], source)


def alone(code: str, error: SpecError) -> SpecError:
    """Only the problems of one kind."""
    return SpecError([problem for problem in error.problems if problem.code == code], error.source)


UNKNOWN_KEY = """\
Line 11: step 'clean' has no key 'parms'  [unknown-key]
   9 |   - name: clean
  10 |     action: clean_delays
  11 |     parms: {frame: "{{ inputs.flights }}"}
     |     ^^^^^
Write 'params'."""
UNKNOWN_ACTION = """\
Line 13: step 'join': no action is called 'join_plane'  [unknown-action]
  11 |     parms: {frame: "{{ inputs.flights }}"}
  12 |   - name: join
  13 |     action: join_plane
     |             ^^^^^^^^^^
The notebook has 'join_planes'. Is that the one?"""
UNDEFINED = """\
Line 14: step 'join': there is no input 'rat'  [undefined-name]
  12 |   - name: join
  13 |     action: join_plane
  14 |     params: {left: "{{ steps.clean.output }}", rate: "{{ inputs.rat }}"}
     |                                                          ^^^^^^^^^^
Did you mean 'inputs.rate'? The inputs are: flights, rate, by_month."""
WRONG_TYPE = """\
Line 15: step 'join': 'attempts' must be a whole number, and this is text  [wrong-type]
  13 |     action: join_plane
  14 |     params: {left: "{{ steps.clean.output }}", rate: "{{ inputs.rat }}"}
  15 |     retry: {attempts: three}
     |                       ^^^^^
Write a number, for example 3."""
BROKEN = """\
Line 18: step 'report': the template has no end  [broken-template]
  16 |   - name: report
  17 |     action: notebook.run
  18 |     params: {path: "{{ steps.join.output | title }"}
     |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
It begins with '{{' and needs '}}' at its end."""
TAB = """\
Line 19: a tab stands where YAML needs spaces  [tab]
  17 |     action: notebook.run
  18 |     params: {path: "{{ steps.join.output | title }"}
  19 | →   timeout: 30s
     | ^^^^
Write 4 spaces in its place."""
YES = """\
Line 7: 'default' must be true or false; yes without quotes is text  [yes-is-text]
   5 |   - flights
   6 |   - {name: rate, type: number, default: 0.5, min: 0, max: 1}
   7 |   - {name: by_month, type: boolean, default: yes}
     |                                              ^^^
Write true."""
TWICE = """\
Line 21: 'when' is given twice in step 'report'  [duplicate-key]
  19 |     timeout: 30s
  20 |     when: inputs.by_month
     |     ^^^^ first here
  21 |     when: inputs.rate > 0
     |     ^^^^
Keep one of them."""
GIVEN = """\
Line 1: input 'rate' is 1.5, and the largest value is 1  [input-value]
   1 | %%aura delays -i rate=1.5
     |                  ^^^^^^^^
   ...
   6 |   - {name: rate, type: number, default: 0.5, min: 0, max: 1}
     |                                                      ^^^^^^ the limit
Give a value from 0 to 1."""
SEVERAL = f"SpecError: 3 problems, nothing has run\n\n{UNKNOWN_KEY}\n\n{UNKNOWN_ACTION}\n\n{UNDEFINED}"


def three() -> SpecError:
    unknown = alone("unknown-key", problems_of(TEXT)).problems
    return SpecError([INPUT, ACTION, *unknown], SOURCE)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        pytest.param(alone("unknown-key", problems_of(TEXT)), UNKNOWN_KEY, id="an unknown key"),
        pytest.param(SpecError([ACTION], SOURCE), UNKNOWN_ACTION, id="an unknown action"),
        pytest.param(SpecError([INPUT], SOURCE), UNDEFINED, id="an undefined input"),
        pytest.param(alone("wrong-type", problems_of(TEXT)), WRONG_TYPE, id="a wrong type"),
        pytest.param(SpecError([TEMPLATE], SOURCE), BROKEN, id="a broken template"),
        pytest.param(problems_of(TEXT.replace("    timeout", "\ttimeout")), TAB, id="a tab"),
        pytest.param(alone("yes-is-text", problems_of(TEXT.replace("true", "yes"))), YES, id="yes for a boolean"),
        pytest.param(problems_of(f"{TEXT}    when: inputs.rate > 0\n"), TWICE, id="a key given twice"),
        pytest.param(SpecError([LIMIT], SOURCE), GIVEN, id="the value of an input"),
        pytest.param(three(), SEVERAL, id="several at once"),
    ],
)
def test_a_problem_is_laid_out_with_its_line_its_words_a_caret_and_one_hint(error: SpecError, shown: str) -> None:
    assert to_text(error) == shown


def test_a_terminal_gets_red_cyan_bold_and_faint() -> None:
    assert to_text(SpecError([ACTION], SOURCE), colour=True) == (
        "\x1b[1;31mLine 13: \x1b[0m\x1b[1mstep 'join': no action is called 'join_plane'\x1b[0m"
        "  \x1b[2m[unknown-action]\x1b[0m\n"
        '\x1b[2m  11 | \x1b[0m    parms: {frame: "{{ inputs.flights }}"}\n'
        "\x1b[2m  12 | \x1b[0m  - name: join\n"
        "\x1b[2m  13 | \x1b[0m    action: join_plane\n"
        "\x1b[2m     | \x1b[0m            \x1b[31m^^^^^^^^^^\x1b[0m\n"
        "\x1b[36mThe notebook has 'join_planes'. Is that the one?\x1b[0m"
    )
    assert to_text(three(), colour=True).startswith(
        "\x1b[1mSpecError: 3 problems, nothing has run\x1b[0m\n\n\x1b[1;31mLine 11: "
    )


def test_a_cell_gets_bold_and_faint_only() -> None:
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", to_cell(three())))
    assert codes == {"0", "1", "2"}
    assert re.sub(r"\x1b\[[0-9;]*m", "", to_cell(three())) == to_text(three())


def test_html_is_the_same_text_escaped() -> None:
    shown = to_html(three())
    assert shown.startswith('<pre tabindex="0" class="spec-error"><b>SpecError: 3 problems, nothing has run</b>\n\n')
    assert (
        '<b class="bad">Line 11: </b><b>step &#x27;clean&#x27; has no key &#x27;parms&#x27;</b>  <s>[unknown-key]</s>'
        in shown
    )
    assert (
        '<s>     | </s>    <span class="bad">^^^^^</span>\n<span class="hint">Write &#x27;params&#x27;.</span>' in shown
    )
    assert html.unescape(re.sub(r"<[^>]*>", "", shown)) == to_text(three())


def test_the_exception_says_every_problem_with_its_hint() -> None:
    first = "line 11: step 'clean' has no key 'parms'. Write 'params'."
    assert str(alone("unknown-key", problems_of(TEXT))) == first
    assert str(three()).splitlines() == [
        "3 problems",
        first,
        "line 13: step 'join': no action is called 'join_plane'. The notebook has 'join_planes'. Is that the one?",
        f"line 14: step 'join': there is no input 'rat'. {INPUT.hint}",
    ]
    assert (three().line, three().column) == (11, 5)


def test_more_than_ten_problems_are_named_and_counted_not_shown() -> None:
    def many(number: int) -> SpecError:
        return SpecError([replace(ACTION, message=f"number {n}") for n in range(number)], SOURCE)

    assert to_text(many(14)).endswith("Is that the one?\n\n4 more problems are not shown.")
    assert to_text(many(14)).count("Line 13") == 10
    assert to_text(many(11)).endswith("\n1 more problem is not shown.")
    assert len(str(many(14)).splitlines()) == 1 + 14  # names them all
    assert len(many(14).problems) == 14


def test_a_mapping_has_paths_in_place_of_lines() -> None:
    data, source = read({"steps": [{"action": "x"}, {"name": "join", "action": "y", "retry": {"attempts": "three"}}]})
    error = SpecError(validate(data)[1], source)
    assert to_text(error) == (
        "steps[1].retry.attempts: must be a whole number, and this is text  [wrong-type]\n"
        "Write a number, for example 3."
    )
    assert (
        str(error)
        == "steps[1].retry.attempts: must be a whole number, and this is text. Write a number, for example 3."
    )
    assert error.line is None
    assert error.column is None


def test_a_file_is_named() -> None:
    error = SpecError([ACTION], Source(TEXT, "daily.yaml"))
    assert to_text(error).startswith("daily.yaml, line 12: step 'join': no action")
    assert str(error).startswith("daily.yaml, line 12: step 'join': no action")


def test_json_holds_the_place_and_the_lines() -> None:
    (found,) = SpecError([ACTION], SOURCE).to_json()
    assert found == {
        "code": "unknown-action",
        "message": "step 'join': no action is called 'join_plane'",
        "hint": "The notebook has 'join_planes'. Is that the one?",
        "line": 13,
        "column": 13,
        "end_column": 23,
        "fix": None,
        "path": "steps[1].action",
        "excerpt": UNKNOWN_ACTION.splitlines()[1:5],
    }
    assert SpecError([ACTION], Source(None)).to_json()[0]["line"] is None


def test_an_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(three()))
    assert str(error) == str(three())
    assert to_text(error) == to_text(three())
    assert isinstance(error, ValueError)


def test_problems_come_in_the_order_of_their_lines() -> None:
    assert [problem.line for problem in three().problems] == [11, 13, 14]


# --- places ---------------------------------------------------------------------------------------------------------


def mark(text: str, *path: str | int, **more: Any) -> tuple[int, int, int] | None:
    """Line, column and length of the place that a path names."""
    (found,) = locate([Problem("code", "message", path=path, **more)], Source(text))
    return (found.mark.line, found.mark.column, found.mark.length) if found.mark else None


@pytest.mark.parametrize(
    ("text", "path", "more", "place"),
    [
        pytest.param("a: b\n", ("a",), {}, (1, 4, 1), id="a plain value"),
        pytest.param("a: b\n", ("a",), {"at_key": True}, (1, 1, 1), id="a key"),
        pytest.param("a: 'b c'\n", ("a",), {}, (1, 5, 3), id="a quoted value without its quotes"),
        pytest.param("a: ''\n", ("a",), {}, (1, 4, 2), id="an empty text with its quotes"),
        pytest.param("a: b\n  c d\n", ("a",), {}, (1, 4, 1), id="of a value of two lines the first"),
        pytest.param("a: |\n  b\n", ("a",), {}, (1, 4, 1), id="a block of text where it begins"),
        pytest.param("a:\n", ("a",), {}, (1, 1, 1), id="a value that is not there at its key"),
        pytest.param("a: [1, {b: c}]\n", ("a", 1, "b"), {}, (1, 12, 1), id="deep in brackets"),
        pytest.param("a:\n  - b: 1\n    c: 2\n", ("a", 0), {}, (2, 5, 4), id="a mapping by its first key"),
        pytest.param("a:\n  - b: 1\n", ("a", 0, "z"), {"at_key": True}, (2, 5, 4), id="a missing key at its mapping"),
        pytest.param("a: {b: 1}\n", ("a", "x", "y", 3), {}, (1, 4, 6), id="the longest part of a path there is"),
        pytest.param("a: 1\na: 2\n", ("a",), {}, (1, 4, 1), id="of a key given twice the first"),
        pytest.param("x: &n [1, q]\na: *n\n", ("a", 1), {}, (1, 11, 1), id="inside an alias where it is written"),
        pytest.param("x: &n 1\na: *n\n", ("a",), {}, (2, 4, 2), id="an alias itself"),
        pytest.param(
            "a: 'x {{ b }} {{ b }}'\n", ("a",), {"fragment": "b", "occurrence": 1}, (1, 18, 1), id="the second"
        ),
        pytest.param('a: "x \\"b\\" c"\n', ("a",), {"fragment": '"b" c'}, (1, 7, 7), id="with escaped quotes"),
        pytest.param("a: 'it''s b'\n", ("a",), {"fragment": "it's b"}, (1, 5, 7), id="with doubled quotes"),
        pytest.param("a: >\n  b c\n  d e\n", ("a",), {"fragment": "c d"}, (2, 5, 1), id="across a folded line"),
        pytest.param("a: |\n  b c\n  d e\n", ("a",), {"fragment": "e"}, (3, 5, 1), id="in a block of text"),
        pytest.param("a: b\n", ("a",), {"fragment": "zz"}, (1, 4, 1), id="a fragment that is not there"),
        pytest.param("a: 1\r\nb: x\r\n", ("b",), {}, (2, 4, 1), id="lines that end in CR LF"),
        pytest.param("a: 1\rb: x\r", ("b",), {}, (2, 4, 1), id="lines that end in CR"),
        pytest.param("\ufeffa: x\n", ("a",), {}, (1, 4, 1), id="behind a byte order mark"),
        pytest.param("a: '😀' \nb: {日本: x}\n", ("b", "日本"), {}, (2, 9, 1), id="columns in characters"),
        pytest.param("a: [unclosed\n", ("a",), {}, None, id="no place in a text that cannot be read"),
        pytest.param(
            "steps:\n - parms: {x: 1}\n", ("steps", 0, "params", "x"), {}, (2, 15, 1), id="below a misspelled key"
        ),
        pytest.param(
            "steps:\n - a: 1\n   with: {x: 1}\n",
            ("steps", 0, "params", "x"),
            {},
            (3, 14, 1),
            id="below another tool's key",
        ),
        pytest.param(
            '{"a": "\\ud83d\\ude00",\n "b": 1}', ("b",), {}, (2, 7, 1), id="below a character that JSON writes as two"
        ),
        pytest.param("a: {b: 1, 0x1F: c}\n", ("a", 31), {}, (1, 17, 1), id="a number written in another way"),
        pytest.param("a: {b: 1, 1.50: c}\n", ("a", "1.5"), {"at_key": True}, (1, 11, 4), id="a key that is no text"),
        pytest.param("a: {b: 1, ~: c}\n", ("a", "null"), {"at_key": True}, (1, 11, 1), id="a key that is null"),
    ],
)
def test_a_path_finds_its_place(text: str, path: Any, more: dict[str, Any], place: Any) -> None:
    assert mark(text, *path, **more) == place


def test_the_value_that_an_input_was_given_stands_nowhere_in_the_text() -> None:
    assert mark("inputs: [rate]\nsteps: []\n", "inputs", "rate") is None


def test_lines_above_the_text_count_and_are_shown() -> None:
    source = Source("steps:\n  - action: x\n", above=("# a comment", "%load_ext aura_jupyter", "%%aura"))
    error = SpecError([Problem("code", "words", path=("steps",), at_key=True)], source)
    assert error.line == 4
    assert to_text(error).splitlines()[1:4] == ["   2 | %load_ext aura_jupyter", "   3 | %%aura", "   4 | steps:"]


SUB_TASK = """\
steps:
  - action: core.run_task
    params:
      task: |

        steps:
          - action: t.identity
            whn: true
"""


def test_a_place_in_a_spec_that_is_a_text_of_the_spec_is_its_line_of_the_whole() -> None:
    path = ("steps", 0, "params", "task")
    inner = read(SUB_TASK)[0]["steps"][0]["params"]["task"]
    found = locate(nested(validate(read(inner)[0])[1], path), Source(SUB_TASK))
    assert [(p.line, p.column, path_text(p.path)) for p in found] == [(8, 13, "steps[0].params.task.steps[0].whn")]


def test_a_syntax_error_in_a_spec_that_is_a_text_of_the_spec_is_its_line_of_the_whole() -> None:
    text = SUB_TASK.replace("whn: true", "when: [1")
    with pytest.raises(SpecError) as caught:
        read(read(text)[0]["steps"][0]["params"]["task"])
    found = locate(nested(caught.value.problems, ("steps", 0, "params", "task")), Source(text))
    assert [(p.line, p.column) for p in found] == [(8, 19)]


def test_a_place_in_a_quoted_text_of_several_lines_is_the_text() -> None:
    text = 'steps:\n  - params: {task: "steps:\\n- actoin: x\\n"}\n'
    found = locate(
        nested([Problem("x", "x", path=("steps", 0, "actoin"))], ("steps", 0, "params", "task")), Source(text)
    )
    assert found[0].line == 2


# --- what the person wrote cannot harm what shows it ----------------------------------------------------------------

EVIL = "\x1b[31mred\x07\u202eback\u200b"


def test_control_characters_become_pictures() -> None:
    source = Source(f"a: {EVIL}\n", f"{EVIL}.yaml", (EVIL,))
    error = SpecError([Problem("code", f"{EVIL} in words", EVIL, ("a",), mark=Mark(2, 4, 3, EVIL))], source)
    for shown in (to_text(error), str(error), to_html(error), "".join(error.problems[0].excerpt)):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", shown)
        assert "␛[31mred" in shown


def test_markup_is_text() -> None:
    source = Source("a: <script>alert(1)</script>&amp;\n")
    shown = to_html(SpecError([Problem("code", "<b>words</b>", "<i>", ("a",))], source))
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "&lt;b&gt;words" in shown
    assert "&amp;amp;" in shown


def test_a_long_line_is_cut_around_its_caret() -> None:
    source = Source(f"a: [{'x, ' * 2000}here, {'y, ' * 2000}]\n")
    shown = to_text(SpecError([Problem("code", "words", path=("a",), fragment="here")], source)).splitlines()
    assert max(map(len, shown)) < 130
    start = shown[2].index("^")
    assert shown[1][start : start + 4] == "here"
    assert shown[1].startswith("   1 | …")
    assert shown[1].endswith("…")


def test_a_long_value_does_not_make_a_long_caret() -> None:
    shown = to_text(SpecError([Problem("code", "words", path=("a",))], Source(f"a: {'x' * 5000}\n")))
    assert max(map(len, shown.splitlines())) < 130


def test_the_caret_stands_under_wide_characters_and_tabs() -> None:
    shown = to_text(
        SpecError([Problem("code", "words", path=("a",), fragment="X")], Source("a: 日本\tX\n"))
    ).splitlines()
    assert shown[1:3] == ["   1 | a: 日本→X", "     |         ^"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("steps", 2, "retry", "attempts"), "steps[2].retry.attempts"),
        (("inputs", "new-text"), "inputs.new-text"),
        (("a b", "1"), '["a b"]["1"]'),
        ((), ""),
    ],
)
def test_a_path_reads_as_in_python(path: tuple[str | int, ...], text: str) -> None:
    assert path_text(path) == text


@pytest.mark.parametrize(
    ("word", "among", "near"),
    [
        ("parms", ["params", "name"], "params"),
        ("DependsOn", ["depends_on"], "depends_on"),
        ("fecth", ["fetch", "clean"], "fetch"),
        ("tare", ["rate"], None),
        ("x", [], None),
        ("join-planes", ["join_planes"], "join_planes"),
    ],
)
def test_the_nearest_name(word: str, among: list[str], near: str | None) -> None:
    assert nearest(word, among) == near


def test_thousands_of_problems_are_located_in_linear_time() -> None:
    steps = "".join(f"  - {{name: s{n}, action: core.log, parms: {{message: x}}}}\n" for n in range(3000))
    error = problems_of(f"steps:\n{steps}", ())
    assert len(error.problems) == 3000
    assert error.problems[-1].line == 3001


def test_a_step_without_a_name_and_an_action_goes_by_its_number() -> None:
    problems = validate(read("steps: [{nme: 3}]")[0])[1]
    assert any(problem.message.startswith("step 1: 'name' must be text") for problem in problems)
