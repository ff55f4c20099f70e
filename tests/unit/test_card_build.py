"""What `make card` builds from the card's JavaScript and CSS."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CARD = Path(__file__).parents[2] / "aura_jupyter" / "notebook" / "card"
BUILT = CARD / "static"
FIRST = ("card.min.css", "card.min.js")
SECOND = ("card_more.min.css", "card_more.min.js")


@pytest.fixture(scope="module")
def built() -> dict[str, str]:
    files = {path.name: path.read_text(encoding="utf-8") for path in BUILT.glob("*.min.*")}
    assert sorted(files) == [*FIRST, *SECOND], "run `make card`"
    return files


def test_what_travels_with_each_card_is_under_12_kilobytes(built: dict[str, str]) -> None:
    assert sum(len(built[name].encode()) for name in FIRST) < 12_000


@pytest.mark.parametrize("name", ["card.min.js", "card_more.min.js"])
def test_each_is_a_module_with_a_default_export_and_no_imports_of_files(built: dict[str, str], name: str) -> None:
    assert re.search(r"export\{[^}]*\bas default\b|export default", built[name])
    assert not re.search(r"\bimport\b(?!\(URL)|\brequire\(", built[name])


def test_nothing_is_fetched_from_elsewhere(built: dict[str, str]) -> None:
    text = "".join(built.values()).replace("http://www.w3.org/", "")
    assert "http://" not in text
    assert "https://" not in text


def test_text_is_never_taken_for_html(built: dict[str, str]) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", "".join(built.values()))
