"""A line of what the benchmarks print."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A figure, and beside it what it may be at most."""

    what: str
    figure: float
    unit: str
    limit: float | None = None

    def __str__(self) -> str:
        target = "" if self.limit is None else f"at most {self.limit:,.10g} {self.unit}"
        mark = "" if self.limit is None else "reached" if self.figure <= self.limit else "MISSED"
        return f"{self.what:<66} {self.figure:>10,.5g} {self.unit:<6}  {target:<20} {mark}".rstrip()
