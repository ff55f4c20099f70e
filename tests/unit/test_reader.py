"""YAML in, plain data out, and sentences about what is no YAML."""

from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_jupyter.spec.collector import paused
from aura_jupyter.spec.problems import Source, SpecError, to_text
from aura_jupyter.spec.reader import read, read_text


def value(text: str) -> Any:
    """The value of one YAML scalar or collection."""
    return read(f"a: {text}\n")[0]["a"]


def refused(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, False) for word in ("false", "False", "FALSE")],
        *[(word, None) for word in ("null", "Null", "NULL", "~", "")],
        *[(word, word) for word in ("yes", "no", "on", "off", "Yes", "y", "n", "tRUE", "nULL", "2026-11-24", "1:30")],
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("+3", 3),
        ("1e3", 1000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5E-2", -0.015),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        *[(word, word) for word in ("1_000", "0b1", "1.2.3", ".", "+", "1e", "0o8", "0xg", "-0x1", "e3", "--1", "12a")],
        ("'true'", "true"),
        ('"3"', "3"),
        ("'~'", "~"),
        ("=", "="),
        ("[1, x, [], {b: }]", [1, "x", [], {"b": None}]),
    ],
)
def test_scalars_are_those_of_the_core_schema(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_not_a_number() -> None:
    assert all(math.isnan(value(text)) for text in (".nan", ".NaN", ".NAN"))


def test_keys_inside_of_values_may_be_any_scalar() -> None:
    assert value("{1: x, 2.5: y, ~: z, 'true': q, k: v}") == {1: "x", 2.5: "y", None: "z", "true": "q", "k": "v"}


def test_quoted_merge_keys_and_braces_are_text() -> None:
    assert value("{'<<': 1, \"{{ x }}\": 2}") == {"<<": 1, "{{ x }}": 2}


def test_an_alias_is_a_copy() -> None:
    data, _ = read("a: &n {x: [1]}\nb: *n\nc: *n\n")
    assert data == {"a": {"x": [1]}, "b": {"x": [1]}, "c": {"x": [1]}}
    data["b"]["x"].append(2)
    assert data["a"] == data["c"] == {"x": [1]}


def test_an_anchor_may_be_given_again() -> None:
    assert read("a: &n 1\nb: *n\nc: &n 2\nd: *n\n")[0] == {"a": 1, "b": 1, "c": 2, "d": 2}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(ending: str) -> None:
    assert read(ending.join(["a: |", "  x", "  y", "b: 1"]))[0] == {"a": "x\ny\n", "b": 1}
    assert refused(ending.join(["a: 1", "b: 2", "a: 3"])).line == 3


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_what_only_yaml_1_1_takes_for_a_line_break_is_a_character(character: str) -> None:
    text = f"a: |\n  x{character}y\nb: 'x{character}y'\nc{character}: 1\n"
    assert read(text)[0] == {"a": f"x{character}y\n", "b": f"x{character}y", f"c{character}": 1}
    error = refused(f"{text}b: 2\n")
    assert [(mark.line, mark.column) for mark in (error.problems[0].mark, *error.problems[0].others) if mark] == [
        (5, 1),
        (3, 1),
    ]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read("\ufeffa: 1\n")[0] == {"a": 1}
    error = refused("\ufeffa: 1\na: 2\n")
    assert (error.line, error.column) == (2, 1)


def test_one_document_may_begin_and_end_with_its_marks() -> None:
    assert read("---\na: 1\n...\n")[0] == {"a": 1}


def test_json_is_yaml_with_its_own_escapes() -> None:
    data = {"a": "😀 \u2028 \"'/\\", "b": [1, None, True]}
    assert read(json.dumps(data, indent="\t"))[0] == data


# --- files and mappings ---------------------------------------------------------------------------------------------


def test_a_file_is_read_and_named(tmp_path: Path) -> None:
    file = tmp_path / "daily.yaml"
    file.write_text("a: é\n", encoding="utf-8")
    data, source = read(file)
    assert data == {"a": "é"}
    assert (source.name, source.text) == ("daily.yaml", "a: é\n")
    file.write_text("a: 1\na: 2\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"^daily.yaml, line 2: 'a' is given twice"):
        read(file)


def test_a_file_in_another_encoding_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "daily.yaml"
    file.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(SpecError, match=r"'daily.yaml' is no UTF-8 text: line 2"):
        read(file)
    file.write_text("a: é\n", encoding="utf-16")
    assert read(file)[0] == {"a": "é"}


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.yaml")


def test_a_mapping_is_copied_and_its_objects_are_kept() -> None:
    class Frame(dict[str, Any]):
        """Stands for a DataFrame: an object, though a mapping."""

    frame, thing = Frame(x=1), object()
    spec = {"steps": [{"action": "a", "params": {"frame": frame, "thing": thing, "pair": (1, [2]), "list": [3]}}]}
    data, source = read(spec)
    params = data["steps"][0]["params"]
    assert params["frame"] is frame
    assert params["thing"] is thing
    assert params["pair"] == (1, [2])
    assert params["list"] == [3]
    assert params["list"] is not spec["steps"][0]["params"]["list"]  # type: ignore[index]
    assert source == Source(None)


def test_dicts_and_lists_of_other_classes_are_read_where_a_template_stands_in_them() -> None:
    class Loaded(dict[str, Any]):
        """As a YAML reader makes them that keeps comments."""

    class Items(list[Any]):
        pass

    around = Items()
    around.append(around)
    value = Loaded(x=Items([Loaded(y="{{ inputs.n }}")]))
    data, _ = read({"steps": Items([Loaded(action="a", params=Loaded(value=value, around=around))])})
    assert type(data["steps"]) is list
    params = data["steps"][0]["params"]
    assert params["around"] is around
    assert params["value"] == {"x": [{"y": "{{ inputs.n }}"}]}
    assert type(params["value"]["x"][0]) is dict


def test_a_mapping_that_holds_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    with pytest.raises(SpecError, match="more than 100 levels"):
        read(loop)


@pytest.mark.parametrize("thing", [None, 3, ["a"], b"a: 1"])
def test_anything_else_is_no_spec(thing: Any) -> None:
    with pytest.raises(SpecError, match="a spec is YAML text"):
        read(thing)


# --- what is refused, and where -------------------------------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(8)
)
TABBED = "steps:\n  - action: x\n\ttimeout: 3\n"


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "words", "hint"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1, "'a' is given twice", "Keep one", id="a key twice"),
        pytest.param("a: {b: 1, b: 2}\n", "duplicate-key", 1, 11, "'b' is given twice", "Keep one", id="in brackets"),
        pytest.param(
            "steps:\n- name: s\n  when: 1\n  when: 2\n", "duplicate-key", 4, 3, "in step 's'", "", id="in a step"
        ),
        pytest.param("a: !!str 1\n", "tag", 1, 4, "'!!str' is a YAML tag", "", id="a tag"),
        pytest.param("a: !x {b: 1}\n", "tag", 1, 4, "'!x' is a YAML tag", "", id="a tag of a mapping"),
        pytest.param("a: !\n", "tag", 1, 4, "'!' is a YAML tag", "", id="a bare tag"),
        pytest.param("a: !f!b 1\n", "tag", 1, 4, "is a YAML tag", "", id="a tag with a handle"),
        pytest.param(
            "b: &n {x: 1}\na: {<<: *n}\n", "merge-key", 2, 5, "'<<' merges", "Write the keys out", id="a merge"
        ),
        pytest.param(
            "a: 1\n---\nb: 1\n", "several-documents", 2, 1, "a second document", "Delete '---'", id="documents"
        ),
        pytest.param(
            f"a: {'[' * 200}{']' * 200}\n", "too-deep", 1, 103, "more than 100 levels", "", id="deep brackets"
        ),
        pytest.param("a: " + "[" * 100_000, "too-deep", 1, None, "more than 100 levels", "", id="very deep brackets"),
        pytest.param(
            "".join(f"{' ' * n}a:\n" for n in range(120)), "too-deep", 101, None, "100 levels", "", id="deep keys"
        ),
        pytest.param(BOMB, "alias", 4, None, "aliases make the spec more than 10,000 values larger", "", id="a bomb"),
        pytest.param("a: *all\n", "alias", 1, 4, "there is no anchor 'all'", '"*all"', id="an unknown anchor"),
        pytest.param("a: &n [1, *n]\n", "alias", 1, 11, "stands inside of what it names", "", id="an alias of itself"),
        pytest.param(TABBED, "tab", 3, 1, "a tab stands where YAML needs spaces", "Write 4 spaces", id="a tab"),
        pytest.param("a:\n\tb: 1\n", "tab", 2, 1, "a tab", "Write 2 spaces", id="a tab under a key"),
        pytest.param("a:\n\t- b\n", "tab", 2, 1, "a tab", "Write 2 spaces", id="a tab before an item"),
        pytest.param("a:\n  - b: {x: 1}\n  \tc: 1\n", "tab", 3, 3, "a tab", "Write 2 spaces", id="a tab behind spaces"),
        pytest.param(
            "a: {{ x }}\n", "unquoted-template", 1, 4, "a template needs quotes", 'Write "{{ x }}".', id="braces"
        ),
        pytest.param(
            "a: {{ x }} b\n", "unquoted-template", 1, 4, "needs quotes", 'Write "{{ x }} b".', id="braces, text"
        ),
        pytest.param(
            'a: {{ x["y"] }}\n', "unquoted-template", 1, 4, "quotes", "Write '{{ x[\"y\"] }}'.", id="with quotes"
        ),
        pytest.param(
            "a: {{ x | y }} # c\n", "unquoted-template", 1, 4, "quotes", 'Write "{{ x | y }}".', id="a filter"
        ),
        pytest.param(
            "a: {% if x %}1{% endif %}\n", "unquoted-template", 1, 4, "quotes", 'Write "{% if', id="a statement"
        ),
        pytest.param(
            "a: {b: {{ x }}, c: 1}\n", "unquoted-template", 1, 8, "quotes", 'Write "{{ x }}".', id="in braces"
        ),
        pytest.param("a:\n  - {{ x }}\n", "unquoted-template", 2, 5, "quotes", 'Write "{{ x }}".', id="as an item"),
        pytest.param("a:\n  {{ x }}: 1\n", "unquoted-template", 2, 3, "quotes", "", id="as a key"),
        pytest.param("a: {[1]: 2}\n", "wrong-type", 1, 5, "a key must be text", "", id="a list as a key"),
        pytest.param("? {a: 1}\n: 2\n", "wrong-type", 1, 3, "a key must be text", "", id="a mapping as a key"),
        pytest.param("", "empty", 1, 1, "the spec is empty", "Write 'steps:'", id="nothing"),
        pytest.param("# only this\n\n", "empty", 1, 1, "the spec is empty", "", id="only a comment"),
        pytest.param("- a\n", "wrong-type", 1, 1, "a spec must be a mapping, and this is a list", "", id="a list"),
        pytest.param(
            "daily.yaml", "wrong-type", 1, 1, "and this is text", "pathlib.Path('daily.yaml')", id="a file's name"
        ),
        pytest.param("action:core.log\n", "wrong-type", 1, 1, "this is text", "A space is missing", id="one word"),
        pytest.param(
            "a:\n\u00a0\u00a0b: 1\n",
            "bad-yaml",
            2,
            1,
            "2 no-break spaces stand",
            "Write 2 spaces",
            id="no-break spaces",
        ),
        pytest.param(
            "a:\n  -\u00a0b: 1\n", "bad-yaml", 2, 4, "a no-break space stands", "Write a space", id="one behind a dash"
        ),
        pytest.param(
            "a: {1: x, true: y}\n",
            "duplicate-key",
            1,
            11,
            "the keys true and 1 are one",
            "Keep one",
            id="one to Python",
        ),
        pytest.param(
            "a: {true: x, True: y}\n", "duplicate-key", 1, 14, "'true' is given twice", "Keep one", id="true twice"
        ),
        pytest.param(
            'a: "\\ud83d\\ude00"\n',
            "bad-yaml",
            1,
            5,
            "is no character",
            "Write the character itself",
            id="a half escape",
        ),
        pytest.param("a: \x00\n", "bad-yaml", 1, 4, "U+0000", "Delete it", id="a NUL"),
        pytest.param("a: 1\nb: x\x1b[0m\n", "bad-yaml", 2, 5, "U+001B", "Delete it", id="an escape"),
        pytest.param("a: \ud800\n", "bad-yaml", 1, 4, "U+D800", "Delete it", id="half a character"),
        pytest.param(f"a: {'9' * 5000}\n", "bad-value", 1, 4, "too many digits", "quotes", id="a number without end"),
    ],
)
def test_it_is_refused_with_its_place(
    text: str, code: str, line: int, column: int | None, words: str, hint: str
) -> None:
    error = refused(text)
    first = error.problems[0]
    assert (first.code, first.line) == (code, line), to_text(error)
    assert column is None or first.column == column, to_text(error)
    assert words in first.message
    assert hint in first.hint
    assert len(error.problems) == 1


SYNTAX = [
    ("an unclosed bracket", "a: [1, 2\nb: 3\n", 1, 4, "'[' is not closed", "Write ']' where it ends."),
    ("an unclosed brace", "a: {x: 1\nb: 3\n", 1, 4, "'{' is not closed", "Write '}' where it ends."),
    ("a bracket open at the end", "a: [1, 2\n", 1, 4, "'[' is not closed", "Write ']'"),
    ("the wrong bracket", "s:\n - {n: [1}\n", 2, 8, "'[' is closed by '}'", "Write ']' in place of '}'."),
    ("the outer of two", "s:\n  - {n: a\n  - {n: b}\n", 2, 5, "'{' is not closed", "Write '}'"),
    ("an unclosed quote", 'a: "b\nc: 1\n', 1, 4, "the quote that opens here is not closed", 'Write " at the end'),
    ("one before another", 'a: "b\nc: "d"\ne: 1\n', 1, 4, "the quote that opens here is not closed", 'Write "'),
    ("one before a document's mark", "a: 'b\n---\nc'\n", 1, 4, "the quote that opens here is not closed", "Write '"),
    ("an apostrophe in quotes", "a: 'it's'\n", 1, 4, "goes on after the quote that closes it", "Write two for one"),
    ("text behind quotes", 'a: "b" c\n', 1, 4, "goes on after the quote", 'Write \\"'),
    ("no space", "s:\n- name: x\n  action:core.log\n  p: 1\n", 3, 3, "a space is missing", "'action: core.log'"),
    ("no space, last", "a: 1\nb:2\n", 2, 1, "a space is missing after the colon", "'b: 2'"),
    ("no space in braces", "a: {b:1}\n", 1, 5, "a space is missing after the colon", "'b: 1'"),
    ("no colon", "a: 1\nb 2\nc: 3\n", 2, 1, "has no ': '", "'key: value'"),
    ("no colon above", "steps\n  - a: 1\n", 1, 1, "a ':' is missing after 'steps'", "Write ':'"),
    ("a colon in text", "a: b: c\n", 1, 4, "a ': ' stands inside a text that has no quotes", '"b: c"'),
    ("a list on the line", "s: - a\n", 1, 4, "a list cannot begin on the line of its key", "next line"),
    ("too far right", "s:\n- name: x\n    action: y\n", 3, 5, "indented more", "column 3, under 'name'"),
    ("too far right, no list", "a: 1\n b: 2\n", 2, 2, "indented more", "column 1, under 'a'"),
    ("between two columns", "s:\n    a: 1\n  b: 2\n", 3, 3, "indented unlike the lines above", "column 5"),
    ("left of its step", "s:\n  - name: a\n   action: b\n", 3, 4, "indented unlike the lines above", "column 5"),
    ("at", "a: @x\n", 1, 4, "text cannot begin with '@'", 'Write "@x".'),
    ("backtick", "a: `x`\n", 1, 4, "text cannot begin with '`'", 'Write "`x`".'),
    ("percent", "a: [%d, 2]\n", 1, 5, "text cannot begin with '%'", ""),
    ("star", "a: *.csv\n", 1, 4, "text cannot begin with '*'", 'Write "*.csv".'),
    ("ampersand", "a: & b\n", 1, 4, "text cannot begin with '&'", 'Write "& b".'),
    ("more than", "when: > 3\n", 1, 7, "text cannot begin with '>'", 'Write "> 3".'),
    ("bar", "a: | foo\n", 1, 4, "text cannot begin with '|'", 'Write "| foo".'),
    ("backslash", 'a: "C:\\data"\n', 1, 7, "nothing that YAML knows in double quotes", "single quotes"),
    ("the magic's line in a file", "%%aura\na: 1\n", 1, 1, "'%%aura' belongs in the first line", "Delete this line."),
    ("a directive", "%YAML 3.0\n---\na: 1\n", 1, 1, "a line cannot begin with '%'", "Delete this line."),
    ("no comma", "a: {b: [1] c: 2}\n", 1, 12, "a ',' is missing in front of this", "Write a ','"),
    ("no comma behind quotes", 'a: {b: "x" "c": 2}\n', 1, 12, "a ',' is missing in front of this", "Write a ','"),
    ("a stray bracket", "a: 1\nb:\n  ]c: 2\n", 3, 3, "']' cannot stand here", "Look here"),
    (
        "a list's type in braces",
        "{name: a, type: list[str]}\n",
        1,
        17,
        "text with a '[' in it",
        'Write "list[string]".',
    ),
    ("an index in brackets", "a: {b: x[0], c: 1}\n", 1, 8, "needs quotes inside of brackets", 'Write "x[0]".'),
    ("a colon in text in braces", "a: {b: c d: e, f: 1}\n", 1, 8, "a ': ' stands inside a text", '"c d: e"'),
    ("curly quotes", "a: {b: “{{ c }}”}\n", 1, 8, "'“' is no quote to YAML", "Write \" or '"),
    (
        "a tab behind a dash",
        "s:\n  -\ta: 1\n    b: 2\n",
        2,
        4,
        "a tab stands where YAML needs a space",
        "Write a space",
    ),
    (
        "a no-break space behind a colon",
        "a:\u00a0x\nb: 1\n",
        1,
        3,
        "a no-break space stands",
        "Write a space in its place.",
    ),
    ("text behind the end", "a: 1\n...\nb: 2\n", 3, 1, "the spec has ended above", "or the '...' in front of it"),
    ("no key", "a: 1\n: 2\n", 2, 1, "a key is missing in front of this ':'", "Write the key."),
    ("a very long key", f"a: 1\n{'k' * 2000}: 2\n", 2, 1, "1,024 characters at the most", "Write a shorter one."),
    ("a bracket too many", "a: {b: 1}}\nc: 1\n", 1, 10, "something is left over here", "Delete it"),
]


@pytest.mark.parametrize(("text", "line", "column", "words", "hint"), [pytest.param(*c[1:], id=c[0]) for c in SYNTAX])
def test_what_is_no_yaml_is_explained(text: str, line: int, column: int, words: str, hint: str) -> None:
    error = refused(text)
    first = error.problems[0]
    assert (first.line, first.column) == (line, column), to_text(error)
    assert words in first.message
    assert hint in first.hint


def test_what_is_no_yaml_is_explained_without_libyaml_too() -> None:
    code = """
import yaml
del yaml.CSafeLoader
import test_reader as t
from aura_jupyter.spec.positions import Loader
assert Loader is yaml.SafeLoader
assert t.read("a: [1, 'x', 012, &n {b: 1e3}, *n]")[0] == {"a": [1, "x", 12, {"b": 1000.0}, {"b": 1000.0}]}
wrong = []
for name, text, line, *_ in t.SYNTAX:
    try:
        wrong.append(f"{name}: {t.read(text)}")
    except t.SpecError as error:
        if error.line != line:
            wrong.append(f"{name}: {error}")
raise SystemExit("\\n".join(wrong) or 0)
"""
    root = Path(__file__).parents[2]
    env = {"PYTHONPATH": f"{root}:{Path(__file__).parent}", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr


def test_every_mistake_of_one_reading_is_found() -> None:
    error = refused("a: !x 1\na: 2\nb: {{ x }}\nc: *n\n")
    assert [(problem.code, problem.line) for problem in error.problems] == [
        ("tag", 1),
        ("duplicate-key", 2),
        ("unquoted-template", 3),
        ("alias", 4),
    ]


def test_each_unquoted_template_of_a_line_is_found_where_it_stands() -> None:
    error = refused('a: ["{{ q }}", {{ x }}, {b: {{ y }}}]\n')
    assert [(problem.column, problem.hint) for problem in error.problems] == [
        (16, 'Write "{{ x }}".'),
        (29, 'Write "{{ y }}".'),
    ]


def test_a_long_line_of_templates_with_one_mistake_is_read_at_once() -> None:
    line = ", ".join(['"{{ x }}"'] * 50_000)
    assert refused(f"a: [{line}, @]\n").problems[0].message == "text cannot begin with '@' without quotes"
    assert len(refused("".join(f"a{n}: {{{{ x }}}}\n" for n in range(5000))).problems) == 5000


def test_a_key_given_twice_is_refused_with_both_lines() -> None:
    (problem,) = refused("steps:\n  - name: a\n    action: x\n    action: y\n").problems
    assert (problem.line, [(mark.line, mark.note) for mark in problem.others]) == (4, [(3, "first here")])


def test_in_a_cell_lines_count_from_its_first() -> None:
    source = Source("a: 1\na: 2\n", above=("# note", "%%aura"))
    with pytest.raises(SpecError, match=r"^line 4: 'a' is given twice"):
        read_text(source)
    with pytest.raises(SpecError, match=r"^line 3: the cell is empty"):
        read_text(Source("\n", above=("# note", "%%aura")))


def test_aliases_up_to_the_limit_are_read() -> None:
    twice = "a: &a [" + "x, " * 998 + "x]\n" + "".join(f"b{n}: *a\n" for n in range(10))
    assert len(read(twice)[0]) == 11
    assert refused(f"{twice}c: *a\n").problems[0].code == "alias"


# --- costs ----------------------------------------------------------------------------------------------------------


def test_the_collector_is_paused_by_count_and_comes_back_after_an_error() -> None:
    assert gc.isenabled()
    with paused(), paused():
        assert not gc.isenabled()
        refused("a: [")
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_collector_comes_back_with_many_threads() -> None:
    threads = [threading.Thread(target=lambda: [read("a: {b: [1, 2]}") for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        read("a: 1")
        assert not gc.isenabled()
    finally:
        gc.enable()


def outcome(text: str) -> tuple[Any, SpecError | None]:
    try:
        return read(text)[0], None
    except SpecError as error:
        return None, error


@settings(max_examples=400, deadline=None)
@given(
    st.text(st.sampled_from(list("abs:-[]{}'\"|>&*!%#@`, \n\t\r<~?\\0.1e\x00\ufeff\ud800😀")), max_size=60)
    | st.text(max_size=40)
)
def test_reading_any_text_gives_data_or_a_spec_error(text: str) -> None:
    data, error = outcome(text)
    if error is None:
        assert isinstance(data, dict)
        return
    assert error.problems
    assert all(problem.message and problem.line for problem in error.problems)
    assert to_text(error)
