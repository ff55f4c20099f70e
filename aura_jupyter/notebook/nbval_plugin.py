"""A pytest plugin: nbval compares the text of a card and leaves alone what differs from run to run.

It does nothing where nbval is not at work, and imports nothing that takes time.
"""

from __future__ import annotations

from typing import Any

from .mime import MIME

CARD_HTML = r'(?s)<div class="aura">.*?</div><!--/aura-->'


def pytest_collectstart(collector: Any) -> None:
    """Tell nbval's collector of a notebook what of a card it may not compare."""
    if not hasattr(collector, "skip_compare") or not hasattr(collector, "sanitize_patterns"):
        return
    collector.skip_compare = (*collector.skip_compare, MIME)
    collector.sanitize_patterns[CARD_HTML] = "an Aura card"
