"""The example of CONTRIBUTING.md works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import aura_jupyter as aura

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def spec() -> str:
    exec(compile(block("python"), "CONTRIBUTING.md", "exec"), {"__name__": "contributing"})
    return block("yaml")


def test_the_action_that_one_is_shown_to_add_runs(spec: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two", encoding="utf-8")
    (tmp_path / "b.txt").write_text("three", encoding="utf-8")
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    assert aura.run(spec, inputs={"paths": paths}) == 3


def test_a_misspelt_parameter_of_it_is_refused(spec: str) -> None:
    with pytest.raises(aura.SpecError, match="pathes"):
        aura.run(spec.replace("{paths:", "{pathes:"), inputs={"paths": []})


def test_every_path_it_names_is_there() -> None:
    root = Path(__file__).parents[2]
    named = re.findall(r"`((?:aura_jupyter|notebooks|tests|benchmarks|labextension|docs)/[\w./-]*)`", TEXT)
    assert [path for path in named if not (root / path).exists()] == []
