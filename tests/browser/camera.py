"""What the pictures of the docs are taken with."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, FloatRect, Locator, Page

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
MARGIN = 8  # pixels around what is taken together


def new_page(browser: Browser, width: int = 1100, height: int = 1600) -> Page:
    """A page that is drawn with two points for each pixel."""
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=2)
    context.set_default_timeout(60_000)
    return context.new_page()


def save(what: Locator, name: str) -> None:
    """Write a screenshot of a page's part."""
    what.screenshot(path=PICTURES / f"{name}.png", animations="disabled")


def save_around(page: Page, name: str, *parts: Locator) -> None:
    """Write a screenshot of what holds several parts of a page, with a margin."""
    boxes = [part.bounding_box() for part in parts]
    sides = [(box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for box in boxes if box]
    lefts, tops, rights, bottoms = zip(*sides, strict=True)
    left, top = min(lefts), min(tops) - MARGIN
    clip: FloatRect = {"x": left, "y": top, "width": max(rights) + MARGIN - left, "height": max(bottoms) + MARGIN - top}
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled", clip=clip)


def wear(page: Page, theme: str) -> None:
    """Change the theme of JupyterLab."""
    page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", theme)
    page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")
    page.wait_for_timeout(500)  # the style sheet of the theme is on its way
