"""Builds the card's JavaScript and CSS, minified, before a wheel, an sdist or an editable install is made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARD = Path("aura_jupyter", "notebook", "card")
SETTINGS = (Path("package.json"), Path("package-lock.json"))
PARTS = ("card", "card_more")
BUILT = tuple(CARD / "static" / f"{part}.min.{kind}" for part in PARTS for kind in ("js", "css"))
INSTALLED = Path("node_modules", ".package-lock.json")


class CardBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs esbuild where the built files are missing or older than their sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (the build system's signature)
        """Called before anything is packed.

        Raises:
            RuntimeError: there is no npm, or it failed.
        """
        root = Path(self.root)
        from_sdist = (root / "PKG-INFO").exists()  # it brings the built files, and needs no node
        sources = (path for path in (root / CARD).iterdir() if path.suffix in {".js", ".css"})
        if not from_sdist and _outdated(root, BUILT, (*SETTINGS, *sources)):
            _build(root)


def _outdated(root: Path, made: tuple[Path, ...], sources: tuple[Path, ...]) -> bool:
    if not all((root / path).exists() for path in made):
        return True
    return min((root / path).stat().st_mtime for path in made) < max((root / path).stat().st_mtime for path in sources)


def _build(root: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("The card is built by esbuild: install node 20 or later, with npm, from https://nodejs.org.")
    if _outdated(root, (INSTALLED,), (Path("package-lock.json"),)):
        _run([npm, "ci", "--loglevel=error"], root)
    _run([npm, "run", "--silent", "build"], root)


def _run(command: list[str], root: Path) -> None:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
