"""Progress bars that actions print, such as tqdm's, read as progress: `months:  42%|████▏  | 42/100 [00:01<00:01]`."""

from __future__ import annotations

import re

_NUMBER = r"(?P<{0}>[\d.]+)(?P<{0}_size>[kMGTP]?)"
_BAR = re.compile(rf"(?P<text>[^\r\n]*?):? *\d+%\|[^|\r\n]*\| *{_NUMBER.format('done')}/{_NUMBER.format('total')}")
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


def read_bar(written: str) -> tuple[float, float, str] | None:
    """How far a printed bar is: what is done, the total, and what stands before it; `None` where none was printed.

    Args:
        written: what was written at once, which is looked at from its last carriage return on.
    """
    if "%|" not in written:
        return None
    found = _BAR.match(written.rstrip("\r\n").rpartition("\r")[2])
    if found is None:
        return None
    try:
        done, total = (float(found[name]) * _SIZES[found[f"{name}_size"]] for name in ("done", "total"))
    except ValueError:
        return None
    return done, total, found["text"].strip()
