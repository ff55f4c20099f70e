"""`python -m aura_jupyter …`, the same as `jupyter aura …`."""

from __future__ import annotations

import sys

from .cli.program import main

if __name__ == "__main__":
    sys.exit(main())
