"""What a wheel and an sdist hold, and how the card and the JupyterLab extension are built for them."""

from __future__ import annotations

import email.message
import email.parser
import importlib.util
import json
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
LAB = Path("aura_jupyter", "labextension")
INSTALLED = "aura_jupyter-{version}.data/data/share/jupyter/labextensions/aura-jupyter/"


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


def test_the_wheel_brings_the_pytest_plugin_the_program_the_licence_and_all_extras(
    wheel: zipfile.ZipFile, metadata: email.message.Message
) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    brought = wheel.read(entry_points).decode()
    assert "[pytest11]\naura_jupyter = aura_jupyter.notebook.nbval_plugin" in brought
    assert "[console_scripts]\njupyter-aura = aura_jupyter.cli.program:main" in brought
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


def test_the_wheel_brings_the_extension_where_jupyterlab_looks_for_it(
    wheel: zipfile.ZipFile, metadata: email.message.Message
) -> None:
    folder = INSTALLED.format(version=metadata["Version"])
    brought = {name.removeprefix(folder) for name in wheel.namelist() if name.startswith(folder)}
    assert {"package.json", "install.json", "static/style.js"} <= brought
    package = json.loads(wheel.read(f"{folder}package.json"))
    assert package["name"] == "aura-jupyter"
    assert package["jupyterlab"]["_build"]["load"] in brought
    assert package["version"] == metadata["Version"], "labextension/package.json and pyproject.toml have one version"
    assert not any(name.startswith(LAB.as_posix()) for name in wheel.namelist()), "it is there twice"


def test_the_extension_manager_finds_it(metadata: email.message.Message) -> None:
    prebuilt = "Framework :: Jupyter :: JupyterLab :: Extensions :: Prebuilt"
    assert prebuilt in metadata.get_all("Classifier", [])


def test_the_lock_file_names_no_host_to_download_from() -> None:
    lock = json.loads((ROOT / "labextension" / "package-lock.json").read_text(encoding="utf-8"))
    assert len(lock["packages"]) > 100
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


@pytest.fixture
def build_all(tmp_path: Path) -> Callable[[], None]:
    """The build hook, over a copy of the sources in `tmp_path`."""
    ignored = shutil.ignore_patterns("node_modules", "lib")
    shutil.copytree(ROOT / "labextension", tmp_path / "labextension", ignore=ignored)
    shutil.copytree(ROOT / CARD, tmp_path / CARD, ignore=shutil.ignore_patterns("static", "__pycache__"))
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook = module.NodeBuildHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")
    return lambda: hook.initialize("standard", {})


def test_without_npm_the_build_says_what_to_install(
    build_all: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="install node 20 or later"):
        build_all()


@pytest.mark.parametrize("source", [CARD / "card.js", Path("labextension", "src", "index.ts")])
def test_what_is_built_and_not_older_than_its_sources_is_not_built_again(
    build_all: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    extension = [LAB / name for name in ("package.json", "install.json", "static/style.js")]
    built = [*(CARD / "static" / name for name in BUILT), *extension]
    for path in built:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    build_all()
    newest = max((tmp_path / path).stat().st_mtime for path in built)
    os.utime(tmp_path / source, (newest + 1, newest + 1))
    with pytest.raises(RuntimeError, match="node"):
        build_all()


def test_what_the_extension_bundles_wants_no_newer_codemirror_than_jupyterlab_4_4_has() -> None:
    """JupyterLab's own is shared; a newer function that a bundled package calls is missing there."""
    lock = json.loads((ROOT / "labextension" / "package-lock.json").read_text("utf-8"))
    wanted = lock["packages"]["node_modules/@codemirror/lint"]["dependencies"]["@codemirror/view"]
    assert tuple(map(int, wanted.removeprefix("^").split(".")))[:2] <= (6, 36)
