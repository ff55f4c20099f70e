"""What `make card` builds from card.js and card.css."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CARD = Path(__file__).parents[2] / "aura_jupyter" / "notebook" / "card"
BUILT = CARD / "static"


@pytest.fixture(scope="module")
def built() -> dict[str, str]:
    files = {path.name: path.read_text(encoding="utf-8") for path in BUILT.glob("*.min.*")}
    assert sorted(files) == ["card.min.css", "card.min.js"], "run `make card`"
    return files


def test_the_card_is_under_12_kilobytes(built: dict[str, str]) -> None:
    assert sum(len(text.encode()) for text in built.values()) < 12 * 1024


def test_it_is_a_module_with_a_default_export_and_no_imports(built: dict[str, str]) -> None:
    assert re.search(r"export\{[^}]*\bas default\b|export default", built["card.min.js"])
    assert not re.search(r"\bimport\b|\brequire\(", built["card.min.js"])


def test_nothing_is_fetched_from_elsewhere(built: dict[str, str]) -> None:
    text = built["card.min.css"] + built["card.min.js"].replace("http://www.w3.org/", "")
    assert "http://" not in text
    assert "https://" not in text


def test_text_is_never_taken_for_html(built: dict[str, str]) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", built["card.min.js"])
