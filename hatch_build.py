"""Builds the card's JavaScript and CSS and the JupyterLab extension before a wheel, an sdist or an editable install.

An sdist carries what was built, so that installing from it needs no node.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARD = Path("aura_jupyter", "notebook", "card")
LAB = Path("labextension")
PARTS = ("card", "card_more")
BUILT = (
    *(CARD / "static" / f"{part}.min.{kind}" for part in PARTS for kind in ("js", "css")),
    Path("aura_jupyter", "labextension", "package.json"),
    Path("aura_jupyter", "labextension", "install.json"),
    Path("aura_jupyter", "labextension", "static", "style.js"),
)
INSTALLED = LAB / "node_modules" / ".package-lock.json"
LOCK = LAB / "package-lock.json"


class NodeBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs the build where what it makes is missing or older than its sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (the build system's signature)
        """Called before anything is packed.

        Raises:
            RuntimeError: there is no npm, or it failed.
        """
        root = Path(self.root)
        from_sdist = (root / "PKG-INFO").exists()  # it brings the built files
        if not from_sdist and _outdated(root, BUILT, tuple(_sources(root))):
            _build(root)


def _sources(root: Path) -> Iterator[Path]:
    """What the built files are made of."""
    for path in (root / CARD).iterdir():
        if path.suffix in {".js", ".ts", ".css"}:
            yield path
    for folder in ("src", "style", "schema"):
        yield from (path for path in (root / LAB / folder).rglob("*") if path.is_file())
    yield from (path for path in (root / LAB).iterdir() if path.suffix in {".json", ".cjs"})


def _outdated(root: Path, made: tuple[Path, ...], sources: tuple[Path, ...]) -> bool:
    if not all((root / path).exists() for path in made):
        return True
    return min((root / path).stat().st_mtime for path in made) < max((root / path).stat().st_mtime for path in sources)


def _build(root: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            "The card and the JupyterLab extension are built by npm: install node 20 or later, with npm, from"
            " https://nodejs.org."
        )
    if _outdated(root, (INSTALLED,), (LOCK,)):
        _run([npm, "ci", "--loglevel=error"], root / LAB)
    _run([npm, "run", "--silent", "build"], root / LAB)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed in {folder.name}:\n{done.stdout}{done.stderr}")
