"""What a wheel and an sdist hold, and how the card is built for them."""

from __future__ import annotations

import email.message
import email.parser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CARD = Path("aura_jupyter", "notebook", "card")
BUILT = ("card.min.js", "card.min.css", "card_more.min.js", "card_more.min.css")


def build(target: str, source: Path, folder: Path, path: str | None = None) -> Path:
    environment = {**os.environ, "PATH": os.environ["PATH"] if path is None else path}
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True, timeout=300)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution."""
    packed = build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return unpacked


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from the sdist where there is no node, as on most machines that install it."""
    return zipfile.ZipFile(build("wheel", sdist, tmp_path_factory.mktemp("wheel"), path=""))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    return email.parser.Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_every_module_the_built_card_and_the_types_marker(wheel: zipfile.ZipFile) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "aura_jupyter").rglob("*.py")}
    expected = modules | {
        "aura_jupyter/py.typed",
        *((CARD / "static" / name).as_posix() for name in BUILT),
    }
    assert expected - set(wheel.namelist()) == set()


def test_the_wheel_holds_nothing_but_the_package(wheel: zipfile.ZipFile) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in wheel.namelist()} == {"aura_jupyter"}


def test_the_wheel_brings_the_pytest_plugin_the_licence_and_all_extras(
    wheel: zipfile.ZipFile, metadata: email.message.Message
) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "[pytest11]\naura_jupyter = aura_jupyter.notebook.nbval_plugin" in wheel.read(entry_points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
    extras = {"dask", "demo", "docs", "lab", "notebooks", "server", "test"}
    assert set(metadata.get_all("Provides-Extra", [])) == extras
    assert {"Framework :: Jupyter", "Framework :: IPython"} <= set(metadata.get_all("Classifier", []))


def test_every_extra_that_the_package_names_in_an_error_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "aura_jupyter").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r'require\([^)]*extra="(\w+)"', text)}
    assert named
    assert named <= set(project["optional-dependencies"])


@pytest.fixture
def build_card(tmp_path: Path) -> Callable[[], None]:
    """The build hook, over a copy of the card's sources in `tmp_path`."""
    for path in (Path("package.json"), Path("package-lock.json"), *(CARD / name.replace(".min", "") for name in BUILT)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook = module.CardBuildHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")
    return lambda: hook.initialize("standard", {})


def test_without_npm_the_build_says_what_to_install(
    build_card: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="install node 20 or later"):
        build_card()


def test_what_is_built_and_not_older_than_its_sources_is_not_built_again(
    build_card: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / CARD / "static").mkdir()
    for name in BUILT:
        (tmp_path / CARD / "static" / name).touch()
    build_card()
    newest = max(path.stat().st_mtime for path in (tmp_path / CARD / "static").iterdir())
    os.utime(tmp_path / CARD / "card.js", (newest + 1, newest + 1))
    with pytest.raises(RuntimeError, match="node"):
        build_card()
