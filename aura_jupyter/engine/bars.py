"""Progress bars that actions print, such as tqdm's, read as progress: `months:  42%|████▏  | 42/100 [00:01<00:01]`."""

from __future__ import annotations

import re

_NUMBER = r"(?P<{0}>[\d.]+)(?P<{0}_size>[kMGTP]?)"
_TEXT = r"(?P<text>[^\r\n]*?):? *"
_BAR = re.compile(rf"{_TEXT}\d+%\|[^|\r\n]*\| *{_NUMBER.format('done')}/{_NUMBER.format('total')}")
_COUNT = re.compile(  # without a total: `rows: 5it [00:00,  6.65it/s]`
    rf"{_TEXT}{_NUMBER.format('done')}[A-Za-z]* \[\d+:\d\d(?::\d\d)?, *(?:\?|[\d.]+)[A-Za-z]*/[A-Za-z]+[^\]\r\n]*\]"
)
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


def read_bar(written: str) -> tuple[float, float | None, str] | None:
    """How far a printed bar is: what is done, the total or None, what stands before it; `None` where none was printed.

    Args:
        written: what was written at once, which is looked at from its last carriage return on.
    """
    with_total = "%|" in written
    if not with_total and "/" not in written[-200:]:
        return None
    found = (_BAR if with_total else _COUNT).match(written.strip("\r\n ").rpartition("\r")[2])
    if found is None:
        return None
    try:
        done = float(found["done"]) * _SIZES[found["done_size"]]
        total = float(found["total"]) * _SIZES[found["total_size"]] if with_total else None
    except ValueError:
        return None
    return done, total, found["text"].strip()
