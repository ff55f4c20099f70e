"""Makes the pictures of the docs: `python -m tests.browser.pictures` (`make pictures`) writes docs/pictures/*.png."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.lab import Lab, chromium, jupyterlab

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
QUICKSTART = ROOT / "notebooks" / "01-quickstart.ipynb"


def new_page(browser: Browser, width: int = 1100, height: int = 1600) -> Page:
    """A page that is drawn with two points for each pixel."""
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=2)
    context.set_default_timeout(60_000)
    return context.new_page()


def quickstart(browser: Browser, address: str, work: Path) -> None:
    """The quickstart's card while it runs, as the README shows it."""
    lab = Lab(new_page(browser), address, work, QUICKSTART, theme="JupyterLab Light")
    lab.run(0)
    expect(lab.outputs(0)).to_contain_text("336,776 flights")
    lab.run(1)
    lab.run(2)
    card = lab.card(2)
    expect(card).to_contain_text("failed, next in")
    expect(card).to_contain_text(re.compile(r"\d of 12"))
    card.screenshot(path=PICTURES / "card-running.png")


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home, work = Path(folder, "home"), Path(folder, "work")
        home.mkdir()
        work.mkdir()
        with jupyterlab(home, work) as address:
            quickstart(browser, address, work)


if __name__ == "__main__":
    main()
