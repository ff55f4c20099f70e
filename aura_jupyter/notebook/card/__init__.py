"""The status card: one picture, drawn as a live widget, as plain HTML and as text."""
