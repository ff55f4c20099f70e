from __future__ import annotations

import argparse

import pytest

from aura_jupyter.notebook.options import CellOptions, Line, LineError, cell_options, split
from aura_jupyter.spec.problems import to_text


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("name", nargs="?")
    parser.add_argument("-i", "--input", action="append")
    parser.add_argument("-o", "--output")
    parser.add_argument("-w", "--wait", action="store_true")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--timeout")
    return parser


def parse(line: str) -> CellOptions:
    return cell_options(parser(), split(line))


def shown(line: str) -> str:
    with pytest.raises(LineError) as mistake:
        parse(line)
    return to_text(Line(line, ("# above", f"%%aura {line}")).error(mistake.value))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("a  b\tc", ["a", "b", "c"]),
        ("-i n='a b'", ["-i", "n='a b'"]),
        ('-i n={"a": 1}', ["-i", 'n={"a": 1}']),
        ('-i "n=2 * k"', ["-i", "n=2 * k"]),
        ('-i n=f(1,"b c") -w', ["-i", 'n=f(1,"b c")', "-w"]),
        ("-i n=d['x'][0 ]", ["-i", "n=d['x'][0 ]"]),
        (r"-i n='it\'s so'", ["-i", r"n='it\'s so'"]),
        ("-i n=(1, [2, 3])", ["-i", "n=(1, [2, 3])"]),
        ("-i n='(' -w", ["-i", "n='('", "-w"]),
        ("-i n=$x -i m={y}", ["-i", "n=$x", "-i", "m={y}"]),
        ("'a''b'", ["'a''b'"]),
    ],
)
def test_words_are_parted_by_white_space_outside_quotes_and_brackets(line: str, words: list[str]) -> None:
    assert split(line) == words


def test_a_word_knows_where_it_stands() -> None:
    words = split('name -i "n=2 * k"')
    assert [(word.start, word.end) for word in words] == [(0, 4), (5, 7), (8, 17)]


def test_all_options_are_understood_in_any_order() -> None:
    options = parse('-w -i a -i "b=2 * k" --timeout 1m30s delays -o out -q --dry-run')
    assert (options.name, options.output, options.timeout) == ("delays", "out", 90)
    assert (options.wait, options.quiet, options.dry_run) == (True, True, True)
    assert [(each.name, each.expression) for each in options.inputs] == [("a", None), ("b", "2 * k")]


@pytest.mark.parametrize(("text", "seconds"), [("2", 2), ("0.5", 0.5), ("500ms", 0.5), ("1h", 3600)])
def test_a_timeout_is_a_duration_or_a_number_of_seconds(text: str, seconds: float) -> None:
    assert parse(f"--timeout {text}").timeout == seconds
    assert parse(f"--timeout={text}").timeout == seconds


@pytest.mark.parametrize("line", ["-i rate=-1", "--input rate=-1", "--input=rate=-1", "-irate=-1"])
def test_an_input_may_be_written_in_each_way_that_shells_know(line: str) -> None:
    given = parse(line).inputs[0]
    assert (given.name, given.expression) == ("rate", "-1")
    assert line[given.word.start : given.word.end].endswith("rate=-1")


def test_an_equals_sign_within_the_expression_belongs_to_it() -> None:
    assert parse("-i n=a==b").inputs[0].expression == "a==b"


def test_an_unknown_option_is_shown_with_the_nearest_one() -> None:
    assert shown("delays --wiat") == (
        "Line 2: there is no option '--wiat'  [unknown-option]\n"
        "   1 | # above\n"
        "   2 | %%aura delays --wiat\n"
        "     |               ^^^^^^\n"
        "Write --wait."
    )


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("--zzz", "there is no option '--zzz'", "--wait"),
        ("--wai", "there is no option '--wai'", "Write --wait."),
        ("-h", "the documentation is shown by %%aura?", "in a cell of its own"),
        ("-i", "-i needs a value", "-i NAME=EXPRESSION"),
        ("-o", "-o needs a value", "-o result"),
        ("--timeout", "--timeout needs a value", "30s"),
        ("--wait=yes", "--wait takes no value", "Write --wait alone."),
        ("a b", "'b' stands where nothing is expected", "Leave it out."),
        ("a -i n=2 * k", "'*' stands where nothing is expected", 'in quotes: -i "n=2 * k"'),
        ("my-task", "'my-task' cannot be the name of a variable", "Write my_task."),
        ("class", "'class' is a word of Python's own", "class_"),
        ("-o 2x", "-o: '2x' cannot be the name of a variable", "letters, digits and _"),
        ("-i a.b=1", "-i: 'a.b' cannot be the name of a variable", "Write a_b."),
        ("-i a=", "-i a= has no value", "-i a"),
        ("-i a -i a=2", "-i a is given twice", "Keep one of them."),
        ("x -o x", "'x' cannot hold both the task and its result", "another name"),
        ("--timeout soon", "--timeout: ", "30s"),
        ("--timeout 0", "--timeout must be more than 0", "30s"),
        ("-i n='a b", "a quote is not closed", "Add '"),
        ("-i n=[1, 2", "'[' is not closed", "Add ']'."),
    ],
)
def test_a_mistake_in_the_options_is_one_message_a_caret_and_one_hint(line: str, message: str, hint: str) -> None:
    text = shown(line)
    first, *_, last = text.splitlines()
    assert first.startswith("Line 2: ")
    assert message in first
    assert hint in last
    assert "^" in text


def test_the_caret_stands_under_the_second_of_two_equal_words() -> None:
    row = shown("x -o x").splitlines()[-2]
    assert row.index("^") - row.index("|") - 2 == "%%aura x -o x".rindex("x")
