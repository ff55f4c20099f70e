"""The types of what is shown in a cell's output."""

MIME = "application/vnd.aura.task+json"
"""A card's picture."""
VIEW = "application/vnd.jupyter.widget-view+json"
"""A widget."""
