"""Where in a template's text a path, a filter or a test is written."""

from __future__ import annotations

from collections.abc import Iterator

from .sandbox import ENVIRONMENT
from .template_findings import Path, Text


class Source:
    """The tokens of a template's text with their places, read when the first finding needs them."""

    def __init__(self, template: Text) -> None:
        self.text = template.text
        self._bare = template.bare
        self._tokens: list[tuple[str, str, int]] | None = None

    def path(self, path: Path, number: int) -> tuple[str, int]:
        """The fragment and occurrence of the path's `number`th reading, as written."""
        places = [place for start in range(len(self.tokens)) if (place := self._match(path, start)) is not None]
        return self._fragment(places, number)

    def word(self, name: str, what: str) -> tuple[str, int]:
        """The fragment and occurrence of a filter's or test's name."""
        before = ("|", "filter", "(", ",") if what == "filter" else ("is", "not", "(", ",")
        places = []
        for index, (_, value, start) in enumerate(self.tokens):
            if index and self.tokens[index - 1][1] in before and value.strip("'\"") == name:
                offset = value.find(name)
                places.append((start + offset, start + offset + len(name)))
        return self._fragment(places, 0)

    def _fragment(self, places: list[tuple[int, int]], number: int) -> tuple[str, int]:
        if not places:
            return "", 0
        start, end = places[min(number, len(places) - 1)]
        fragment = self.text[start:end]
        return fragment, self.text.count(fragment, 0, start)

    def _match(self, path: Path, start: int) -> tuple[int, int] | None:
        tokens = self.tokens
        if tokens[start][:2] != ("name", path[0]) or (start and tokens[start - 1][1] in (".", "|")):
            return None
        at = start + 1
        for part in path[1:]:
            following = [token[1] for token in tokens[at : at + 3]]
            if following[:2] == [".", part]:
                at += 2
            elif len(following) == 3 and following[0] == "[" and following[1] in (f'"{part}"', f"'{part}'", str(part)):
                at += 3
            else:
                return None
        last = tokens[at - 1]
        return tokens[start][2], last[2] + len(last[1])

    @property
    def tokens(self) -> list[tuple[str, str, int]]:
        """Kind, text and place of each token that is no white space."""
        if self._tokens is None:
            self._tokens = list(self._read())
        return self._tokens

    def _read(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        for _, kind, value in ENVIRONMENT.lexer.tokeniter(self.text, None, None, "variable" if self._bare else None):
            place = self.text.find(value, at)
            if place < 0:
                continue
            at = place + len(value)
            if kind not in ("whitespace", "data"):
                yield kind, value, place
